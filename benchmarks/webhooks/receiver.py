"""`python -m benchmarks.webhooks.receiver`: whoever is told: it answers at once, keeps connections
alive, and counts. Says its port, and is asked over the same port what it has heard.

There is no HTTP beyond what this needs: the path, and where the body ends. What is sent to
HANGING is taken in and never answered.
"""

import asyncio
import base64
from collections import Counter
from typing import cast

import orjson

from certsvc.cli.living import live

HOOK = "/hook/"
HANGING = "/hanging"
HEARD = "/heard"
KEPT = b"00"
"""Messages are kept, to be looked at afterwards, whose ids end so: one of 256."""

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Heard:
    """All connections together."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.ids: set[bytes] = set()
        self.kept: list[dict[str, str]] = []

    def message(self, path: str, head: bytes, body: bytes) -> None:
        """One message is here."""
        self.counts[path] += 1
        place = head.index(b"webhook-id: ") + 12
        id = head[place : head.index(b"\r", place)]
        self.ids.add(id)
        if id.endswith(KEPT):
            headers = dict(
                line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line
            )
            kept = {"path": path, "body": base64.b64encode(body).decode(), **headers}
            self.kept.append(kept)

    def document(self) -> bytes:
        """What is asked for afterwards."""
        said = {"counts": self.counts, "ids": len(self.ids), "kept": self.kept}
        return orjson.dumps(said)


class _Listener(asyncio.Protocol):
    """One connection, which has one message under way at a time."""

    def __init__(self, heard: _Heard) -> None:
        self._heard = heard
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transport is of the type that it behaves like.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head, body = self._buffer[: end + 2], self._buffer[end + 4 :]
        if head.startswith(b"GET"):
            self._say_what_was_heard()
            return
        place = head.index(b"content-length: ") + 16
        if len(body) < int(head[place : head.index(b"\r", place)]):
            return
        self._buffer = b""
        path = head[5 : head.index(b" ", 5)].decode()
        self._heard.message(path, head, body)
        if path != HANGING:
            self._transport.write(_TAKEN)

    def _say_what_was_heard(self) -> None:
        assert self._transport is not None
        self._buffer = b""
        document = self._heard.document()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(document)}\r\n\r\n"
        self._transport.write(head.encode() + document)


async def _listen() -> None:
    heard = _Heard()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Listener(heard), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    live(_listen())
