"""What a learner has to do next in one enrollment, or waits for: a few flat lines.

Steps and exams that are locked are not to do yet, and while a fee is due it is all there is to do.
Where nothing is left, or a person has set the enrollment aside, there are no lines.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.course import seat_needed
from certsvc.domain.definition import Path, Step, WayType
from certsvc.domain.describe import flags
from certsvc.domain.enrollment import (
    Cycle,
    Enrollment,
    ExamState,
    PaymentState,
    StepState,
)
from certsvc.domain.evidence import FactType, standing_facts
from certsvc.domain.opening import opening_at, path_of, starts_at, unhindered
from certsvc.domain.settling import own_facts
from certsvc.domain.status import Flag, Standing, Work
from certsvc.domain.transitions import PLAIN, check


class ToDo(StrEnum):
    """What is to be done, or waited for."""

    ACCEPT = "accept"
    PAY = "pay"
    STEP = "step"
    EXAM = "exam"
    WAIT_FOR_APPROVAL = "wait_for_approval"
    WAIT_FOR_START = "wait_for_start"
    WAIT_FOR_SEAT = "wait_for_seat"
    WAIT_FOR_COURSE = "wait_for_course"
    RECERTIFY = "recertify"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One line. Of a step: all that can complete it. `since` is from when on it can be done, or
    since when it waits; `until` is by when it is due, else when its time ends."""

    type: ToDo
    step: str | None = None
    title: str | None = None
    course_ids: tuple[str, ...] = ()
    exam_id: str | None = None
    instructions: str | None = None
    category: str | None = None
    amount: float | None = None
    since: datetime | None = None
    until: datetime | None = None


Tasks = Iterator[Task]


def to_do(e: Enrollment, c: Certification, now: datetime) -> tuple[Task, ...]:
    """What the learner has to do next, in order of the path."""
    if e.suspended or not e.assigned:
        return ()
    return tuple(_BY_WORK.get(e.work, _recertify)(e, c, now))


# Before a cycle opens


def _applied(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    assert e.plan is not None
    yield Task(type=ToDo.WAIT_FOR_APPROVAL, since=e.plan.asked_at)


def _assigned(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    assert e.plan is not None
    if check(e, c, PLAIN[Action.ACCEPT], now) is None:
        until = e.plan.due_at or e.plan.limit_at
        yield Task(type=ToDo.ACCEPT, since=e.plan.asked_at, until=until)


def _waiting(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    """The first thing that keeps the cycle from opening: its date, a course, a seat."""
    version = c.latest(now)
    starts = unhindered(e, c, starts_at(e))
    if starts is None or starts > now or version is None:
        yield Task(type=ToDo.WAIT_FOR_START, since=starts)
    elif barred := c.barred(e.next_kind, now):
        yield Task(type=ToDo.WAIT_FOR_COURSE, course_ids=barred)
    elif missing := _without_seat(e, c.seats_needed(version.number, e.next_kind), e.cycles + 1):
        yield Task(type=ToDo.WAIT_FOR_SEAT, course_ids=missing)
    else:
        yield Task(type=ToDo.WAIT_FOR_START, since=opening_at(e, c))


def _without_seat(e: Enrollment, needed: tuple[str, ...], cycle: int) -> tuple[str, ...]:
    seated = {
        place.course_id
        for place in e.places
        if place.cycle == cycle and place.session_id is not None
    }
    return tuple(course_id for course_id in needed if course_id not in seated)


# In an open cycle


def _open(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    cycle = e.cycle
    assert cycle is not None
    path, until = path_of(c, cycle), cycle.due_at or cycle.limit_at
    if cycle.progress.payment is PaymentState.DUE:
        yield Task(type=ToDo.PAY, until=until)
        return
    for progress in cycle.progress.steps:
        step = path.step(progress.key)
        if step is not None and progress.state is StepState.OPEN:
            yield _step(e, c, cycle, step, until)
    exam = cycle.progress.exam
    if path.exam is not None and exam.state is ExamState.OPEN:
        since = exam.next_attempt_at
        yield Task(type=ToDo.EXAM, exam_id=path.exam.exam_id, since=since, until=until)
    yield from _signatures(cycle, path)


def _step(
    e: Enrollment, c: Certification, cycle: Cycle, step: Step, until: datetime | None
) -> Task:
    line = {place.course_id for place in e.places if place.session_id is None}
    course_id = seat_needed(step, c.courses)
    if course_id is not None and course_id in line:
        return Task(
            type=ToDo.WAIT_FOR_SEAT,
            step=step.key,
            title=step.title,
            course_ids=(course_id,),
            until=until,
        )
    named = [way.course_id for way in step.ways if way.course_id is not None]
    tests = [way.exam_id for way in step.ways if way.type is WayType.TEST_OUT]
    credits = [way for way in step.ways if way.type is WayType.CREDITS]
    return Task(
        type=ToDo.STEP,
        step=step.key,
        title=step.title,
        course_ids=tuple(dict.fromkeys(named)),
        exam_id=next((id for id in tests if id is not None and not _tested(e, cycle, id)), None),
        instructions=next((way.instructions for way in step.ways if way.instructions), None),
        category=credits[0].category if credits else None,
        amount=credits[0].amount if credits else None,
        until=until,
    )


def _tested(e: Enrollment, cycle: Cycle, exam_id: str) -> bool:
    """Whether the one attempt to test out is used: of a step that is still open, in vain."""
    return any(
        fact.type is FactType.TEST_OUT_ATTEMPT
        and fact.exam_id == exam_id
        and fact.ended
        and fact.occurred_at >= cycle.test_outs_from
        for fact in standing_facts(own_facts(e))
    )


def _signatures(cycle: Cycle, path: Path) -> Tasks:
    """What is handed in, and the cycle itself once all is done."""
    progress = cycle.progress
    for one in progress.steps:
        step = path.step(one.key)
        if step is not None and one.state is StepState.AWAITING_APPROVAL:
            yield Task(type=ToDo.WAIT_FOR_APPROVAL, step=step.key, title=step.title, since=one.at)
    unsigned = path.approval_required and cycle.decided.approved_at is None
    if progress.work_completed_at is not None and unsigned:
        yield Task(type=ToDo.WAIT_FOR_APPROVAL, since=progress.work_completed_at)


# Between cycles


def _recertify(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    certificate = e.certificate
    if certificate is None or Flag.DUE_FOR_RECERTIFICATION not in flags(e, c, now):
        return
    until = {
        Standing.VALID: certificate.expires_at,
        Standing.GRACE: certificate.lapses_at,
    }.get(e.standing)
    yield Task(type=ToDo.RECERTIFY, since=certificate.window_at, until=until)


def _nothing(e: Enrollment, c: Certification, now: datetime) -> Tasks:
    return iter(())


_BY_WORK: dict[Work, Callable[[Enrollment, Certification, datetime], Tasks]] = {
    Work.APPLIED: _applied,
    Work.ASSIGNED: _assigned,
    Work.WAITING: _waiting,
    Work.NOT_STARTED: _open,
    Work.IN_PROGRESS: _open,
    Work.PENDING_APPROVAL: _open,
    Work.INACTIVE: _nothing,
    Work.REMOVED: _nothing,
}
