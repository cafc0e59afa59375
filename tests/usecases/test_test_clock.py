"""A sandbox's clock: everything due happens in order, each at and recorded at its own instant."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.outcome import Refusal
from certsvc.domain.status import Status
from certsvc.store import tenants
from certsvc.store.db import driver, transaction
from certsvc.usecases.act import act
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.now import now_of
from certsvc.usecases.test_clock import Advanced, advance
from tests.support.programmes import ELSEWHERE, definition, utc
from tests.support.stage import BOSS, MONDAY, Stage, days

STAGGERED = 12
THREE_YEARS = MONDAY + days(3 * 365)


def passed(learner: str, at: datetime) -> Fact:
    return Fact(
        id=f"F-{learner}",
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )


async def populated(engine: AsyncEngine, number: int) -> Stage:
    """A sandbox of its own, with learners whose dates all differ."""
    id = UUID(int=0x018CC251F400700080000000000000B0 + number)
    stage = await Stage.set(engine, id, key=f"sandbox-{number}", sandbox=True)
    document = definition(
        day_rule="exact",
        validity={"period": "P1Y"},
        due={"after": "P20D"},
        completion_limit={"after": "P60D"},
        lapsing_notices=["P7D"],
    )
    certification = await stage.certification(document, automatic=True)
    for n in range(STAGGERED):
        learner = f"u-{n}"
        at = MONDAY - days(3) + timedelta(hours=7 * n, seconds=n)
        await stage.enroll(certification, learner, at=at)
        if n % 2:
            await stage.report(learner, passed(learner, at), at=at + timedelta(minutes=1))
    return stage


async def advanced_to(stage: Stage, to: datetime, batch_size: int = 500) -> Advanced:
    answer = await advance(stage.engine, stage.tenant.id, to, batch_size=batch_size)
    assert isinstance(answer, Advanced), answer
    return answer


async def history(stage: Stage) -> list[Any]:
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT learner_id, sequence, type, effective_at, recorded_at, stale, actor, "
            "before_status, before_standing, id FROM events WHERE tenant_id = $1 "
            "ORDER BY learner_id, sequence",
            stage.tenant.id,
        )
        return [tuple(row) for row in rows]


async def states(stage: Stage) -> list[Any]:
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT learner_id, status, standing, work, flags, revision, sequence, updated_at, "
            "next_due_at, doc FROM enrollments WHERE tenant_id = $1 ORDER BY learner_id",
            stage.tenant.id,
        )
        return [tuple(row) for row in rows]


async def clock_of(stage: Stage) -> datetime:
    async with transaction(stage.engine) as conn:
        return await now_of(conn, stage.tenant)


async def test_one_advance_of_three_years_equals_going_day_by_day(engine: AsyncEngine) -> None:
    leap, walk = await populated(engine, 1), await populated(engine, 2)
    assert await history(leap) == await history(walk)
    at_once = await advanced_to(leap, THREE_YEARS)
    events, at = 0, MONDAY
    while at < THREE_YEARS:
        at = min(at + days(1), THREE_YEARS)
        events += (await advanced_to(walk, at)).events
    assert await states(leap) == await states(walk)
    assert await history(leap) == await history(walk)
    assert at_once.events == events
    assert await clock_of(leap) == await clock_of(walk) == THREE_YEARS


async def test_the_size_of_the_batches_makes_no_difference(engine: AsyncEngine) -> None:
    large, small = await populated(engine, 1), await populated(engine, 2)
    one, other = await advanced_to(large, THREE_YEARS), await advanced_to(small, THREE_YEARS, 3)
    assert await history(large) == await history(small)
    assert one.events == other.events
    assert one.enrollments == other.enrollments == STAGGERED


async def test_each_event_is_recorded_at_the_instant_at_which_it_was_due(
    engine: AsyncEngine,
) -> None:
    stage = await populated(engine, 1)
    before = len(await history(stage))
    told = await advanced_to(stage, THREE_YEARS)
    async with transaction(engine) as conn:
        late = await driver(conn).fetchval(
            "SELECT count(*) FROM events WHERE actor = 'time' AND recorded_at > $1 "
            "AND (recorded_at <> effective_at OR stale)",
            MONDAY,
        )
    assert late == 0
    assert len(await history(stage)) == before + told.events
    assert told.instants > STAGGERED


async def test_the_clock_goes_forward_only_and_not_too_far(sandbox: Stage) -> None:
    async def refused(to: datetime) -> Refusal:
        answer = await advance(
            sandbox.engine, sandbox.tenant.id, to, max_advance=timedelta(days=10)
        )
        assert isinstance(answer, Refusal)
        return answer

    past = await refused(MONDAY - days(1))
    assert (past.code, past.invalid, past.parameter) == ("to_in_the_past", True, "to")
    far = await refused(MONDAY + days(11))
    assert (far.code, far.invalid) == ("too_far", True)
    assert await clock_of(sandbox) == MONDAY


async def test_a_live_tenant_has_no_test_clock(stage: Stage) -> None:
    answer = await advance(stage.engine, stage.tenant.id, MONDAY + days(1))
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.invalid) == ("not_a_sandbox", False)


async def test_only_one_advance_at_a_time(engine: AsyncEngine) -> None:
    stage = await populated(engine, 1)
    async with transaction(engine) as conn:
        # A command under way holds the clock, so that the first advance is under way as well.
        await now_of(conn, stage.tenant)
        first = asyncio.create_task(advanced_to(stage, THREE_YEARS))
        await asyncio.sleep(0.2)
        second = await advance(engine, stage.tenant.id, THREE_YEARS)
        assert isinstance(second, Refusal)
        assert second.code == "clock_is_advancing"
    assert (await first).clock_at == THREE_YEARS


async def test_the_clock_does_not_pass_a_command_under_way(sandbox: Stage) -> None:
    certification = await sandbox.certification()
    later = MONDAY + days(2)
    async with transaction(sandbox.engine) as conn:
        now = await now_of(conn, sandbox.tenant)
        request = EnrollRequest(certification=certification.id, learner_id="ann", opens_at=later)
        (answer,) = await enroll(conn, sandbox.tenant, now, [request], BOSS)
        assert isinstance(answer, Enrolled)
        moving = asyncio.create_task(advanced_to(sandbox, MONDAY + days(5)))
        await asyncio.sleep(0.2)
        assert not moving.done()
    assert (await moving).events > 0
    opened = [line for line in await history(sandbox) if line[2] == "enrollment.opened"]
    assert [line[4] for line in opened] == [later]


async def test_what_leads_elsewhere_goes_on_there_at_its_instant(sandbox: Stage) -> None:
    document = definition(day_rule="exact", due={"after": "P20D"})
    first = await sandbox.certification(document, automatic=True)
    second = await sandbox.certification(document, id=ELSEWHERE, key="advanced")
    (id,) = await sandbox.enroll(first, "ann")
    await sandbox.report("ann", passed("ann", MONDAY))
    async with transaction(sandbox.engine) as conn:
        command = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next=second.key)
        acted = await act(conn, sandbox.tenant, MONDAY, id, command, BOSS, privileged=True)
        assert getattr(acted, "refusal", "") is None
    await advanced_to(sandbox, MONDAY + days(400))
    window = utc("2026-12-06T09:00")
    told = [line for line in await history(sandbox) if line[4] > MONDAY]
    redirected = [line for line in told if line[2] == "recertification.redirected"]
    created = [line for line in told if line[2] == "enrollment.created"]
    overdue = [line for line in told if line[2] == "enrollment.overdue"]
    assert [line[4] for line in redirected] == [window]
    assert [line[4] for line in created] == [window]
    assert overdue[-1][4] == window + days(20)


async def test_a_row_that_cannot_be_decided_does_not_stop_the_clock(engine: AsyncEngine) -> None:
    stage = await populated(engine, 1)
    async with transaction(engine) as conn:
        await driver(conn).execute(
            "UPDATE enrollments SET doc = jsonb_set(doc, '{certificate,version}', '99') "
            "WHERE learner_id = 'u-1'"
        )
    told = await advanced_to(stage, THREE_YEARS)
    assert told.set_aside == 1
    assert told.clock_at == THREE_YEARS
    async with transaction(engine) as conn:
        found = await tenants.by_id(conn, stage.tenant.id)
    assert found is not None
    assert found.clock_at == THREE_YEARS
    assert Status.CERTIFIED not in {row[1] for row in await states(stage) if row[0] != "u-1"}
