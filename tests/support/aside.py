"""Rows that were set aside, as the database keeps them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver

_SET_ASIDE = """
SELECT id, set_aside_at, set_aside_error, set_aside_count FROM enrollments
WHERE tenant_id = $1 AND set_aside_at IS NOT NULL AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3"""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row whose rules raised, with the last error."""

    id: UUID
    set_aside_at: datetime
    error: str | None
    count: int


async def set_aside_page(
    conn: AsyncConnection, tenant_id: UUID, *, after: UUID | None = None, limit: int
) -> list[SetAside]:
    """Rows that are set aside, in order of their ids."""
    rows = await driver(conn).fetch(_SET_ASIDE, tenant_id, after, limit)
    return [SetAside(*row) for row in rows]
