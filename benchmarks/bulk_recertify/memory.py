"""`bulk-memory`: what a worker takes while a million items run, early on and in the end.

Here both sides are ours: the memory of its process while the second tenth of the items is done,
and, as the limit, while the last tenth is.
"""

import asyncio
import sys
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.bulk_recertify import alone
from benchmarks.bulk_recertify.measure import EVERYBODY, put_in
from benchmarks.database import copy_of
from benchmarks.figures import Figure
from benchmarks.population.filling import MANY
from benchmarks.workers import BATCH
from certsvc.store.db import open_engine

COPY = "memory"
NEEDED = 0.9
"""In the end it takes a tenth more at most: what a batch takes differs by as much."""

MEGABYTE = 1_000_000
ALL = replace(EVERYBODY, filter={}, parameters={"early": True})
"""Everybody at all; those who cannot recertify are refused one by one."""

Sample = tuple[int, int]


async def measure(bench: Bench) -> Figure:
    """One operation over everybody, in a process of its own."""
    total = bench.sizes.many
    async with copy_of(bench.url, MANY, COPY) as url:
        samples = await _samples(url, total, bench)
    early = _between(samples, total * 0.1, total * 0.2)
    late = _between(samples, total * 0.9, total)
    return Figure("bulk-memory", "MB", early, late, NEEDED)


def _between(samples: list[Sample], first: float, last: float) -> tuple[float, ...]:
    found = tuple(taken / MEGABYTE for done, taken in samples if first <= done < last)
    # Of a short run there may be none just then: the nearest.
    nearest = min(samples, key=lambda sample: abs(sample[0] - first))
    return found or (nearest[1] / MEGABYTE,)


async def _samples(url: str, total: int, bench: Bench) -> list[Sample]:
    engine = open_engine(url)
    try:
        id = await put_in(engine, ALL)
    finally:
        await engine.dispose()
    bar = bench.bar(f"an operation over {total:,} enrollments", 100)
    program = (sys.executable, "-m", alone.__name__, url, str(id), str(min(BATCH, total // 100)))
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    samples: list[Sample] = []
    shown = 0
    async for line in process.stdout:
        done, taken = map(int, line.split())
        samples.append((done, taken))
        for _ in range(shown, shown := done * 100 // total):
            bar.advance()
    if await process.wait() or not samples:
        raise RuntimeError("the worker failed")
    return samples
