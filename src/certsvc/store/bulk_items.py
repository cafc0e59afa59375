"""The items of bulk operations: fixed, claimed, settled. One statement each, for many rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import HELD
from certsvc.domain.frozen import quick
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.db import copy_rows, driver, json_of
from certsvc.store.enrollment_filters import Filters, where
from certsvc.store.rows import arrays, turned, types


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One enrollment, or one learner in one certification, that an operation is about."""

    number: int
    enrollment_id: UUID | None = None
    certification_id: UUID | None = None
    learner_id: str | None = None
    parameters: Mapping[str, Any] | None = None
    outcome: ItemOutcome | None = None
    code: str | None = None
    reason_code: str | None = None
    detail: str | None = None
    done_at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an item."""

    number: int
    outcome: ItemOutcome
    code: str | None = None
    reason_code: str | None = None
    detail: str | None = None


_COLUMNS = (
    "tenant_id",
    "operation_id",
    "number",
    "enrollment_id",
    "certification_id",
    "learner_id",
    "parameters",
    "held_until",
)

_KEPT = (*_COLUMNS[:-1], "outcome", "code", "reason_code", "detail", "done_at")

_SELECT = """
INSERT INTO bulk_items (tenant_id, operation_id, number, enrollment_id, held_until)
SELECT $1, $2, row_number() OVER (ORDER BY e.id), e.id, $3::timestamptz
FROM enrollments e WHERE {where}"""

# Who is kept from recertifying by itself is found by the enrollment.
_IDENTIFY = """
UPDATE bulk_items i SET enrollment_id = e.id FROM enrollments e
WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.enrollment_id IS NULL
  AND e.tenant_id = $1 AND e.certification_id = i.certification_id
  AND e.learner_id = i.learner_id"""

_CLAIM = """
SELECT number, enrollment_id, certification_id, learner_id, parameters FROM bulk_items
WHERE tenant_id = $1 AND operation_id = $2 AND outcome IS NULL AND number > $4
ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED"""

_AGAIN = """
SELECT number, enrollment_id, certification_id, learner_id, parameters FROM bulk_items
WHERE tenant_id = $1 AND operation_id = $2 AND outcome IS NULL AND number = ANY($3::int[])
ORDER BY number FOR UPDATE SKIP LOCKED"""

# The bounds keep a planner without statistics from looking through the whole operation each time.
_SETTLE = f"""
UPDATE bulk_items i SET outcome = n.outcome, code = n.code, reason_code = n.reason_code,
  detail = n.detail, done_at = $3
FROM {arrays(types("number int, outcome text, code text, reason_code text, detail text"), 4)}
WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.number = n.number
  AND i.number BETWEEN $9 AND $10"""

_PAGE = """
SELECT i.number, i.enrollment_id, coalesce(e.certification_id, i.certification_id)
    AS certification_id, coalesce(e.learner_id, i.learner_id) AS learner_id, i.parameters,
  i.outcome, i.code, i.reason_code, i.detail, i.done_at
FROM bulk_items i
LEFT JOIN enrollments e ON e.tenant_id = $1 AND e.id = i.enrollment_id
WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.number > $3
  AND ($4::text[] IS NULL OR i.outcome = ANY($4))
ORDER BY i.number LIMIT $5"""

# Who was kept from being recertified by itself is looked at again. In the order of the ids, as
# everybody locks them.
_RELEASE = """
WITH released AS (
  UPDATE bulk_items SET held_until = $3
  WHERE tenant_id = $1 AND operation_id = $2 AND held_until > $3
    AND ($4::int[] IS NULL OR number = ANY($4))
  RETURNING enrollment_id
), concerned AS (
  SELECT e.id FROM enrollments e
  WHERE e.tenant_id = $1 AND e.id IN (SELECT enrollment_id FROM released)
  ORDER BY e.id FOR UPDATE
)
UPDATE enrollments e SET next_due_at = least(e.next_due_at, $3)
FROM concerned c WHERE e.tenant_id = $1 AND e.id = c.id"""


async def insert(
    conn: AsyncConnection,
    tenant_id: UUID,
    operation_id: UUID,
    items: Sequence[ItemRow],
    *,
    held: bool,
) -> None:
    """The items of a selection that names each."""
    rows = [
        (
            tenant_id,
            operation_id,
            item.number,
            item.enrollment_id,
            item.certification_id,
            item.learner_id,
            json_of(item.parameters),
            HELD if held else None,
        )
        for item in items
    ]
    await copy_rows(conn, "bulk_items", _COLUMNS, rows)


async def keep(
    conn: AsyncConnection, tenant_id: UUID, operation_id: UUID, items: Sequence[ItemRow]
) -> None:
    """Items with their outcomes, that were never put in to be done."""
    rows = [
        (
            tenant_id,
            operation_id,
            item.number,
            item.enrollment_id,
            item.certification_id,
            item.learner_id,
            json_of(item.parameters),
            item.outcome,
            item.code,
            item.reason_code,
            item.detail,
            item.done_at,
        )
        for item in items
    ]
    await copy_rows(conn, "bulk_items", _KEPT, rows)


async def select(
    conn: AsyncConnection, tenant_id: UUID, operation_id: UUID, filters: Filters, *, held: bool
) -> int:
    """The items of a selection by filters, all as of one moment; how many."""
    condition, values = where(filters, 4)
    sql = _SELECT.replace("{where}", condition)
    # However many there are: this is the one statement that may take its time.
    await driver(conn).execute("SET LOCAL statement_timeout = 0")
    tag: str = await driver(conn).execute(
        sql, tenant_id, operation_id, HELD if held else None, *values
    )
    return int(tag.rsplit(" ", 1)[-1])


async def identify(conn: AsyncConnection, tenant_id: UUID, operation_id: UUID) -> None:
    """Items that name a learner in a certification get the enrollment that there is."""
    await driver(conn).execute(_IDENTIFY, tenant_id, operation_id)


async def claim(
    conn: AsyncConnection, tenant_id: UUID, operation_id: UUID, limit: int, *, after: int = 0
) -> list[ItemRow]:
    """Items to be done that nobody else has in hand, behind that number: looking through all that
    are done already would take longer each time."""
    rows = await driver(conn).fetch(_CLAIM, tenant_id, operation_id, limit, after)
    return [_claimed(row) for row in rows]


async def claim_again(
    conn: AsyncConnection, tenant_id: UUID, operation_id: UUID, numbers: Sequence[int]
) -> list[ItemRow]:
    """Those of these items that are still to be done."""
    rows = await driver(conn).fetch(_AGAIN, tenant_id, operation_id, numbers)
    return [_claimed(row) for row in rows]


def _claimed(row: Any) -> ItemRow:
    return ItemRow(
        number=row[0],
        enrollment_id=row[1],
        certification_id=row[2],
        learner_id=row[3],
        parameters=row[4],
    )


async def settle(
    conn: AsyncConnection,
    tenant_id: UUID,
    operation_id: UUID,
    settled: Sequence[Settled],
    at: datetime,
) -> None:
    """The items have their outcomes."""
    rows = [(one.number, one.outcome, one.code, one.reason_code, one.detail) for one in settled]
    numbers = [one.number for one in settled]
    await driver(conn).execute(
        _SETTLE, tenant_id, operation_id, at, *turned(rows), min(numbers), max(numbers)
    )


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    operation_id: UUID,
    *,
    outcomes: Sequence[str] | None = None,
    after: int = 0,
    limit: int,
) -> list[ItemRow]:
    """The items of an operation in their order, with what became of each."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, operation_id, after, outcomes, limit)
    return [_item(dict(row)) for row in rows]


def _item(row: dict[str, Any]) -> ItemRow:
    outcome = row.pop("outcome")
    return ItemRow(**row, outcome=None if outcome is None else ItemOutcome(outcome))


async def release(
    conn: AsyncConnection,
    tenant_id: UUID,
    operation_id: UUID,
    at: datetime,
    numbers: Sequence[int] | None = None,
) -> None:
    """The operation keeps these items, or all, from recertifying by themselves no longer."""
    if numbers is None:
        await driver(conn).execute("SET LOCAL statement_timeout = 0")
    await driver(conn).execute(_RELEASE, tenant_id, operation_id, at, numbers)
