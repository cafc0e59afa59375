"""Reports for those who run the programmes: statuses, what is ahead, how renewal goes.

What certificates do and came to is read from their dates, so that a late scheduler changes none of
it but what only a decision can tell.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.periods import Calendar
from certsvc.domain.status import Standing, Status
from certsvc.store import certifications, enrollments, reports
from certsvc.store.enrollments import Wanted
from certsvc.store.reports import Chosen, PastPage, Period, Subject
from certsvc.store.tenants import Tenant
from certsvc.usecases.read import as_known

PAGE = 500
"""Enrollments that are replayed at a time: few enough that others get their turn in between."""


class Ahead(StrEnum):
    """What certificates in force do when nobody does anything."""

    WINDOW = "window"
    EXPIRE = "expire"
    LAPSE = "lapse"


class Renewal(StrEnum):
    """What became of a certificate that was due, as of the end of the period.

    `in_time`: renewed before it expired. `late`: renewed in grace. `reinstated`: renewed after it
    had lapsed. `open`: not renewed, and not lapsed either. `lapsed`: lapsed, and not renewed.
    `revoked`: taken away."""

    IN_TIME = "in_time"
    LATE = "late"
    REINSTATED = "reinstated"
    OPEN = "open"
    LAPSED = "lapsed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Statuses:
    """How many enrollments, by status and by standing."""

    by_status: Counter[Status] = field(default_factory=Counter)
    by_standing: Counter[Standing] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """All of them."""
        return self.by_status.total()

    def add(self, standing: Standing, status: Status, count: int) -> None:
        """Count so many more."""
        self.by_status[status] += count
        self.by_standing[standing] += count


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Statuses as of an instant, of each certification and in total."""

    items: dict[Subject, Statuses]
    totals: Statuses
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Months:
    """What happens in which month ahead (0: the present one), and what should have happened."""

    ahead: Counter[tuple[int, Ahead]] = field(default_factory=Counter)
    past: Counter[Ahead] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ExpiryReport:
    """What is ahead in each month (named by its first day), of each certification and in total."""

    months: list[date]
    time_zone: str
    items: dict[Subject, Months]
    totals: Months
    as_of: datetime


@dataclass(frozen=True, slots=True)
class RenewalReport:
    """What became of the certificates that were due, of each certification, in each group and in
    total. `period` ends now at the latest."""

    period: Period
    items: dict[Subject, Counter[Renewal]]
    groups: dict[str, Counter[Renewal]]
    totals: Counter[Renewal]
    as_of: datetime


Report = StatusReport | ExpiryReport | RenewalReport

# Statuses


async def status_report(
    conn: AsyncConnection, tenant: Tenant, now: datetime, chosen: Chosen
) -> StatusReport:
    """Statuses as stored now, which is as of `as_of`."""
    as_of = await enrollments.stored_as_of(conn, tenant.id, now)
    found: dict[UUID, Statuses] = {}
    for one in await reports.status_counts(conn, tenant.id, chosen):
        found.setdefault(one.certification_id, Statuses()).add(one.standing, one.status, one.count)
    return await _status_report(conn, tenant, chosen, found, as_of)


async def past_status_report(
    conn: AsyncConnection, tenant: Tenant, chosen: Chosen, at: datetime
) -> StatusReport:
    """Statuses as of an instant of the past: every enrollment as it was known then, advanced to
    then, exactly as each would be answered by itself."""
    found: dict[UUID, Statuses] = {}
    known: dict[UUID, Certification] = {}
    after: UUID | None = None
    while True:
        page = await reports.past_page(conn, tenant.id, chosen, at, after, PAGE)
        for one in page.counted:
            statuses = found.setdefault(one.certification_id, Statuses())
            statuses.add(one.standing, one.status, one.count)
        await _replay(conn, tenant, page, at, known, found)
        after = page.next
        if after is None:
            return await _status_report(conn, tenant, chosen, found, at)


async def _replay(
    conn: AsyncConnection,
    tenant: Tenant,
    page: PastPage,
    at: datetime,
    known: dict[UUID, Certification],
    found: dict[UUID, Statuses],
) -> None:
    """Count the states of a page, each advanced to the instant with what was heard by then."""
    states = page.states
    missing = {state.certification_id for state in states} - known.keys()
    known.update(await certifications.load_by_ids(conn, tenant.id, missing))
    wanted = [Wanted(state.certification_id, state.learner_id) for state in states]
    facts = await enrollments.facts_for(conn, tenant.id, wanted)
    for state, heard in zip(states, facts, strict=True):
        e = as_known(state, known[state.certification_id], heard, at)
        found.setdefault(e.certification_id, Statuses()).add(e.standing, e.status, 1)


async def _status_report(
    conn: AsyncConnection,
    tenant: Tenant,
    chosen: Chosen,
    found: dict[UUID, Statuses],
    as_of: datetime,
) -> StatusReport:
    totals = Statuses()
    for statuses in found.values():
        totals.by_status.update(statuses.by_status)
        totals.by_standing.update(statuses.by_standing)
    subjects = await _subjects(conn, tenant, chosen, found)
    items = {subject: found.get(subject.id, Statuses()) for subject in subjects}
    return StatusReport(items, totals, as_of)


async def _subjects(
    conn: AsyncConnection, tenant: Tenant, chosen: Chosen, found: Iterable[UUID]
) -> Sequence[Subject]:
    """The certifications that there is something to say of, and those that were asked for."""
    return await reports.subjects(conn, tenant.id, [*{*found, *chosen.certifications}])


# What is ahead


async def expiry_report(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    chosen: Chosen,
    months: int,
    calendar: Calendar,
) -> ExpiryReport:
    """What certificates in force do, by calendar month: in the rest of the present one, and in the
    months that follow. What lies before `now` should be none: time has not done it yet."""
    days = _months(calendar.day(calendar.point(now)), months)
    bounds = [now, *(calendar.begins(calendar.fixed(day)) for day in days[1:])]
    found: dict[UUID, Months] = {}
    totals = Months()
    as_of = await enrollments.stored_as_of(conn, tenant.id, now)
    for one in await reports.dates(conn, tenant.id, chosen, bounds):
        what = Ahead(one.what)
        if one.place == 0 and what is Ahead.WINDOW:
            continue  # open for some time, which is as it should be
        for counts in (totals, found.setdefault(one.certification_id, Months())):
            if one.place == 0:
                counts.past[what] += one.count
            else:
                counts.ahead[one.place - 1, what] += one.count
    subjects = await _subjects(conn, tenant, chosen, found)
    items = {subject: found.get(subject.id, Months()) for subject in subjects}
    return ExpiryReport(days[:-1], calendar.zone.key, items, totals, as_of)


def _months(today: date, count: int) -> list[date]:
    """The first days of this month, of those that follow, and of the one after the last."""
    first = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(first, first + count + 1)]


# How renewal goes


async def renewal_report(
    conn: AsyncConnection, tenant: Tenant, now: datetime, chosen: Chosen, period: Period
) -> RenewalReport:
    """What became of the certificates that were due in the period, as of its end, or of now where
    it has not ended.

    A certificate is due in the period when its window opens or its validity ends within it, unless
    it was renewed or revoked before the period began. It counts once."""
    until = max(period.begins, min(period.ends, now))
    judged = Period(period.begins, until)
    as_of = await enrollments.stored_as_of(conn, tenant.id, now)
    found: dict[UUID, Counter[Renewal]] = {}
    groups: dict[str, Counter[Renewal]] = {}
    totals: Counter[Renewal] = Counter()
    for one in await reports.outcomes(conn, tenant.id, chosen, judged):
        outcome = Renewal(one.outcome)
        if one.certification_id is not None:
            found.setdefault(one.certification_id, Counter())[outcome] += one.count
            totals[outcome] += one.count
        elif one.group is not None:
            groups.setdefault(one.group, Counter())[outcome] += one.count
    subjects = await _subjects(conn, tenant, chosen, found)
    items = {subject: found.get(subject.id, Counter()) for subject in subjects}
    return RenewalReport(judged, items, dict(sorted(groups.items())), totals, as_of)
