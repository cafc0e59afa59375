"""Conditions of the grid: each footnote, where it holds and where it does not."""

from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.definition import NEVER
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import FactOutcome
from certsvc.domain.status import Standing, Status, Work
from tests.support.builders import Life, begun, certified, done, rich, typical
from tests.support.programmes import (
    COURSE,
    EXAM,
    PRACTICE,
    definition,
    path,
    programme,
    republished,
    utc,
)


def _attempting(life: Life) -> Life:
    begun(life)
    return life.record(life.exam(outcome=FactOutcome.STARTED, grade=None, attempt_id="A-1"))


def _stopped() -> Life:
    life = typical(Status.CERTIFIED)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    return life


# ¹ and ⁴: payment required and not paid


def test_a_fee_that_is_not_required_cannot_be_waived() -> None:
    life = Life(programme(definition(path(COURSE)))).enroll()
    assert life.refused(Action.OVERRIDE_PAYMENT).reason_code == "payment_not_required"


@pytest.mark.parametrize("status", [Status.NOT_STARTED, Status.RECERTIFYING])
def test_a_fee_that_is_paid_or_waived_cannot_be_waived(status: Status) -> None:
    life = typical(status)
    life.record(life.payment())
    assert life.status is status
    assert life.refused(Action.OVERRIDE_PAYMENT).reason_code == "payment_settled"
    life = typical(status)
    life.act(Action.OVERRIDE_PAYMENT)
    assert life.refused(Action.OVERRIDE_PAYMENT).reason_code == "payment_settled"


def test_a_change_of_version_may_leave_a_fee_unpaid_in_progress() -> None:
    life = Life(programme(definition(path(COURSE, PRACTICE)))).enroll()
    life.record(life.course())
    life.c = republished(
        life.c, definition(path(COURSE, PRACTICE, payment_required=True)), life.now
    )
    life.act(Action.MOVE_TO_VERSION)
    assert life.reads(Status.IN_PROGRESS)
    life.act(Action.OVERRIDE_PAYMENT)


def test_only_the_fee_of_the_open_recertification_can_be_waived() -> None:
    free = definition(path(COURSE, payment_required=True), recertification=path(COURSE))
    life = Life(programme(free)).enroll()
    life.record(life.payment(), life.course())
    life.at("2026-12-20T09:00").act(Action.RECERTIFY)
    assert life.refused(Action.OVERRIDE_PAYMENT).reason_code == "payment_not_required"


# ² only when every assignment is manual; ³ nothing examined, nothing paid


@pytest.mark.parametrize("source", [Source.GROUP, Source.SELF, Source.IMPORT])
@pytest.mark.parametrize("status", [Status.ASSIGNED, Status.NOT_STARTED])
def test_an_assignment_that_is_not_manual_cannot_be_removed_by_hand(
    status: Status, source: Source
) -> None:
    life = typical(status)
    life.switch(self_enrollment="open", acceptance_required=False)
    life = typical(status) if source is Source.SELF and status is Status.ASSIGNED else life
    if source is Source.SELF and status is Status.ASSIGNED:
        life.switch(self_enrollment="open")
        life.enroll(source)
        assert life.reads(Status.NOT_STARTED)  # self-enrolling from assigned accepts
    else:
        life.enroll(source, group="G1" if source is Source.GROUP else None)
    assert life.refused(Action.REMOVE).reason_code == "not_only_manual"
    life.unassign(source)
    life.act(Action.REMOVE)
    assert life.reads(Status.REMOVED)


def test_nothing_is_removed_once_an_exam_has_been_started() -> None:
    life = Life(programme(definition(path(COURSE, exam=EXAM | {"after_training": False}))))
    life.enroll().record(life.exam(outcome=FactOutcome.STARTED, grade=None))
    assert life.reads(Status.IN_PROGRESS)
    assert life.refused(Action.REMOVE).reason_code == "exam_started"


def test_a_test_out_is_an_exam_that_has_been_started() -> None:
    life = Life().enroll()
    life.record(life.test_out(outcome=FactOutcome.FAILED, grade=10.0))
    assert life.refused(Action.REMOVE).reason_code == "exam_started"


def test_an_exam_that_was_taken_back_was_not_started() -> None:
    life = Life(programme(definition(path(COURSE, exam=EXAM | {"after_training": False}))))
    life.enroll().record(attempt := life.failed_exam())
    life.record(life.retraction(attempt))
    life.act(Action.REMOVE)


def test_nothing_is_removed_once_something_has_been_paid() -> None:
    life = rich().enroll()
    life.record(life.payment())
    assert life.reads(Status.NOT_STARTED)
    assert life.refused(Action.REMOVE).reason_code == "already_paid"


def test_a_waived_fee_is_not_a_paid_one() -> None:
    life = rich().enroll()
    life.act(Action.OVERRIDE_PAYMENT)
    life.act(Action.REMOVE)


# ⁵ not while an exam attempt is open


@pytest.mark.parametrize("status", [Status.NOT_STARTED, Status.RECERTIFYING])
def test_an_exam_is_not_overridden_while_an_attempt_is_open(status: Status) -> None:
    life = _attempting(typical(status))
    assert life.refused(Action.OVERRIDE_EXAM).reason_code == "exam_attempt_open"
    life.later(hours=1)
    life.record(life.failed_exam(attempt_id="A-1"))
    life.act(Action.OVERRIDE_EXAM)
    assert life.reads(Status.PENDING_APPROVAL)


def test_an_attempt_that_began_before_the_exam_unlocked_is_open_too() -> None:
    life = Life(programme(definition(path(COURSE, PRACTICE, exam=EXAM)))).enroll()
    life.record(life.course(), life.exam(outcome=FactOutcome.STARTED, grade=None, attempt_id="A"))
    assert life.reads(Status.IN_PROGRESS)
    assert life.refused(Action.OVERRIDE_EXAM).reason_code == "exam_attempt_open"


# ⁶ a test-out is never reset


def test_a_test_out_is_never_reset() -> None:
    life = Life(programme(definition(path(COURSE, PRACTICE)))).enroll()
    life.record(life.test_out(outcome=FactOutcome.FAILED, grade=10.0))
    assert life.reads(Status.IN_PROGRESS)
    assert life.refused(Action.RESET_EXAM).reason_code == "test_out_is_final"


def test_resetting_the_exam_leaves_a_failed_test_out_final() -> None:
    life = Life(programme(definition(path(COURSE, exam=EXAM)))).enroll()
    life.record(life.test_out(outcome=FactOutcome.FAILED, grade=10.0))
    life.later(hours=1).act(Action.RESET_EXAM)
    life.later(hours=1).record(life.test_out())
    assert life.cycle.progress.steps[0].state == "open"


# ⁷ only when due for recertification


@pytest.mark.parametrize("action", [Action.RECERTIFY, Action.REMIND])
def test_before_the_window_the_answer_is_the_date_on_which_it_opens(action: Action) -> None:
    life = certified()  # through 5 January 2027, so the window opens on 6 December 2026
    refusal = life.refused(action)
    assert refusal.reason_code == "not_due_for_recertification"
    assert refusal.available_at == utc("2026-12-06T00:00")
    life.at("2026-12-06T00:00")
    life.act(action)


def test_recertifying_early_is_listed_and_possible_where_there_is_a_renewal() -> None:
    life = certified()
    assert life.possibilities[Action.RECERTIFY].with_ == ("early",)
    life.act(Action.RECERTIFY, early=True)
    assert life.reads(Status.RECERTIFYING)


@pytest.mark.parametrize("policy", [{"validity": None}, {"renewal_opens": NEVER}])
def test_where_there_is_no_renewal_nothing_is_early(policy: dict[str, Any]) -> None:
    life = certified(programme(definition(**policy)))
    assert life.possibilities[Action.RECERTIFY].with_ == ()
    assert life.refused(Action.RECERTIFY, early=True).reason_code == "no_renewal"
    assert life.refused(Action.REMIND).reason_code == "no_renewal"


@pytest.mark.parametrize("action", [Action.RECERTIFY, Action.REMIND])
def test_whoever_was_stopped_is_not_due(action: Action) -> None:
    assert _stopped().refused(action).reason_code == "recertification_stopped"


@pytest.mark.parametrize("action", [Action.RECERTIFY, Action.REMIND])
def test_on_an_archived_certification_nobody_is_due(action: Action) -> None:
    refusal = typical(Status.CERTIFIED).switch(archived=True).refused(action)
    assert refusal.reason_code == "certification_archived"


def test_recertification_is_refused_to_the_expired_and_lapsed_who_were_stopped() -> None:
    for status in (Status.EXPIRED, Status.LAPSED):
        life = typical(status)
        life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
        assert life.refused(Action.RECERTIFY).reason_code == "recertification_stopped"


# ⁸ while the credential is good


@pytest.mark.parametrize("action", [Action.PERMANENT_REVOKE, Action.SUSPEND])
def test_in_the_first_cycle_there_is_no_credential_to_bar_or_suspend(action: Action) -> None:
    life = done(rich().enroll())
    assert life.reads(Status.PENDING_APPROVAL)
    life.refused(action)


def test_in_grace_a_learner_can_be_suspended_but_not_barred() -> None:
    life = typical(Status.RECERTIFYING).at("2027-01-20T09:00")
    assert life.standing is Standing.GRACE
    assert life.refused(Action.PERMANENT_REVOKE).reason_code == "no_valid_certificate"
    life.act(Action.SUSPEND)
    assert life.refused(Action.PERMANENT_REVOKE).reason_code == "no_valid_certificate"


def test_after_the_lapse_a_learner_can_be_neither_suspended_nor_barred() -> None:
    life = typical(Status.RECERTIFYING).at("2027-04-01T09:00")
    assert life.standing is Standing.LAPSED
    assert life.refused(Action.SUSPEND).reason_code == "no_certificate_in_force"
    assert life.refused(Action.PERMANENT_REVOKE).reason_code == "no_valid_certificate"


# An action without its object is refused as such


def test_an_action_without_its_object_is_refused_as_such() -> None:
    examless = Life(programme(definition(path(COURSE, PRACTICE)))).enroll()
    examless.record(examless.external())
    assert examless.refused(Action.OVERRIDE_EXAM).reason_code == "no_exam"
    trainless = Life(programme(definition({"exam": EXAM}))).enroll()
    trainless.record(trainless.failed_exam())
    assert trainless.refused(Action.OVERRIDE_TRAINING).reason_code == "no_training"
    assert trainless.reads(Status.IN_PROGRESS)
    waiting = rich().enroll(opens_at=utc("2026-03-01T00:00"))
    assert waiting.work is Work.WAITING
    for action in (Action.OVERRIDE_PAYMENT, Action.MOVE_TO_VERSION):
        assert waiting.refused(action).reason_code == "no_open_cycle"
    once = certified()
    assert once.refused(Action.CHANGE_DATES, due_at=once.now).reason_code == "no_open_cycle"
    started = begun(rich().enroll())
    refusal = started.refused(Action.CHANGE_DATES, expires_at=started.now)
    assert refusal.reason_code == "no_certificate_in_force"


# Openings


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.CERTIFIED, Action.RECERTIFY),
        (Status.EXPIRED, Action.RECERTIFY),
        (Status.LAPSED, Action.RECERTIFY),
        (Status.REVOKED, Action.RECERTIFY),
        (Status.CERTIFIED, Action.FORCE_RECERTIFICATION),
        (Status.LAPSED, Action.FORCE_RECERTIFICATION),
        (Status.REVOKED, Action.RESTORE),
        (Status.DISALLOWED, Action.RESTORE),
        (Status.APPLIED, Action.APPROVE_APPLICATION),
        (Status.ASSIGNED, Action.ACCEPT),
    ],
)
def test_openings_are_refused_when_archived_or_without_an_assignment(
    status: Status, action: Action
) -> None:
    assert typical(status).switch(archived=True).refused(action).code == "certification_archived"
    assert typical(status).unassign().refused(action).code in ("unassigned", "action_not_allowed")
    if status not in (Status.ASSIGNED, Status.APPLIED):  # these read removed
        assert typical(status).unassign().refused(action).code == "unassigned"
    life = typical(status)
    life.c = programme()
    life.c = type(life.c)(id=life.c.id, key=life.c.key, versions=())
    if status in (Status.REVOKED, Status.DISALLOWED, Status.APPLIED, Status.ASSIGNED):
        assert life.refused(action).code == "no_published_version"
