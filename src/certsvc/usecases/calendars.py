"""What stands in a calendar that somebody subscribed to: a learner's own dates, or how many of a
certification's learners have which date on a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.agenda import DateKind, agenda, local_day
from certsvc.domain.certification import Certification
from certsvc.domain.opening import policy_of
from certsvc.domain.periods import Point
from certsvc.store import calendars, certifications, enrollment_pages, texts
from certsvc.store.calendars import CalendarRow, Counted
from certsvc.store.enrollment_filters import Filters
from certsvc.store.tenants import Tenant

AHEAD: Final = timedelta(days=400)
"""How far a certification's calendar looks ahead: however many learners there are, it holds at
most so many entries of each kind."""

MOST: Final = 500
"""Enrollments of a learner that are looked at."""

_A_DAY_OR_SO = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of a calendar. `count` is how many learners it is about; None: the learner's own.
    `uid` stays the same when the date is moved; `sequence` grows with every change."""

    uid: str
    kind: DateKind
    point: Point
    title: str
    count: int | None
    sequence: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Contents:
    """A calendar: its name, and its entries in order of their dates."""

    name: str
    lines: tuple[Line, ...]


async def contents(
    conn: AsyncConnection, tenant: Tenant, calendar: CalendarRow, now: datetime
) -> Contents:
    """What stands in the calendar now, as stored."""
    if calendar.learner_id is not None:
        return await _of_learner(conn, tenant, calendar.learner_id, calendar.language, now)
    assert calendar.certification_id is not None, "a calendar has a subject"
    return await _of_certification(conn, tenant, calendar.certification_id, calendar.language, now)


async def _of_learner(
    conn: AsyncConnection, tenant: Tenant, learner_id: str, language: str | None, now: datetime
) -> Contents:
    """The learner's dates, but for certifications that are hidden."""
    filters = Filters(learners=(learner_id,), hidden=False)
    found = await enrollment_pages.page(conn, tenant.id, filters, None, MOST)
    ids = {row.enrollment.certification_id for row in found.items}
    known = await texts.of_certifications(conn, tenant.id, ids)
    lines = [
        Line(
            uid=f"{entry.of}-{entry.kind}",
            kind=entry.kind,
            point=entry.point,
            title=_title(known[row.certification.id].title, row.certification, language),
            count=None,
            sequence=row.enrollment.revision + row.certification.revision,
            updated_at=row.enrollment.updated_at,
        )
        for row in found.items
        for entry in agenda(row.enrollment, row.certification, now)
    ]
    return Contents(learner_id, _in_order(lines))


async def _of_certification(
    conn: AsyncConnection,
    tenant: Tenant,
    certification_id: UUID,
    language: str | None,
    now: datetime,
) -> Contents:
    """The certification's dates of the year ahead, counted by day: nothing about a person."""
    certification = (await certifications.load_by_ids(conn, tenant.id, [certification_id])).get(
        certification_id
    )
    if certification is None:
        return Contents(str(certification_id), ())
    known = await texts.of_certifications(conn, tenant.id, [certification_id])
    title = _title(known[certification_id].title, certification, language)
    counted = await calendars.counts(
        conn,
        tenant.id,
        certification_id,
        now - _A_DAY_OR_SO,
        now + AHEAD,
        by_version=len({one.definition.policy.calendar for one in certification.versions}) > 1,
    )
    lines = [
        Line(
            uid=f"{certification_id}-{kind}-{day:%Y%m%d}",
            kind=kind,
            point=day,
            title=title,
            count=count,
            sequence=0,
            updated_at=updated_at,
        )
        for (kind, day), (count, updated_at) in _by_day(counted, certification, now).items()
    ]
    return Contents(title, _in_order(lines))


def _by_day(
    counted: Iterable[Counted], certification: Certification, now: datetime
) -> Mapping[tuple[DateKind, date], tuple[int, datetime]]:
    """How many dates of a kind are on a day, by the calendar of each version; not those past."""
    if not certification.versions:
        return {}
    latest = (certification.latest(now) or certification.versions[-1]).number
    days: dict[tuple[DateKind, date], tuple[int, datetime]] = {}
    for one in counted:
        calendar = policy_of(certification, one.version or latest).calendar
        day = local_day(one.quarter, calendar)
        if day < local_day(now, calendar):
            continue
        count, updated_at = days.get((one.kind, day), (0, one.updated_at))
        days[one.kind, day] = count + one.count, max(updated_at, one.updated_at)
    return days


def _title(title: Any, certification: Certification, language: str | None) -> str:
    """The title in the language, or in English, or in any; the key, where there is none."""
    if not isinstance(title, dict) or not title:
        return str(title or certification.key)
    for wanted in (language, (language or "").partition("-")[0], "en"):
        if wanted in title:
            return str(title[wanted])
    return str(title[min(title)])


def _in_order(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line.point.isoformat(), line.uid)))
