"""What is ahead of an enrollment, as entries of a calendar: days, or instants where days are not
what counts.

What has passed has no entry, nor what is no longer to come: who has been set aside is not due, and
no window opens for who has stopped recertifying or is at it already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from certsvc.domain.certification import Certification
from certsvc.domain.describe import due_at
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.opening import policy_of
from certsvc.domain.periods import Calendar, Point
from certsvc.domain.status import IN_FORCE, OPEN_WORK, PLANNED_WORK, Standing


class DateKind(StrEnum):
    """What a date of a calendar is."""

    DUE = "due"
    OPENS = "opens"
    EXPIRES = "expires"
    LAPSES = "lapses"


DUE_WORK = OPEN_WORK | PLANNED_WORK
"""Work that may be due."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One date ahead: a whole local day, or an instant. `of` names what it is a date of, and stays
    the same when the date is moved."""

    kind: DateKind
    point: Point
    of: str


def agenda(e: Enrollment, c: Certification, now: datetime) -> tuple[Entry, ...]:
    """The entries of an enrollment as it is at the instant."""
    found = (*_of_cycle(e, c, now), *_of_certificate(e, c))
    return tuple(entry for entry, calendar in found if _ahead(entry.point, calendar, now))


Dated = Iterator[tuple[Entry, Calendar]]


def _of_cycle(e: Enrollment, c: Certification, now: datetime) -> Dated:
    at = due_at(e)
    held = e.in_force
    if at is None or e.suspended or not e.assigned or e.work not in DUE_WORK:
        return
    if held is not None and held.expires_at == at:
        return  # told as the expiry
    latest = c.latest(now) or c.versions[-1]
    number, version = e.cycles + 1, latest.number
    if e.cycle is not None:
        number, version = e.cycle.number, e.cycle.version
    calendar = policy_of(c, version).calendar
    yield Entry(DateKind.DUE, _last(at, calendar), f"{e.id}-{number}"), calendar


def _of_certificate(e: Enrollment, c: Certification) -> Dated:
    certificate = e.certificate
    if certificate is None or e.standing not in IN_FORCE:
        return
    calendar = policy_of(c, certificate.version).calendar
    of = str(certificate.id)
    opens, expires, lapses = certificate.window_at, certificate.expires_at, certificate.lapses_at
    if e.standing is Standing.VALID:
        if opens is not None and not certificate.window_used and not e.stopped:
            yield Entry(DateKind.OPENS, calendar.point(opens), of), calendar
        if expires is not None:
            yield Entry(DateKind.EXPIRES, _last(expires, calendar), of), calendar
    if lapses is not None and lapses != expires:
        yield Entry(DateKind.LAPSES, _last(lapses, calendar), of), calendar


def _last(at: datetime, calendar: Calendar) -> Point:
    """The last day before the instant; exact: the instant."""
    return calendar.end_point(at)


def _ahead(point: Point, calendar: Calendar, now: datetime) -> bool:
    if isinstance(point, datetime):
        return point >= now
    return point >= local_day(now, calendar)


def local_day(instant: datetime, calendar: Calendar) -> date:
    """The day of the instant where the calendar is."""
    return calendar.day(calendar.point(instant))
