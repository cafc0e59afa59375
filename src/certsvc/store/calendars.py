"""Calendars that somebody subscribed to, and the dates of a certification counted for one.

The token in a calendar's URL holds tenant, id and a secret, in base64url: like an API key it is
found by its primary key, and of the secret only a hash is kept.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.agenda import DUE_WORK, DateKind
from certsvc.store.api_keys import SECRET_BYTES, hash_secret
from certsvc.store.db import driver
from certsvc.store.tenants import COLUMNS as TENANT_COLUMNS
from certsvc.store.tenants import Tenant, tenant_of

_TOKEN_BYTES: Final = 16 + 16 + SECRET_BYTES
_TOKEN_LENGTH: Final = -(-_TOKEN_BYTES * 4 // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRow:
    """A calendar as it is kept: a learner's dates, or a certification's."""

    id: UUID
    learner_id: str | None
    certification_id: UUID | None
    language: str | None
    secret_hash: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """What the token in an URL says."""

    tenant_id: UUID
    calendar_id: UUID
    secret: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A calendar that is there, and its tenant."""

    calendar: CalendarRow
    tenant: Tenant


@dataclass(frozen=True, slots=True)
class Counted:
    """How many dates of a kind, by versions of one number, lie in one quarter of an hour, and when
    the last of the enrollments changed. The version is None where it was not asked for, and of a
    planned cycle."""

    kind: DateKind
    version: int | None
    quarter: datetime
    count: int
    updated_at: datetime


def make_token(tenant_id: UUID, id: UUID, secret: bytes) -> str:
    """The text of a token."""
    return urlsafe_b64encode(tenant_id.bytes + id.bytes + secret).decode().rstrip("=")


def read_token(text: str) -> Token | None:
    """What the text of a token says, or None where it is none."""
    if len(text) != _TOKEN_LENGTH or not text.isascii():
        return None
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except NotBase64:
        return None
    if len(content) != _TOKEN_BYTES:
        return None
    return Token(UUID(bytes=content[:16]), UUID(bytes=content[16:32]), content[32:])


_COLUMNS = "k.id, k.learner_id, k.certification_id, k.language, k.secret_hash, k.created_at"

_INSERT = """
INSERT INTO calendars (
  tenant_id, id, learner_id, certification_id, language, secret_hash, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""

_FIND = f"""
SELECT {TENANT_COLUMNS}, {_COLUMNS}
FROM calendars k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = $1 AND k.id = $2"""

_GET = f"SELECT {_COLUMNS} FROM calendars k WHERE k.tenant_id = $1 AND k.id = $2"

_PAGE = f"""
SELECT {_COLUMNS} FROM calendars k
WHERE k.tenant_id = $1 AND ($2::uuid IS NULL OR k.id > $2)
  AND ($3::text IS NULL OR k.learner_id = $3)
ORDER BY k.id LIMIT $4"""

_DELETE = "DELETE FROM calendars WHERE tenant_id = $1 AND id = $2 RETURNING id"

# What ends belongs to the time through which it held: the midnight after 31 January is January's.
# No zone's day begins within a quarter of an hour, so that whatever day it is, is one for all of a
# quarter; and there are few of those, however many learners.
_COUNTS = """
SELECT d.kind, CASE
    WHEN NOT $6::boolean THEN NULL
    WHEN d.kind = 'due' THEN (e.doc->'cycle'->>'version')::int
    ELSE (e.doc->'certificate'->>'version')::int END AS version,
  date_bin('15 minutes', d.at, 'epoch') AS quarter, count(*), max(e.updated_at)
FROM enrollments e
CROSS JOIN LATERAL (VALUES
  ('due', CASE
    WHEN e.work = ANY($5::text[]) AND NOT e.suspended AND NOT ('unassigned' = ANY(e.flags))
      AND (e.standing NOT IN ('valid', 'grace') OR e.expires_at IS DISTINCT FROM e.due_at)
    THEN e.due_at - interval '1 microsecond' END),
  ('opens', CASE WHEN e.standing = 'valid' THEN e.recertification_at END),
  ('expires', CASE WHEN e.standing = 'valid' THEN e.expires_at - interval '1 microsecond' END),
  ('lapses', CASE
    WHEN e.standing IN ('valid', 'grace') AND e.lapses_at IS DISTINCT FROM e.expires_at
    THEN e.lapses_at - interval '1 microsecond' END)) AS d (kind, at)
WHERE e.tenant_id = $1 AND e.certification_id = $2
  AND d.at >= $3::timestamptz AND d.at < $4::timestamptz
  AND (d.kind <> 'opens' OR NOT (
    coalesce((e.doc->>'stopped')::boolean, false)
    OR coalesce((e.doc->'certificate'->>'window_used')::boolean, false)))
GROUP BY 1, 2, 3"""
_DUE_WORK = sorted(work.value for work in DUE_WORK)


def _row(row: Any) -> CalendarRow:
    id, learner_id, certification_id, language, secret_hash, created_at = row
    return CalendarRow(
        id=id,
        learner_id=learner_id,
        certification_id=certification_id,
        language=language,
        secret_hash=secret_hash,
        created_at=created_at,
    )


async def insert(conn: AsyncConnection, tenant_id: UUID, row: CalendarRow) -> None:
    """A new calendar."""
    await driver(conn).execute(
        _INSERT,
        tenant_id,
        row.id,
        row.learner_id,
        row.certification_id,
        row.language,
        row.secret_hash,
        row.created_at,
    )


async def find(conn: AsyncConnection, token: Token) -> Found | None:
    """The calendar of a token; None too where the secret is another, in a time that tells
    nothing."""
    row = await driver(conn).fetchrow(_FIND, token.tenant_id, token.calendar_id)
    if row is None:
        return None
    found = Found(_row(tuple(row)[5:]), tenant_of(row))
    same = compare_digest(found.calendar.secret_hash, hash_secret(token.secret))
    return found if same else None


async def get(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> CalendarRow | None:
    """The calendar of that id."""
    row = await driver(conn).fetchrow(_GET, tenant_id, id)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    learner_id: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[CalendarRow]:
    """Calendars in order of their ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, learner_id, limit)
    return [_row(row) for row in rows]


async def delete(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> bool:
    """The calendar is gone, and its URL with it; False where there was none."""
    return await driver(conn).fetchval(_DELETE, tenant_id, id) is not None


async def counts(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    since: datetime,
    until: datetime,
    *,
    by_version: bool,
) -> Iterable[Counted]:
    """How many dates of each kind lie between the instants, as stored. Whether also by version: to
    look for it takes as long as all else."""
    rows = await driver(conn).fetch(
        _COUNTS, tenant_id, certification_id, since, until, _DUE_WORK, by_version
    )
    return [Counted(DateKind(row[0]), *tuple(row)[1:]) for row in rows]
