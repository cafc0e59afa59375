"""Runs the recertification: the service's own bulk operation, by two workers, and the script, each
on a copy."""

from dataclasses import dataclass, field
from time import perf_counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.bench import Bench, alternately
from benchmarks.bulk_recertify import limit
from benchmarks.bulk_recertify.comparison import Traces, expect_same, traces
from benchmarks.database import connected, copy_of
from benchmarks.figures import Figure
from benchmarks.population.filling import READY
from benchmarks.population.programmes import BY_HAND, TENANT
from benchmarks.workers import BATCH, workers
from certsvc import clock
from certsvc.domain.outcome import Refusal
from certsvc.store import tenants
from certsvc.store.author import Author
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.bulk.ordering import Order, order

COPY = "recertify"
NEEDED = 0.6
REASON = "the yearly roll-out"
EVERYBODY = Order(
    action="recertify",
    parameters={},
    filter={
        "certification": [BY_HAND.certification.key],
        "standing": ["valid"],
        "flag": ["due_for_recertification"],
    },
)


async def put_in(engine: AsyncEngine, given: Order) -> UUID:
    """Order an operation."""
    async with transaction(engine) as conn:
        tenant = await tenants.by_id(conn, TENANT)
        assert tenant is not None, "the database was filled"
        author = Author("key:boss", reason=REASON)
        row = await order(conn, tenant, clock.now(), given, author)
        assert not isinstance(row, Refusal), row
        return row.id


@dataclass(slots=True)
class _Recertification:
    bench: Bench
    left: dict[str, Traces] = field(default_factory=dict)

    async def ours(self) -> float:
        """Learners a second, from the order until two workers have completed it."""
        async with copy_of(self.bench.url, READY, COPY) as url:
            engine = open_engine(url)
            try:
                async with workers("bulk", url, self.bench.now) as team:
                    began = perf_counter()
                    id = await put_in(engine, EVERYBODY)
                    people = await team.work()
                    seconds = perf_counter() - began
            finally:
                await engine.dispose()
            await self._keep("ours", url, id)
        return people / seconds

    async def limit(self) -> float:
        """Learners a second of the script."""
        async with copy_of(self.bench.url, READY, COPY) as url:
            async with connected(url) as connection:
                began = perf_counter()
                id, people = await limit.recertify(connection, BATCH, REASON)
                seconds = perf_counter() - began
            await self._keep("limit", url, id)
        expect_same(self.left["ours"], self.left["limit"], self.bench.sizes.ready)
        return people / seconds

    async def _keep(self, side: str, url: str, id: UUID) -> None:
        async with connected(url) as connection:
            self.left[side] = await traces(connection, id)


async def measure(bench: Bench) -> Figure:
    """One operation until it is completed."""
    run = _Recertification(bench)
    rounds = bench.sizes.recertifications
    bar = bench.bar("bulk-recertify", rounds * 2)
    ours, by_hand = await alternately(rounds, run.ours, run.limit, bar)
    return Figure("bulk-recertify", "learners/s", ours, by_hand, NEEDED)
