"""Idempotency keys: an answer that was given once is given again.

The row is written in the transaction of the change itself, so that either both stand or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody used the key: it is claimed now, and to be finished with the answer."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The same request was answered before."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Running:
    """The first request of that key still runs."""


Claim: TypeAlias = Fresh | Replay | Mismatch | Running

# The lock tells at once whether another transaction works on the same key; nobody waits. An
# expired row is taken over; one that stands makes the statement return nothing.
_CLAIM = """
WITH held AS MATERIALIZED (SELECT pg_try_advisory_xact_lock($7) AS held),
claimed AS (
  INSERT INTO idempotency AS i
    (tenant_id, api_key_id, key, fingerprint, created_at, expires_at)
  SELECT $1, $2, $3, $4, $5, $6 FROM held WHERE held.held
  ON CONFLICT (tenant_id, api_key_id, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, created_at = excluded.created_at,
    expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
  WHERE i.expires_at <= $5
  RETURNING true)
SELECT held.held, (SELECT true FROM claimed) FROM held"""

_KEPT = """
SELECT fingerprint, status, headers, body FROM idempotency
WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3"""

_FINISH = """
UPDATE idempotency SET status = $4, headers = $5, body = $6
WHERE tenant_id = $1 AND api_key_id = $2 AND key = $3"""

_SWEEP = "DELETE FROM idempotency WHERE expires_at <= $1"


async def claim(
    conn: AsyncConnection,
    tenant_id: UUID,
    api_key_id: UUID,
    key: str,
    fingerprint: bytes,
    *,
    now: datetime,
    expires_at: datetime,
) -> Claim:
    """Claim the key, or learn what became of it."""
    raw = driver(conn)
    values = (tenant_id, api_key_id, key, fingerprint, now, expires_at)
    held, claimed = await raw.fetchrow(_CLAIM, *values, _number(tenant_id, api_key_id, key))
    if not held:
        return Running()
    if claimed:
        return Fresh()
    row = await raw.fetchrow(_KEPT, tenant_id, api_key_id, key)
    if row is None or row["status"] is None:
        return Running()
    if row["fingerprint"] != fingerprint:
        return Mismatch()
    return Replay(Answer(row["status"], row["headers"], row["body"]))


async def finish(
    conn: AsyncConnection, tenant_id: UUID, api_key_id: UUID, key: str, answer: Answer
) -> None:
    """Keep the answer, with the change that it tells of."""
    await driver(conn).execute(
        _FINISH, tenant_id, api_key_id, key, answer.status, json_of(answer.headers), answer.body
    )


def _number(tenant_id: UUID, api_key_id: UUID, key: str) -> int:
    """The number of the lock that stands for the key."""
    digest = blake2b(tenant_id.bytes + api_key_id.bytes + key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


async def sweep(conn: AsyncConnection, now: datetime) -> int:
    """Delete the answers that were kept long enough, of all tenants; how many."""
    tag: str = await driver(conn).execute(_SWEEP, now)
    return int(tag.rsplit(" ", 1)[-1])
