"""Webhook endpoints as rows: made, changed, disabled, and how they have been doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver, json_of
from certsvc.store.rows import turned
from certsvc.store.webhook_tables import DisabledReason


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A secret as it is kept, and until when it signs; None: it is the present one."""

    kept: str
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """Where the events of a tenant go. `types` None: all."""

    id: UUID
    url: str
    secrets: tuple[KeptSecret, ...]
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    types: tuple[str, ...] | None = None
    disabled_at: datetime | None = None
    disabled_reason: DisabledReason | None = None
    failing_since: datetime | None = None
    failures: int = 0

    @property
    def enabled(self) -> bool:
        """Whether it gets anything."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has been doing, and whether that disables it."""

    id: UUID
    failing_since: datetime | None
    failures: int
    disabled_reason: DisabledReason | None = None


_COLUMNS = """id, url, description, types, secrets, disabled_at, disabled_reason, failing_since,
  failures, created_at, updated_at"""

_INSERT = f"""
INSERT INTO webhook_endpoints (tenant_id, since, {_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""

_GET = f"""
SELECT {_COLUMNS} FROM webhook_endpoints
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL"""

_PAGE = f"""
SELECT {_COLUMNS} FROM webhook_endpoints
WHERE tenant_id = $1 AND deleted_at IS NULL AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3"""

_COUNT = "SELECT count(*) FROM webhook_endpoints WHERE tenant_id = $1 AND deleted_at IS NULL"

_UPDATE = """
UPDATE webhook_endpoints SET since = coalesce($3, since),
  url = $4, description = $5, types = $6, secrets = $7, disabled_at = $8, disabled_reason = $9,
  failing_since = $10, failures = $11, updated_at = $12
WHERE tenant_id = $1 AND id = $2"""

_DELETE = """
UPDATE webhook_endpoints SET deleted_at = $3, disabled_at = coalesce(disabled_at, $3),
  secrets = '[]'
WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL
RETURNING id"""

_ENABLED = f"""
SELECT {_COLUMNS} FROM webhook_endpoints
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND disabled_at IS NULL"""

_LOCK_ENABLED = f"{_ENABLED} ORDER BY id FOR UPDATE"

_FARED = """
UPDATE webhook_endpoints w SET failing_since = n.failing_since, failures = n.failures,
  disabled_reason = n.reason,
  disabled_at = CASE WHEN n.reason IS NULL THEN NULL ELSE $2::timestamptz END,
  updated_at = CASE WHEN n.reason IS NULL THEN w.updated_at ELSE $2 END
FROM unnest($3::uuid[], $4::timestamptz[], $5::int[], $6::text[])
  AS n (id, failing_since, failures, reason)
WHERE w.tenant_id = $1 AND w.id = n.id"""


async def insert(conn: AsyncConnection, tenant_id: UUID, row: EndpointRow, since: str) -> None:
    """A new endpoint, for what was not to be seen in that snapshot."""
    await driver(conn).execute(
        _INSERT,
        tenant_id,
        since,
        row.id,
        row.url,
        row.description,
        row.types,
        _secrets(row),
        row.disabled_at,
        row.disabled_reason,
        row.failing_since,
        row.failures,
        row.created_at,
        row.updated_at,
    )


async def get(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, *, lock: bool = False
) -> EndpointRow | None:
    """The endpoint; locked, nobody else changes it meanwhile."""
    row = await driver(conn).fetchrow(f"{_GET} FOR UPDATE" if lock else _GET, tenant_id, id)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection, tenant_id: UUID, *, after: UUID | None = None, limit: int
) -> list[EndpointRow]:
    """Endpoints, in order of their ids."""
    return [_row(row) for row in await driver(conn).fetch(_PAGE, tenant_id, after, limit)]


async def count(conn: AsyncConnection, tenant_id: UUID) -> int:
    """How many the tenant has."""
    number: int = await driver(conn).fetchval(_COUNT, tenant_id)
    return number


async def update(
    conn: AsyncConnection, tenant_id: UUID, row: EndpointRow, since: str | None = None
) -> None:
    """Write the changed endpoint, which is locked; with a snapshot, if it begins anew there."""
    await driver(conn).execute(
        _UPDATE,
        tenant_id,
        row.id,
        since,
        row.url,
        row.description,
        row.types,
        _secrets(row),
        row.disabled_at,
        row.disabled_reason,
        row.failing_since,
        row.failures,
        row.updated_at,
    )


async def delete(conn: AsyncConnection, tenant_id: UUID, id: UUID, at: datetime) -> bool:
    """Nothing goes there any more; whether there was one. What was delivered is purged later."""
    return await driver(conn).fetchval(_DELETE, tenant_id, id, at) is not None


async def enabled(
    conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID], *, lock: bool = False
) -> list[EndpointRow]:
    """Those of these endpoints that get anything."""
    statement = _LOCK_ENABLED if lock else _ENABLED
    return [_row(row) for row in await driver(conn).fetch(statement, tenant_id, ids)]


async def fared(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Health], at: datetime
) -> None:
    """How these endpoints, which are locked, have been doing."""
    lines = [(row.id, row.failing_since, row.failures, row.disabled_reason) for row in rows]
    await driver(conn).execute(_FARED, tenant_id, at, *turned(lines))


def _secrets(row: EndpointRow) -> bytes | None:
    return json_of(
        [
            {"kept": one.kept, "created_at": one.created_at, "expires_at": one.expires_at}
            for one in row.secrets
        ]
    )


def _row(row: Any) -> EndpointRow:
    given = dict(row)
    types, reason = given.pop("types"), given.pop("disabled_reason")
    return EndpointRow(
        **given | {"secrets": tuple(_secret(one) for one in given["secrets"])},
        types=None if types is None else tuple(types),
        disabled_reason=None if reason is None else DisabledReason(reason),
    )


def _secret(one: dict[str, Any]) -> KeptSecret:
    expires_at = one["expires_at"]
    return KeptSecret(
        one["kept"],
        datetime.fromisoformat(one["created_at"]),
        None if expires_at is None else datetime.fromisoformat(expires_at),
    )
