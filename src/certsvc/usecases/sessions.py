"""Live sessions: told by the LMS, changed, cancelled; the seats that this frees are handed on."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import seats, sessions
from certsvc.store.sessions import SessionRow
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound
from certsvc.usecases.apply import tell_of_seats
from certsvc.usecases.courses import ensure
from certsvc.usecases.seats import hand_out


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTold:
    """What the LMS says of a session; without a capacity it takes everybody."""

    course_id: str
    id: str
    title: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    capacity: int | None = None
    metadata: dict[str, Any] | None = None


async def tell(
    conn: AsyncConnection, tenant: Tenant, now: datetime, told: SessionTold
) -> SessionRow:
    """Replace what is known of a session; one that was cancelled is on again. Seats that are free
    go to those in line; nobody who has a seat loses it, however small the session becomes."""
    await ensure(conn, tenant, now, told.course_id)
    await seats.hold(conn, tenant.id, [told.course_id])
    known = await sessions.get(conn, tenant.id, told.course_id, told.id)
    row = _replaced(known, told, now)
    if row == known:
        return row
    await sessions.put(conn, tenant.id, row)
    given = await hand_out(conn, tenant, now, [told.course_id])
    await tell_of_seats(conn, tenant, now, given)
    return await sessions.get(conn, tenant.id, told.course_id, told.id) or row


def _replaced(known: SessionRow | None, told: SessionTold, now: datetime) -> SessionRow:
    if known is None:
        known = SessionRow(
            course_id=told.course_id,
            id=told.id,
            title=None,
            starts_at=None,
            ends_at=None,
            capacity=0,
            metadata=None,
            freed_at=now,
            cancelled_at=None,
            created_at=now,
            updated_at=now,
        )
    row = replace(
        known,
        title=told.title,
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        capacity=told.capacity,
        metadata=told.metadata,
        cancelled_at=None,
    )
    if row == known:
        return known
    at = max(now, known.updated_at)
    freed_at = at if _takes_more(known, row) else known.freed_at
    return replace(row, freed_at=freed_at, updated_at=at)


def _takes_more(known: SessionRow, row: SessionRow) -> bool:
    """Whether seats may be free now that were not: it is larger, on again, or not over yet."""
    grown = known.capacity is not None and (row.capacity is None or row.capacity > known.capacity)
    return grown or known.cancelled_at is not None or row.starts_at != known.starts_at


async def cancel(
    conn: AsyncConnection, tenant: Tenant, now: datetime, course_id: str, id: str
) -> SessionRow | NotFound:
    """Cancel a session: who had a seat gets one in another, or stands in line at the old place."""
    await seats.hold(conn, tenant.id, [course_id])
    known = await sessions.get(conn, tenant.id, course_id, id)
    if known is None:
        return NotFound("session", id)
    if known.cancelled_at is not None:
        return known
    at = max(now, known.updated_at)
    await sessions.put(conn, tenant.id, replace(known, cancelled_at=at, updated_at=at))
    lost = await seats.lose(conn, tenant.id, course_id, id, at)
    given = await hand_out(conn, tenant, now, [course_id])
    await tell_of_seats(conn, tenant, now, {*lost, *given})
    return await sessions.get(conn, tenant.id, course_id, id) or known


async def get(
    conn: AsyncConnection, tenant: Tenant, course_id: str, id: str
) -> SessionRow | NotFound:
    """One session of a course."""
    row = await sessions.get(conn, tenant.id, course_id, id)
    return NotFound("session", id) if row is None else row
