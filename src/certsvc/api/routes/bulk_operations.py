"""Bulk operations: order, look how it goes, what became of each item, cancel."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.bulk import dry_run, operation_document, ordered, ordering
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, after_number, digest, page
from certsvc.api.routing import Operations
from certsvc.api.schemas.bulk_operation import (
    BulkItemPage,
    BulkOperation,
    BulkOperationPage,
    BulkOrder,
)
from certsvc.api.schemas.values import Authored, Known, OurId
from certsvc.store import bulk_items, bulk_operations
from certsvc.store.api_keys import Role
from certsvc.store.bulk_items import ItemRow
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState, ItemOutcome
from certsvc.usecases.answers import NotFound
from certsvc.usecases.bulk import ordering as bulk

router = Operations("bulk operations")
OperationId = Annotated[OurId, Path(description="The operation's id.")]
NOT_FOUND = ("bulk_operation_not_found",)


@router.operation(
    "POST",
    "/bulk-operations",
    BulkOperation,
    role=Role.ADMIN,
    status=202,
    refusals=("reason_required", "unknown_certification"),
    responses={200: {"description": "A dry run: what would happen.", "model": BulkOperation}},
)
async def order_bulk_operation(call: Call, body: BulkOrder) -> Response:
    """Order one decision over many enrollments: it runs in the background, from `start_at` on;
    follow it under its id. Each item is decided on what it finds."""
    given = ordering(body)
    if body.dry_run:
        return await dry_run(call, given, call.author(body))
    return await ordered(call, given, call.author(body))


@router.operation("GET", "/bulk-operations", BulkOperationPage, role=Role.READER)
async def list_bulk_operations(
    call: Call,
    state: Annotated[
        Annotated[str, Known(*BulkState)] | None, Query(description="Only those.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List bulk operations, the newest first."""
    mark = digest("bulk-operations", {"state": state})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await bulk_operations.page(
            conn, call.tenant_id, state=state, after=after, limit=limit + 1
        )
        return page(
            rows, limit, mark, now, lambda row: row.id, lambda row: operation_document(row, now)
        )

    return await call.read(work)


def _answered(exchange: Exchange, outcome: Any, now: datetime) -> Answer:
    if not isinstance(outcome, OperationRow):
        return no_answer(exchange, outcome)
    return answer(operation_document(outcome, now))


@router.operation(
    "GET",
    "/bulk-operations/{operation_id}",
    BulkOperation,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def get_bulk_operation(call: Call, operation_id: OperationId) -> Response:
    """Read a bulk operation: how many items are done, how fast, and how long it will take."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        return _answered(call, await bulk.get(conn, call.tenant, operation_id), now)

    return await call.read(work)


@router.operation(
    "GET",
    "/bulk-operations/{operation_id}/items",
    BulkItemPage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_bulk_items(
    call: Call,
    operation_id: OperationId,
    outcome: Annotated[
        list[Annotated[str, Known(*ItemOutcome)]],
        Query(max_length=5, description="Only items with one of these outcomes."),
    ] = [],  # noqa: B006 - a query parameter's default, never changed
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List the items of an operation, and what became of each."""
    mark = digest("bulk-items", {"operation": operation_id, "outcome": outcome})
    after = after_number(cursor, mark) or 0

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await bulk.get(conn, call.tenant, operation_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        rows = await bulk_items.page(
            conn,
            call.tenant_id,
            operation_id,
            outcomes=outcome or None,
            after=after,
            limit=limit + 1,
        )
        return page(rows, limit, mark, now, lambda row: row.number, _item)

    return await call.read(work)


def _item(row: ItemRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "enrollment_id": row.enrollment_id,
        "certification_id": row.certification_id,
        "learner_id": row.learner_id,
        "outcome": row.outcome,
        "code": row.code,
        "reason_code": row.reason_code,
        "detail": row.detail,
        "done_at": row.done_at,
    }


@router.operation(
    "POST",
    "/bulk-operations/{operation_id}/cancel",
    BulkOperation,
    role=Role.ADMIN,
    refusals=(*NOT_FOUND, "bulk_operation_over"),
)
async def cancel_bulk_operation(
    call: Call, operation_id: OperationId, body: Authored | None = None
) -> Response:
    """Cancel: what is done stays done, the rest is left as it was."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        cancelled = await bulk.cancel(conn, call.tenant, now, operation_id, call.author(body))
        return _answered(call, cancelled, now)

    return await call.change(work)
