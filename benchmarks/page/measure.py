"""Runs the page: whom of a group a programme has certified. Pages from all over the list, one after
the other, on either side: the service, and what was written by hand for it."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson

from benchmarks.bench import Bench, alternately
from benchmarks.command import servers
from benchmarks.database import connected, named
from benchmarks.figures import Figure
from benchmarks.keys import new_key
from benchmarks.page import bare
from benchmarks.page.client import Connection, connection
from benchmarks.population.filling import MANY
from benchmarks.population.programmes import BY_HAND

NEEDED = 0.5
LIMIT = 200
KEY_ID = UUID("018cc251-f400-7000-8000-0000000be0bb")
OTHER_KEY_ID = UUID("018cc251-f400-7000-8000-0000000be0bc")
GROUP = "G-07"
HANDLER = "benchmarks.page.handler:app"
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page: how it is asked for, and what it comes after."""

    path: str
    after: UUID


async def measure(bench: Bench) -> Figure:
    """Beside the handler that was written by hand. Both sides give the same pages in the same
    order, in turn."""
    url = named(bench.url, MANY)
    authorization = f"Bearer {await new_key(url, KEY_ID)}"
    async with (
        servers.ours(url) as ours_port,
        servers.bare(url, authorization, HANDLER) as bare_port,
        connection(ours_port, authorization) as ours,
        connection(bare_port, authorization) as by_hand,
    ):
        mine, theirs = await _walk(ours), await _walk(by_hand)
        await _expect_same(ours, by_hand, mine, theirs)
        rates = await _in_turn(
            bench,
            "page",
            _Side(mine, lambda one: ours.get(one.path)),
            _Side(theirs, lambda one: by_hand.get(one.path)),
        )
    return Figure("page", "pages/s", *rates, NEEDED)


async def measure_query(bench: Bench) -> Figure:
    """Beside the query alone: nothing is made of its rows, and they go nowhere."""
    url = named(bench.url, MANY)
    authorization = f"Bearer {await new_key(url, OTHER_KEY_ID)}"
    async with (
        servers.ours(url) as port,
        connection(port, authorization) as ours,
        connected(url) as driver,
    ):
        await driver.execute(bare.PREPARE)
        pages = await _walk(ours)
        rates = await _in_turn(
            bench,
            "page-query",
            _Side(pages, lambda one: ours.get(one.path)),
            _Side(pages, lambda one: bare.page(driver, GROUP, one.after, LIMIT)),
        )
    return Figure("page-query", "pages/s", *rates, NEEDED)


@dataclass(frozen=True, slots=True)
class _Side:
    """The pages as one side is asked for them, and how."""

    pages: list[_Page]
    ask: Callable[[_Page], Awaitable[Any]]


async def _in_turn(
    bench: Bench, title: str, ours: _Side, limit: _Side
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The rates of both sides, each over all pages in the same random order."""
    order = list(range(len(ours.pages)))
    Random(5).shuffle(order)
    # Never the pages that the other side has just brought into memory.
    half = len(order) // 2
    turns = cycle(order), cycle(order[half:] + order[:half])
    rounds = bench.sizes.page_rounds
    bar = bench.bar(title, rounds * 2)

    async def rate(side: _Side, turn: Iterator[int]) -> float:
        count = bench.sizes.pages
        began = perf_counter()
        for _ in range(count):
            await side.ask(side.pages[next(turn)])
        return count / (perf_counter() - began)

    return await alternately(
        rounds, lambda: rate(ours, turns[0]), lambda: rate(limit, turns[1]), bar
    )


async def _walk(ours: Connection) -> list[_Page]:
    """Every full page of the list, from the first to the last."""
    filters = {
        "certification": BY_HAND.certification.key,
        "view": "active",
        "group": GROUP,
        "limit": str(LIMIT),
    }
    start = f"/v1/enrollments?{urlencode(filters)}"
    path, after, pages = start, FIRST, []
    while True:
        found = orjson.loads(await ours.get(path))
        items = found["items"]
        if len(items) == LIMIT:
            pages.append(_Page(path, after))
        if found["next_cursor"] is None:
            return pages
        after = UUID(items[-1]["id"])
        path = f"{start}&cursor={quote(found['next_cursor'])}"


async def _expect_same(
    ours: Connection, by_hand: Connection, mine: list[_Page], theirs: list[_Page]
) -> None:
    """Both sides give the same answer on every page, to the last value."""
    if not mine or len(mine) != len(theirs):
        raise AssertionError(f"{len(mine)} full pages and {len(theirs)}")
    for one, other in zip(mine, theirs, strict=True):
        answers = [
            orjson.loads(await side.get(page.path))
            for side, page in ((ours, one), (by_hand, other))
        ]
        for item, same in zip(*(answer["items"] for answer in answers), strict=True):
            if item != same:
                wrong = {name for name in item if item[name] != same.get(name)}
                raise AssertionError(f"the two sides differ in {wrong}: {item} and {same}")
