"""From the feed to deliveries: each event becomes one delivery for each endpoint that it is for.

A tenant with endpoints has a cursor, the place of the last event that was fanned out. Whoever fans
out holds it, and moves it in the statement that writes the deliveries: cut off anywhere, nothing is
lost and nothing done twice. A replay is the same once more for one endpoint, with its own cursor.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.feed import HOME_BITS, HORIZON, SAFE


@dataclass(frozen=True, slots=True)
class FannedOut:
    """What one statement did: how many events it passed, and the endpoints that get something."""

    events: int
    deliveries: int
    endpoints: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRow:
    """What is to be sent to an endpoint again: events recorded in that time, of those types."""

    id: UUID
    endpoint_id: UUID
    since: datetime
    created_at: datetime
    until: datetime | None = None
    types: tuple[str, ...] | None = None
    deliveries: int = 0
    finished_at: datetime | None = None


_SNAPSHOT = f"""
SELECT pg_current_snapshot()::text,
  (SELECT coalesce(max(number), 0) FROM feed_homes)::bigint << {HOME_BITS}"""

# A cursor that is there is held, so that nobody takes it away for want of endpoints; a new one
# begins where all that is committed from now on comes after it.
_ENSURE = f"""
INSERT INTO webhook_cursors (tenant_id, xid, position) VALUES ($1, {HORIZON}, 0)
ON CONFLICT (tenant_id) DO UPDATE SET tenant_id = excluded.tenant_id"""

# One look into the index for each tenant that has endpoints.
_WAITING = f"""
SELECT c.tenant_id FROM webhook_cursors c
WHERE EXISTS (
  SELECT FROM events e
  WHERE e.tenant_id = c.tenant_id AND (e.xid, e.position) > (c.xid, c.position)
    AND {SAFE})
LIMIT $1"""

_FAN_OUT = f"""
WITH place AS MATERIALIZED (
  SELECT xid, position FROM webhook_cursors WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED
), batch AS MATERIALIZED (
  SELECT n.* FROM place p CROSS JOIN LATERAL (
    SELECT e.id, e.type, e.xid, e.position, e.written_by FROM events e
    WHERE e.tenant_id = $1 AND (e.xid, e.position) > (p.xid, p.position) AND {SAFE}
    ORDER BY e.xid, e.position LIMIT $2) n
), told AS (
  INSERT INTO webhook_deliveries
    (tenant_id, endpoint_id, id, type, state, created_at, next_attempt_at)
  SELECT $1, w.id, b.id, b.type, 'pending', $3, $3
  FROM batch b JOIN webhook_endpoints w ON w.tenant_id = $1 AND w.disabled_at IS NULL
    AND (w.types IS NULL OR b.type = ANY (w.types))
    AND NOT pg_visible_in_snapshot(b.written_by::text::xid8, w.since::pg_snapshot)
  ORDER BY b.xid, b.position, w.id
  ON CONFLICT DO NOTHING
  RETURNING endpoint_id
), moved AS (
  UPDATE webhook_cursors c SET xid = b.xid, position = b.position
  FROM (SELECT xid, position FROM batch ORDER BY xid DESC, position DESC LIMIT 1) b
  WHERE c.tenant_id = $1
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM told),
  (SELECT array_agg(DISTINCT endpoint_id) FROM told)"""

_ORDER = """
INSERT INTO webhook_replays (tenant_id, id, endpoint_id, since, until, types, created_at, seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""

_TO_RUN = """
SELECT tenant_id, id FROM webhook_replays WHERE finished_at IS NULL
ORDER BY tenant_id, id LIMIT $1"""

# What waits to be sent is left as it is; what was delivered, or has failed, is sent anew. It is
# over when nothing is left, and nothing can come to light any more that was there when it was
# asked for.
_REPLAY = f"""
WITH run AS MATERIALIZED (
  SELECT r.* FROM webhook_replays r
  WHERE r.tenant_id = $1 AND r.id = $2 AND r.finished_at IS NULL FOR UPDATE SKIP LOCKED
), wanted AS (
  SELECT r.*, w.types AS chosen FROM run r
  JOIN webhook_endpoints w ON w.tenant_id = $1 AND w.id = r.endpoint_id AND w.deleted_at IS NULL
), batch AS MATERIALIZED (
  SELECT n.*, r.endpoint_id FROM wanted r CROSS JOIN LATERAL (
    SELECT e.id, e.type, e.xid, e.position FROM events e
    WHERE e.tenant_id = $1 AND (e.xid, e.position) > (r.xid, r.position) AND {SAFE}
      AND pg_visible_in_snapshot(e.written_by::text::xid8, r.seen::pg_snapshot)
      AND e.recorded_at >= r.since AND (r.until IS NULL OR e.recorded_at < r.until)
      AND (r.types IS NULL OR e.type = ANY (r.types))
      AND (r.chosen IS NULL OR e.type = ANY (r.chosen))
    ORDER BY e.xid, e.position LIMIT $3) n
), told AS (
  INSERT INTO webhook_deliveries AS d
    (tenant_id, endpoint_id, id, type, state, created_at, next_attempt_at)
  SELECT $1, b.endpoint_id, b.id, b.type, 'pending', $4, $4 FROM batch b
  ORDER BY b.xid, b.position
  ON CONFLICT (tenant_id, endpoint_id, id) DO UPDATE
    SET state = 'pending', next_attempt_at = $4, claimed_until = NULL, round = 0
    WHERE d.state <> 'pending'
  RETURNING endpoint_id
), far AS (
  SELECT {HORIZON} AS horizon, (SELECT count(*) FROM batch) < $3 AS whole, b.xid, b.position
  FROM (VALUES (true)) AS one LEFT JOIN
    (SELECT xid, position FROM batch ORDER BY xid DESC, position DESC LIMIT 1) b ON true
), moved AS (
  UPDATE webhook_replays r SET
    xid = CASE WHEN f.whole THEN f.horizon ELSE f.xid END,
    position = CASE WHEN f.whole THEN 0 ELSE f.position END,
    deliveries = r.deliveries + (SELECT count(*) FROM told),
    finished_at = CASE WHEN f.whole
      AND f.horizon >= pg_snapshot_xmax(r.seen::pg_snapshot)::text::bigint THEN $4 END
  FROM run CROSS JOIN far f WHERE r.tenant_id = $1 AND r.id = $2
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM told),
  (SELECT array_agg(DISTINCT endpoint_id) FROM told)"""

# Held first: an endpoint that is made meanwhile waits, and then makes a cursor of its own.
_IDLE = """
SELECT tenant_id FROM webhook_cursors c WHERE NOT EXISTS (
  SELECT FROM webhook_endpoints w WHERE w.tenant_id = c.tenant_id AND w.disabled_at IS NULL)
FOR UPDATE SKIP LOCKED"""

_DROP = """
DELETE FROM webhook_cursors c WHERE c.tenant_id = ANY ($1::uuid[]) AND NOT EXISTS (
  SELECT FROM webhook_endpoints w WHERE w.tenant_id = c.tenant_id AND w.disabled_at IS NULL)"""


async def snapshot(conn: AsyncConnection) -> str:
    """What is to be seen at this moment: a snapshot whose transactions count as places do."""
    text, home = await driver(conn).fetchrow(_SNAPSHOT)
    return re.sub(r"\d+", lambda found: str(int(found[0]) + home), text)


async def ensure_cursor(conn: AsyncConnection, tenant_id: UUID) -> None:
    """The tenant's events are fanned out from now on, if they are not already. To be called
    before an endpoint is written that is to get them."""
    await driver(conn).execute(_ENSURE, tenant_id)


async def waiting(conn: AsyncConnection, limit: int) -> list[UUID]:
    """Tenants that have events to be fanned out."""
    return [row[0] for row in await driver(conn).fetch(_WAITING, limit)]


async def fan_out(conn: AsyncConnection, tenant_id: UUID, limit: int, now: datetime) -> FannedOut:
    """Deliveries for the next events of the tenant, unless somebody else is at it."""
    return _fanned_out(await driver(conn).fetchrow(_FAN_OUT, tenant_id, limit, now))


async def order_replay(conn: AsyncConnection, tenant_id: UUID, row: ReplayRow, seen: str) -> None:
    """Put in what is to be sent again, of all that was to be seen in that snapshot."""
    await driver(conn).execute(
        _ORDER,
        tenant_id,
        row.id,
        row.endpoint_id,
        row.since,
        row.until,
        row.types,
        row.created_at,
        seen,
    )


async def replays(conn: AsyncConnection, limit: int) -> list[tuple[UUID, UUID]]:
    """Tenant and id of the replays that are not over."""
    return [(row[0], row[1]) for row in await driver(conn).fetch(_TO_RUN, limit)]


async def replay(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, limit: int, now: datetime
) -> FannedOut:
    """Go on with a replay, unless somebody else is at it."""
    return _fanned_out(await driver(conn).fetchrow(_REPLAY, tenant_id, id, limit, now))


async def drop_idle_cursors(conn: AsyncConnection) -> int:
    """Tenants without an endpoint that gets anything are looked after no longer; how many."""
    idle: Sequence[UUID] = [row[0] for row in await driver(conn).fetch(_IDLE)]
    tag: str = await driver(conn).execute(_DROP, idle)
    return int(tag.rsplit(" ", 1)[-1])


def _fanned_out(row: Any) -> FannedOut:
    return FannedOut(row[0], row[1], tuple(row[2] or ()))
