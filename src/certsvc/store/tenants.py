"""Tenants, and the test clocks of those that are sandboxes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of this service. In a sandbox time is what its clock says."""

    id: UUID
    key: str
    sandbox: bool
    clock_at: datetime | None
    created_at: datetime


COLUMNS = "t.id, t.key, t.sandbox, t.clock_at, t.created_at"

_INSERT = """
INSERT INTO tenants (id, key, sandbox, clock_at, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO NOTHING
RETURNING id"""
_BY_ID = f"SELECT {COLUMNS} FROM tenants t WHERE t.id = $1"
_BY_KEY = f"SELECT {COLUMNS} FROM tenants t WHERE t.key = $1"
_EVERY = f"SELECT {COLUMNS} FROM tenants t ORDER BY t.key"
_LOCK_CLOCK = f"{_BY_ID} FOR UPDATE"
_SHARE_CLOCK = f"{_BY_ID} FOR SHARE"
_SET_CLOCK = "UPDATE tenants SET clock_at = $2 WHERE id = $1 AND sandbox"


def tenant_of(row: Any) -> Tenant:
    """The tenant of a row of COLUMNS."""
    return Tenant(row[0], row[1], row[2], row[3], row[4])


async def insert(conn: AsyncConnection, tenant: Tenant) -> bool:
    """A new tenant; False where the key is taken."""
    values = (tenant.id, tenant.key, tenant.sandbox, tenant.clock_at, tenant.created_at)
    return await driver(conn).fetchval(_INSERT, *values) is not None


async def by_id(conn: AsyncConnection, id: UUID) -> Tenant | None:
    """The tenant of that id."""
    return await _one(conn, _BY_ID, id)


async def by_key(conn: AsyncConnection, key: str) -> Tenant | None:
    """The tenant of that key."""
    return await _one(conn, _BY_KEY, key)


async def every(conn: AsyncConnection) -> list[Tenant]:
    """All tenants, in order of their keys."""
    return [tenant_of(row) for row in await driver(conn).fetch(_EVERY)]


async def lock_clock(conn: AsyncConnection, tenant_id: UUID) -> Tenant | None:
    """The tenant, for one who moves its clock: there is but one, and nobody who reads it."""
    return await _one(conn, _LOCK_CLOCK, tenant_id)


async def share_clock(conn: AsyncConnection, tenant_id: UUID) -> Tenant | None:
    """The tenant, its clock held still until the transaction ends."""
    return await _one(conn, _SHARE_CLOCK, tenant_id)


async def set_clock(conn: AsyncConnection, tenant_id: UUID, at: datetime) -> None:
    """Set the clock of a sandbox."""
    await driver(conn).execute(_SET_CLOCK, tenant_id, at)


async def _one(conn: AsyncConnection, statement: str, value: object) -> Tenant | None:
    row = await driver(conn).fetchrow(statement, value)
    return None if row is None else tenant_of(row)
