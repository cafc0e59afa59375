"""Whatever happens to those who run a bulk operation: no item is lost, and none is done twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.db import open_engine, transaction
from certsvc.store.errors import Unavailable
from certsvc.usecases.bulk.ordering import ItemOrder, Order, cancel
from certsvc.usecases.bulk.running import run, run_due
from certsvc.usecases.now import now_of
from tests.support.bulk import (
    AUTHOR,
    assert_whole,
    certified,
    items,
    of_ids,
    operation,
    put_in,
    rows,
    told,
)
from tests.support.stage import MONDAY, Stage, days

PEOPLE = 7
BATCH = 3
DAYS = count(500)
Strike = Callable[[Any], object]

WORKER = """
import asyncio, sys
from certsvc.store.db import open_engine
from certsvc.usecases.bulk.running import run_due
asyncio.run(run_due(open_engine(sys.argv[1]), 5))
"""


class Crash(Exception):
    """What no part of the product expects."""


def later(ids: list[UUID]) -> Order:
    """An order that changes something each time: a later expiry."""
    return of_ids("change-dates", ids, expires_at=(MONDAY + days(next(DAYS))).isoformat())


@contextmanager
def at_statement(number: int, strike: Strike, *, after: bool) -> Iterator[list[int]]:
    """Strike at the statement of that number, before it is sent or after it was carried out; the
    list tells how many there were."""
    sent = [0]
    connection: Any = asyncpg.Connection
    real = {name: getattr(connection, name) for name in ("_do_execute", "_copy_in")}

    def struck(original: Any) -> Any:
        async def statement(self: Any, *arguments: Any, **named: Any) -> Any:
            sent[0] += 1
            mine = sent[0] == number
            if mine and not after:
                strike(self)
            answer = await original(self, *arguments, **named)
            if mine and after:
                strike(self)
            return answer

        return statement

    with pytest.MonkeyPatch.context() as patched:
        for name, original in real.items():
            patched.setattr(connection, name, struck(original))
        yield sent


def crash(_: Any) -> None:
    """The process finds an error where none can be."""
    raise Crash


def cut(connection: Any) -> None:
    """The connection is gone."""
    connection.terminate()
    raise ConnectionResetError


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("strike", [crash, cut])
async def test_a_failure_at_any_statement_loses_and_repeats_nothing(
    stage: Stage, strike: Strike, after: bool
) -> None:
    ids = await certified(stage, PEOPLE)
    for number in count(1):
        id = await put_in(stage, later(ids))
        with at_statement(number, strike, after=after) as sent, suppress(Crash, Unavailable):
            await run(stage.engine, stage.tenant, id, BATCH)
        await run(stage.engine, stage.tenant, id, BATCH)
        await assert_whole(stage, id, ids)
        if sent[0] < number:
            break
    assert number > 25


async def test_a_task_that_is_cancelled_at_any_statement_loses_and_repeats_nothing(
    stage: Stage,
) -> None:
    ids = await certified(stage, PEOPLE)
    for number in count(1):
        id = await put_in(stage, later(ids))
        tasks: list[asyncio.Task[int]] = []
        with at_statement(number, lambda _: tasks[0].cancel(), after=False) as sent:  # noqa: B023
            tasks.append(asyncio.create_task(run(stage.engine, stage.tenant, id, BATCH)))
            await asyncio.wait(tasks)
        await run(stage.engine, stage.tenant, id, BATCH)
        await assert_whole(stage, id, ids)
        if sent[0] < number:
            break
    assert number > 25


async def test_a_process_that_is_killed_loses_and_repeats_nothing(
    stage: Stage, database_url: str
) -> None:
    ids = await certified(stage, 400)
    id = await put_in(stage, later(ids))
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, database_url)
    try:
        deadline = clock.monotonic() + 60
        while not (await operation(stage, id)).done:
            assert clock.monotonic() < deadline, "the worker does nothing"
            await asyncio.sleep(0.01)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
    assert (await operation(stage, id)).state == "running"
    assert await run_due(stage.engine, 50) > 0
    await assert_whole(stage, id, ids)


# Several at once


@asynccontextmanager
async def another(engine: AsyncEngine, url: str) -> AsyncIterator[AsyncEngine]:
    """One more replica's connections."""
    made = open_engine(url)
    try:
        yield made
    finally:
        await made.dispose()


async def deadlocks(stage: Stage) -> int:
    """How many there were in this database."""
    found = await rows(
        stage,
        "SELECT deadlocks FROM pg_stat_database, tenants t"
        " WHERE datname = current_database() AND t.id = $1",
    )
    number: int = found[0][0]
    return number


async def test_two_replicas_at_once_equal_one(stage: Stage, database_url: str) -> None:
    ids = await certified(stage, 60)
    id = await put_in(stage, later(ids))
    async with another(stage.engine, database_url) as other:
        parts = await asyncio.gather(run_due(stage.engine, 4), run_due(other, 4))
    assert sum(parts) == 60
    await assert_whole(stage, id, ids)


async def test_two_operations_over_the_same_people_do_not_deadlock(
    stage: Stage, database_url: str
) -> None:
    ids = await certified(stage, 60)
    before = await deadlocks(stage)
    mixed = [ItemOrder(enrollment_id=id) for id in reversed(ids)]
    by_name = [ItemOrder(certification="forklift", learner_id=f"u-{n}") for n in range(60)]
    orders = [later(ids), replace(later([]), items=mixed), replace(later([]), items=by_name)]
    operations = [await put_in(stage, given) for given in orders]
    async with another(stage.engine, database_url) as other:
        await asyncio.gather(
            *(run(stage.engine, stage.tenant, id, 7) for id in operations),
            *(run(other, stage.tenant, id, 11) for id in operations),
        )
    for id in operations:
        assert (await operation(stage, id)).counts[ItemOutcome.SUCCEEDED] == 60
        assert await told(stage, id) == dict.fromkeys(ids, 1)
    assert await deadlocks(stage) == before


async def test_items_that_mean_one_enrollment_are_done_in_their_order(stage: Stage) -> None:
    ids = await certified(stage, 2)
    dates = [(MONDAY + days(400 + n)).isoformat() for n in range(20)]
    named = [
        ItemOrder(enrollment_id=ids[n % 2], parameters={"expires_at": at})
        for n, at in enumerate(dates)
    ]
    id = await put_in(stage, Order(action="change-dates", parameters={}, items=named))
    await asyncio.gather(*(run(stage.engine, stage.tenant, id, 3) for _ in range(2)))
    found = await rows(
        stage,
        "SELECT after -> 'certificate' ->> 'expires_at' FROM events WHERE tenant_id = $1"
        " AND bulk_operation_id = $2 AND enrollment_id = $3 ORDER BY sequence",
        id,
        ids[0],
    )
    assert [row[0] for row in found] == [at.replace("+00:00", "Z") for at in dates[::2]]


# Cancelled in the middle


@pytest.mark.parametrize("hold", [False, True], ids=["plain", "held"])
async def test_what_is_done_when_it_is_cancelled_stays_and_the_rest_is_untouched(
    stage: Stage, hold: bool
) -> None:
    ids = await certified(stage, 120)
    before = await deadlocks(stage)
    for wait in (0, 1, 10, 40):
        untouched = {row.enrollment.id: row.enrollment for row in await stage.read(*ids)}
        id = await put_in(stage, replace(later(ids), hold_automation=hold))
        running = asyncio.create_task(run(stage.engine, stage.tenant, id, 4))
        while (await operation(stage, id)).done < wait:
            await asyncio.sleep(0.001)
        async with transaction(stage.engine) as conn:
            now = await now_of(conn, stage.tenant)
            cancelled = await cancel(conn, stage.tenant, now, id, AUTHOR)
        await running
        row = await operation(stage, id)
        assert (row.state, row) == ("cancelled", cancelled), "a batch ended after that"
        found = await items(stage, id)
        succeeded = {one.enrollment_id for one in found if one.outcome is not None}
        assert len(succeeded) == row.done
        assert await told(stage, id) == dict.fromkeys(succeeded, 1)
        for one in await stage.read(*ids):
            same = one.enrollment.revision == untouched[one.enrollment.id].revision
            assert same is (one.enrollment.id not in succeeded)
    far = await rows(
        stage,
        "SELECT number FROM bulk_items WHERE tenant_id = $1 AND held_until > $2",
        MONDAY + timedelta(days=36500),
    )
    assert far == []
    assert await deadlocks(stage) == before
