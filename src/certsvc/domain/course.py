"""What the LMS told of a course, as the rules see it; and what a path can or cannot do without.

A course that the LMS never told of is fine: it bars nothing and needs no seat.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.definition import Path, Step, WayType
from certsvc.domain.switch import OFF, Switch


class CourseState(StrEnum):
    """Whether learners may take the course."""

    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class Course:
    """A course: whether it was archived at an instant, whether its live sessions may be
    overbooked, and its revisions as (since, revision) in the order in which they were told."""

    id: str
    archived: Switch = OFF
    overbooking: Switch = OFF
    revisions: tuple[tuple[datetime, str], ...] = ()

    def revision(self, at: datetime) -> str | None:
        """The revision that was current at the instant, or None while none was told."""
        current = None
        for since, revision in self.revisions:
            if since > at:
                break
            current = revision
        return current


Courses = Mapping[str, Course]
"""The courses that the LMS told of, by their ids."""

_OF_A_COURSE = (WayType.COURSE, WayType.SESSION)


def course_ids(path: Path) -> tuple[str, ...]:
    """Every course that the path names, once, in its order."""
    ways = (way for step in path.steps for way in step.ways)
    return tuple(dict.fromkeys(way.course_id for way in ways if way.course_id is not None))


def barred(path: Path, courses: Courses, at: datetime) -> tuple[str, ...]:
    """The archived courses that the path cannot do without at the instant: those of each step
    that has no other way. A test-out alone is none, because a failed one is final."""
    return tuple(dict.fromkeys(id for step in path.steps for id in _barred(step, courses, at)))


def _barred(step: Step, courses: Courses, at: datetime) -> Iterator[str]:
    lost: list[str] = []
    for way in step.ways:
        if way.type is WayType.TEST_OUT:
            continue
        course = courses.get(way.course_id or "") if way.type in _OF_A_COURSE else None
        if course is None or not course.archived.at(at):
            return
        lost.append(course.id)
    yield from lost


def seats_needed(path: Path, courses: Courses) -> tuple[str, ...]:
    """The courses in whose live sessions the path needs a seat: those of each step that has no
    other way, as far as the LMS told of them."""
    return tuple(dict.fromkeys(id for step in path.steps if (id := seat_needed(step, courses))))


def seat_needed(step: Step, courses: Courses) -> str | None:
    """The one course without a seat in which the step cannot be done, or None."""
    named = {way.course_id for way in step.ways if way.type is WayType.SESSION}
    if len(named) != 1 or any(way.type is not WayType.SESSION for way in step.ways):
        return None
    (id,) = named
    return id if id in courses else None
