"""Two workers on one database, as an operator starts one for each core: processes of their own,
which share the work by their claims."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from benchmarks import member
from certsvc.settings import Settings

WORKERS = 2
BATCH: int = Settings.model_fields["batch_size"].default


class Workers:
    """Processes that have started, are connected, and wait for a word."""

    def __init__(self, processes: list[Process]) -> None:
        self._processes = processes

    def begin(self) -> None:
        """Say the word to all of them."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")

    async def work(self) -> int:
        """All of them, until nothing is left for any; how many rows they moved."""
        self.begin()
        return sum(await asyncio.gather(*map(_told, self._processes)))


async def _told(process: Process) -> int:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a worker failed")
    return int(line)


def workers(duty: str, url: str, now: datetime) -> AbstractAsyncContextManager[Workers]:
    """Workers for a duty of `member`; they end with the block."""
    program = ("-m", member.__name__, duty, url, now.isoformat(), str(BATCH))
    return team([program] * WORKERS)


@asynccontextmanager
async def team(
    programs: Iterable[Sequence[str]], settings: Mapping[str, str] | None = None
) -> AsyncIterator[Workers]:
    """Such processes, each a program of Python; they end with the block."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, *program),
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, **(settings or {})},
        )
        for program in programs
    ]
    try:
        for process in processes:
            await _told(process)
        yield Workers(processes)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()
