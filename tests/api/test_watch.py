"""Waiting for news: one look for all who wait, and nobody waits longer than they asked."""

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

import pytest

from certsvc.api.watch import Watch
from certsvc.store.errors import Unavailable
from certsvc.store.feed import Place

ACME = UUID(int=1)
NEIGHBOUR = UUID(int=2)
HERE = Place(10, 1)
BEYOND = Place(10, 2)


class World:
    """Feeds that go on when they are told to, in a time that passes when it is told to."""

    def __init__(self) -> None:
        self.ends = {ACME: HERE, NEIGHBOUR: HERE}
        self.looks: list[set[UUID]] = []
        self.away = False
        self.now = 0.0
        self._next = asyncio.Event()
        self.watch = Watch(self._look, now=lambda: self.now, sleep=self._sleep)

    async def _look(self, tenants: Collection[UUID]) -> Mapping[UUID, Place]:
        self.looks.append(set(tenants))
        if self.away:
            raise Unavailable("away")
        return {id: self.ends[id] for id in tenants}

    async def _sleep(self, seconds: float) -> None:
        await self._next.wait()
        self._next.clear()
        self.now += seconds

    async def round(self, times: int = 1) -> None:
        """Let those who wait begin to, and one pause pass."""
        for _ in range(times):
            await settled()
            self._next.set()
            await settled()

    def waiting(self, tenant: UUID = ACME, seconds: float = 30.0) -> "asyncio.Task[bool]":
        """Somebody begins to wait."""
        return asyncio.create_task(self.watch.beyond(tenant, HERE, self.now + seconds))


async def settled() -> None:
    """Everybody does what there is to do."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> World:
    return World()


async def test_whoever_waits_is_told_when_the_feed_goes_on(world: World) -> None:
    waiting = world.waiting()
    await world.round(2)
    assert not waiting.done()
    world.ends[ACME] = BEYOND
    await world.round()
    assert await waiting
    assert world.watch.waiting == 0


async def test_one_look_answers_everybody(world: World) -> None:
    waiting = [world.waiting(tenant) for tenant in (ACME, NEIGHBOUR) for _ in range(100)]
    await world.round(3)
    assert world.looks == [{ACME, NEIGHBOUR}] * 3
    world.ends[ACME] = BEYOND
    await world.round()
    assert [one.done() for one in waiting] == [True] * 100 + [False] * 100
    await world.round()
    assert world.looks[-1] == {NEIGHBOUR}
    world.watch.end()
    assert await asyncio.gather(*waiting) == [True] * 100 + [False] * 100


async def test_nobody_waits_longer_than_asked(world: World) -> None:
    short, long = world.waiting(seconds=0.5), world.waiting(seconds=1.0)
    await world.round(2)
    assert short.done()
    assert not long.done()
    await world.round(2)
    assert [await short, await long] == [False, False]


async def test_nobody_looks_when_nobody_waits(world: World) -> None:
    waiting = world.waiting()
    await settled()
    waiting.cancel()
    await world.round()
    assert world.looks == []
    assert world.watch.waiting == 0
    again = world.waiting(seconds=0.1)
    await world.round()
    assert world.looks == [{ACME}]
    assert not await again


async def test_all_go_when_the_process_ends_and_nobody_comes(world: World) -> None:
    waiting = [world.waiting() for _ in range(3)]
    await settled()
    world.watch.end()
    assert await asyncio.gather(*waiting) == [False] * 3
    assert not await world.watch.beyond(ACME, HERE, 30.0)
    await world.round()


async def test_a_database_that_is_away_for_a_moment_ends_nobodys_waiting(world: World) -> None:
    waiting = world.waiting()
    world.away = True
    await world.round(2)
    assert not waiting.done()
    world.away = False
    world.ends[ACME] = BEYOND
    await world.round()
    assert await waiting


async def test_a_look_that_fails_lets_nobody_wait_for_ever(world: World) -> None:
    del world.ends[ACME]
    waiting = world.waiting(seconds=0.5)
    await world.round(2)
    assert not await waiting
