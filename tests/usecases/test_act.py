"""One action: who may, what it needs, whose revision, and a number of statements that is fixed."""

from uuid import UUID, uuid4

import pytest

from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.commands import Act
from certsvc.domain.status import Standing, Status
from certsvc.store.author import Author
from certsvc.store.db import driver, transaction
from certsvc.usecases.act import act
from certsvc.usecases.answers import Acted, Forbidden, NotFound, Stale
from certsvc.usecases.unassign import unassign
from tests.support.programmes import ELSEWHERE, utc
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.support.statements import counted
from tests.usecases.test_tick import certified

SILENT = Author("key:boss")
Answer = Acted | NotFound | Stale | Forbidden


async def acted(
    stage: Stage,
    id: UUID,
    command: Act | Action,
    author: Author = BOSS,
    *,
    privileged: bool = True,
    expected_revision: int | None = None,
    at_day: float = 1,
) -> Answer:
    if isinstance(command, Action):
        command = Act(action=command)
    async with transaction(stage.engine) as conn:
        return await act(
            conn,
            stage.tenant,
            MONDAY + days(1) * at_day,
            id,
            command,
            author,
            privileged=privileged,
            expected_revision=expected_revision,
        )


async def enrolled(stage: Stage) -> UUID:
    (id,) = await stage.enroll(await stage.certification(), "ann")
    return id


async def revision(stage: Stage, id: UUID) -> int:
    (row,) = await stage.read(id)
    return row.enrollment.revision


async def test_an_action_is_done_and_answered_as_the_enrollment_then_is(stage: Stage) -> None:
    id = await enrolled(stage)
    answer = await acted(stage, id, Action.CANCEL)
    assert isinstance(answer, Acted)
    assert answer.refusal is None
    assert answer.enrollment.status is Status.CANCELLED
    (row,) = await stage.read(id)
    assert row.enrollment == answer.enrollment


async def test_an_unknown_enrollment_is_not_found(stage: Stage) -> None:
    assert isinstance(await acted(stage, uuid4(), Action.CANCEL), NotFound)


async def test_another_tenants_enrollment_is_not_found(stage: Stage) -> None:
    id = await enrolled(stage)
    other = await Stage.set(stage.engine, uuid4(), key="other")
    assert isinstance(await acted(other, id, Action.CANCEL), NotFound)


async def test_a_refused_action_writes_nothing(stage: Stage) -> None:
    id = await enrolled(stage)
    before = await revision(stage, id)
    answer = await acted(stage, id, Action.LIFT)
    assert isinstance(answer, Acted)
    assert answer.refusal is not None
    assert not answer.refusal.invalid
    assert await revision(stage, id) == before


async def test_a_stale_revision_is_told_with_the_present_one(stage: Stage) -> None:
    id = await enrolled(stage)
    present = await revision(stage, id)
    answer = await acted(stage, id, Action.CANCEL, expected_revision=present + 1)
    assert answer == Stale(present)
    assert await revision(stage, id) == present
    answer = await acted(stage, id, Action.CANCEL, expected_revision=present)
    assert isinstance(answer, Acted)


async def test_the_revision_is_judged_as_it_reads_now_however_late_the_scheduler(
    stage: Stage,
) -> None:
    (id,) = await certified(stage, "ann")
    stored = await revision(stage, id)
    late = 380
    answer = await acted(stage, id, Action.REMIND, expected_revision=stored, at_day=late)
    assert isinstance(answer, Stale)
    assert answer.revision > stored
    shown = answer.revision
    answer = await acted(stage, id, Action.REMIND, expected_revision=shown, at_day=late)
    assert isinstance(answer, Acted)
    assert answer.refusal is None


@pytest.mark.parametrize("action", [a for a, row in ACTIONS.items() if row.reason_required])
async def test_some_actions_need_a_reason(stage: Stage, action: Action) -> None:
    id = await enrolled(stage)
    before = await revision(stage, id)
    for reason in (None, "", "  "):
        answer = await acted(stage, id, action, Author("key:boss", reason=reason))
        assert isinstance(answer, Acted)
        assert answer.refusal is not None
        assert (answer.refusal.code, answer.refusal.invalid, answer.refusal.parameter) == (
            "reason_required",
            True,
            "reason",
        )
    assert await revision(stage, id) == before


@pytest.mark.parametrize("action", list(Action))
async def test_the_lms_may_accept_and_recertify_and_nothing_else(
    stage: Stage, action: Action
) -> None:
    id = await enrolled(stage)
    answer = await acted(stage, id, action, privileged=False)
    assert isinstance(answer, Forbidden) is not ACTIONS[action].lms


async def test_the_lms_may_not_recertify_early(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    early = Act(action=Action.RECERTIFY, early=True)
    assert isinstance(await acted(stage, id, early, privileged=False), Forbidden)
    answer = await acted(stage, id, early)
    assert isinstance(answer, Acted)
    assert answer.refusal is None


@pytest.mark.parametrize("name", ["advanced", str(ELSEWHERE)])
async def test_the_next_certification_is_named_by_key_or_id(stage: Stage, name: str) -> None:
    (id,) = await certified(stage, "ann")
    await stage.certification(id=ELSEWHERE, key="advanced")
    command = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next=name)
    answer = await acted(stage, id, command)
    assert isinstance(answer, Acted)
    assert answer.refusal is None
    assert answer.enrollment.next_certification == ELSEWHERE


async def test_an_unknown_next_certification_is_wrong_content(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    command = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="nowhere")
    answer = await acted(stage, id, command)
    assert isinstance(answer, Acted)
    assert answer.refusal is not None
    assert (answer.refusal.invalid, answer.refusal.parameter) == (True, "next")


async def test_leading_elsewhere_at_once_enrols_there_in_the_same_transaction(
    stage: Stage,
) -> None:
    (id,) = await certified(stage, "ann")
    await stage.certification(id=ELSEWHERE, key="advanced")
    command = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="advanced", now=True)
    answer = await acted(stage, id, command)
    assert isinstance(answer, Acted)
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT certification_id, status FROM enrollments "
            "WHERE learner_id = 'ann' AND id <> $1",
            id,
        )
    assert [tuple(row) for row in rows] == [(ELSEWHERE, "not_started")]


async def test_two_certifications_that_lead_to_each_other_come_to_an_end(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await stage.certification(id=ELSEWHERE, key="advanced")
    there = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="advanced", now=True)
    await acted(stage, id, there)
    async with transaction(stage.engine) as conn:
        other = await driver(conn).fetchval("SELECT id FROM enrollments WHERE id <> $1", id)
    await stage.act(other, Act(action=Action.CERTIFY, certified_at=MONDAY), at=MONDAY + days(2))
    back = Act(action=Action.CHANGE_NEXT_RECERTIFICATION, next="forklift", now=True)
    answer = await acted(stage, other, back, at_day=3)
    assert isinstance(answer, Acted)
    (row,) = await stage.read(id)
    assert row.enrollment.standing is Standing.VALID


async def test_what_is_recorded_never_goes_back_where_clocks_differ(stage: Stage) -> None:
    id = await enrolled(stage)
    await acted(stage, id, Action.REMIND, at_day=2)
    answer = await acted(stage, id, Action.REMIND, at_day=1)
    assert isinstance(answer, Acted)
    assert answer.now == answer.enrollment.updated_at == MONDAY + days(2)


async def test_an_action_takes_the_same_statements_however_long_the_history(stage: Stage) -> None:
    id = await enrolled(stage)

    async def statements(at_day: float) -> int:
        with counted(stage.engine) as heard:
            answer = await acted(stage, id, Action.REMIND, at_day=at_day)
        assert isinstance(answer, Acted)
        assert answer.refusal is None
        return len(heard.work)

    first = await statements(1)
    for n in range(30):
        await acted(stage, id, Action.REMIND, at_day=2 + n / 100)
    assert await statements(3) == first <= 4


async def test_an_assignment_is_taken_away_once(stage: Stage) -> None:
    id = await enrolled(stage)
    (row,) = await stage.read(id)
    (assignment,) = row.enrollment.assignments
    async with transaction(stage.engine) as conn:
        now = utc("2026-01-06T09:00")
        answer = await unassign(conn, stage.tenant, now, id, assignment.id, SILENT)
        assert isinstance(answer, Acted)
        assert answer.enrollment.status is Status.REMOVED
        again = await unassign(conn, stage.tenant, now, id, assignment.id, SILENT)
        assert again == NotFound("assignment", str(assignment.id))
        unknown = await unassign(conn, stage.tenant, now, uuid4(), assignment.id, SILENT)
        assert isinstance(unknown, NotFound)
        assert unknown.what == "enrollment"
