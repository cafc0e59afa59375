"""Versions of a certification: drafts that may be replaced, published ones that never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One version with its definition document. `state` is `draft` or `published`."""

    certification_id: UUID
    number: int
    state: str
    definition: Mapping[str, Any]
    published_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


_COLUMNS = "certification_id, number, state, definition, published_at, created_at, updated_at"

_INSERT = f"""
INSERT INTO versions (tenant_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""

_GET = f"""
SELECT {_COLUMNS} FROM versions
WHERE tenant_id = $1 AND certification_id = $2 AND number = $3"""

_PAGE = f"""
SELECT {_COLUMNS} FROM versions
WHERE tenant_id = $1 AND certification_id = $2 AND number > $3
ORDER BY number LIMIT $4"""

_UPDATE_DRAFT = """
UPDATE versions SET definition = $4, updated_at = $5
WHERE tenant_id = $1 AND certification_id = $2 AND number = $3 AND state = 'draft'
RETURNING number"""

_PUBLISH = """
UPDATE versions SET state = 'published', published_at = $4, updated_at = $4
WHERE tenant_id = $1 AND certification_id = $2 AND number = $3 AND state = 'draft'
RETURNING number"""

_NEXT_NUMBER = """
SELECT coalesce(max(number), 0) + 1 FROM versions WHERE tenant_id = $1 AND certification_id = $2"""


def _row(row: Any) -> VersionRow:
    return VersionRow(**dict(row))


async def insert(conn: AsyncConnection, tenant_id: UUID, row: VersionRow) -> None:
    """A new version."""
    await driver(conn).execute(
        _INSERT,
        tenant_id,
        row.certification_id,
        row.number,
        row.state,
        json_of(row.definition),
        row.published_at,
        row.created_at,
        row.updated_at,
    )


async def get(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    number: int,
    *,
    lock: bool = False,
) -> VersionRow | None:
    """The version of that number."""
    statement = f"{_GET} FOR UPDATE" if lock else _GET
    row = await driver(conn).fetchrow(statement, tenant_id, certification_id, number)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    *,
    after: int | None = None,
    limit: int,
) -> list[VersionRow]:
    """Versions in order of their numbers."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, certification_id, after or 0, limit)
    return [_row(row) for row in rows]


async def update_draft(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    number: int,
    definition: Mapping[str, Any],
    at: datetime,
) -> bool:
    """Replace the definition of a draft; False where there is no such draft."""
    changed = await driver(conn).fetchval(
        _UPDATE_DRAFT, tenant_id, certification_id, number, json_of(definition), at
    )
    return changed is not None


async def publish(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, number: int, at: datetime
) -> bool:
    """Make a draft a published version; False where there is no such draft."""
    changed = await driver(conn).fetchval(_PUBLISH, tenant_id, certification_id, number, at)
    return changed is not None


async def next_number(conn: AsyncConnection, tenant_id: UUID, certification_id: UUID) -> int:
    """The number of the next version; the certification's row must be locked."""
    number: int = await driver(conn).fetchval(_NEXT_NUMBER, tenant_id, certification_id)
    return number
