"""The tick does what is due, once, however many do it, and whatever goes wrong on the way."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import Status
from certsvc.store import enrollments
from certsvc.store.author import TIME
from certsvc.store.db import driver, transaction
from certsvc.store.errors import Unavailable
from certsvc.usecases import upkeep
from certsvc.usecases.apply import apply
from certsvc.usecases.decide import of_locked
from certsvc.usecases.tick import TickResult, run_once
from tests.support.aside import set_aside_page
from tests.support.programmes import utc
from tests.support.stage import MONDAY, Stage, days
from tests.support.statements import counted

AFTER_EXPIRY = utc("2027-01-07T00:00")
"""Due by then: the two notices, the window, and the expiry; grace still runs."""


def passed(learner: str, at: datetime = MONDAY) -> Fact:
    return Fact(
        id=f"F-{learner}",
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )


async def certified(stage: Stage, *learners: str, automatic: bool = False) -> list[UUID]:
    """Learners who hold a certificate of one year."""
    certification = await stage.certification(automatic=automatic)
    ids = await stage.enroll(certification, *learners)
    for learner in learners:
        await stage.report(learner, passed(learner))
    return ids


async def multiplied(stage: Stage, id: UUID, times: int) -> None:
    """As many copies of an enrollment; its history is not copied."""
    async with transaction(stage.engine) as conn:
        columns = await driver(conn).fetch(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = 'enrollments' AND table_schema = current_schema()"
        )
        names = [row[0] for row in columns if row[0] not in ("id", "learner_id", "doc")]
        listed = ", ".join(names)
        await driver(conn).execute(
            f"""
            INSERT INTO enrollments (id, learner_id, doc, {listed})
            SELECT n.id, 'copy-' || n.id, jsonb_set(jsonb_set(e.doc, '{{id}}',
                   to_jsonb(n.id::text)), '{{learner_id}}', to_jsonb('copy-' || n.id)), {listed}
            FROM enrollments e,
                 (SELECT gen_random_uuid() AS id FROM generate_series(1, $2)) AS n
            WHERE e.id = $1""",
            id,
            times,
        )


async def statuses(stage: Stage) -> Counter[str]:
    async with transaction(stage.engine) as conn:
        return Counter(row[0] for row in await driver(conn).fetch("SELECT status FROM enrollments"))


async def poison(stage: Stage, id: UUID, version: int = 99) -> None:
    """The row's certificate is pinned to a version that there is not."""
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE enrollments SET doc = jsonb_set(doc, '{certificate,version}', $2) "
            "WHERE id = $1",
            id,
            version,
        )


async def set_aside(stage: Stage) -> list[Any]:
    async with transaction(stage.engine) as conn:
        return list(await set_aside_page(conn, stage.tenant.id, limit=100))


async def test_an_idle_tick_asks_one_question(stage: Stage) -> None:
    await certified(stage, "ann")
    with counted(stage.engine) as statements:
        result = await run_once(stage.engine, MONDAY + days(1), 100)
    assert len(statements.work) == 1
    assert result == TickResult()


async def test_what_is_due_happens_and_is_not_due_again(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    result = await run_once(stage.engine, AFTER_EXPIRY, 100)
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.EXPIRED
    assert (result.rows, result.set_aside, result.failed, result.drained) == (1, 0, 0, True)
    assert (await run_once(stage.engine, AFTER_EXPIRY, 100)).rows == 0


async def test_two_ticks_at_once_do_each_row_once(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await multiplied(stage, id, 299)
    results = await asyncio.gather(*(run_once(stage.engine, AFTER_EXPIRY, 20) for _ in range(2)))
    assert sum(result.rows for result in results) == 300
    assert all(result.failed == 0 and result.set_aside == 0 for result in results)
    assert await statuses(stage) == {"expired": 300}
    async with transaction(stage.engine) as conn:
        told = await driver(conn).fetch(
            "SELECT enrollment_id, count(*) FROM events WHERE type = 'certificate.expired' "
            "GROUP BY 1 HAVING count(*) <> 1"
        )
    assert told == []


async def test_the_number_of_statements_depends_on_batches_not_on_rows(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")

    async def measured(rows: int, batch_size: int) -> int:
        async with transaction(stage.engine) as conn:
            await driver(conn).execute("DELETE FROM enrollments WHERE id <> $1", id)
        await multiplied(stage, id, rows)
        async with transaction(stage.engine) as conn:
            # The original is left alone, to copy from.
            await driver(conn).execute("UPDATE enrollments SET live = id <> $1", id)
            await driver(conn).execute(
                "UPDATE enrollments SET next_due_at = NULL WHERE id = $1", id
            )
        with counted(stage.engine) as statements:
            result = await run_once(stage.engine, AFTER_EXPIRY, batch_size)
        assert (result.rows, result.failed, result.set_aside) == (rows, 0, 0)
        async with transaction(stage.engine) as conn:
            await driver(conn).execute(
                "UPDATE enrollments SET next_due_at = $2 WHERE id = $1", id, MONDAY
            )
        return len(statements.work)

    few, many = await measured(40, 1000), await measured(400, 1000)
    assert few == many
    assert await measured(400, 100) <= 5 * many


async def test_a_tick_that_dies_between_claim_and_commit_loses_nothing(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")

    class Died(Exception):
        pass

    async def dying() -> None:
        async with transaction(stage.engine) as conn:
            claim = await enrollments.claim_due(conn, stage.tenant.id, AFTER_EXPIRY, 100)
            asks = of_locked(claim.rows, TIME)
            await apply(conn, stage.tenant, AFTER_EXPIRY, asks, forgiving=True)
            raise Died

    with pytest.raises(Died):
        await dying()
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.CERTIFIED
    assert (await run_once(stage.engine, AFTER_EXPIRY, 100)).rows == 1
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.EXPIRED


async def test_a_backend_that_is_killed_in_the_middle_loses_nothing(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")

    async def killed() -> None:
        async with transaction(stage.engine) as conn:
            await enrollments.claim_due(conn, stage.tenant.id, AFTER_EXPIRY, 100)
            pid = await driver(conn).fetchval("SELECT pg_backend_pid()")
            async with transaction(stage.engine) as other:
                await driver(other).execute("SELECT pg_terminate_backend($1)", pid)
            await enrollments.claim_due(conn, stage.tenant.id, AFTER_EXPIRY, 100)

    with pytest.raises(Unavailable):
        await killed()
    assert (await run_once(stage.engine, AFTER_EXPIRY, 100)).rows == 1
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.EXPIRED


async def test_a_row_that_cannot_be_decided_is_set_aside_and_the_rest_goes_on(
    stage: Stage,
) -> None:
    ann, bob, eve = await certified(stage, "ann", "bob", "eve")
    await poison(stage, bob)
    result = await run_once(stage.engine, AFTER_EXPIRY, 100)
    assert (result.set_aside, result.failed) == (1, 0)
    rows = {row.enrollment.id: row.enrollment.status for row in await stage.read(ann, eve)}
    assert set(rows.values()) == {Status.EXPIRED}
    (aside,) = await set_aside(stage)
    assert aside.id == bob
    assert "version 99" in aside.error
    with counted(stage.engine) as statements:
        assert (await run_once(stage.engine, AFTER_EXPIRY, 100)).rows == 0
    assert len(statements.work) == 1


async def test_a_row_that_cannot_be_saved_is_set_aside_and_the_rest_goes_on(stage: Stage) -> None:
    ids = await certified(stage, "ann", "bob", "eve", "joe", "kim")
    bob = ids[1]
    async with transaction(stage.engine) as conn:
        # Nothing that the rules know of: an event of that number is there already.
        await driver(conn).execute(
            "INSERT INTO events (tenant_id, id, enrollment_id, sequence, type, effective_at, "
            "recorded_at, actor, data) SELECT tenant_id, gen_random_uuid(), id, sequence + 1, "
            "'x', $2, $2, 'x', '{}' FROM enrollments WHERE id = $1",
            bob,
            MONDAY,
        )
    result = await run_once(stage.engine, AFTER_EXPIRY, 100)
    assert result.set_aside == 1
    assert await statuses(stage) == {"expired": 4, "certified": 1}
    (aside,) = await set_aside(stage)
    assert aside.id == bob


async def test_what_was_set_aside_is_tried_again_after_pauses_that_grow(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await poison(stage, id)
    now = AFTER_EXPIRY
    for pause in (15, 30, 60):
        assert (await run_once(stage.engine, now, 100)).set_aside == 1
        for minutes, expected in ((pause - 1, 0), (pause, 1)):
            async with transaction(stage.engine) as conn:
                at = now + days(1) * (minutes / 1440)
                assert await upkeep.retry_set_aside(conn, at) == expected
        now += days(1) * (pause / 1440)
    await poison(stage, id, version=1)
    assert (await run_once(stage.engine, now, 100)).set_aside == 0
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.EXPIRED
    assert await set_aside(stage) == []


async def test_no_tenant_waits_for_the_backlog_of_another(engine: AsyncEngine) -> None:
    large = await Stage.set(engine)
    (id,) = await certified(large, "ann")
    await multiplied(large, id, 99)
    small = await Stage.set(engine, UUID("018cc251-f400-7000-8000-0000000000a2"), key="small")
    (bob,) = await certified(small, "bob")
    with counted(engine) as statements:
        result = await run_once(engine, AFTER_EXPIRY, 10)
    assert result.tenants == 2
    assert result.rows == 101
    (row,) = await small.read(bob)
    assert row.enrollment.status is Status.EXPIRED
    claims = [text for text in statements.work if "SKIP LOCKED" in text]
    assert len(claims) <= 10 + 1 + 2


async def test_a_stop_ends_the_run_between_batches(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await multiplied(stage, id, 99)
    stop = asyncio.Event()
    stop.set()
    result = await run_once(stage.engine, AFTER_EXPIRY, 10, stop=stop)
    assert (result.rows, result.drained) == (0, False)
    late = await run_once(stage.engine, AFTER_EXPIRY, 10, deadline=clock.monotonic())
    assert (late.rows, late.drained) == (0, False)
    assert await statuses(stage) == {"certified": 100}


async def test_rows_of_a_sandbox_are_none_of_the_ticks_business(sandbox: Stage) -> None:
    await certified(sandbox, "ann")
    assert (await run_once(sandbox.engine, AFTER_EXPIRY, 100)).rows == 0
    assert await statuses(sandbox) == {"certified": 1}


async def test_recertification_opens_by_itself_where_it_is_automatic(stage: Stage) -> None:
    (id,) = await certified(stage, "ann", automatic=True)
    await run_once(stage.engine, utc("2026-12-20T00:00"), 100)
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.RECERTIFYING
