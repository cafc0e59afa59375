"""Seats in live sessions: which a cycle needs, what is told of them, when they are given up.

Seats are shared, so they are given outside of the rules, in the order of the instants at which
they were due (lifecycle, 5, Live sessions): `Enrollment.seats` is what was given, and
`Enrollment.places` what the enrollment was told of it. Who was given none stands in line.
"""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.course import seat_needed
from certsvc.domain.enrollment import Cycle, DoneBy, Enrollment, Place, StepState
from certsvc.domain.events import EventType
from certsvc.domain.status import Work
from certsvc.domain.story import Story

Key = tuple[int, str]
"""Which seat it is: the number of the cycle that needs it, and the course."""

NOTHING: frozenset[Key] = frozenset()
_DONE = (StepState.DONE, StepState.AWAITING_APPROVAL)


def needs(e: Enrollment, c: Certification, at: datetime) -> Set[Key]:
    """The seats that the open cycle needs, or that a planned one would need if it opened then."""
    if not c.courses or not e.assigned:
        return NOTHING
    if e.cycle is not None:
        return _needs_of_cycle(e.cycle, c)
    number = _version_of_plan(e, c, at)
    if number is None:
        return NOTHING
    return {(e.cycles + 1, id) for id in c.seats_needed(number, e.next_kind)}


def _version_of_plan(e: Enrollment, c: Certification, at: datetime) -> int | None:
    """The version that a waiting cycle would open on: what is told late does not lead back to an
    earlier one."""
    version = c.latest(at)
    if e.plan is None or e.work is not Work.WAITING or version is None:
        return None
    return max(version.number, e.plan.version or 0)


def _needs_of_cycle(cycle: Cycle, c: Certification) -> Set[Key]:
    """Those of steps that are not done."""
    path = c.pinned(cycle.version).definition.path(cycle.kind)
    done = {step.key for step in cycle.progress.steps if step.state in _DONE}
    courses = (seat_needed(step, c.courses) for step in path.steps if step.key not in done)
    return {(cycle.number, id) for id in courses if id is not None}


def missing(e: Enrollment, c: Certification, at: datetime) -> Set[Key]:
    """Those that it needs and was told nothing of."""
    needed = needs(e, c, at)
    return needed - {place.key for place in e.places} if needed else NOTHING


# What is told


def line_up(story: Story, at: datetime) -> None:
    """The cycle needs its seats from this instant on: it takes those that it is given, and stands
    in line for the others."""
    given = {seat.key: seat for seat in story.e.seats}
    for key in sorted(missing(story.e, story.certification, at)):
        seat = given.get(key)
        if seat is None or seat.session_id is None or seat.since > at:
            seat = Place(*key, session_id=None, since=at)
        _tell(story, seat, seat.session_id)


def news(e: Enrollment) -> Place | None:
    """The first that was given otherwise than it was told."""
    if not e.seats:
        return None
    given = {seat.key: seat for seat in e.seats}
    new = [
        seat
        for place in e.places
        if (seat := given.get(place.key)) is not None
        and (seat.session_id, seat.since) != (place.session_id, place.since)
    ]
    return min(new, key=lambda seat: (seat.since, seat.course_id), default=None)


def tell_news(story: Story) -> None:
    """A seat is taken; or the session in which there was one is cancelled, and the learner stands
    in line again."""
    seat = news(story.e)
    assert seat is not None
    old = next(place for place in story.e.places if place.key == seat.key)
    _tell(story, seat, seat.session_id or old.session_id)


def _tell(story: Story, place: Place, session_id: str | None) -> None:
    kept = tuple(known for known in story.e.places if known.key != place.key)
    story.set(places=(*kept, place))
    taken = place.session_id is not None
    type = EventType.SESSION_SEAT_TAKEN if taken else EventType.SESSION_WAITING
    story.say(type, place.since, course_id=place.course_id, session_id=session_id)


# What is given up


def tidy(story: Story, at: datetime) -> None:
    """Give up the seats and the places in line that are not needed any more. A seat that was used
    stays sold. A step that says nothing changes nothing here."""
    if not story.e.places or not story.spoken:
        return
    e = story.e
    needed = needs(e, story.certification, at)
    number = _version_of_plan(e, story.certification, at)
    if number is not None:
        story.set_plan(version=number)
    for place in e.places:
        if place.key in needed:
            continue
        used = _used(story, place, at)
        if used and e.cycle is not None and e.cycle.number == place.cycle:
            continue
        story.forget_place(place, given_up=not used)
        if not used and place.session_id is not None:
            story.say(
                EventType.SESSION_SEAT_GIVEN_UP,
                at,
                course_id=place.course_id,
                session_id=place.session_id,
            )


def _used(story: Story, place: Place, at: datetime) -> bool:
    """Whether the session has begun, or the step was done by evidence: nobody else can sit there.
    What was given knows the session's present date."""
    if place.session_id is None:
        return False
    given = next((seat for seat in story.e.seats if seat.key == place.key), place)
    if given.starts_at is not None and given.starts_at <= at:
        return True
    cycle = story.cycle_numbered(place.cycle)
    if cycle is None:
        return False
    done = {step.key for step in cycle.progress.steps if step.by is DoneBy.EVIDENCE}
    c = story.certification
    steps = c.pinned(cycle.version).definition.path(cycle.kind).steps
    return any(
        step.key in done and seat_needed(step, c.courses) == place.course_id for step in steps
    )


def with_seats(e: Enrollment, seats: tuple[Place, ...]) -> Enrollment:
    """The enrollment with what it was given."""
    return e if e.seats == seats else replace(e, seats=seats)
