"""Decisions are written whole or not at all, however many there are."""

import asyncio
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Enroll, Unassign
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.outcome import Decision
from certsvc.domain.status import Flag, Status
from certsvc.store import (
    assignments,
    certificates,
    cycles,
    decisions,
    enrollments,
    events,
    evidence,
)
from certsvc.store.db import driver, transaction
from certsvc.store.decisions import Change
from certsvc.store.errors import Conflict
from tests.support.aside import set_aside_page
from tests.support.programmes import CERTIFICATION, utc
from tests.support.stage import (
    BOSS,
    MONDAY,
    TENANT,
    Stage,
    advanced,
    days,
    decided,
    first_enrollment,
    without_evidence,
)

NEXT_YEAR = utc("2027-02-01T00:00")


def passed(at: Any = MONDAY, id: str = "F-1") -> Fact:
    """The course that completes the first cycle."""
    return Fact(
        id=id,
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )


async def count(conn: AsyncConnection, table: str) -> int:
    number: int = await driver(conn).fetchval(f"SELECT count(*) FROM {table}")
    return number


async def test_a_new_enrollment_reads_as_it_was_decided(stage: Stage) -> None:
    certification = await stage.certification()
    change = first_enrollment(certification, "u-1", Enroll(source=Source.GROUP, group="G1"))
    saved = await stage.save([change])
    e = change.decision.enrollment
    assert saved.created == (e.id,)
    assert saved.lost == ()
    assert saved.events == len(change.decision.events)
    (locked,) = await stage.read(e.id)
    assert locked.enrollment == e
    assert locked.certification == certification
    assert locked.live


async def test_a_life_reads_back_as_it_was_decided_at_every_turn(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    (certified,) = await stage.read(id)
    assert certified.enrollment.status is Status.CERTIFIED
    e = await stage.act(id, Act(action=Action.SUSPEND), MONDAY + days(3))
    (suspended,) = await stage.read(id)
    assert without_evidence(suspended.enrollment) == without_evidence(e)
    assert await stage.tick(NEXT_YEAR) == 1
    (late,) = await stage.read(id)
    assert late.enrollment.certificate is not None
    assert late.enrollment.certificate.expired_at is not None


async def test_the_columns_follow_from_the_state(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    almost_over = utc("2026-12-20T00:00")
    await stage.tick(almost_over)
    async with transaction(stage.engine) as conn:
        row = await driver(conn).fetchrow("SELECT * FROM enrollments")
    (locked,) = await stage.read(id)
    certificate = locked.enrollment.certificate
    assert certificate is not None
    assert row["status"] == "certified"
    assert row["standing"] == "valid"
    assert row["revision"] == locked.enrollment.revision
    assert row["sequence"] == locked.enrollment.sequence
    assert row["certified_at"] == certificate.certified_at
    assert row["expires_at"] == certificate.expires_at
    assert row["lapses_at"] == certificate.lapses_at
    assert row["recertification_at"] == certificate.window_at
    assert row["updated_at"] == almost_over
    assert set(row["flags"]) == {Flag.EXPIRING, Flag.DUE_FOR_RECERTIFICATION}
    assert locked.flags == tuple(row["flags"])
    assert locked.next_due_at == row["next_due_at"]
    assert almost_over < row["next_due_at"]
    assert row["evidence_from"] == certificate.certified_at


async def test_the_history_tells_every_event_once_with_the_state_after_its_step(
    stage: Stage,
) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    await stage.tick(NEXT_YEAR)
    async with transaction(stage.engine) as conn:
        story = await events.history(conn, TENANT, id, limit=100, with_after=True)
        plain = await events.history(conn, TENANT, id, after=story[1].sequence, limit=2)
    (now,) = await stage.read(id)
    assert [event.sequence for event in story] == list(range(1, now.enrollment.sequence + 1))
    assert [event.revision for event in story] == [
        event.after.revision for event in story if event.after is not None
    ]
    assert story[-1].after == without_evidence(now.enrollment)
    assert [event.id for event in plain] == [story[2].id, story[3].id]
    assert all(event.after is None for event in plain)
    first, last = story[0], story[-1]
    assert (first.actor, first.reason, first.type) == (
        "key:boss",
        "because",
        "enrollment.created",
    )
    assert (last.actor, last.reason) == ("time", None)
    assert first.recorded_at == MONDAY
    assert last.recorded_at == NEXT_YEAR
    assert last.effective_at < NEXT_YEAR


async def test_the_state_of_a_past_instant_is_the_one_after_its_last_event(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    (enrolled,) = await stage.read(id)
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    async with transaction(stage.engine) as conn:
        before = await enrollments.state_at(conn, TENANT, id, MONDAY - days(1))
        between = await enrollments.state_at(conn, TENANT, id, MONDAY + days(1))
    assert before is None
    assert between == enrolled.enrollment


async def test_a_row_that_moved_meanwhile_is_a_conflict_and_nothing_is_written(
    stage: Stage,
) -> None:
    certification = await stage.certification()
    one, other = await stage.enroll(certification, "u-1", "u-2")
    stale = await stage.read(one, other)
    await stage.act(other, Act(action=Action.REMIND))
    async with transaction(stage.engine) as conn:
        told = await count(conn, "events")
    cancel = Act(action=Action.CANCEL)
    with pytest.raises(Conflict) as raised:
        await stage.save([decided(locked, cancel, MONDAY) for locked in stale])
    assert raised.value.ids == (other,)
    async with transaction(stage.engine) as conn:
        assert await count(conn, "events") == told
    now = await stage.read(one, other)
    assert {locked.enrollment.status for locked in now} == {Status.NOT_STARTED}


async def test_many_events_go_in_by_copy_and_are_rolled_back_with_the_rest(stage: Stage) -> None:
    certification = await stage.certification()
    changes = [
        first_enrollment(certification, f"u-{n:03}", Enroll(source=Source.MANUAL))
        for n in range(decisions.FEW + 1)
    ]

    async def fail_late() -> None:
        async with transaction(stage.engine) as conn:
            saved = await stage.save_in(conn, changes)
            assert saved.events > decisions.FEW
            assert await count(conn, "events") == saved.events
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_late()
    async with transaction(stage.engine) as conn:
        assert await count(conn, "events") == 0
        assert await count(conn, "enrollments") == 0
    await stage.save(changes)
    async with transaction(stage.engine) as conn:
        assert await count(conn, "enrollments") == decisions.FEW + 1


async def test_of_two_who_enroll_the_same_learner_one_is_told_that_it_lost(stage: Stage) -> None:
    certification = await stage.certification()
    command = Enroll(source=Source.MANUAL)
    first = first_enrollment(certification, "u-1", command)
    second = first_enrollment(certification, "u-1", command, MONDAY + days(1))
    third = first_enrollment(certification, "u-2", command)
    await stage.save([first])
    saved = await stage.save([second, third])
    assert saved.lost == (second.decision.enrollment.id,)
    assert saved.created == (third.decision.enrollment.id,)
    async with transaction(stage.engine) as conn:
        (winner,) = await enrollments.lock_learners(conn, TENANT, [(certification.id, "u-1")])
        assert winner.enrollment.id == first.decision.enrollment.id
        assert not await events.history(conn, TENANT, second.decision.enrollment.id, limit=10)
        assert not await cycles.of_enrollment(conn, TENANT, second.decision.enrollment.id)


async def test_a_refused_newcomer_leaves_nothing(stage: Stage) -> None:
    certification = await stage.certification()
    started = first_enrollment(certification, "u-1", Enroll(source=Source.MANUAL))
    blank = replace(started.decision.enrollment, revision=0, sequence=0, cycle=None, assignments=())
    saved = await stage.save([Change(None, Decision(blank), certification, BOSS)])
    assert (saved.created, saved.lost, saved.events) == ((), (), 0)


async def test_cycles_certificates_and_assignments_are_kept_as_they_are_in_the_end(
    stage: Stage,
) -> None:
    certification = await stage.certification(automatic=True)
    (id,) = await stage.enroll(certification, "u-1", group="G1")
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    await stage.tick(NEXT_YEAR)
    (now,) = await stage.read(id)
    async with transaction(stage.engine) as conn:
        kept = await cycles.of_enrollment(conn, TENANT, id)
        (issued,) = await certificates.of_enrollment(conn, TENANT, id)
        by_code = await certificates.by_code(conn, issued.certificate.code)
        by_id = await certificates.get(conn, TENANT, issued.certificate.id)
        (assignment,) = await assignments.of_enrollment(conn, TENANT, id)
    assert [(cycle.number, cycle.closed_at is not None) for cycle in kept] == [
        (1, True),
        (2, False),
    ]
    assert by_code == (TENANT, issued)
    assert by_id == issued
    certificate = now.enrollment.certificate
    assert certificate is not None
    for_timers_only = ("armed_at", "told_through", "window_used", "window_told")
    for field in fields(certificate):
        if field.name not in for_timers_only:
            kept_value = getattr(issued.certificate, field.name)
            assert kept_value == getattr(certificate, field.name), field.name
    assert (issued.enrollment_id, issued.certification_id, issued.learner_id) == (
        id,
        CERTIFICATION,
        "u-1",
    )
    assert (assignment.group, assignment.ended_at) == ("G1", None)


async def test_an_assignment_that_went_keeps_its_end_and_may_come_again(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    for day in (1, 3):
        (now,) = await stage.read(id)
        gone = Unassign(now.enrollment.assignments[0].id)
        await stage.command(id, gone, MONDAY + days(day))
        await stage.command(id, Enroll(source=Source.MANUAL), MONDAY + days(day + 1))
    async with transaction(stage.engine) as conn:
        kept = await assignments.of_enrollment(conn, TENANT, id)
    assert [assignment.ended_at for assignment in kept] == [
        MONDAY + days(1),
        MONDAY + days(3),
        None,
    ]


async def test_two_turns_of_one_enrollment_may_be_written_at_once(stage: Stage) -> None:
    """As the test clock does: an assignment comes and goes again before anything was written."""
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    (locked,) = await stage.read(id)
    turn = Decision(locked.enrollment)
    steps = (
        (Unassign(locked.enrollment.assignments[0].id), 1),
        (Enroll(source=Source.MANUAL), 2),
        (None, 3),
        (Enroll(source=Source.MANUAL), 4),
    )
    for command, day in steps:
        gone = command or Unassign(turn.enrollment.assignments[0].id)
        now = replace(locked, enrollment=turn.enrollment)
        more = decided(now, gone, MONDAY + days(day)).decision
        turn = Decision(
            more.enrollment,
            more.next_due_at,
            turn.events + more.events,
            cycles=turn.cycles + more.cycles,
            certificates=turn.certificates + more.certificates,
            assigned=turn.assigned + more.assigned,
            unassigned=turn.unassigned + more.unassigned,
        )
    await stage.save([Change(locked, turn, certification, BOSS)])
    async with transaction(stage.engine) as conn:
        kept = await assignments.of_enrollment(conn, TENANT, id)
        story = await events.history(conn, TENANT, id, limit=100)
    assert [assignment.ended_at for assignment in kept] == [
        MONDAY + days(1),
        MONDAY + days(3),
        None,
    ]
    assert {MONDAY + days(day) for day in range(5)} == {event.recorded_at for event in story}


async def test_where_nothing_happened_only_what_was_wrong_is_put_right(stage: Stage) -> None:
    certification = await stage.certification()
    one, other = await stage.enroll(certification, "u-1", "u-2")
    async with transaction(stage.engine) as conn:
        early = MONDAY + days(1)
        await driver(conn).execute(
            "UPDATE enrollments SET next_due_at = $1 WHERE id = $2", early, one
        )
        untouched = await driver(conn).fetchval(
            "SELECT xmin::text FROM enrollments WHERE id = $1", other
        )
    held = await stage.read(one, other)
    saved = await stage.save([advanced(locked, MONDAY + days(2)) for locked in held])
    assert (saved.moved, saved.events) == (0, 0)
    corrected, same = await stage.read(one, other)
    assert corrected.next_due_at == same.next_due_at
    async with transaction(stage.engine) as conn:
        assert untouched == await driver(conn).fetchval(
            "SELECT xmin::text FROM enrollments WHERE id = $1", other
        )


async def test_a_row_that_was_set_aside_is_not_claimed_until_something_moves_it(
    stage: Stage,
) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    await stage.report("u-1", passed(MONDAY + days(1)), at=MONDAY + days(2))
    async with transaction(stage.engine) as conn:
        await decisions.set_aside(conn, TENANT, id, "no such version\x00", MONDAY + days(2))
    assert await stage.tick(NEXT_YEAR) == 0
    async with transaction(stage.engine) as conn:
        (aside,) = await set_aside_page(conn, TENANT, limit=10)
        assert (aside.id, aside.error, aside.count) == (id, "no such version", 1)
        assert await enrollments.stored_as_of(conn, TENANT, NEXT_YEAR) == NEXT_YEAR
    await stage.act(id, Act(action=Action.SUSPEND), MONDAY + days(3))
    (back,) = await stage.read(id)
    assert back.set_aside_at is None
    assert await stage.tick(NEXT_YEAR) == 1


async def test_the_number_of_statements_does_not_grow_with_the_number_of_rows(
    stage: Stage,
) -> None:
    certification = await stage.certification()
    learners = [f"u-{n:03}" for n in range(300)]
    await stage.enroll(certification, *learners)
    for learner in learners[:150]:
        await stage.report(learner, passed(MONDAY + days(1), f"F-{learner}"), at=MONDAY + days(2))
    seen: list[str] = []
    async with transaction(stage.engine) as conn:
        raw = driver(conn)

        def note(query: Any) -> None:
            seen.append(query.query)

        with raw.query_logger(note):
            claim = await enrollments.claim_due(conn, TENANT, NEXT_YEAR, 1000)
            await stage.save_in(
                conn, [advanced(locked, NEXT_YEAR) for locked in claim.rows], at=NEXT_YEAR
            )
    assert len(claim.rows) >= 150
    assert len(seen) <= 7, seen


async def test_a_command_takes_three_statements_where_nothing_else_changes(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    seen: list[str] = []
    async with transaction(stage.engine) as conn:
        raw = driver(conn)
        with raw.query_logger(lambda query: seen.append(query.query)):
            (locked,) = await enrollments.lock(conn, TENANT, [id])
            change = decided(locked, Act(action=Action.REMIND), MONDAY)
            await stage.save_in(conn, [change])
    assert len(seen) == 3, seen


async def test_two_transactions_never_save_over_each_other(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")

    async def remind(_: int) -> None:
        await stage.act(id, Act(action=Action.REMIND))

    before = (await stage.read(id))[0].enrollment
    await asyncio.gather(*map(remind, range(8)))
    (after,) = await stage.read(id)
    assert after.enrollment.revision == before.revision + 8
    async with transaction(stage.engine) as conn:
        story = await events.history(conn, TENANT, id, limit=100)
        assert [event.sequence for event in story] == list(range(1, len(story) + 1))
        assert not await evidence.known(conn, TENANT, ["F-1"])


async def test_another_tenant_sees_nothing_and_changes_nothing(stage: Stage) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    stranger = UUID(int=7)
    async with transaction(stage.engine) as conn:
        assert await enrollments.lock(conn, stranger, [id]) == []
        assert await enrollments.lock_learners(conn, stranger, [(certification.id, "u-1")]) == []
        assert await enrollments.lock_of_learners(conn, stranger, ["u-1"]) == []
        assert (await enrollments.claim_due(conn, stranger, NEXT_YEAR, 10)).rows == []
        assert await events.history(conn, stranger, id, limit=10) == []
        assert await cycles.of_enrollment(conn, stranger, id) == []
        await decisions.set_aside(conn, stranger, id, "no", MONDAY)
    (untouched,) = await stage.read(id)
    assert untouched.set_aside_at is None


async def test_certificates_are_listed_by_learner_and_certification(stage: Stage) -> None:
    certification = await stage.certification()
    await stage.enroll(certification, "u-1", "u-2", "u-3")
    for n in (1, 2, 3):
        await stage.report(f"u-{n}", passed(MONDAY + days(n), f"F-{n}"), at=MONDAY + days(4))

    async with transaction(stage.engine) as conn:

        async def learners(**asked: Any) -> list[str]:
            page = await certificates.page(conn, TENANT, **{"limit": 5} | asked)
            return [row.learner_id for row in page]

        first = await certificates.page(conn, TENANT, limit=1)
        assert await learners() == ["u-1", "u-2", "u-3"]
        assert await learners(after=first[0].certificate.id, limit=1) == ["u-2"]
        assert await learners(learners=["u-3", "u-1"]) == ["u-1", "u-3"]
        assert await learners(certifications=[certification.id], learners=["u-2"]) == ["u-2"]
        assert await learners(certifications=[UUID(int=7)]) == []
        assert await certificates.by_code(conn, "NONE-SUCH") is None
        assert await certificates.get(conn, UUID(int=7), first[0].certificate.id) is None
