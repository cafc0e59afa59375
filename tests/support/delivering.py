"""Webhooks as they really go out: to receivers on loopback that do what the guide says."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import WebhookVerificationError

from certsvc.settings import Settings
from certsvc.usecases.webhooks.delivering import deliver
from certsvc.usecases.webhooks.terms import terms_of
from certsvc.webhooks.sending import Sender
from tests.webhooks.receiver import Heard

GUIDE = Path(__file__).parents[2] / "docs" / "webhooks.md"
STATUS = {204: "No Content", 400: "Bad Request", 410: "Gone", 500: "Internal Server Error"}


async def delivered(engine: AsyncEngine, settings: Settings) -> None:
    """All that is due is sent, by runs like the scheduler's, until one finds nothing to do: what
    comes up while a run ends is for the next."""
    sender = Sender(settings)
    try:
        while await deliver(engine, lambda: sender, terms_of(settings)):
            pass
    finally:
        await sender.aclose()


def snippet() -> dict[str, Any]:
    """The receiver of the guide, on an empty database."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    return names


class Inbox:
    """A receiver as the guide has it. `mood` says how it is doing: well, down, gone, or
    forgetful, which takes a message and dies before it answers."""

    def __init__(self) -> None:
        names = snippet()
        self._receive: Callable[[dict[str, str], bytes, str], None] = names["receive"]
        self.heard: set[str] = names["heard"]
        self.latest: dict[str, Any] = names["latest"]
        self.secret = ""
        self.mood = "well"
        self.taken: list[str] = []
        self.turned_away = 0

    async def answer(self, writer: asyncio.StreamWriter, heard: Heard) -> None:
        """To one message."""
        if self.mood == "down":
            writer.transport.abort()
            return
        if self.mood == "gone":
            _say(writer, 410)
            return
        try:
            self._receive(heard.headers, heard.body, self.secret)
        except WebhookVerificationError:
            self.turned_away += 1
            _say(writer, 400)
            return
        self.taken.append(heard.headers["webhook-id"])
        if self.mood == "forgetful":
            writer.transport.abort()
        else:
            _say(writer, 204)

    def states(self) -> dict[str, Any]:
        """What it knows of each enrollment."""
        return {id: event["after"] for id, event in self.latest.items()}


def _say(writer: asyncio.StreamWriter, status: int) -> None:
    writer.write(f"HTTP/1.1 {status} {STATUS[status]}\r\ncontent-length: 0\r\n\r\n".encode())
