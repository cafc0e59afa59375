"""A client that costs next to nothing, so that the server is what is measured.

Each connection is kept alive and has one request under way; there is no HTTP beyond what this
needs: the status, and where the body ends.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import cast

CONNECTIONS = 16
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a run: answers within its time, the seconds, and all answers."""

    answers: int
    seconds: float
    all_answers: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


class _Caller(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, asks again."""

    def __init__(self, request: Callable[[], bytes], until: float) -> None:
        self._request = request
        self._until = until
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.in_time = 0
        self.answers = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transport is of the type that it behaves like.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = _end(self._buffer)
        if end is None or len(self._buffer) < end:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self._fail(self._buffer[:1000].decode(errors="replace"))
            return
        self._buffer = b""
        self.answers += 1
        if perf_counter() < self._until:
            self.in_time += 1
            self._ask()
        else:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._fail(f"the connection was lost: {exc}")

    def _ask(self) -> None:
        assert self._transport is not None
        self._transport.write(self._request())

    def _fail(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(AssertionError(f"a command failed: {what}"))
        self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        assert self._transport is not None
        self._transport.close()


def _end(buffer: bytes) -> int | None:
    """Where the answer ends, once its head is here."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    place = buffer.lower().find(b"\r\ncontent-length:", 0, head)
    length = buffer[place + 17 : buffer.find(b"\r\n", place + 2)]
    return head + 4 + int(length)


async def load(port: int, request: Callable[[], bytes], seconds: float) -> Load:
    """Ask on all connections for so long; what is under way at the end is waited for."""
    loop = asyncio.get_running_loop()
    began = perf_counter()
    made = await asyncio.gather(
        *(
            loop.create_connection(
                lambda: _Caller(request, began + seconds), host="127.0.0.1", port=port
            )
            for _ in range(CONNECTIONS)
        )
    )
    callers = [caller for _, caller in made]
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(caller.done for caller in callers))
    in_time = sum(caller.in_time for caller in callers)
    return Load(in_time, seconds, sum(caller.answers for caller in callers))
