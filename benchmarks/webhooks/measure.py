"""Runs the deliveries: the duty of two workers, from the first look at the events until everything
is written down; and the bare loop, with as many messages under way as the two have together. Then
nine endpoints with a tenth that hangs, and without."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.bench import Bench, alternately
from benchmarks.figures import Figure
from benchmarks.webhooks import bare, receiver, worker
from benchmarks.webhooks.stage import LOCAL, Heard, Stage, bodies, expect_signed, stage
from benchmarks.workers import WORKERS, Workers, team

NEEDED = 0.7
PLACES = 8
"""So many messages are under way at once to an endpoint."""
NEEDED_BESIDE_HANGING = 0.9
HOOK = f"{receiver.HOOK}1"
NINE = tuple(f"{receiver.HOOK}{number}" for number in range(1, 10))
LOOK_SECONDS = 0.02
PATIENCE = 120.0


@dataclass(slots=True)
class _One:
    """One endpoint, and all events for it."""

    bench: Bench
    heard: dict[str, Heard] = field(default_factory=dict)

    async def ours(self) -> float:
        """Deliveries a second of a worker."""
        async with stage(self.bench, [HOOK], self.bench.sizes.events) as on:
            return await self._run("ours", on, _workers(on))

    async def limit(self) -> float:
        """Messages a second of the bare loop."""
        async with stage(self.bench, [HOOK], self.bench.sizes.events) as on:
            program = ["-m", bare.__name__, on.url, on.hooks[0], on.secrets[0]]
            rate = await self._run("limit", on, team([program], _settings(PLACES)))
        if bodies(self.heard["ours"]) != bodies(self.heard["limit"]):
            raise AssertionError("the two sides told different things")
        return rate

    async def _run(
        self, side: str, on: Stage, started: AbstractAsyncContextManager[Workers]
    ) -> float:
        async with started as processes:
            began = perf_counter()
            sent = await processes.work()
            seconds = perf_counter() - began
        heard = self.heard[side] = await on.heard()
        events = self.bench.sizes.events
        if (sent, heard.counts, heard.ids) != (events, {HOOK: events}, events):
            raise AssertionError(f"{events} were to be told: {sent}, {heard.counts}, {heard.ids}")
        expect_signed(heard, on.secrets[0])
        return sent / seconds


@dataclass(slots=True)
class _Nine:
    """Nine endpoints, alone or with a tenth."""

    bench: Bench

    async def beside_hanging(self) -> float:
        """Deliveries a second to the nine."""
        return await self._run([*NINE, receiver.HANGING])

    async def alone(self) -> float:
        """The same without the tenth."""
        return await self._run(NINE)

    async def _run(self, paths: tuple[str, ...] | list[str]) -> float:
        events = self.bench.sizes.events_to_nine
        async with stage(self.bench, paths, events) as on:
            async with _workers(on) as processes:
                began = perf_counter()
                processes.begin()
                await _until_heard(on, events * len(NINE), began + PATIENCE)
                seconds = perf_counter() - began
            counts = (await on.heard()).counts
        hanging = counts.pop(receiver.HANGING, 0)
        if counts != dict.fromkeys(NINE, events) or bool(hanging) is (len(paths) == len(NINE)):
            raise AssertionError(f"{events} were to be told to each: {counts}, {hanging}")
        return events * len(NINE) / seconds


def _workers(on: Stage) -> AbstractAsyncContextManager[Workers]:
    return team([["-m", worker.__name__, on.url]] * WORKERS, _settings(PLACES // WORKERS))


def _settings(places: int) -> dict[str, str]:
    return {**LOCAL, "CERTSVC_WEBHOOK_IN_FLIGHT": str(places)}


async def _until_heard(on: Stage, deliveries: int, deadline: float) -> None:
    """Until the nine have heard everything."""
    while True:
        counts = (await on.heard()).counts
        if sum(count for path, count in counts.items() if path in NINE) >= deliveries:
            return
        if perf_counter() > deadline:
            raise AssertionError(f"not everything was told: {counts}")
        await asyncio.sleep(LOOK_SECONDS)


async def measure(bench: Bench) -> Figure:
    """One fast endpoint."""
    run = _One(bench)
    rounds = bench.sizes.webhook_rounds
    bar = bench.bar("webhooks", rounds * 2)
    ours, limit = await alternately(rounds, run.ours, run.limit, bar)
    return Figure("webhooks", "deliveries/s", ours, limit, NEEDED)


async def measure_hanging(bench: Bench) -> Figure:
    """Here both sides are ours."""
    run = _Nine(bench)
    rounds = bench.sizes.webhook_rounds
    bar = bench.bar("webhooks-hanging", rounds * 2)
    beside, alone = await alternately(rounds, run.beside_hanging, run.alone, bar)
    return Figure("webhooks-hanging", "deliveries/s", beside, alone, NEEDED_BESIDE_HANGING)
