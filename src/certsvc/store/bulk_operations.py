"""Bulk operations as rows: put in, begun, counted, ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.author import Author
from certsvc.store.bulk_tables import BulkState, ItemOutcome
from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """One bulk operation. `total` is None until its selection is fixed."""

    id: UUID
    action: str
    state: BulkState
    selection: Mapping[str, Any]
    parameters: Mapping[str, Any]
    hold_automation: bool
    actor: str
    on_behalf_of: str | None
    reason: str | None
    start_at: datetime
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    total: int | None = None
    counts: Mapping[ItemOutcome, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many items have an outcome."""
        return sum(self.counts.values())

    @property
    def author(self) -> Author:
        """Who is behind every item."""
        return Author(self.actor, self.on_behalf_of, self.reason, self.id)


_PLAIN = """id, action, state, selection, parameters, hold_automation, actor, on_behalf_of, reason,
  start_at, created_at, started_at, finished_at, total"""
_COUNTS = ", ".join(ItemOutcome)
_COLUMNS = f"{_PLAIN}, {_COUNTS}"

_INSERT = f"""
INSERT INTO bulk_operations (tenant_id, {_PLAIN})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"""

_GET = f"SELECT {_COLUMNS} FROM bulk_operations WHERE tenant_id = $1 AND id = $2"

_PAGE = f"""
SELECT {_COLUMNS} FROM bulk_operations
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id < $2) AND ($3::text IS NULL OR state = $3)
ORDER BY id DESC LIMIT $4"""

_BEGIN = """
UPDATE bulk_operations SET state = 'running', started_at = $3, total = $4
WHERE tenant_id = $1 AND id = $2"""

_FIX = "UPDATE bulk_operations SET total = $3 WHERE tenant_id = $1 AND id = $2"

_COUNT = f"""
UPDATE bulk_operations SET
  {", ".join(f"{outcome} = {outcome} + ${n}" for n, outcome in enumerate(ItemOutcome, 3))}
WHERE tenant_id = $1 AND id = $2"""

_COMPLETE = f"""
UPDATE bulk_operations o SET state = 'completed', finished_at = $3
WHERE o.tenant_id = $1 AND o.id = $2 AND o.state = 'running' AND NOT EXISTS (
  SELECT FROM bulk_items i
  WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.outcome IS NULL)
RETURNING {_COLUMNS}"""

_CANCEL = f"""
UPDATE bulk_operations SET state = 'cancelled', finished_at = $3
WHERE tenant_id = $1 AND id = $2 AND state IN ('scheduled', 'running')
RETURNING {_COLUMNS}"""

# A sandbox's operations start by its own clock. An import is run by whoever reads its file.
_TO_RUN = """
SELECT o.tenant_id, o.id FROM bulk_operations o JOIN tenants t ON t.id = o.tenant_id
WHERE o.state IN ('scheduled', 'running') AND o.start_at <= coalesce(t.clock_at, $1)
  AND NOT o.selection ? 'import'
ORDER BY o.start_at, o.id LIMIT 1000"""

_OF_TENANT = """
SELECT id, start_at FROM bulk_operations
WHERE tenant_id = $1 AND state IN ('scheduled', 'running') AND start_at <= $2
  AND NOT selection ? 'import'
ORDER BY start_at, id LIMIT 1"""

_OF_IMPORT = f"""
SELECT {_COLUMNS} FROM bulk_operations
WHERE tenant_id = $1 AND state <> 'cancelled' AND selection @> $2
ORDER BY id DESC LIMIT 1"""


async def insert(conn: AsyncConnection, tenant_id: UUID, row: OperationRow) -> None:
    """A new operation."""
    await driver(conn).execute(
        _INSERT,
        tenant_id,
        row.id,
        row.action,
        row.state,
        json_of(row.selection),
        json_of(row.parameters),
        row.hold_automation,
        row.actor,
        row.on_behalf_of,
        row.reason,
        row.start_at,
        row.created_at,
        row.started_at,
        row.finished_at,
        row.total,
    )


async def get(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, *, lock: bool = False
) -> OperationRow | None:
    """The operation; locked, nobody else begins, counts or cancels it meanwhile."""
    row = await driver(conn).fetchrow(f"{_GET} FOR UPDATE" if lock else _GET, tenant_id, id)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    state: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[OperationRow]:
    """Operations, the newest first."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, state, limit)
    return [_row(row) for row in rows]


async def begin(conn: AsyncConnection, tenant_id: UUID, id: UUID, at: datetime, total: int) -> None:
    """It runs from here on, over so many items."""
    await driver(conn).execute(_BEGIN, tenant_id, id, at, total)


async def fix(conn: AsyncConnection, tenant_id: UUID, id: UUID, total: int) -> None:
    """Its selection is fixed before it starts."""
    await driver(conn).execute(_FIX, tenant_id, id, total)


async def count(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, counts: Mapping[ItemOutcome, int]
) -> None:
    """So many more items have which outcome."""
    await driver(conn).execute(
        _COUNT, tenant_id, id, *(counts.get(outcome, 0) for outcome in ItemOutcome)
    )


async def complete(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, at: datetime
) -> OperationRow | None:
    """End it, if every item has its outcome; None where that is not so, or somebody else did."""
    row = await driver(conn).fetchrow(_COMPLETE, tenant_id, id, at)
    return None if row is None else _row(row)


async def cancel(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, at: datetime
) -> OperationRow | None:
    """End it as it is; None where it is over already."""
    row = await driver(conn).fetchrow(_CANCEL, tenant_id, id, at)
    return None if row is None else _row(row)


async def to_run(conn: AsyncConnection, now: datetime) -> list[tuple[UUID, UUID]]:
    """Tenant and id of the operations that are under way, or are to start by now."""
    return [(row[0], row[1]) for row in await driver(conn).fetch(_TO_RUN, now)]


async def first_of_tenant(
    conn: AsyncConnection, tenant_id: UUID, until: datetime
) -> tuple[UUID, datetime] | None:
    """The tenant's operation that starts first, by the instant; and when."""
    row = await driver(conn).fetchrow(_OF_TENANT, tenant_id, until)
    return None if row is None else (row[0], row[1])


async def of_import(
    conn: AsyncConnection, tenant_id: UUID, about: Mapping[str, Any]
) -> OperationRow | None:
    """The newest operation that imports what is so described, and was not cancelled."""
    row = await driver(conn).fetchrow(_OF_IMPORT, tenant_id, json_of({"import": about}))
    return None if row is None else _row(row)


def _row(row: Any) -> OperationRow:
    given = dict(row)
    counts = {outcome: given.pop(outcome.value) for outcome in ItemOutcome}
    given["state"] = BulkState(given["state"])
    return OperationRow(**given, counts=counts)
