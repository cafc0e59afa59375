"""Runs the evidence: two `certsvc serve`, as an operator starts one for each core, each told over
HTTP as an LMS tells it, one batch after the other; and the rows that came of it, written by
themselves into a copy of the same database.

Ours is measured where a client stands: the documents are sent and answered, so reading and checking
them, the rules and the answer are in its time. The limit does nothing but write, from one
connection to the database.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import perf_counter
from uuid import UUID

from benchmarks.bench import Bench, alternately
from benchmarks.command import servers
from benchmarks.database import connected, copy_of
from benchmarks.evidence import limit
from benchmarks.evidence.batches import PATH, batches
from benchmarks.evidence.comparison import Traces, expect_same, traces
from benchmarks.evidence.limit import Batch
from benchmarks.figures import Figure
from benchmarks.keys import new_key
from benchmarks.page.client import Connection, connection
from benchmarks.population.filling import WAITING
from certsvc.store.api_keys import Role

COPY = "evidence"
NEEDED = 0.5
KEY_ID = UUID("018cc251-f400-7000-8000-0000000be0ad")
ACTOR = f"key:{KEY_ID}"
SERVERS = 2
WARM_UP = 4
"""So many batches go before those that are measured, on either side."""


@dataclass(slots=True)
class _Evidence:
    bench: Bench
    left: dict[str, Traces] = field(default_factory=dict)
    written: list[Batch] = field(default_factory=list)

    async def ours(self) -> float:
        """Facts a second, from the first batch sent to the last one answered."""
        async with copy_of(self.bench.url, WAITING, COPY) as url:
            authorization = f"Bearer {await new_key(url, KEY_ID, Role.LMS)}"
            async with connected(url) as driver:
                documents = await batches(driver, self.bench)
            async with AsyncExitStack() as stack:
                clients = []
                for _ in range(SERVERS):
                    port = await stack.enter_async_context(servers.ours(url))
                    clients.append(await stack.enter_async_context(connection(port, authorization)))
                await _send(clients, documents[:WARM_UP])
                began = perf_counter()
                await _send(clients, documents[WARM_UP:])
                seconds = perf_counter() - began
            async with connected(url) as driver:
                self.left["ours"] = await traces(driver, ACTOR)
                self.written = await limit.left(driver, ACTOR)
        return self._items() / seconds

    async def limit(self) -> float:
        """Facts a second of the rows alone."""
        async with copy_of(self.bench.url, WAITING, COPY) as url, connected(url) as driver:
            await limit.prepare(driver)
            for batch in self.written[:WARM_UP]:
                await limit.write(driver, batch)
            began = perf_counter()
            for batch in self.written[WARM_UP:]:
                await limit.write(driver, batch)
            seconds = perf_counter() - began
            self.left["limit"] = await traces(driver, ACTOR)
        expect_same(self.left["ours"], self.left["limit"], self.bench.sizes.evidence)
        return self._items() / seconds

    def _items(self) -> int:
        return sum(batch.items for batch in self.written[WARM_UP:])


async def _send(clients: Sequence[Connection], documents: Sequence[bytes]) -> None:
    """All of them, each by whoever is free."""
    waiting = iter(documents)
    await asyncio.gather(*(_send_from(waiting, client) for client in clients))


async def _send_from(waiting: Iterator[bytes], client: Connection) -> None:
    for document in waiting:
        await client.post(PATH, document)


async def measure(bench: Bench) -> Figure:
    """All evidence once, in batches."""
    evidence = _Evidence(bench)
    rounds = bench.sizes.evidence_rounds
    bar = bench.bar("evidence", rounds * 2)
    ours, by_hand = await alternately(rounds, evidence.ours, evidence.limit, bar)
    return Figure("evidence", "items/s", ours, by_hand, NEEDED)
