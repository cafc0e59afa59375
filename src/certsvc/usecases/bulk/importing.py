"""An import: people and their certificates, row by row of a file, in its order.

It is a bulk operation that is run by whoever reads the file. How far it is stands in its counts,
which change in the transaction that takes the rows in: an import that dies at any moment goes on
behind the last row that was taken, and none is taken twice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from certsvc.store import bulk_items, bulk_operations, certifications
from certsvc.store.author import Author
from certsvc.store.bulk_items import ItemRow, Settled
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState, ItemOutcome
from certsvc.store.db import transaction
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.doing import counted, do
from certsvc.usecases.bulk.ordering import ENROLL, tell_end
from certsvc.usecases.now import now_of

WENT_IN = frozenset({ItemOutcome.SUCCEEDED, ItemOutcome.UNCHANGED})
"""Outcomes of which there is nothing to be told row by row."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """The file: known by its content, and by the zone in which its dates are read."""

    name: str
    sha256: str
    time_zone: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; `wrong` where it cannot even be read."""

    number: int
    learner_id: str | None = None
    certification: str | None = None
    parameters: Mapping[str, Any] | None = None
    wrong: Settled | None = None


class Moved(Exception):
    """The import is not where it was left: it was cancelled, or somebody else goes on with it."""


async def find(conn: AsyncConnection, tenant: Tenant, origin: Origin) -> OperationRow | None:
    """The import of this file that there was last, under way or complete."""
    about = {"sha256": origin.sha256, "time_zone": origin.time_zone}
    return await bulk_operations.of_import(conn, tenant.id, about)


async def begin(
    conn: AsyncConnection, tenant: Tenant, origin: Origin, author: Author
) -> OperationRow:
    """A new import, under way."""
    now = await now_of(conn, tenant)
    about = {"file": origin.name, "sha256": origin.sha256, "time_zone": origin.time_zone}
    row = OperationRow(
        id=uuid7(),
        action=ENROLL,
        state=BulkState.RUNNING,
        selection={"import": about},
        parameters={},
        hold_automation=False,
        actor=author.actor,
        on_behalf_of=author.on_behalf_of,
        reason=author.reason,
        start_at=now,
        created_at=now,
        started_at=now,
        total=origin.rows,
    )
    await bulk_operations.insert(conn, tenant.id, row)
    return row


async def take(
    engine: AsyncEngine, tenant: Tenant, id: UUID, place: int, rows: Sequence[Row]
) -> Counter[ItemOutcome]:
    """Take in the rows that follow the first `place`; what became of them. A row with which the
    others cannot be saved fails alone."""
    try:
        async with transaction(engine) as conn:
            return await _taken(conn, tenant, id, place, rows)
    except (Unavailable, Conflict, Busy, Moved):
        raise
    except Exception as error:
        if len(rows) == 1:
            if rows[0].wrong is not None:
                raise
            _log.exception("a row could not be saved", row=rows[0].number)
            failed = [replace(rows[0], wrong=_unsaved(rows[0].number))]
            return await take(engine, tenant, id, place, failed)
        _log.warning("rows are taken apart", rows=len(rows), error=str(error))
    middle = len(rows) // 2
    first = await take(engine, tenant, id, place, rows[:middle])
    return first + await take(engine, tenant, id, place + middle, rows[middle:])


async def _taken(
    conn: AsyncConnection, tenant: Tenant, id: UUID, place: int, rows: Sequence[Row]
) -> Counter[ItemOutcome]:
    operation = await bulk_operations.get(conn, tenant.id, id, lock=True)
    if operation is None or operation.state is not BulkState.RUNNING or operation.done != place:
        raise Moved
    now = await now_of(conn, tenant)
    names = sorted({row.certification for row in rows if row.wrong is None and row.certification})
    known = await certifications.resolve(conn, tenant.id, names)
    items = [
        ItemRow(
            number=row.number,
            certification_id=known[row.certification][0],
            learner_id=row.learner_id,
            parameters=row.parameters,
        )
        for row in rows
        if row.wrong is None and row.certification in known
    ]
    done = {one.number: one for one in await do(conn, tenant, now, operation, items)}
    settled = [done.get(row.number) or row.wrong or _unknown(row) for row in rows]
    await _keep(conn, tenant, id, now, rows, settled)
    counts = counted(settled)
    await bulk_operations.count(conn, tenant.id, id, counts)
    return Counter(counts)


async def _keep(
    conn: AsyncConnection,
    tenant: Tenant,
    id: UUID,
    now: datetime,
    rows: Sequence[Row],
    settled: Sequence[Settled],
) -> None:
    """Remember the rows that did not go in, with their reasons."""
    kept = [
        ItemRow(
            number=row.number,
            learner_id=row.learner_id,
            parameters={"certification": row.certification},
            outcome=one.outcome,
            code=one.code,
            reason_code=one.reason_code,
            detail=one.detail,
            done_at=now,
        )
        for row, one in zip(rows, settled, strict=True)
        if one.outcome not in WENT_IN
    ]
    if kept:
        await bulk_items.keep(conn, tenant.id, id, kept)


def _unknown(row: Row) -> Settled:
    detail = f"There is no certification {row.certification!r}."
    return Settled(row.number, ItemOutcome.NOT_FOUND, "certification_not_found", None, detail)


def _unsaved(number: int) -> Settled:
    detail = "The row could not be saved; the log says why."
    return Settled(number, ItemOutcome.FAILED, "internal_error", None, detail)


async def finish(conn: AsyncConnection, tenant: Tenant, id: UUID) -> OperationRow:
    """All rows are taken: the import is complete, and its event is written."""
    now = await now_of(conn, tenant)
    row = await bulk_operations.complete(conn, tenant.id, id, now)
    if row is None:
        raise Moved
    await tell_end(conn, tenant, row, now, row.author)
    return row


async def left_out(
    conn: AsyncConnection, tenant: Tenant, id: UUID, after: int, limit: int
) -> list[ItemRow]:
    """Rows that did not go in, in the file's order, behind the row of that number."""
    return await bulk_items.page(conn, tenant.id, id, after=after, limit=limit)
