"""`python -m benchmarks.member tick|bulk URL NOW BATCH`: one worker, which does a duty once when it
is told to, and says how many rows it moved."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.cli.living import live
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.bulk.running import run_due
from certsvc.usecases.tick import run_once


async def _tick(engine: AsyncEngine, now: datetime, batch: int) -> int:
    return (await run_once(engine, now, batch)).rows


async def _bulk(engine: AsyncEngine, _: datetime, batch: int) -> int:
    return await run_due(engine, batch)


DUTIES: dict[str, Callable[[AsyncEngine, datetime, int], Awaitable[int]]] = {
    "tick": _tick,
    "bulk": _bulk,
}


async def _work(duty: str, url: str, now: datetime, batch: int) -> None:
    engine = open_engine(url)
    try:
        async with transaction(engine):
            print(0, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(await DUTIES[duty](engine, now, batch), flush=True)
    finally:
        await engine.dispose()


if __name__ == "__main__":
    duty, url, now, batch = sys.argv[1:]
    live(_work(duty, url, datetime.fromisoformat(now), int(batch)))
