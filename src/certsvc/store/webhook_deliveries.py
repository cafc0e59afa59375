"""Deliveries as they are looked at, asked for by hand, and purged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.webhook_tables import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One event, or a ping, for one endpoint. The id is what the receiver knows it by."""

    id: UUID
    endpoint_id: UUID
    type: str
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime | None = None
    attempts: int = 0
    last_attempt_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt, and what the receiver said."""

    number: int
    attempted_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a delivery stands in the list."""

    created_at: datetime
    id: UUID


_COLUMNS = """d.id, d.endpoint_id, d.type, d.state, d.created_at, d.next_attempt_at, d.attempts,
  d.last_attempt_at, d.last_status, d.last_error"""

_GET = f"""
SELECT {_COLUMNS} FROM webhook_deliveries d
WHERE d.tenant_id = $1 AND d.endpoint_id = $2 AND d.id = $3"""

# The page is found in the index, state by state; only its own rows are read.
_PAGE = f"""
WITH shown AS (
  SELECT n.id FROM unnest($3::text[]) AS s (state) CROSS JOIN LATERAL (
    SELECT c.created_at, c.id FROM webhook_deliveries c
    WHERE c.tenant_id = $1 AND c.endpoint_id = $2 AND c.state = s.state
      AND ($4::text[] IS NULL OR c.type = ANY ($4))
      AND ($5::timestamptz IS NULL OR (c.created_at, c.id) < ($5, $6::uuid))
    ORDER BY c.created_at DESC, c.id DESC LIMIT $7) n
  ORDER BY n.created_at DESC, n.id DESC LIMIT $7
)
SELECT {_COLUMNS} FROM shown
JOIN webhook_deliveries d ON d.tenant_id = $1 AND d.endpoint_id = $2 AND d.id = shown.id
ORDER BY d.created_at DESC, d.id DESC"""

_ATTEMPTS = """
SELECT number, attempted_at, duration_ms, status, error, response FROM webhook_attempts
WHERE tenant_id = $1 AND endpoint_id = $2 AND delivery_id = $3 ORDER BY number"""

_PING = f"""
INSERT INTO webhook_deliveries AS d
  (tenant_id, endpoint_id, id, type, state, created_at, next_attempt_at)
VALUES ($1, $2, $3, $4, 'pending', $5, $5)
RETURNING {_COLUMNS}"""

# One that waits keeps its count; one that is over begins anew.
_RETRY = f"""
UPDATE webhook_deliveries d SET state = 'pending', next_attempt_at = $4,
  round = CASE WHEN d.state = 'pending' THEN d.round ELSE 0 END
WHERE d.tenant_id = $1 AND d.endpoint_id = $2 AND d.id = $3
RETURNING {_COLUMNS}"""

_PENDING = """
SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE state = 'pending' LIMIT $1) AS counted"""

_ENDPOINTS = """
SELECT tenant_id, id, deleted_at IS NOT NULL FROM webhook_endpoints ORDER BY tenant_id, id"""

_PURGE = """
WITH old AS MATERIALIZED (
  SELECT n.id FROM unnest($3::text[]) AS s (state) CROSS JOIN LATERAL (
    SELECT c.id FROM webhook_deliveries c
    WHERE c.tenant_id = $1 AND c.endpoint_id = $2 AND c.state = s.state AND c.created_at < $4
    ORDER BY c.created_at LIMIT $5 FOR UPDATE SKIP LOCKED) n
  LIMIT $5
), attempts AS (
  DELETE FROM webhook_attempts a USING old
  WHERE a.tenant_id = $1 AND a.endpoint_id = $2 AND a.delivery_id = old.id
)
DELETE FROM webhook_deliveries d USING old
WHERE d.tenant_id = $1 AND d.endpoint_id = $2 AND d.id = old.id"""

_FORGET = """
DELETE FROM webhook_endpoints w
WHERE w.tenant_id = $1 AND w.id = $2 AND w.deleted_at IS NOT NULL AND NOT EXISTS (
  SELECT FROM webhook_deliveries d WHERE d.tenant_id = $1 AND d.endpoint_id = $2)"""

_FORGET_REPLAYS = "DELETE FROM webhook_replays WHERE finished_at < $1"


async def get(
    conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID, id: UUID
) -> DeliveryRow | None:
    """The delivery."""
    row = await driver(conn).fetchrow(_GET, tenant_id, endpoint_id, id)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    endpoint_id: UUID,
    *,
    states: Sequence[str] = (),
    types: Sequence[str] = (),
    after: Place | None = None,
    limit: int,
) -> list[DeliveryRow]:
    """Deliveries of the endpoint, the newest first."""
    rows = await driver(conn).fetch(
        _PAGE,
        tenant_id,
        endpoint_id,
        list(states) or list(DeliveryState),
        list(types) or None,
        None if after is None else after.created_at,
        None if after is None else after.id,
        limit,
    )
    return [_row(row) for row in rows]


async def attempts(
    conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID, id: UUID
) -> list[AttemptRow]:
    """Every attempt of the delivery, in their order."""
    rows = await driver(conn).fetch(_ATTEMPTS, tenant_id, endpoint_id, id)
    return [AttemptRow(**dict(row)) for row in rows]


async def insert_ping(
    conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID, id: UUID, type: str, at: datetime
) -> DeliveryRow:
    """A delivery that tells of no event, due at once."""
    return _row(await driver(conn).fetchrow(_PING, tenant_id, endpoint_id, id, type, at))


async def retry(
    conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID, id: UUID, at: datetime
) -> DeliveryRow | None:
    """The delivery is due at that instant, whatever became of it before."""
    row = await driver(conn).fetchrow(_RETRY, tenant_id, endpoint_id, id, at)
    return None if row is None else _row(row)


async def pending(conn: AsyncConnection, most: int) -> int:
    """How many wait to be sent, of all tenants; counted up to that number."""
    number: int = await driver(conn).fetchval(_PENDING, most)
    return number


async def endpoints(conn: AsyncConnection) -> list[tuple[UUID, UUID, bool]]:
    """Tenant and id of every endpoint, and whether it was deleted."""
    return [(row[0], row[1], row[2]) for row in await driver(conn).fetch(_ENDPOINTS)]


async def purge(
    conn: AsyncConnection,
    tenant_id: UUID,
    endpoint_id: UUID,
    states: Sequence[str],
    before: datetime,
    limit: int,
) -> int:
    """Delete so many deliveries of these states that are older, with their attempts; how many."""
    tag: str = await driver(conn).execute(
        _PURGE, tenant_id, endpoint_id, list(states), before, limit
    )
    return int(tag.rsplit(" ", 1)[-1])


async def forget(conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID) -> None:
    """Delete an endpoint for good that was deleted, once nothing of it is left."""
    await driver(conn).execute(_FORGET, tenant_id, endpoint_id)


async def forget_replays(conn: AsyncConnection, before: datetime) -> None:
    """Delete the replays of all tenants that ended before then."""
    await driver(conn).execute(_FORGET_REPLAYS, before)


def _row(row: Any) -> DeliveryRow:
    given = dict(row)
    given["state"] = DeliveryState(given["state"])
    return DeliveryRow(**given)
