"""Deliveries in hand: found, claimed for a while, settled, or given back.

A claim is a write that no index sees. It ends by itself: a process that died needs nobody to clean
up behind it, and what it had in hand is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.rows import turned
from certsvc.store.webhook_tables import DeliveryState


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which of an endpoint's due deliveries to go on."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many an endpoint can take, behind that place."""

    endpoint_id: UUID
    number: int
    behind: Place


class Claimed(NamedTuple):
    """A delivery in hand, for which of those that were wanted, the first being 1. Its id travels
    as text, as the receiver gets it. `round`: the attempts since it was last to be sent anew."""

    wanted: int
    id: str
    type: str
    round: int
    created_at: datetime
    next_attempt_at: datetime


class Settled(NamedTuple):
    """An attempt that was made under a claim, and what the delivery is now."""

    endpoint_id: UUID
    id: str
    state: DeliveryState
    next_attempt_at: datetime | None
    claimed_until: datetime
    attempted_at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response: bytes


# What is found here is found by an index, row by row in its order. The database cannot know: its
# figures of a table that fills and empties within seconds are always those of another time.
_WAYS = ("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin", "material")
_BY_INDEX = "; ".join(
    (
        "SET LOCAL plan_cache_mode = force_generic_plan",
        *(f"SET LOCAL enable_{w} = off" for w in _WAYS),
    )
)

# From endpoint to endpoint, one look into the index for each that has anything to be sent.
_DUE = """
WITH RECURSIVE first AS (
  (SELECT tenant_id, endpoint_id, next_attempt_at FROM webhook_deliveries
   WHERE state = 'pending' ORDER BY tenant_id, endpoint_id, next_attempt_at LIMIT 1)
  UNION ALL
  SELECT n.* FROM first f CROSS JOIN LATERAL (
    SELECT d.tenant_id, d.endpoint_id, d.next_attempt_at FROM webhook_deliveries d
    WHERE d.state = 'pending' AND (d.tenant_id, d.endpoint_id) > (f.tenant_id, f.endpoint_id)
    ORDER BY d.tenant_id, d.endpoint_id, d.next_attempt_at LIMIT 1) n
)
SELECT f.tenant_id, f.endpoint_id, f.next_attempt_at FROM first f
JOIN webhook_endpoints w ON w.tenant_id = f.tenant_id AND w.id = f.endpoint_id
WHERE w.disabled_at IS NULL AND f.next_attempt_at <= $1"""

_CLAIM = """
WITH due AS MATERIALIZED (
  SELECT n.wanted, d.endpoint_id, d.id
  FROM unnest($2::uuid[], $3::int[], $4::timestamptz[], $5::text[]) WITH ORDINALITY
    AS n (endpoint_id, number, at, id, wanted)
  CROSS JOIN LATERAL (
    SELECT c.endpoint_id, c.id FROM webhook_deliveries c
    WHERE c.tenant_id = $1 AND c.endpoint_id = n.endpoint_id AND c.state = 'pending'
      AND c.next_attempt_at <= $6 AND (c.next_attempt_at, c.id) > (n.at, n.id::uuid)
      AND (c.claimed_until IS NULL OR c.claimed_until <= $6)
    ORDER BY c.next_attempt_at, c.id LIMIT n.number
    FOR UPDATE SKIP LOCKED) d
)
UPDATE webhook_deliveries d SET claimed_until = $7
FROM due WHERE d.tenant_id = $1 AND d.endpoint_id = due.endpoint_id AND d.id = due.id
RETURNING due.wanted, d.id::text, d.type, d.round, d.created_at, d.next_attempt_at"""

# A success stands, whoever has the claim by now; a failure only under its own claim. Every attempt
# is kept.
_COUNTS = "d.state = 'pending' AND (n.state = 'succeeded' OR d.claimed_until = n.claimed_until)"

_SETTLE = f"""
WITH n AS (
  SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::int[], $9::int[], $10::text[], $11::bytea[])
    AS n (endpoint_id, id, state, next_attempt_at, claimed_until, attempted_at, duration_ms,
      status, error, response)
), moved AS (
  UPDATE webhook_deliveries d SET
    state = CASE WHEN {_COUNTS} THEN n.state ELSE d.state END,
    next_attempt_at = CASE WHEN {_COUNTS} THEN n.next_attempt_at ELSE d.next_attempt_at END,
    claimed_until = CASE WHEN {_COUNTS} THEN NULL ELSE d.claimed_until END,
    round = d.round + 1, attempts = d.attempts + 1,
    last_attempt_at = n.attempted_at, last_status = n.status, last_error = n.error
  FROM n
  WHERE d.tenant_id = $1 AND d.endpoint_id = n.endpoint_id AND d.id = n.id::uuid
  RETURNING d.attempts, n.*
)
INSERT INTO webhook_attempts (tenant_id, endpoint_id, delivery_id, number, attempted_at,
  duration_ms, status, error, response)
SELECT $1, endpoint_id, id::uuid, attempts, attempted_at, duration_ms, status, error,
  nullif(response, '') FROM moved"""

_RELEASE = """
UPDATE webhook_deliveries d SET claimed_until = NULL
FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]) AS n (endpoint_id, id, claimed_until)
WHERE d.tenant_id = $1 AND d.endpoint_id = n.endpoint_id AND d.id = n.id::uuid
  AND d.claimed_until = n.claimed_until"""


async def due(conn: AsyncConnection, now: datetime) -> list[tuple[UUID, UUID, datetime]]:
    """Tenant and id of the endpoints that have something to be sent, and since when."""
    await driver(conn).execute(_BY_INDEX)
    return [(row[0], row[1], row[2]) for row in await driver(conn).fetch(_DUE, now)]


async def claim(
    conn: AsyncConnection,
    tenant_id: UUID,
    wanted: Sequence[Wanted],
    now: datetime,
    until: datetime,
) -> list[Claimed]:
    """Take due deliveries in hand that nobody else has, for each endpoint as many as it can take,
    in the order in which they are due."""
    await driver(conn).execute(_BY_INDEX)
    rows = [(one.endpoint_id, one.number, one.behind.at, one.behind.id) for one in wanted]
    found = await driver(conn).fetch(_CLAIM, tenant_id, *turned(rows), now, until)
    claimed = list(map(Claimed._make, found))
    claimed.sort(key=lambda one: (one.next_attempt_at, one.id))
    return claimed


async def settle(conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Settled]) -> None:
    """Write attempts, and what they made of their deliveries."""
    await driver(conn).execute(_BY_INDEX)
    # In one order, so that two who settle the same do not wait for each other.
    lines = sorted(rows, key=lambda row: (row.endpoint_id, row.id))
    await driver(conn).execute(_SETTLE, tenant_id, *turned(lines))


async def release(
    conn: AsyncConnection, tenant_id: UUID, held: Sequence[tuple[UUID, str, datetime]]
) -> None:
    """Give deliveries back: endpoint, id, and until when they were claimed."""
    if held:
        await driver(conn).execute(_RELEASE, tenant_id, *turned(held))
