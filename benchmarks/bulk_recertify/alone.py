"""`python -m benchmarks.bulk_recertify.alone URL ID BATCH`: a worker by itself, which runs what was
ordered and tells twice a second how many items are done and how much memory it takes."""

import asyncio
import resource
import sys
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.population.programmes import TENANT
from certsvc.cli.living import live
from certsvc.store import bulk_operations
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.bulk.running import run_due

SECONDS = 0.5


def memory() -> int:
    """Bytes that are resident now; where that cannot be told, the most that ever were."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


async def _tell(engine: AsyncEngine, id: UUID) -> None:
    while True:
        async with transaction(engine) as conn:
            row = await bulk_operations.get(conn, TENANT, id)
        assert row is not None, "it was ordered"
        print(row.done, memory(), flush=True)
        await asyncio.sleep(SECONDS)


async def _work(url: str, id: UUID, batch: int) -> None:
    engine = open_engine(url)
    telling = asyncio.create_task(_tell(engine, id))
    try:
        await run_due(engine, batch)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await engine.dispose()


if __name__ == "__main__":
    live(_work(sys.argv[1], UUID(sys.argv[2]), int(sys.argv[3])))
