"""Assignments of an enrollment, those that ended too, to be listed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Source
from certsvc.store.db import driver


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One reason to be enrolled, with its end."""

    id: UUID
    source: Source
    group: str | None
    assigned_at: datetime
    ended_at: datetime | None


_OF_ENROLLMENT = """
SELECT id, source, group_id, assigned_at, ended_at FROM assignments
WHERE tenant_id = $1 AND enrollment_id = $2 ORDER BY assigned_at, id"""


async def of_enrollment(
    conn: AsyncConnection, tenant_id: UUID, enrollment_id: UUID
) -> list[AssignmentRow]:
    """All assignments, in the order in which they were made."""
    rows = await driver(conn).fetch(_OF_ENROLLMENT, tenant_id, enrollment_id)
    return [AssignmentRow(row[0], Source(row[1]), *tuple(row)[2:]) for row in rows]
