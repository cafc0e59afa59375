"""Receivers of webhooks on loopback: real servers that answer as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(slots=True)
class Receiver:
    """Where it listens, and what it heard."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    def url(self, host: str = "127.0.0.1", scheme: str = "http", path: str = "/hook") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


Answer = Callable[[asyncio.StreamWriter, Heard], Awaitable[None]]


def says(status: str, body: bytes = b"", **headers: str) -> Answer:
    """Answer every request alike."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    whole = "\r\n".join([*lines, "", ""]).encode() + body
    return writes(whole)


def writes(whole: bytes, *, then_close: bool = False) -> Answer:
    """Answer every request with these bytes."""

    async def answer(writer: asyncio.StreamWriter, heard: Heard) -> None:
        writer.write(whole)
        if then_close:
            writer.close()

    return answer


@asynccontextmanager
async def receiving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver for the length of a test."""
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        number = receiver.connections
        try:
            while not writer.is_closing():
                heard = await _heard(reader, number)
                receiver.heard.append(heard)
                await answer(writer, heard)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def _heard(reader: asyncio.StreamReader, connection: int) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rest)}
    assert len(headers) == len(rest), "no header comes twice"
    body = await reader.readexactly(int(headers["content-length"]))
    return Heard(line, headers, body, connection)
