"""Runs the command: due dates are changed on enrollments in progress, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from benchmarks.bench import Bench, alternately
from benchmarks.command import servers
from benchmarks.command.bare import ACTOR
from benchmarks.command.client import load
from benchmarks.database import connected, copy_of
from benchmarks.figures import Figure
from benchmarks.keys import new_key
from benchmarks.population.filling import FEW
from benchmarks.population.programmes import TENANT

COPY = "command"
NEEDED = 0.55
HANDLER = "benchmarks.command.bare:app"
KEY_ID = UUID("018cc251-f400-7000-8000-0000000be0aa")
WARM_UP_SECONDS = 1.0

_TARGETS = """
SELECT id FROM enrollments
WHERE tenant_id = $1 AND work = 'in_progress' AND next_due_at > now() + interval '1 day'
ORDER BY md5(id::text)"""
_TOLD = "SELECT actor, count(*) FROM events GROUP BY actor"


@dataclass(slots=True)
class _Commands:
    """The load on both servers, and how many commands each has answered."""

    bench: Bench
    request: Callable[[], bytes]
    answered: dict[str, int] = field(default_factory=dict)

    async def run(self, actor: str, port: int) -> float:
        """Commands a second."""
        await self._load(actor, port, WARM_UP_SECONDS)
        return await self._load(actor, port, self.bench.sizes.command_seconds)

    async def _load(self, actor: str, port: int, seconds: float) -> float:
        done = await load(port, self.request, seconds)
        self.answered[actor] = self.answered.get(actor, 0) + done.all_answers
        return done.rate


async def measure(bench: Bench) -> Figure:
    """Both servers run on one database, and are asked in turn."""
    async with copy_of(bench.url, FEW, COPY) as url:
        authorization = f"Bearer {await new_key(url, KEY_ID)}"
        async with connected(url) as connection:
            ids = [row[0] for row in await connection.fetch(_TARGETS, TENANT)]
        commands = _Commands(bench, _requests(ids, authorization, bench.now))
        async with (
            servers.ours(url) as our_port,
            servers.bare(url, authorization, HANDLER) as bare_port,
        ):
            rounds = bench.sizes.command_rounds
            ours, bare = await alternately(
                rounds,
                lambda: commands.run(f"key:{KEY_ID}", our_port),
                lambda: commands.run(ACTOR, bare_port),
                bench.bar("command", rounds * 2),
            )
        async with connected(url) as connection:
            await _expect_told(connection, commands.answered)
    return Figure("command", "commands/s", ours, bare, NEEDED)


def _requests(ids: list[UUID], authorization: str, now: datetime) -> Callable[[], bytes]:
    """The next request: another enrollment, another day."""
    numbers = count()
    days = [f"{now + timedelta(days=30 + day):%Y-%m-%dT%H:%M:%SZ}" for day in range(300)]
    texts = [str(id) for id in ids]
    head = f"host: 127.0.0.1\r\nauthorization: {authorization}\r\ncontent-type: application/json"

    def request() -> bytes:
        number = next(numbers)
        body = f'{{"due_at": "{days[number % len(days)]}"}}'
        path = f"/v1/enrollments/{texts[number % len(texts)]}/actions/change-dates"
        return (
            f"POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {len(body)}\r\n\r\n{body}"
        ).encode()

    return request


async def _expect_told(connection: Any, answered: dict[str, int]) -> None:
    """Every answered command left one event, on either side."""
    told = dict(await connection.fetch(_TOLD))
    if told != answered:
        raise AssertionError(f"commands answered: {answered}; events written: {told}")
