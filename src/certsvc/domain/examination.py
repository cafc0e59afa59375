"""The exam of a cycle: which attempts count, how many are left, when the next may be taken."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from certsvc.domain.definition import Exam
from certsvc.domain.enrollment import Cycle, ExamProgress, ExamState
from certsvc.domain.evidence import Fact, FactType
from certsvc.domain.periods import Calendar, DayRule


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: its first fact, when it began (or ended, where the beginning was not reported),
    when and with what fact it ended, None while it is open."""

    id: str
    began_at: datetime
    end: Fact | None


def attempts_of(facts: tuple[Fact, ...], exam_id: str) -> tuple[Attempt, ...]:
    """The attempts at an exam, put together from their facts (`attempt_id` joins beginning and
    end), in the order in which they began. The first end of an attempt is its end."""
    grouped: dict[str, list[Fact]] = {}
    for fact in facts:
        if fact.type is FactType.EXAM_ATTEMPT and fact.exam_id == exam_id:
            grouped.setdefault(fact.attempt_id or f"#{fact.id}", []).append(fact)
    attempts = [
        Attempt(
            id=group[0].id,
            began_at=group[0].occurred_at,
            end=next((fact for fact in group if fact.ended), None),
        )
        for group in grouped.values()
    ]
    return tuple(sorted(attempts, key=attrgetter("began_at", "id")))


def examine(
    cycle: Cycle,
    exam: Exam | None,
    calendar: Calendar,
    facts: tuple[Fact, ...],
    training_done: bool,
    at: datetime,
) -> ExamProgress:
    """Where the exam stands at the instant.

    Attempts before a reset do not count; nor do those beyond the maximum, or begun before
    `retry_after` has run, to the second, from the end of the last counted one. What is taken while
    the exam is locked is kept and counts once training is done."""
    if exam is None:
        return ExamProgress()
    decided = cycle.decided
    carried = decided.exam_carried
    if carried is not None and carried.at is not None and carried.at <= at:
        return carried
    overridden_at = decided.exam_overridden_at
    if overridden_at is not None and overridden_at > at:
        overridden_at = None
    reset_at = decided.exam_reset_at
    if reset_at is not None and reset_at <= at:
        facts = tuple(fact for fact in facts if fact.occurred_at > reset_at)
    attempts = attempts_of(facts, exam.exam_id)
    if exam.after_training and not training_done and overridden_at is None:
        underway = any(attempt.end is None for attempt in attempts)
        return ExamProgress(
            ExamState.LOCKED, attempts_left=exam.max_attempts, open_attempt=underway
        )
    progress = _count(exam, calendar, attempts)
    if progress.state is not ExamState.PASSED and overridden_at is not None:
        return ExamProgress(
            ExamState.OVERRIDDEN, progress.attempts, progress.attempts_left, at=overridden_at
        )
    return progress


def _count(exam: Exam, calendar: Calendar, attempts: tuple[Attempt, ...]) -> ExamProgress:
    counted = 0
    next_at: datetime | None = None
    underway = False
    for attempt in attempts:
        if exam.max_attempts is not None and counted >= exam.max_attempts:
            break
        if next_at is not None and _second(attempt.began_at) < _second(next_at):
            continue
        if attempt.end is None:
            underway = True
            continue
        counted += 1
        if attempt.end.reaches(exam.passing_score):
            return ExamProgress(
                ExamState.PASSED,
                counted,
                _left(exam, counted),
                at=attempt.end.occurred_at,
                evidence=(attempt.end.id,),
            )
        next_at = _retry_at(exam, calendar, attempt.end.occurred_at, counted)
    left = _left(exam, counted)
    if left == 0:
        return ExamProgress(ExamState.EXHAUSTED, counted, 0)
    return ExamProgress(ExamState.OPEN, counted, left, next_at, underway)


def _left(exam: Exam, counted: int) -> int | None:
    return None if exam.max_attempts is None else exam.max_attempts - counted


def _retry_at(exam: Exam, calendar: Calendar, ended_at: datetime, counted: int) -> datetime:
    """Counted on instants whatever the day rule, in the version's zone."""
    wait = exam.retry_waits[min(counted, len(exam.retry_waits)) - 1]
    exact = Calendar(calendar.zone, DayRule.EXACT)
    moment = exact.plus(ended_at, wait)
    assert isinstance(moment, datetime)
    return moment


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
