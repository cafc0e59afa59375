"""Live sessions of a course: told, cancelled, listed; and who stands in line for a seat."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, digest, page, place_of
from certsvc.api.problems import Fault, Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.session import Session, SessionInput, SessionPage, UnregisteredPage
from certsvc.api.schemas.values import Authored, LmsId
from certsvc.store import seats
from certsvc.store import sessions as stored
from certsvc.store.api_keys import Role
from certsvc.store.seats import Unregistered
from certsvc.store.sessions import SessionRow
from certsvc.usecases import sessions
from certsvc.usecases.sessions import SessionTold

router = Operations("sessions")
CourseId = Annotated[LmsId, Path(description="The LMS's id of the course.")]
SessionId = Annotated[LmsId, Path(description="The LMS's id of the session.")]
COURSE = "/courses/{course_id}"


def _described(row: SessionRow) -> dict[str, Any]:
    free = None if row.capacity is None else max(0, row.capacity - row.taken)
    return {
        "course_id": row.course_id,
        "id": row.id,
        "title": row.title,
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "capacity": row.capacity,
        "seats_taken": row.taken,
        "seats_free": 0 if row.cancelled_at is not None else free,
        "metadata": row.metadata or {},
        "cancelled_at": row.cancelled_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _answered(exchange: Exchange, outcome: Any) -> Answer:
    if not isinstance(outcome, SessionRow):
        return no_answer(exchange, outcome)
    return answer(_described(outcome))


@router.operation("PUT", f"{COURSE}/sessions/{{session_id}}", Session, role=Role.LMS)
async def put_session(
    call: Call, course_id: CourseId, session_id: SessionId, body: SessionInput
) -> Response:
    """Tell of a live session, or of its change. Free seats go to those in line at once; nobody
    who has a seat loses it, however small the session becomes."""
    if body.starts_at is not None and body.ends_at is not None and body.ends_at < body.starts_at:
        fault = Fault(code="ends_before_start", detail="must not lie before", pointer="/ends_at")
        raise Problem("invalid_request", "A session ends after it starts.", (fault,))
    given = body.model_dump(exclude={"reason", "on_behalf_of"})
    told = SessionTold(course_id=course_id, id=session_id, **given)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        return _answered(call, await sessions.tell(conn, call.tenant, now, told))

    return await call.change(work)


@router.operation(
    "DELETE",
    f"{COURSE}/sessions/{{session_id}}",
    Session,
    role=Role.LMS,
    refusals=("session_not_found",),
)
async def cancel_session(
    call: Call, course_id: CourseId, session_id: SessionId, _body: Authored | None = None
) -> Response:
    """Cancel a session: who had a seat gets one in another session, or stands in line for one, in
    the old order."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        cancelled = await sessions.cancel(conn, call.tenant, now, course_id, session_id)
        return _answered(call, cancelled)

    return await call.change(work)


@router.operation(
    "GET",
    f"{COURSE}/sessions/{{session_id}}",
    Session,
    role=Role.READER,
    refusals=("session_not_found",),
)
async def get_session(call: Call, course_id: CourseId, session_id: SessionId) -> Response:
    """Read a session."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        return _answered(call, await sessions.get(conn, call.tenant, course_id, session_id))

    return await call.read(work)


@router.operation("GET", f"{COURSE}/sessions", SessionPage, role=Role.READER)
async def list_sessions(
    call: Call, course_id: CourseId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the sessions of a course, cancelled ones too."""
    mark = digest("sessions", {"course": course_id})
    after = place_of(cursor, mark, str)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.page(conn, call.tenant_id, course_id, after=after, limit=limit + 1)
        return page(rows, limit, mark, now, lambda row: row.id, _described)

    return await call.read(work)


@router.operation("GET", f"{COURSE}/unregistered-learners", UnregisteredPage, role=Role.READER)
async def list_unregistered_learners(
    call: Call, course_id: CourseId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List who needs a seat in a session of the course and has none, the next one first."""
    mark = digest("unregistered", {"course": course_id})
    after = place_of(cursor, mark, _in_line)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await seats.unregistered(
            conn, call.tenant_id, course_id, after=after, limit=limit + 1
        )
        return page(rows, limit, mark, now, _place, _waiting)

    return await call.read(work)


def _waiting(row: Unregistered) -> dict[str, Any]:
    return {
        "learner_id": row.learner_id,
        "enrollment_id": row.enrollment_id,
        "certification_id": row.certification_id,
        "wanted_at": row.wanted_at,
        "since": row.since,
    }


def _place(row: Unregistered) -> str:
    return f"{row.wanted_at.isoformat()} {row.enrollment_id}"


def _in_line(text: str) -> tuple[datetime, UUID]:
    instant, _, id = text.partition(" ")
    at = datetime.fromisoformat(instant)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at, UUID(id)
