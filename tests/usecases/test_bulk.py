"""A bulk operation is as many single actions; its selection is fixed; each item has its outcome."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Command
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.status import Status
from certsvc.store.bulk_items import Settled
from certsvc.store.db import driver, transaction
from certsvc.usecases import test_clock
from certsvc.usecases.act import act
from certsvc.usecases.answers import Acted, NotFound
from certsvc.usecases.bulk import running
from certsvc.usecases.bulk.doing import do
from certsvc.usecases.bulk.ordering import ItemOrder, Order, cancel
from certsvc.usecases.bulk.running import run, run_due
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.now import now_of
from tests.support.bulk import (
    AUTHOR,
    Twins,
    certified,
    done,
    everything_of,
    items,
    lives,
    of_ids,
    operation,
    orders,
    outcomes,
    possible,
    put_in,
    rows,
    told,
    wired,
)
from tests.support.stage import MONDAY, Stage, days
from tests.support.statements import counted
from tests.support.strategies import enrolments, publishable

LAW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
NOBODY = uuid4()


async def statuses(stage: Stage) -> Counter[str]:
    found = await rows(stage, "SELECT status FROM enrollments WHERE tenant_id = $1")
    return Counter(row[0] for row in found)


# Law 9: bulk of n equals n single actions


async def peopled(engine: AsyncEngine, data: st.DataObject) -> tuple[Twins, list[Enrollment]]:
    """Two tenants with the same handful of people in a random programme."""
    documents = data.draw(st.lists(publishable, min_size=1, max_size=2))
    twins = await Twins.born(engine, documents, automatic=data.draw(st.booleans()))
    people = [data.draw(lives(twins.certification, n)) for n in range(4)]
    await twins.live(people)
    return twins, [one.enrollment for one in people]


@LAW
@given(data=st.data())
async def test_bulk_of_n_equals_n_single_actions(engine: AsyncEngine, data: st.DataObject) -> None:
    twins, people = await peopled(engine, data)
    command = data.draw(orders(possible(people, twins.certification, MONDAY)))
    ids = [*(one.id for one in people), people[0].id, NOBODY]
    chosen = data.draw(st.permutations(ids))
    bulk = await done(
        twins.one,
        of_ids(command.action, chosen, **wired(command)),
        data.draw(st.integers(1, len(chosen))),
    )
    single = [await by_itself(twins.other, id, command) for id in chosen]
    assert [as_told(one) for one in await outcomes(twins.one, bulk)] == single
    assert await everything_of(twins.one) == await everything_of(twins.other)


@LAW
@given(data=st.data())
async def test_items_with_parameters_of_their_own_equal_single_actions(
    engine: AsyncEngine, data: st.DataObject
) -> None:
    twins, people = await peopled(engine, data)
    first = data.draw(orders(possible(people, twins.certification, MONDAY)))
    own = replace(data.draw(orders([first.action])), next=None)
    whole = replace(first, **{name: getattr(own, name) for name in wired(own)})
    named = (
        ItemOrder(certification="forklift", learner_id="u-0"),
        ItemOrder(enrollment_id=people[1].id, parameters=wired(own)),
        ItemOrder(certification="forklift", learner_id="u-2", parameters=wired(own)),
        ItemOrder(certification="forklift", learner_id="u-1"),
        ItemOrder(enrollment_id=people[3].id),
    )
    bulk = await done(twins.one, Order(action=first.action, parameters=wired(first), items=named))
    asked = ((0, first), (1, whole), (2, whole), (1, first), (3, first))
    single = [await by_itself(twins.other, people[n].id, command) for n, command in asked]
    assert [as_told(one) for one in await outcomes(twins.one, bulk)] == single
    assert await everything_of(twins.one) == await everything_of(twins.other)


@LAW
@given(data=st.data())
async def test_enrolling_many_equals_enrolling_each(
    engine: AsyncEngine, data: st.DataObject
) -> None:
    twins, _ = await peopled(engine, data)
    command = data.draw(enrolments(MONDAY))
    learners = data.draw(st.permutations(("u-0", "u-1", "u-2", "new", "newer", "new")))
    given_order = Order(
        action="enroll",
        parameters=wired(command),
        items=[ItemOrder(certification="forklift", learner_id=one) for one in learners],
    )
    operation_id = await done(twins.one, given_order, data.draw(st.integers(1, 4)))
    single = []
    for learner in learners:
        request = EnrollRequest(certification="forklift", learner_id=learner, **as_fields(command))
        async with transaction(engine) as conn:
            (answer,) = await enroll(conn, twins.other.tenant, MONDAY, [request], AUTHOR)
        assert isinstance(answer, Enrolled)
        single.append("ok" if answer.refusal is None else answer.refusal.code)
    assert [as_told(one) for one in await outcomes(twins.one, operation_id)] == single
    # Who is new has ids of its own in either tenant.
    own = ("id", "enrollment_id", "doc", "data", "after", "number", "code", "seed")
    assert await everything_of(twins.one, *own) == await everything_of(twins.other, *own)


async def by_itself(stage: Stage, id: UUID, command: Act) -> str:
    async with transaction(stage.engine) as conn:
        now = await now_of(conn, stage.tenant)
        answer = await act(conn, stage.tenant, now, id, command, AUTHOR, privileged=True)
    if isinstance(answer, NotFound):
        return "enrollment_not_found"
    assert isinstance(answer, Acted)
    return "ok" if answer.refusal is None else answer.refusal.code


def as_told(outcome: tuple[str | None, str | None]) -> str:
    return "ok" if outcome[0] in ("succeeded", "unchanged") else str(outcome[1])


def as_fields(command: Command) -> dict[str, Any]:
    names = ("source", "group", "opens_at", "due_at", "limit_at", "counts_from")
    return {name: getattr(command, name) for name in names}


# The selection


async def test_one_enrollment_named_twice_in_different_ways_is_done_twice(stage: Stage) -> None:
    (id,) = await certified(stage, 1)
    both = (
        ItemOrder(certification="forklift", learner_id="u-0"),
        ItemOrder(enrollment_id=id),
        ItemOrder(certification="forklift", learner_id="u-0"),
    )
    order = Order(action="suspend", parameters={}, items=both)
    assert await outcomes(stage, await done(stage, order)) == [
        ("succeeded", None),
        ("refused", "action_not_allowed"),
        ("refused", "action_not_allowed"),
    ]


async def test_a_filter_selects_whom_it_finds_when_the_operation_starts(
    sandbox: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await certified(sandbox, 4)
    waiting = Order(
        action="suspend",
        parameters={},
        filter={"status": ["certified"]},
        start_at=MONDAY + days(2),
    )
    id = await put_in(sandbox, waiting)
    await sandbox.act(ids[0], Act(action=Action.SUSPEND))
    assert await run(sandbox.engine, sandbox.tenant, id, 1) == 0
    assert (await operation(sandbox, id)).total is None
    await clock_to(sandbox, MONDAY + days(2))
    monkeypatch.setattr(running, "IN_FLIGHT", 1)
    assert await one_batch(sandbox, id, monkeypatch) == 1
    # Things go on meanwhile: one comes to match, one ceases to.
    await sandbox.act(ids[0], Act(action=Action.LIFT))
    await sandbox.act(ids[3], Act(action=Action.SUSPEND))
    await run(sandbox.engine, sandbox.tenant, id, 1)
    found = await items(sandbox, id)
    assert [(one.enrollment_id, one.outcome) for one in found] == [
        (ids[1], "succeeded"),
        (ids[2], "succeeded"),
        (ids[3], "refused"),
    ]
    assert await statuses(sandbox) == {"certified": 1, "suspended": 3}


async def clock_to(stage: Stage, at: datetime) -> None:
    async with transaction(stage.engine) as conn:
        await driver(conn).execute("UPDATE tenants SET clock_at = $1", at)


async def one_batch(stage: Stage, id: UUID, monkeypatch: pytest.MonkeyPatch) -> int:
    """As a worker does it that is told to end meanwhile."""
    told_to_end = asyncio.Event()

    async def batch(*arguments: Any) -> list[Settled]:
        told_to_end.set()
        return await do(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(running, "do", batch)
        return await run(stage.engine, stage.tenant, id, 1, stop=told_to_end)


async def test_nobody_selected_is_an_operation_all_the_same(stage: Stage) -> None:
    await certified(stage, 1)
    for nobody in (
        Order(action="suspend", parameters={}, filter={"status": ["revoked"]}),
        Order(action="suspend", parameters={}, filter={"certification": ["unheard-of"]}),
        of_ids("suspend", []),
    ):
        id = await done(stage, nobody)
        assert (await operation(stage, id)).total == 0
        assert await items(stage, id) == []


async def test_what_is_not_there_is_not_found(stage: Stage) -> None:
    (id,) = await certified(stage, 1)
    named = (
        ItemOrder(enrollment_id=NOBODY),
        ItemOrder(certification="forklift", learner_id="stranger"),
        ItemOrder(certification="unheard-of", learner_id="u-0"),
        ItemOrder(enrollment_id=id),
    )
    done_id = await done(stage, Order(action="suspend", parameters={}, items=named))
    missing = ("not_found", "enrollment_not_found")
    assert await outcomes(stage, done_id) == [missing, missing, missing, ("succeeded", None)]


# One item's trouble is its own


async def test_a_rule_that_raises_fails_its_item_alone(stage: Stage) -> None:
    ids = await certified(stage, 5)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE enrollments SET doc = jsonb_set(doc, '{certificate,version}', '99')"
            " WHERE id = $1",
            ids[2],
        )
    order = of_ids("change-dates", ids, expires_at=(MONDAY + days(500)).isoformat())
    id = await done(stage, order)
    found = await items(stage, id)
    assert [one.outcome for one in found] == ["succeeded"] * 2 + ["failed"] + ["succeeded"] * 2
    assert (found[2].code, found[2].detail) == (
        "internal_error",
        "LookupError: certification forklift has no published version 99",
    )
    assert await told(stage, id) == dict.fromkeys([*ids[:2], *ids[3:]], 1)


async def test_a_row_that_cannot_be_read_fails_its_item_alone(stage: Stage) -> None:
    ids = await certified(stage, 9)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute("UPDATE enrollments SET doc = '{}' WHERE id = $1", ids[4])
    order = replace(of_ids("suspend", ids), hold_automation=True)
    id = await done(stage, order)
    assert Counter(await outcomes(stage, id)) == {
        ("succeeded", None): 8,
        ("failed", "internal_error"): 1,
    }
    assert (await items(stage, id))[4].outcome == "failed"
    held = await rows(
        stage,
        "SELECT number FROM bulk_items WHERE tenant_id = $1 AND held_until > $2",
        MONDAY + timedelta(days=36500),
    )
    assert held == [], "who failed is kept from automatic recertification no longer"


# Turns, statements


async def test_a_long_operation_lets_the_others_have_their_turns(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await certified(stage, 30)
    monkeypatch.setattr(running, "SLICE_SECONDS", 0.05)
    long, short = [await put_in(stage, of_ids("remind", part)) for part in (ids * 10, ids[:2])]
    assert await run_due(stage.engine, 1) == 302
    ended = await rows(
        stage,
        "SELECT id FROM bulk_operations WHERE tenant_id = $1"
        " AND state = 'completed' ORDER BY finished_at",
    )
    assert [row[0] for row in ended] == [short, long]


async def test_the_number_of_statements_of_a_batch_does_not_depend_on_its_size(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "IN_FLIGHT", 1)
    ids = await certified(stage, 48)
    numbers = []
    for part in (ids[:8], ids[8:]):
        id = await put_in(stage, of_ids("suspend", part))
        with counted(stage.engine) as statements:
            await run(stage.engine, stage.tenant, id, 100)
        numbers.append(len(statements.work))
    assert numbers[0] == numbers[1]


# Holding automatic recertification


async def test_whoever_is_held_is_recertified_by_hand_or_else_caught_up_with(
    sandbox: Stage,
) -> None:
    ids = await certified(sandbox, 3, automatic=True)
    held = replace(of_ids("suspend", ids[:2]), start_at=MONDAY + days(400), hold_automation=True)
    id = await put_in(sandbox, held)
    await test_clock.advance(sandbox.engine, sandbox.tenant.id, MONDAY + days(360))
    async with transaction(sandbox.engine) as conn:
        now = await now_of(conn, sandbox.tenant)
        await cancel(conn, sandbox.tenant, now, id, AUTHOR)
    first, second, free = await sandbox.read(*ids)
    assert free.enrollment.cycle is not None
    assert first.enrollment.cycle is None
    await test_clock.advance(sandbox.engine, sandbox.tenant.id, MONDAY + days(361))
    first, second, _ = await sandbox.read(*ids)
    for one in (first, second):
        assert one.enrollment.status is Status.RECERTIFYING
        assert one.enrollment.cycle is not None
        assert one.enrollment.cycle.opened_at == MONDAY + days(360)
