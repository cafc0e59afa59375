"""What happened to an enrollment, and what will happen if nobody does anything."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.explanation import explain
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_number, digest, page
from certsvc.api.problems import Fault, Problem
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId
from certsvc.api.routing import Operations
from certsvc.api.schemas.history import Explanation, Forecast, HistoryPage
from certsvc.api.schemas.values import Instant
from certsvc.domain.lifecycle import forecast
from certsvc.domain.outcome import Event
from certsvc.store import events
from certsvc.store.api_keys import Role
from certsvc.store.events import EventRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read
from certsvc.webhooks.payloads import line

router = Operations("enrollments")
A_YEAR = timedelta(days=366)
FURTHEST = timedelta(days=366 * 20)
"""A forecast walks from event to event: without an end it would walk for ever."""


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/history",
    HistoryPage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_history(
    call: Call, enrollment_id: EnrollmentId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List what was recorded about an enrollment, oldest first."""
    mark = digest("history", {"enrollment": enrollment_id})
    after = after_number(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        rows = await events.history(
            conn, call.tenant_id, enrollment_id, after=after, limit=limit + 1, with_after=True
        )
        return page(rows, limit, mark, now, lambda row: row.sequence, _recorded)

    return await call.read(work)


def _recorded(row: EventRow) -> dict[str, Any]:
    after = row.after
    return {
        **line(row),
        "after": None if after is None else {"status": after.status, "standing": after.standing},
    }


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/forecast",
    Forecast,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def forecast_enrollment(
    call: Call,
    enrollment_id: EnrollmentId,
    until: Annotated[
        Instant | None, Query(description="At most twenty years ahead; default: one year.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    """What will happen if nobody does anything."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        end = _end(until, found.now)
        told = forecast(found.enrollment, found.certification, found.now, end)
        document = {
            "enrollment_id": enrollment_id,
            "revision": found.enrollment.revision,
            "as_of": found.now,
            "until": end,
            "items": [_foretold(event) for event in told[:limit]],
            "truncated": len(told) > limit,
        }
        return answer(document)

    return await call.read(work)


def _end(until: datetime | None, now: datetime) -> datetime:
    if until is None:
        return now + A_YEAR
    if not now <= until <= now + FURTHEST:
        fault = Fault(code="range", detail="must lie ahead, at most 20 years", parameter="until")
        raise Problem("invalid_request", "Wrong content in: until.", (fault,))
    return until


def _foretold(event: Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "effective_at": event.effective_at,
        "data": event.data,
        "before": {"status": event.before_status, "standing": event.before_standing},
        "after": {"status": event.after.status, "standing": event.after.standing},
    }


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/explain",
    Explanation,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def explain_enrollment(call: Call, enrollment_id: EnrollmentId) -> Response:
    """Why an enrollment reads as it does, what is missing, and what comes next."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        return answer(explain(found.enrollment, found.certification, found.now))

    return await call.read(work)
