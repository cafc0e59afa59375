"""Requirements of a cycle: test-outs, locked steps, and the fee."""

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import ExamState, PaymentState, StepState
from certsvc.domain.status import Flag, Status
from tests.domain.learning import FAILED, STARTED, enrolled, step
from tests.support.programmes import (
    COURSE,
    CREDITS,
    EXAM,
    PRACTICE,
    definition,
    path,
    republished,
    utc,
)

# A test-out is final


def test_a_failed_test_out_is_final_for_its_cycle() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.test_out(**FAILED))
    life.later(days=1).record(life.test_out())
    assert step(life) is StepState.OPEN
    life.later(days=1).record(life.course())
    assert step(life) is StepState.DONE


def test_a_test_out_that_was_only_started_is_not_final() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.test_out(**STARTED))
    life.later(days=1).record(life.test_out())
    assert step(life) is StepState.DONE


def test_a_new_cycle_has_a_new_test_out() -> None:
    life = enrolled()
    life.record(life.test_out(**FAILED))
    life.later(hours=3).record(life.course())
    life.at("2026-12-20T09:00").act(Action.RECERTIFY)
    life.record(life.test_out())
    assert len(life.e.issued) == 2


def test_a_failed_test_out_stays_final_through_a_restart_under_another_version() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.test_out(**FAILED))
    life.later(days=1)
    life.c = republished(life.c, definition(path(COURSE, PRACTICE)), life.now)
    life.act(Action.MOVE_TO_VERSION, progress="restart")
    life.later(days=1).record(life.test_out())
    assert step(life) is StepState.OPEN


def test_a_test_out_that_is_taken_back_was_never_taken() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(attempt := life.test_out(**FAILED))
    life.record(life.retraction(attempt))
    life.later(days=1).record(life.test_out())
    assert step(life) is StepState.DONE


# Locked steps


def test_what_is_done_while_a_step_is_locked_counts_in_its_turn() -> None:
    life = enrolled(COURSE, CREDITS, PRACTICE, in_order=True)
    life.record(life.credits(12))
    assert [step(life, n) for n in range(3)] == [
        StepState.OPEN,
        StepState.LOCKED,
        StepState.LOCKED,
    ]
    life.later(days=1).record(life.course())
    assert [step(life, n) for n in range(3)] == [StepState.DONE, StepState.DONE, StepState.OPEN]
    assert life.cycle.progress.steps[1].at == utc("2026-01-05T09:00")


def test_a_step_that_awaits_approval_unlocks_the_next() -> None:
    life = enrolled(PRACTICE, COURSE, in_order=True)
    life.record(life.external())
    assert [step(life, n) for n in range(2)] == [StepState.AWAITING_APPROVAL, StepState.OPEN]
    life.record(life.course())
    assert life.reads(Status.PENDING_APPROVAL)
    life.act(Action.APPROVE, step="practice")
    assert life.reads(Status.CERTIFIED)


def test_an_exam_taken_before_the_training_counts_once_it_is_done() -> None:
    life = enrolled(COURSE, exam=EXAM)
    life.record(life.exam())
    assert life.cycle.progress.exam.state is ExamState.LOCKED
    assert life.reads(Status.IN_PROGRESS)
    life.later(days=2).record(life.course())
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == life.now


def test_an_exam_that_need_not_wait_for_the_training_counts_at_once() -> None:
    life = enrolled(COURSE, exam=EXAM | {"after_training": False})
    life.record(life.exam())
    assert life.cycle.progress.exam.state is ExamState.PASSED


def test_an_exam_unlocks_when_the_last_step_awaits_its_approval() -> None:
    life = enrolled(COURSE, PRACTICE, exam=EXAM)
    life.record(life.course(), life.external(), life.exam())
    assert life.reads(Status.PENDING_APPROVAL)


# Payment


def test_while_a_fee_is_unpaid_evidence_is_kept_and_counts_afterwards() -> None:
    life = enrolled(COURSE, exam=EXAM, payment_required=True)
    life.record(life.course())
    assert life.reads(Status.NOT_STARTED)
    assert Flag.AWAITING_PAYMENT in life.flags
    life.later(days=1).record(life.payment())
    assert life.reads(Status.IN_PROGRESS)
    assert life.cycle.progress.steps[0].at == utc("2026-01-05T09:00")
    assert Flag.AWAITING_PAYMENT not in life.flags


def test_a_refund_leaves_what_occurred_before_it_done() -> None:
    life = enrolled(COURSE, PRACTICE, payment_required=True)
    life.record(life.payment(), life.course())
    life.later(days=1).record(life.refund())
    assert life.reads(Status.IN_PROGRESS)
    assert life.cycle.progress.payment is PaymentState.DUE
    assert step(life) is StepState.DONE
    life.later(days=1).record(life.external())
    assert step(life, 1) is StepState.OPEN
    life.later(days=1).record(life.payment())
    assert step(life, 1) is StepState.AWAITING_APPROVAL


def test_a_refund_after_the_certificate_changes_nothing() -> None:
    life = enrolled(payment_required=True)
    life.record(life.payment(), life.course())
    before = life.e.revision
    life.later(days=1).record(life.refund())
    assert (life.status, life.e.revision) == (Status.CERTIFIED, before)


def test_in_one_batch_a_refund_after_completion_does_not_undo_it() -> None:
    life = enrolled(payment_required=True).later(days=5)
    life.record(
        life.refund("2026-01-07T09:00"),
        life.payment("2026-01-05T10:00"),
        life.course("2026-01-06T09:00"),
    )
    assert life.certificate.certified_at == utc("2026-01-06T09:00")


def test_in_one_batch_a_refund_before_the_last_step_keeps_the_fee_due() -> None:
    life = enrolled(payment_required=True).later(days=5)
    life.record(
        life.payment("2026-01-05T10:00"),
        life.refund("2026-01-06T09:00"),
        life.course("2026-01-07T09:00"),
    )
    assert life.cycle.progress.payment is PaymentState.DUE
    assert life.reads(Status.NOT_STARTED)


def test_what_was_paid_stays_paid_through_a_restart_under_another_version() -> None:
    life = enrolled(COURSE, exam=EXAM, payment_required=True)
    life.record(paid := life.payment())
    life.record(life.course())
    life.later(days=1)
    again = definition(path(COURSE, exam=EXAM, payment_required=True))
    life.c = republished(life.c, again, life.now)
    life.act(Action.MOVE_TO_VERSION, progress="restart")
    assert (life.cycle.progress.payment, life.status) == (PaymentState.PAID, Status.NOT_STARTED)
    life.later(days=1).record(life.retraction(paid))
    assert life.cycle.progress.payment is PaymentState.DUE


@pytest.mark.parametrize("progress", ["keep", "restart"])
def test_a_waived_fee_stays_waived_and_is_shown_as_such(progress: str) -> None:
    life = enrolled(COURSE, exam=EXAM, payment_required=True)
    life.act(Action.OVERRIDE_PAYMENT)
    again = definition(path(COURSE, exam=EXAM, payment_required=True))
    life.c = republished(life.c, again, life.now)
    life.act(Action.MOVE_TO_VERSION, progress=progress)
    assert life.cycle.progress.payment is PaymentState.WAIVED


def test_a_fee_given_back_is_not_paid_again_by_another_version() -> None:
    life = enrolled(COURSE, exam=EXAM, payment_required=True)
    life.record(life.payment())
    life.later(days=1).record(life.refund())
    life.later(days=1)
    again = definition(path(COURSE, exam=EXAM, payment_required=True))
    life.c = republished(life.c, again, life.now)
    life.act(Action.MOVE_TO_VERSION, progress="restart")
    assert life.cycle.progress.payment is PaymentState.DUE


def test_each_cycle_has_its_own_fee() -> None:
    life = enrolled(payment_required=True)
    life.record(life.payment(), life.course())
    life.at("2026-12-20T09:00").act(Action.RECERTIFY)
    assert life.cycle.progress.payment is PaymentState.DUE
    assert Flag.AWAITING_PAYMENT in life.flags
