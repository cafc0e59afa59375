"""The history: what happened, in the order in which each enrollment tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Enrollment
from certsvc.store.codec import decode_enrollment
from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One event as it is kept; `after` is the state at the end of its step, where asked for."""

    id: UUID
    type: str
    effective_at: datetime
    recorded_at: datetime
    actor: str
    enrollment_id: UUID | None = None
    certification_id: UUID | None = None
    learner_id: str | None = None
    sequence: int | None = None
    revision: int | None = None
    stale: bool = False
    on_behalf_of: str | None = None
    reason: str | None = None
    bulk_operation_id: UUID | None = None
    before_status: str | None = None
    before_standing: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    after: Enrollment | None = None


COLUMNS = """e.id, e.type, e.effective_at, e.recorded_at, e.actor, e.enrollment_id,
  e.certification_id, e.learner_id, e.sequence, e.revision, e.stale, e.on_behalf_of, e.reason,
  e.bulk_operation_id, e.before_status, e.before_standing, e.data"""

# The state stands on the last event of its step.
AFTER = """coalesce(e.after, (
  SELECT s.after FROM events s
  WHERE s.tenant_id = e.tenant_id AND s.enrollment_id = e.enrollment_id
    AND s.sequence >= e.sequence AND s.after IS NOT NULL
  ORDER BY s.sequence LIMIT 1)) AS after"""

_HISTORY = f"""
SELECT {COLUMNS} FROM events e
WHERE e.tenant_id = $1 AND e.enrollment_id = $2 AND e.sequence > $3
ORDER BY e.sequence LIMIT $4"""

_HISTORY_WITH_AFTER = f"""
SELECT {COLUMNS}, {AFTER} FROM events e
WHERE e.tenant_id = $1 AND e.enrollment_id = $2 AND e.sequence > $3
ORDER BY e.sequence LIMIT $4"""

_INSERT = """
INSERT INTO events (
  tenant_id, id, type, effective_at, recorded_at, actor, enrollment_id, certification_id,
  learner_id, sequence, revision, stale, on_behalf_of, reason, bulk_operation_id, before_status,
  before_standing, data)
SELECT $1, n.* FROM unnest(
  $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::uuid[],
  $8::uuid[], $9::text[], $10::int[], $11::int[], $12::bool[], $13::text[], $14::text[],
  $15::uuid[], $16::text[], $17::text[], $18::jsonb[]) AS n"""


async def history(
    conn: AsyncConnection,
    tenant_id: UUID,
    enrollment_id: UUID,
    *,
    after: int | None = None,
    limit: int,
    with_after: bool = False,
) -> list[EventRow]:
    """The events of an enrollment in order of their sequence, from after that number on."""
    statement = _HISTORY_WITH_AFTER if with_after else _HISTORY
    rows = await driver(conn).fetch(statement, tenant_id, enrollment_id, after or 0, limit)
    return [_event(dict(row)) for row in rows]


def _event(row: dict[str, Any]) -> EventRow:
    document = row.pop("after", None)
    return EventRow(**row, after=None if document is None else decode_enrollment(document))


async def insert(conn: AsyncConnection, tenant_id: UUID, rows: Sequence[EventRow]) -> None:
    """Append events that are not of an enrollment, as of a certification that was published."""
    if rows:
        columns = zip(*(_values(row) for row in rows), strict=True)
        await driver(conn).execute(_INSERT, tenant_id, *map(list, columns))


def _values(row: EventRow) -> tuple[Any, ...]:
    return (
        row.id,
        row.type,
        row.effective_at,
        row.recorded_at,
        row.actor,
        row.enrollment_id,
        row.certification_id,
        row.learner_id,
        row.sequence,
        row.revision,
        row.stale,
        row.on_behalf_of,
        row.reason,
        row.bulk_operation_id,
        row.before_status,
        row.before_standing,
        json_of(row.data),
    )
