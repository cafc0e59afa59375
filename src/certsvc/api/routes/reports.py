"""Reports: counts of statuses, what is ahead by month, how renewal goes; numbers or pictures."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api import report_documents as documents
from certsvc.api.answers import answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.listing import known_certifications
from certsvc.api.persistence import Attempt, persistently
from certsvc.api.pictures import MEDIA_TYPES, picture
from certsvc.api.problems import Fault, Problem
from certsvc.api.routes.enrollments import ahead
from certsvc.api.routing import Operations
from certsvc.api.schemas import report as schema
from certsvc.domain.periods import Calendar, DayRule, Duration
from certsvc.store.api_keys import Role
from certsvc.store.db import transaction
from certsvc.store.reports import Chosen, Period
from certsvc.usecases import reports
from certsvc.usecases.now import now_of

T = TypeVar("T", bound=reports.Report)
Ask = Callable[[AsyncConnection, datetime, Chosen], Awaitable[T]]
NOTHING = Chosen(certifications=(UUID(int=0),))
"""What is left of a choice of certifications that are all unknown."""

A_YEAR = Duration.parse("P1Y")
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The numbers, or with `format` a picture of them.",
        "content": {
            media_type: {"schema": {"type": "string", "contentMediaType": media_type}}
            for media_type in MEDIA_TYPES.values()
        },
    }
}

router = Operations("reports")


@router.operation(
    "GET",
    "/reports/status-counts",
    schema.StatusCountsReport,
    role=Role.READER,
    responses=PICTURES,
)
async def report_status_counts(
    call: Call, asked: Annotated[schema.StatusQuery, Query()]
) -> Response:
    """Count enrollments by status and by standing: now, on stored state as of `as_of`; or as of a
    past instant, each as it reads with that `at`."""

    async def ask(conn: AsyncConnection, now: datetime, chosen: Chosen) -> reports.StatusReport:
        if asked.at is None:
            return await reports.status_report(conn, call.tenant, now, chosen)
        if asked.at > now:
            raise ahead("at")
        return await reports.past_status_report(conn, call.tenant, chosen, asked.at)

    return await _reported(call, asked, ask, documents.of_statuses)


@router.operation(
    "GET", "/reports/expiries", schema.ExpiryReport, role=Role.READER, responses=PICTURES
)
async def report_expiries(call: Call, asked: Annotated[schema.ExpiryQuery, Query()]) -> Response:
    """Count what certificates in force will do, by calendar month: open their window to recertify,
    expire, lapse."""
    calendar = Calendar.of(asked.time_zone, DayRule.END_OF_DAY)

    async def ask(conn: AsyncConnection, now: datetime, chosen: Chosen) -> reports.ExpiryReport:
        return await reports.expiry_report(conn, call.tenant, now, chosen, asked.months, calendar)

    return await _reported(call, asked, ask, documents.of_expiries)


@router.operation(
    "GET",
    "/reports/recertification",
    schema.RecertificationReport,
    role=Role.READER,
    responses=PICTURES,
)
async def report_recertification(
    call: Call, asked: Annotated[schema.RenewalQuery, Query()]
) -> Response:
    """Count what became of the certificates that were due in a period, as of its end. One is due
    when its window opens or its validity ends within the period, unless it was renewed or revoked
    before the period began."""

    async def ask(conn: AsyncConnection, now: datetime, chosen: Chosen) -> reports.RenewalReport:
        period = _period(asked, now)
        return await reports.renewal_report(conn, call.tenant, now, chosen, period)

    return await _reported(call, asked, ask, documents.of_renewals)


def _period(asked: schema.RenewalQuery, now: datetime) -> Period:
    """The period asked for: by default the year before now."""
    ends = asked.to or now
    calendar = Calendar.of("UTC", DayRule.EXACT)
    begins = asked.since or calendar.begins(calendar.minus(ends, A_YEAR))
    if begins >= ends:
        fault = Fault(code="empty_period", detail="must lie before `to`", parameter="from")
        raise Problem("invalid_request", "Wrong content in: from.", (fault,))
    if begins > now:
        raise ahead("from")
    return Period(begins, ends)


async def _reported(
    call: Exchange, asked: schema.ReportQuery, ask: Ask[T], document: Callable[[T], Any]
) -> Response:
    """What was found, as asked. A picture is drawn when the database has been left."""

    async def attempt(_: Attempt) -> T:
        async with transaction(call.service.engine) as conn:
            now = await now_of(conn, call.tenant, share=False)
            known = await known_certifications(conn, call.tenant_id, asked.certification)
            chosen = NOTHING if known is None else Chosen(known, asked.group)
            return await ask(conn, now, chosen)

    report = await persistently(attempt)
    if asked.format == "json":
        return answer(document(report)).response()
    return (await picture(report, asked.format)).response()
