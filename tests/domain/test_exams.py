"""Exams and sign-offs: attempts, waits, resets and rejections."""

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import ExamState, StepState
from certsvc.domain.events import EventType
from certsvc.domain.status import Flag, Status
from tests.domain.learning import COMPLETED, STARTED, enrolled, step
from tests.support.programmes import (
    COURSE,
    EXAM,
    PRACTICE,
    utc,
)

# Attempts


def test_attempts_beyond_the_maximum_are_recorded_and_do_not_count() -> None:
    life = enrolled(exam=EXAM | {"max_attempts": 2, "after_training": False})
    for _ in range(2):
        life.record(life.failed_exam()).later(days=2)
    assert life.cycle.progress.exam == type(life.cycle.progress.exam)(ExamState.EXHAUSTED, 2, 0)
    assert Flag.EXAM_LOCKED in life.flags
    life.record(life.exam())
    assert life.cycle.progress.exam.state is ExamState.EXHAUSTED
    assert life.says == [EventType.EXAM_ATTEMPTED]


def test_a_reset_keeps_the_attempts_in_the_history_and_counts_anew() -> None:
    life = enrolled(exam=EXAM | {"max_attempts": 1})
    life.record(life.course(), life.failed_exam())
    assert Flag.EXAM_LOCKED in life.flags
    life.later(hours=1).act(Action.RESET_EXAM)
    assert life.cycle.progress.exam.attempts_left == 1
    assert Flag.EXAM_LOCKED not in life.flags
    assert len(life.events(EventType.EXAM_ATTEMPTED)) == 1
    life.later(hours=1).record(life.exam())
    assert life.reads(Status.CERTIFIED)


def test_attempts_before_the_wait_is_over_do_not_count_to_the_second() -> None:
    life = enrolled(exam=EXAM)
    life.record(life.course())
    life.at("2026-01-05T09:00:00.9").record(life.failed_exam())
    assert life.cycle.progress.exam.next_attempt_at == utc("2026-01-06T09:00:00.9")
    life.at("2026-01-06T08:59:59.99").record(life.exam())
    assert life.cycle.progress.exam.attempts == 1
    life.at("2026-01-06T09:00:00.1").record(life.exam())
    assert life.reads(Status.CERTIFIED)


def test_the_wait_runs_from_the_end_of_the_last_attempt_that_counted() -> None:
    life = enrolled(exam=EXAM)
    life.record(life.course())
    life.at("2026-01-05T10:00").record(life.exam(**STARTED, attempt_id="1"))
    assert life.cycle.progress.exam.open_attempt is True
    life.at("2026-01-05T12:00").record(life.failed_exam(attempt_id="1"))
    assert life.cycle.progress.exam.attempts == 1
    life.at("2026-01-06T11:00").record(life.exam(attempt_id="2"))  # too early, so it does not count
    life.at("2026-01-06T12:00").record(life.exam(attempt_id="3"))
    assert life.certificate.certified_at == utc("2026-01-06T12:00")


def test_an_attempt_is_judged_by_when_it_began() -> None:
    life = enrolled(exam=EXAM)
    life.record(life.course(), life.failed_exam("2026-01-05T10:00"))
    life.at("2026-01-06T11:00")
    life.record(
        life.exam("2026-01-06T09:30", **STARTED, attempt_id="2"),
        life.exam("2026-01-06T11:00", attempt_id="2"),
    )
    assert life.reads(Status.IN_PROGRESS)


def test_the_passing_score_decides_and_without_a_grade_the_outcome() -> None:
    for takes, passes in (
        ({"grade": 70.0} | COMPLETED, True),
        ({"grade": 69.9}, False),
        ({"grade": None}, True),
        ({"grade": None} | COMPLETED, False),
    ):
        life = enrolled(exam=EXAM)
        life.record(life.course(), life.exam(**takes))
        assert (life.status is Status.CERTIFIED) is passes, takes


# Rejections


def test_what_was_rejected_is_to_be_done_again_afterwards() -> None:
    life = enrolled(COURSE, exam=EXAM, approval_required=True)
    life.record(life.course(), life.exam())
    life.later(days=3).act(Action.REJECT, steps=("safety",), exam=True)
    assert life.reads(Status.IN_PROGRESS)
    assert step(life) is StepState.OPEN
    assert life.cycle.progress.exam.state is ExamState.LOCKED
    life.record(life.course("2026-01-07T09:00"))  # before the rejection
    assert step(life) is StepState.OPEN
    life.later(days=1).record(life.course(), life.exam())
    assert life.reads(Status.PENDING_APPROVAL)


def test_a_rejected_test_out_needs_another_way() -> None:
    life = enrolled(COURSE, approval_required=True)
    life.record(life.test_out())
    life.later(days=1).act(Action.REJECT, steps=("safety",))
    life.later(days=1).record(life.test_out())
    assert step(life) is StepState.OPEN
    life.record(life.course())
    assert life.reads(Status.PENDING_APPROVAL)


def test_a_rejected_step_waits_for_its_own_approval_again() -> None:
    life = enrolled(PRACTICE, COURSE, approval_required=True)
    life.record(life.external(), life.course())
    life.act(Action.APPROVE, step="practice")
    life.later(days=1).act(Action.REJECT, steps=("practice",))
    life.later(days=1).record(life.external())
    assert step(life) is StepState.AWAITING_APPROVAL
