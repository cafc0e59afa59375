"""`idle-tick`: a tick that finds nothing due must not mind how many enrollments there are.

Here both sides are ours: a million enrollments, and as the limit ten thousand.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from time import perf_counter

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.bench import Bench, alternately
from benchmarks.database import named
from benchmarks.figures import Figure
from benchmarks.population.filling import FEW, MANY
from certsvc.settings import Settings
from certsvc.store.db import open_engine
from certsvc.usecases.tick import run_once

NEEDED = 0.75
BEFORE = timedelta(days=10)
"""So long before anything came due."""


def _ticking(
    engine: AsyncEngine, at: datetime, batch: int, ticks: int
) -> Callable[[], Awaitable[float]]:
    async def run() -> float:
        began = perf_counter()
        for _ in range(ticks):
            result = await run_once(engine, at, batch)
            assert result.tenants == 0, "something was due"
        return ticks / (perf_counter() - began)

    return run


async def measure(bench: Bench) -> Figure:
    """Ticks a second over many enrollments, and over few."""
    sizes = bench.sizes
    at = bench.now - BEFORE
    batch: int = Settings.model_fields["batch_size"].default
    many, few = (open_engine(named(bench.url, name)) for name in (MANY, FEW))
    try:
        over_many = _ticking(many, at, batch, sizes.idle_ticks)
        over_few = _ticking(few, at, batch, sizes.idle_ticks)
        for warm_up in (over_many, over_few):
            await warm_up()
        bar = bench.bar("idle-tick", sizes.idle_rounds * 2)
        ours, limit = await alternately(sizes.idle_rounds, over_many, over_few, bar)
    finally:
        await many.dispose()
        await few.dispose()
    return Figure("idle-tick", "ticks/s", ours, limit, NEEDED)
