"""Actions: what each of them does, row by row of the page."""

from typing import Any

import pytest

from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.commands import Enroll
from certsvc.domain.definition import NEVER
from certsvc.domain.describe import describe
from certsvc.domain.enrollment import CycleOutcome, DoneBy, ExamState, PaymentState, Source
from certsvc.domain.events import EVENTS, EventType
from certsvc.domain.evidence import FactOutcome
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from tests.support.builders import Life, begun, certified, done, rich, typical, yearly
from tests.support.programmes import (
    COURSE,
    CREDITS,
    EXAM,
    PRACTICE,
    definition,
    path,
    programme,
    republished,
    utc,
)


def test_a_reason_is_required_where_the_page_says() -> None:
    required = {action.value for action, row in ACTIONS.items() if row.reason_required}
    assert required == {"revoke", "permanent-revoke", "suspend", "certify"}
    assert set(ACTIONS) == set(Action)
    assert set(EVENTS) == set(EventType)


# Overrides


def test_a_waived_fee_lets_kept_evidence_count_at_once() -> None:
    life = rich().enroll()
    life.record(life.course())
    assert life.reads(Status.NOT_STARTED)
    life.act(Action.OVERRIDE_PAYMENT)
    assert life.cycle.progress.payment is PaymentState.WAIVED
    assert life.reads(Status.IN_PROGRESS)
    assert life.says[0] is EventType.PAYMENT_WAIVED
    assert describe(life.e, life.c, life.now)["cycle"]["payment"] == "waived"


def test_overridden_training_counts_as_done_and_the_rest_is_left() -> None:
    life = Life(yearly(path(COURSE, PRACTICE, exam=EXAM))).enroll()
    life.record(life.course())
    life.later(hours=1).act(Action.OVERRIDE_TRAINING)
    assert [step.by for step in life.cycle.progress.steps] == [DoneBy.EVIDENCE, DoneBy.OVERRIDE]
    assert life.reads(Status.IN_PROGRESS)
    life.record(life.exam())
    assert life.reads(Status.CERTIFIED)


def test_an_overridden_exam_counts_as_done_and_the_rest_is_left() -> None:
    life = Life(yearly(path(COURSE, PRACTICE, exam=EXAM))).enroll()
    life.record(life.external())
    life.act(Action.OVERRIDE_EXAM)
    assert life.cycle.progress.exam.state is ExamState.OVERRIDDEN
    life.record(life.course())
    assert life.reads(Status.PENDING_APPROVAL)


def test_an_override_of_all_that_was_left_certifies() -> None:
    life = Life(yearly(path(COURSE, exam=EXAM))).enroll()
    life.record(life.course()).later(days=1).act(Action.OVERRIDE_EXAM)
    assert life.certificate.certified_at == life.now


def test_a_reset_takes_an_override_back() -> None:
    life = begun(rich().enroll())
    life.record(life.failed_exam()).later(days=1).act(Action.RESET_EXAM)
    assert life.cycle.progress.exam.attempts == 0
    assert life.says[0] is EventType.EXAM_RESET


# Sign-offs


def test_approving_without_a_step_signs_everything_outstanding() -> None:
    life = Life(yearly(path(COURSE, PRACTICE, approval_required=True))).enroll()
    life.record(life.course(), life.external())
    life.later(days=1).act(Action.APPROVE)
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == life.now
    assert life.events(EventType.ENROLLMENT_APPROVED)[0].data["steps"] == ["practice"]


def test_a_step_that_awaits_nothing_or_does_not_exist_cannot_be_signed() -> None:
    life = Life(yearly(path(COURSE, PRACTICE))).enroll()
    life.record(life.course(), life.external())
    unknown = life.refused(Action.APPROVE, step="nothing")
    assert (unknown.reason_code, unknown.invalid) == ("step_unknown", True)
    assert life.refused(Action.APPROVE, step="safety").reason_code == "step_not_awaiting_approval"


def test_a_rejection_names_what_is_to_be_done_again() -> None:
    life = done(rich().enroll())
    for takes in ({}, {"steps": ("nothing",)}, {"limit_at": utc("2026-01-01T00:00"), "exam": True}):
        assert life.refused(Action.REJECT, **takes).invalid


def test_past_the_limit_a_rejection_needs_a_new_one() -> None:
    life = Life(
        yearly(path(COURSE, approval_required=True), completion_limit={"after": "P10D"})
    ).enroll()
    life.record(life.course()).at("2026-03-01T09:00")
    assert life.refused(Action.REJECT, steps=("safety",)).parameter == "limit_at"
    life.act(Action.REJECT, steps=("safety",), limit_at=utc("2026-04-01T00:00"))
    assert life.reads(Status.IN_PROGRESS)
    life.at("2026-04-01T00:00")
    assert life.reads(Status.NOT_COMPLETED)


def test_a_final_rejection_ends_the_cycle_as_not_completed() -> None:
    life = done(rich().enroll())
    life.act(Action.REJECT, final=True)
    assert life.reads(Status.NOT_COMPLETED)
    assert life.says == [EventType.ENROLLMENT_REJECTED, EventType.ENROLLMENT_NOT_COMPLETED]


# Revoked, forced, barred, restored


def test_revoking_ends_the_cycle_and_the_certificate_and_bars_nobody() -> None:
    life = typical(Status.RECERTIFYING)
    life.act(Action.REVOKE)
    assert (life.status, life.standing) == (Status.REVOKED, Standing.REVOKED)
    assert life.certificate.revoked_at == life.now
    assert life.last.cycles[0].outcome is CycleOutcome.REVOKED
    shown = describe(life.e, life.c, life.now)
    assert shown["certificate"] is None
    assert shown["expires_at"] is None
    assert life.due is None
    life.act(Action.RECERTIFY)
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.REVOKED)
    done(life.later(days=1)).act(Action.APPROVE)
    assert (life.status, life.standing) == (Status.CERTIFIED, Standing.VALID)


def test_revoking_the_lapsed_leaves_the_lapsed_certificate_as_it_was() -> None:
    life = typical(Status.LAPSED)
    life.act(Action.REVOKE)
    assert life.reads(Status.REVOKED)
    assert life.certificate.revoked_at is None


@pytest.mark.parametrize("status", [Status.CERTIFIED, Status.EXPIRED, Status.LAPSED])
def test_forcing_recertification_revokes_the_certificate_and_opens_at_once(
    status: Status,
) -> None:
    life = typical(status)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)  # `never` or not
    life.c = republished(life.c, definition(path(COURSE)), life.now)
    life.act(Action.FORCE_RECERTIFICATION)
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.REVOKED)
    assert life.certificate.revoked_at == life.now
    assert life.cycle.version == 2
    assert life.says[:3] == [
        EventType.RECERTIFICATION_FORCED,
        EventType.CERTIFICATE_REVOKED,
        EventType.RECERTIFICATION_OPENED,
    ]
    expected = CycleKind.REINSTATEMENT if status is Status.LAPSED else CycleKind.RECERTIFICATION
    assert life.cycle.kind is expected


def test_recertifying_leaves_the_certificate_in_force_until_it_is_superseded() -> None:
    life = certified().at("2026-12-20T09:00")
    life.c = republished(life.c, definition(), life.now)
    life.act(Action.RECERTIFY)
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.VALID)
    assert life.cycle.version == 2
    old = life.certificate
    life.later(days=1).record(life.course())
    assert life.certificate.ordinal == 2
    superseded = next(c for c in life.last.certificates if c.id == old.id)
    assert superseded.superseded_at == life.certificate.certified_at == life.now
    assert life.says[-2:] == [
        EventType.CERTIFICATE_SUPERSEDED,
        EventType.CERTIFICATE_ISSUED,
    ]


@pytest.mark.parametrize("source", list(Source))
def test_whoever_is_barred_cannot_be_enrolled_by_any_source(source: Source) -> None:
    life = typical(Status.DISALLOWED).switch(self_enrollment="open")
    assert life.standing is Standing.DISALLOWED
    assert life.certificate.revoked_at == life.now
    group = "G9" if source is Source.GROUP else None
    assert life.refused(Enroll(source=source, group=group)).code == "disallowed"
    assert life.e.assigned  # memberships are kept, so that restore finds them


@pytest.mark.parametrize("status", [Status.REVOKED, Status.DISALLOWED])
def test_restoring_opens_a_new_cycle_and_old_certificates_stay_revoked(status: Status) -> None:
    life = typical(status)
    life.act(Action.RESTORE)
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.NONE)
    assert life.cycle.kind is CycleKind.RECERTIFICATION
    assert life.certificate.revoked_at is not None
    assert life.says[0] is EventType.ENROLLMENT_RESTORED


def test_restoring_who_never_held_it_opens_a_first_cycle() -> None:
    life = typical(Status.NOT_STARTED)
    life.act(Action.REVOKE)
    life.act(Action.RESTORE)
    assert (life.status, life.cycle.kind) == (Status.NOT_STARTED, CycleKind.INITIAL)


# Suspension


def test_whoever_is_suspended_is_lifted_or_revoked_or_barred() -> None:
    life = typical(Status.SUSPENDED)
    life.act(Action.LIFT)
    assert life.reads(Status.CERTIFIED)
    life = typical(Status.SUSPENDED)
    life.act(Action.REVOKE)
    assert (life.status, life.e.suspended) == (Status.REVOKED, False)
    life = typical(Status.SUSPENDED)
    life.act(Action.PERMANENT_REVOKE)
    assert (life.status, life.e.suspended) == (Status.DISALLOWED, False)


# The end of a cycle


@pytest.mark.parametrize(
    ("action", "work", "status"),
    [
        (Action.CANCEL, Work.CANCELLED, Status.CANCELLED),
        (Action.MARK_NOT_COMPLETED, Work.NOT_COMPLETED, Status.NOT_COMPLETED),
    ],
)
def test_an_ended_cycle_earns_nothing_and_leaves_the_certificate_alone(
    action: Action, work: Work, status: Status
) -> None:
    life = begun(rich().enroll())
    life.act(action)
    assert (life.work, life.status) == (work, status)
    held = typical(Status.RECERTIFYING)
    before = held.certificate
    held.act(action)
    assert (held.work, held.status, held.certificate) == (work, Status.CERTIFIED, before)
    waiting = rich().enroll(opens_at=utc("2026-03-01T00:00"))
    waiting.act(action)
    assert (waiting.work, waiting.status, waiting.due) == (work, status, None)


def test_an_inactive_cycle_resumes_with_its_dates() -> None:
    life = Life(yearly(due={"after": "P30D"}, completion_limit={"after": "P90D"})).enroll()
    due_at, limit_at = life.cycle.due_at, life.cycle.limit_at
    life.act(Action.DEACTIVATE)
    assert (life.status, life.due) == (Status.INACTIVE, None)
    life.at("2026-02-20T09:00").act(Action.REACTIVATE)
    assert (life.cycle.due_at, life.cycle.limit_at) == (due_at, limit_at)
    assert life.reads(Status.NOT_STARTED)
    assert Flag.OVERDUE in life.flags
    assert life.events(EventType.ENROLLMENT_OVERDUE)[0].effective_at == life.now


def test_a_limit_that_passed_meanwhile_takes_effect_on_return() -> None:
    life = Life(yearly(completion_limit={"after": "P10D"})).enroll()
    life.act(Action.DEACTIVATE)
    life.at("2026-03-01T09:00")
    assert life.reads(Status.INACTIVE)
    life.act(Action.REACTIVATE)
    assert life.reads(Status.NOT_COMPLETED)
    assert life.events(EventType.ENROLLMENT_NOT_COMPLETED)[0].effective_at == life.now


@pytest.mark.parametrize(
    ("takes", "work"),
    [({}, Work.ASSIGNED), ({"opens_at": utc("2026-03-01T00:00")}, Work.ASSIGNED)],
)
def test_what_was_assigned_is_assigned_again_after_a_pause(
    takes: dict[str, Any], work: Work
) -> None:
    life = rich(acceptance_required=True).enroll(**takes)
    life.act(Action.DEACTIVATE)
    life.later(days=1).act(Action.REACTIVATE)
    assert life.work is work


def test_what_waited_waits_again_after_a_pause() -> None:
    life = rich().enroll(opens_at=utc("2026-03-01T00:00"))
    life.act(Action.DEACTIVATE)
    life.at("2026-02-01T00:00").act(Action.REACTIVATE)
    assert (life.work, life.due) == (Work.WAITING, utc("2026-03-01T00:00"))
    life.act(Action.DEACTIVATE)
    life.at("2026-04-01T00:00").act(Action.REACTIVATE)
    assert life.cycle.opened_at == life.now


# remind


def test_a_reminder_changes_nothing_else() -> None:
    life = begun(rich().enroll())
    before = life.e
    life.later(hours=1).act(Action.REMIND)
    assert life.says == [EventType.ENROLLMENT_REMINDER]
    assert (life.status, life.cycle, life.e.assignments) == (
        before.status,
        before.cycle,
        before.assignments,
    )


# Kinds and paths


def test_each_kind_of_cycle_follows_its_own_path() -> None:
    document = definition(
        path(COURSE), recertification=path(CREDITS), reinstatement=path(COURSE, exam=EXAM)
    )
    life = certified(programme(document)).at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    assert (life.cycle.kind, life.cycle.progress.steps[0].key) == (
        CycleKind.RECERTIFICATION,
        "ethics",
    )
    life.act(Action.CANCEL)
    life.at("2027-03-01T09:00").act(Action.RECERTIFY)
    assert (life.cycle.number, life.cycle.kind) == (3, CycleKind.REINSTATEMENT)
    life.record(life.course(), life.exam())
    assert life.reads(Status.CERTIFIED)
    life.at("2028-02-20T09:00").act(Action.RECERTIFY)
    assert life.cycle.kind is CycleKind.RECERTIFICATION


def test_without_paths_of_their_own_later_cycles_do_as_the_first() -> None:
    life = certified().at("2027-03-01T09:00")
    life.act(Action.RECERTIFY)
    assert [step.key for step in life.cycle.progress.steps] == ["safety"]


def test_an_opening_tells_the_steps_with_the_courses_of_the_lms() -> None:
    life = Life(programme(definition(path(COURSE, exam=EXAM)))).enroll()
    told = life.events(EventType.ENROLLMENT_OPENED)[0].data["cycle"]
    assert told["steps"][0]["course_ids"] == ["C-1"]
    assert told["steps"][0]["exam_ids"] == ["X-9"]
    assert told["exam_id"] == "X-1"


def test_an_attempt_is_told_as_it_was_reported() -> None:
    life = begun(rich().enroll())
    life.record(life.exam(outcome=FactOutcome.FAILED, grade=12.0))
    told = life.events(EventType.EXAM_ATTEMPTED)[0].data
    assert (told["exam_id"], told["outcome"], told["grade"]) == ("X-1", "failed", 12.0)
