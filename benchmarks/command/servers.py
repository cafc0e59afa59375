"""The two servers, each a process of its own on the same database."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

from benchmarks.database import plain

PATIENCE = 30.0


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[int]:
    """`certsvc serve`, as an operator starts it, with the scheduler elsewhere. Its port."""
    port = _free_port()
    start = "from certsvc.cli import main; main()"
    settings = {"CERTSVC_DATABASE_URL": url, "CERTSVC_SCHEDULER": "false"}
    async with _running(port, settings, "-c", start, "serve", "--port", str(port)):
        yield port


@asynccontextmanager
async def bare(url: str, authorization: str, app: str) -> AsyncIterator[int]:
    """A bare handler, under the same server with the same options. Its port."""
    port = _free_port()
    settings = {"BENCH_DATABASE_URL": plain(url), "BENCH_AUTHORIZATION": authorization}
    options = ("--no-access-log", "--log-level", "warning", "--no-server-header")
    program = ("-m", "uvicorn", app, "--port", str(port), *options)
    async with _running(port, settings, *program):
        yield port


@asynccontextmanager
async def _running(port: int, settings: Mapping[str, str], *program: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _answers(port, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(port: int, process: asyncio.subprocess.Process) -> None:
    deadline = monotonic() + PATIENCE
    while monotonic() < deadline and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError("a server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
