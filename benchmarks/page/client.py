"""One connection that asks for one thing after the other, and costs next to nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that is kept alive."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    authorization: str

    async def get(self, path: str) -> bytes:
        """The body of a good answer."""
        return await self._ask(f"GET {path}", b"")

    async def post(self, path: str, document: bytes) -> bytes:
        """The body of a good answer to a document."""
        kind = f"content-type: application/json\r\ncontent-length: {len(document)}\r\n"
        return await self._ask(f"POST {path}", document, kind)

    async def _ask(self, what: str, document: bytes, headers: str = "") -> bytes:
        request = (
            f"{what} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {self.authorization}\r\n"
            f"{headers}\r\n"
        )
        self.writer.write(request.encode() + document)
        head = await self.reader.readuntil(b"\r\n\r\n")
        place = head.lower().index(b"content-length:") + 15
        body = await self.reader.readexactly(int(head[place : head.index(b"\r", place)]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(f"{what} failed: {body[:1000].decode(errors='replace')}")
        return body


@asynccontextmanager
async def connection(port: int, authorization: str) -> AsyncIterator[Connection]:
    """A new connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    try:
        yield Connection(reader, writer, authorization)
    finally:
        writer.close()
        await writer.wait_closed()
