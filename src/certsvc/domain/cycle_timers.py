"""What time does to a cycle: it opens, or is kept from it; reminders, the due date, the limit.

For each row of TIMERS when it comes due, and what happens then; `timeline.py` has the rows.
"""

from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Cycle, CycleOutcome, Enrollment, Plan
from certsvc.domain.events import EventType
from certsvc.domain.opening import (
    open_or_wait,
    open_planned,
    policy_of,
    starts_at,
    unbarred,
    unhindered,
)
from certsvc.domain.seating import missing, news, tell_news
from certsvc.domain.settling import settle
from certsvc.domain.status import CycleKind, Work
from certsvc.domain.story import Story
from certsvc.domain.validity import next_notice, overtaken


def worked(e: Enrollment) -> Cycle | None:
    """The open cycle whose own timers run: not paused, set aside or pending approval."""
    if e.running and e.work is not Work.PENDING_APPROVAL:
        return e.cycle
    return None


def waited(e: Enrollment, nominal: datetime, armed_at: datetime) -> datetime:
    """A row that waited comes due at the end of the wait; one set by hand not before it was."""
    at = max(nominal, armed_at)
    return at if e.resumed_at is None else max(at, e.resumed_at)


def opens(story: Story, at: datetime) -> None:
    """The planned cycle opens, and kept evidence counts."""
    open_planned(story, at)
    settle(story, at)


def open_now(story: Story, at: datetime) -> None:
    """A cycle opens at the instant, or waits for a seat or a course."""
    open_or_wait(story, Plan(asked_at=at))
    settle(story, at)


def opening_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    """An initial cycle and a later one are told by events of their own."""
    if e.next_kind is CycleKind.INITIAL:
        return EventType.ENROLLMENT_OPENED
    return EventType.RECERTIFICATION_OPENED


def blocked_at(e: Enrollment, c: Certification) -> datetime | None:
    """Told once in a plan: from when on an archived course keeps its cycle from opening."""
    if e.plan is None or e.plan.blocked or e.work is not Work.WAITING or not c.courses:
        return None
    at = unhindered(e, c, starts_at(e))
    return None if at is None else c.impassable(e.next_kind, at)


# Seats in live sessions


def line_at(e: Enrollment, c: Certification) -> datetime | None:
    """When a cycle comes to need a seat of which it knows nothing: it would open, its learner is
    back, or another version holds for it."""
    if not c.courses:
        return None
    if e.cycle is not None:
        at = waited(e, e.cycle.opened_at, e.cycle.armed_at)
        return at if e.running and missing(e, c, at) else None
    if e.plan is None or e.work is not Work.WAITING:
        return None
    start = starts_at(e)
    if e.plan.version is not None:
        start = max(start, c.pinned(e.plan.version).starts_at)
    starts = [start, *(version.starts_at for version in c.versions if version.starts_at > start)]
    found = (unhindered(e, c, instant, unbarred(e, c)) for instant in sorted(starts))
    return next((at for at in found if at is not None and missing(e, c, at)), None)


def line_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    """Taken, where one is given at once; else waited for."""
    first = min(missing(e, c, at))
    taken = any(
        seat.key == first and seat.session_id is not None and seat.since <= at for seat in e.seats
    )
    return EventType.SESSION_SEAT_TAKEN if taken else EventType.SESSION_WAITING


def seat_at(e: Enrollment, c: Certification) -> datetime | None:
    """When the first that was given otherwise than it was told came to be."""
    seat = news(e)
    return None if seat is None else seat.since


def seat(story: Story, at: datetime) -> None:
    """Tell of it."""
    tell_news(story)


def seat_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    """Taken, or lost."""
    seat = news(e)
    taken = seat is not None and seat.session_id is not None
    return EventType.SESSION_SEAT_TAKEN if taken else EventType.SESSION_WAITING


# Reminders, due date, limit


def due_soon_at(e: Enrollment, c: Certification) -> datetime | None:
    """The next reminder before the due date."""
    cycle = worked(e)
    if cycle is None or cycle.due_at is None or cycle.overdue:
        return None
    policy = policy_of(c, cycle.version)
    notice = next_notice(policy, cycle.due_at, policy.reminders_before_due, cycle.told_through)
    return None if notice is None else waited(e, notice, cycle.armed_at)


def due_soon(story: Story, at: datetime) -> None:
    """Remind; one overtaken by the next, or by the due date, is stale."""
    cycle = story.cycle
    assert cycle.due_at is not None
    policy = policy_of(story.certification, cycle.version)
    before = policy.reminders_before_due
    told = next_notice(policy, cycle.due_at, before, cycle.told_through)
    assert told is not None
    stale = overtaken(policy, cycle.due_at, before, told, story.now)
    story.set_cycle(told_through=told)
    story.say(EventType.ENROLLMENT_DUE_SOON, at, stale=stale, due_at=cycle.due_at)


def overdue_at(e: Enrollment, _: Certification) -> datetime | None:
    """The due date, while the cycle is worked on."""
    cycle = worked(e)
    if cycle is None or cycle.due_at is None or cycle.overdue:
        return None
    return waited(e, cycle.due_at, cycle.armed_at)


def overdue(story: Story, at: datetime) -> None:
    """The flag, and the event."""
    story.set_cycle(overdue=True)
    story.say(EventType.ENROLLMENT_OVERDUE, at, due_at=story.cycle.due_at)


def limit_at(e: Enrollment, _: Certification) -> datetime | None:
    """The hard end of the cycle."""
    cycle = worked(e)
    if cycle is None or cycle.limit_at is None:
        return None
    return waited(e, cycle.limit_at, cycle.armed_at)


def limit(story: Story, at: datetime) -> None:
    """The cycle closes; evidence from before may still revive it."""
    closed = story.close_cycle(CycleOutcome.NOT_COMPLETED, at)
    story.set(work=Work.NOT_COMPLETED, overtaken=closed)
    story.say(EventType.ENROLLMENT_NOT_COMPLETED, at, by="time")
