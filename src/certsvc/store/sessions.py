"""Live sessions of a course, as the LMS told of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A live session. Without a capacity it takes everybody. `taken` are the seats sold."""

    course_id: str
    id: str
    title: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    capacity: int | None
    metadata: Any
    freed_at: datetime
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    taken: int = 0


_COLUMNS = """course_id, id, title, starts_at, ends_at, capacity, metadata, freed_at, cancelled_at,
  created_at, updated_at"""

_READ = f"""
SELECT {_COLUMNS}, (
    SELECT count(*)::int FROM seats s
    WHERE s.tenant_id = $1 AND s.course_id = x.course_id AND s.session_id = x.id) AS taken
FROM sessions x WHERE x.tenant_id = $1 AND x.course_id = $2"""

_GET = f"{_READ} AND x.id = $3"

_PAGE = f"{_READ} AND ($3::text IS NULL OR x.id > $3) ORDER BY x.id LIMIT $4"

_PUT = f"""
INSERT INTO sessions (tenant_id, {_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant_id, course_id, id) DO UPDATE SET
  title = excluded.title, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
  capacity = excluded.capacity, metadata = excluded.metadata, freed_at = excluded.freed_at,
  cancelled_at = excluded.cancelled_at, updated_at = excluded.updated_at"""


async def get(conn: AsyncConnection, tenant_id: UUID, course_id: str, id: str) -> SessionRow | None:
    """One session."""
    row = await driver(conn).fetchrow(_GET, tenant_id, course_id, id)
    return None if row is None else SessionRow(**row)


async def page(
    conn: AsyncConnection, tenant_id: UUID, course_id: str, *, after: str | None, limit: int
) -> list[SessionRow]:
    """The sessions of a course, cancelled ones too, in order of their ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, course_id, after, limit)
    return [SessionRow(**row) for row in rows]


async def put(conn: AsyncConnection, tenant_id: UUID, row: SessionRow) -> None:
    """Write the session, new or changed."""
    await driver(conn).execute(
        _PUT,
        tenant_id,
        row.course_id,
        row.id,
        row.title,
        row.starts_at,
        row.ends_at,
        row.capacity,
        json_of(row.metadata),
        row.freed_at,
        row.cancelled_at,
        row.created_at,
        row.updated_at,
    )
