"""Runs the sweep: the scheduler's own tick, in two workers, and the statement by hand, each on a
fresh copy."""

from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.bench import Bench, alternately
from benchmarks.database import connected, copy_of
from benchmarks.figures import Figure
from benchmarks.population.filling import MANY
from benchmarks.sweep import limit
from benchmarks.sweep.comparison import Traces, expect_same, traces
from benchmarks.workers import BATCH, workers

COPY = "sweep"
NEEDED = 0.7


@dataclass(slots=True)
class _Sweep:
    bench: Bench
    left: dict[str, Traces] = field(default_factory=dict)

    async def ours(self) -> float:
        """Rows a second of a tick, as two schedulers run it, from the first question to the end."""
        async with copy_of(self.bench.url, MANY, COPY) as url:
            async with workers("tick", url, self.bench.now) as team:
                began = perf_counter()
                rows = await team.work()
                seconds = perf_counter() - began
            await self._keep("ours", url)
        return rows / seconds

    async def limit(self) -> float:
        """Rows a second of the statement by hand."""
        async with copy_of(self.bench.url, MANY, COPY) as url:
            async with connected(url) as connection:
                began = perf_counter()
                rows = await limit.sweep(connection, self.bench.now, BATCH)
                seconds = perf_counter() - began
            await self._keep("limit", url)
        expect_same(self.left["ours"], self.left["limit"], self.bench.sizes.due)
        return rows / seconds

    async def _keep(self, side: str, url: str) -> None:
        async with connected(url) as connection:
            self.left[side] = await traces(connection, self.bench.now)


async def measure(bench: Bench) -> Figure:
    """A tick until nothing is left."""
    sweep = _Sweep(bench)
    rounds = bench.sizes.sweeps
    bar = bench.bar("sweep", rounds * 2)
    ours, by_hand = await alternately(rounds, sweep.ours, sweep.limit, bar)
    return Figure("sweep", "rows/s", ours, by_hand, NEEDED)
