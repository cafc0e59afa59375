"""The bytes of one connection, as httpcore's HTTP protocol wants them.

What is written goes out with the next read, in one piece. No more is read than `left`, whatever the
other side sends, and one that speaks unasked is let go.
"""

import asyncio
from typing import Any, cast

import httpcore

UNREAD_BYTES = 64 * 1024


class TooMuch(Exception):
    """The other side says more than is read."""


class Wire(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection; the event loop calls it with what comes in."""

    def __init__(self) -> None:
        self.left = 0  # how many bytes may still come; whoever asks for something sets it
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._to_say: list[bytes] = []
        self._heard = bytearray()
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether it is open, and nothing was said that nobody asked for."""
        return not self._ended and not self._heard

    def abort(self) -> None:
        """Let go at once. To close would be to say goodbye and to wait for an answer."""
        if self._transport is not None:
            self._transport.abort()

    # As httpcore wants it; its timeouts are not used, the whole attempt has one.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        self._say()
        if self.left <= 0:
            raise TooMuch
        if not self._heard and not self._ended:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._heard and self._error is not None:
            raise self._error
        said = bytes(self._heard[: min(max_bytes, self.left)])
        del self._heard[: len(said)]
        self.left -= len(said)
        self._listen()
        return said

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._to_say.append(buffer)

    async def aclose(self) -> None:
        self.abort()

    def get_extra_info(self, info: str) -> Any:
        return None if self._transport is None else self._transport.get_extra_info(info)

    # As the event loop calls it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by descent

    def data_received(self, data: bytes) -> None:
        if self.left <= 0:
            # Nobody asked: such a connection answers no message, and its words fill no memory.
            self._ended = True
            self.abort()
            return
        self._heard += data
        if len(self._heard) > UNREAD_BYTES and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = self._error or exc
        self._wake()

    def _say(self) -> None:
        if self._to_say and self._transport is not None and not self._ended:
            self._transport.write(b"".join(self._to_say))
        self._to_say.clear()

    def _listen(self) -> None:
        if self._paused and len(self._heard) <= UNREAD_BYTES // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
