"""Enrollments as an inspector sees them: every column as stored, beside what else is kept of them.

One statement brings a page, so that all of it is of one instant, however busy the service is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver

FIRST = UUID(int=0)

# A certificate is in force while nothing ended it; expired ones that no timer looked at, which
# imports bring into history, are not.
_PAGE = """
SELECT e.id, e.certification_id, e.doc, e.status, e.standing, e.work, e.suspended, e.revision,
  e.sequence, e.updated_at, e.certified_at, e.expires_at, e.lapses_at, e.recertification_at,
  e.due_at, e.next_due_at, e.awaiting, e.awaiting_since, e.set_aside_error,
  c.revision + c.courses_revision AS certification_revision,
  v.count AS events, v.first AS first_sequence, v.last AS last_sequence,
  y.open AS open_cycles, y.count AS cycles, f.count AS in_force
FROM enrollments e
LEFT JOIN certifications c ON c.tenant_id = e.tenant_id AND c.id = e.certification_id
LEFT JOIN LATERAL (
  SELECT count(*), min(sequence) AS first, max(sequence) AS last FROM events
  WHERE tenant_id = e.tenant_id AND enrollment_id = e.id) AS v ON true
LEFT JOIN LATERAL (
  SELECT count(*), count(*) FILTER (WHERE closed_at IS NULL) AS open FROM cycles
  WHERE tenant_id = e.tenant_id AND enrollment_id = e.id) AS y ON true
LEFT JOIN LATERAL (
  SELECT count(*) FROM certificates
  WHERE tenant_id = e.tenant_id AND enrollment_id = e.id AND superseded_at IS NULL
    AND revoked_at IS NULL AND lapsed_at IS NULL
    AND (expires_at IS NULL OR expired_at IS NOT NULL OR expires_at > e.updated_at)) AS f ON true
WHERE e.tenant_id = $1 AND e.id > $2
ORDER BY e.id LIMIT $3"""
_COUNT = "SELECT count(*) FROM enrollments WHERE tenant_id = $1"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A row with what else is kept of it; `columns` are as stored, `document` is not read yet."""

    id: UUID
    certification_id: UUID
    certification_revision: int | None
    document: Any
    columns: dict[str, Any]
    set_aside_error: str | None
    events: int
    first_sequence: int | None
    last_sequence: int | None
    cycles: int
    open_cycles: int
    in_force: int


_COLUMNS = (
    "status",
    "standing",
    "work",
    "suspended",
    "revision",
    "sequence",
    "updated_at",
    "certified_at",
    "expires_at",
    "lapses_at",
    "recertification_at",
    "due_at",
    "next_due_at",
    "awaiting",
    "awaiting_since",
)


async def page(
    conn: AsyncConnection, tenant_id: UUID, *, after: UUID = FIRST, limit: int
) -> Sequence[Inspected]:
    """The next enrollments by id."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, limit)
    return [
        Inspected(
            id=row["id"],
            certification_id=row["certification_id"],
            certification_revision=row["certification_revision"],
            document=row["doc"],
            columns={name: row[name] for name in _COLUMNS},
            set_aside_error=row["set_aside_error"],
            events=row["events"],
            first_sequence=row["first_sequence"],
            last_sequence=row["last_sequence"],
            cycles=row["cycles"],
            open_cycles=row["open_cycles"],
            in_force=row["in_force"],
        )
        for row in rows
    ]


async def count(conn: AsyncConnection, tenant_id: UUID) -> int:
    """How many enrollments the tenant has."""
    number: int = await driver(conn).fetchval(_COUNT, tenant_id)
    return number
