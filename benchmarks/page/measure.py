"""Runs the page: whom of a group a programme has certified. Pages from all over the list, one after
the other, on either side."""

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
GROUP = "G-07"
FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page: how the service is asked for it, what it comes after, and who is on it."""

    path: str
    after: UUID
    ids: tuple[str, ...]


async def measure(bench: Bench) -> Figure:
    """Both sides read the same pages in the same order, in turn."""
    url = named(bench.url, MANY)
    authorization = f"Bearer {await new_key(url, KEY_ID)}"
    async with servers.ours(url) as port, connected(url) as driver:
        await driver.execute(bare.PREPARE)
        async with connection(port, authorization) as ours:
            pages = await _walk(ours)
        await _expect_same(driver, pages)
        Random(5).shuffle(pages)
        # Never the pages that the other side has just brought into memory.
        half = len(pages) // 2
        sides = cycle(pages), cycle(pages[half:] + pages[:half])

        async def over_http() -> float:
            async with connection(port, authorization) as ours:
                return await _rate(sides[0], bench.sizes.pages, lambda one: ours.get(one.path))

        async def bare_query() -> float:
            return await _rate(
                sides[1],
                bench.sizes.pages,
                lambda one: bare.page(driver, GROUP, one.after, LIMIT),
            )

        rounds = bench.sizes.page_rounds
        bar = bench.bar("page", rounds * 2)
        rates = await alternately(rounds, over_http, bare_query, bar)
    return Figure("page", "pages/s", *rates, NEEDED)


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
            pages.append(_Page(path, after, tuple(item["id"] for item in items)))
        if found["next_cursor"] is None:
            return pages
        after = UUID(items[-1]["id"])
        path = f"{start}&cursor={quote(found['next_cursor'])}"


async def _expect_same(driver: Any, pages: list[_Page]) -> None:
    """Both sides find the same people on every page."""
    if not pages:
        raise AssertionError("there is no full page")
    for one in pages:
        rows = await bare.page(driver, GROUP, one.after, LIMIT)
        if one.ids != tuple(str(row["id"]) for row in rows):
            raise AssertionError(f"other people on the page after {one.after}")


async def _rate(
    pages: Iterator[_Page], count: int, ask: Callable[[_Page], Awaitable[Any]]
) -> float:
    """Pages a second; each run goes on where the last one ended."""
    began = perf_counter()
    for _ in range(count):
        await ask(next(pages))
    return count / (perf_counter() - began)
