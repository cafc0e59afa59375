"""A bulk operation is ordered, looked at, and cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.events import EventType
from certsvc.domain.outcome import Refusal
from certsvc.store import bulk_items, bulk_operations, certifications, events, exclusive
from certsvc.store.author import Author
from certsvc.store.bulk_items import ItemRow
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState
from certsvc.store.events import EventRow
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound
from certsvc.usecases.bulk.identifying import identified, turn_of
from certsvc.usecases.bulk.selecting import filters_of

ENROLL = "enroll"
"""What can be done to many beside the actions of the grid."""


REPEATS = "repeats"
"""What a selection says of itself where several items mean one enrollment: they are done in their
order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOrder:
    """One item that is named: an enrollment, or a learner in a certification (its id or key)."""

    enrollment_id: UUID | None = None
    certification: str | None = None
    learner_id: str | None = None
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is ordered. The selection is a filter, or items; `parameters` are as the action takes
    them, and an item's own go before them."""

    action: str
    parameters: Mapping[str, Any]
    filter: Mapping[str, Any] | None = None
    items: Sequence[ItemOrder] = ()
    start_at: datetime | None = None
    hold_automation: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that is not put in yet; `items` are None where a filter selects."""

    row: OperationRow
    items: tuple[ItemRow, ...] | None


async def prepare(
    conn: AsyncConnection, tenant: Tenant, now: datetime, given: Order, author: Author
) -> Prepared | Refusal:
    """The operation as it would be put in; nothing is written."""
    parameters = await _resolved(conn, tenant, given.parameters)
    if isinstance(parameters, Refusal):
        return parameters
    items = None if given.filter is not None else await _items(conn, tenant, given.items)
    repeats = items is not None and bool(turn_of(await identified(conn, tenant, items))[1])
    row = OperationRow(
        id=uuid7(),
        action=given.action,
        state=BulkState.SCHEDULED,
        selection=_told(given, repeats=repeats),
        parameters=parameters,
        hold_automation=given.hold_automation,
        actor=author.actor,
        on_behalf_of=author.on_behalf_of,
        reason=author.reason,
        start_at=max(now, given.start_at or now),
        created_at=now,
        total=None if items is None else len(items),
    )
    return Prepared(row, items)


async def order(
    conn: AsyncConnection, tenant: Tenant, now: datetime, given: Order, author: Author
) -> OperationRow | Refusal:
    """Put the operation in. What a filter selects is fixed when it starts; at once, where
    automatic recertification is to be kept away from it."""
    prepared = await prepare(conn, tenant, now, given, author)
    if isinstance(prepared, Refusal):
        return prepared
    row = prepared.row
    await bulk_operations.insert(conn, tenant.id, row)
    if prepared.items is not None:
        await bulk_items.insert(conn, tenant.id, row.id, prepared.items, held=given.hold_automation)
        if given.hold_automation:
            await bulk_items.identify(conn, tenant.id, row.id)
    elif given.hold_automation:
        chosen = await filters_of(conn, tenant, row.selection["filter"])
        total = await bulk_items.select(conn, tenant.id, row.id, chosen, held=True)
        await bulk_operations.fix(conn, tenant.id, row.id, total)
        row = replace(row, total=total)
    return row


def _told(given: Order, *, repeats: bool) -> dict[str, Any]:
    if given.filter is not None:
        return {"filter": dict(given.filter)}
    return {"count": len(given.items), **({REPEATS: True} if repeats else {})}


async def _resolved(
    conn: AsyncConnection, tenant: Tenant, parameters: Mapping[str, Any]
) -> dict[str, Any] | Refusal:
    """The parameters with the certification that `next` names as an id."""
    name = parameters.get("next")
    if name is None or name in ("never", "latest"):
        return dict(parameters)
    found = await certifications.resolve(conn, tenant.id, [name])
    if name not in found:
        return Refusal(
            reason_code="unknown_certification",
            detail=f"There is no certification {name!r}.",
            code="unknown_certification",
            invalid=True,
            parameter="parameters/next",
        )
    return {**parameters, "next_certification": found[name][0]}


async def _items(
    conn: AsyncConnection, tenant: Tenant, ordered: Sequence[ItemOrder]
) -> tuple[ItemRow, ...]:
    """The items, numbered. One that names a certification that is not there stays without it, and
    will not be found."""
    names = sorted({one.certification for one in ordered if one.certification is not None})
    known = await certifications.resolve(conn, tenant.id, names)
    return tuple(
        ItemRow(
            number=number,
            enrollment_id=one.enrollment_id,
            certification_id=known[one.certification][0] if one.certification in known else None,
            learner_id=one.learner_id,
            parameters=one.parameters,
        )
        for number, one in enumerate(ordered, start=1)
    )


async def get(conn: AsyncConnection, tenant: Tenant, id: UUID) -> OperationRow | NotFound:
    """One operation, with its counts."""
    row = await bulk_operations.get(conn, tenant.id, id)
    return NotFound("bulk_operation", str(id)) if row is None else row


async def cancel(
    conn: AsyncConnection, tenant: Tenant, now: datetime, id: UUID, author: Author
) -> OperationRow | NotFound | Refusal:
    """End the operation where it is: what is done stays done, the rest is left as it was. Batches
    that are under way end before it."""
    await exclusive.alone(conn, in_hand(id))
    row = await bulk_operations.get(conn, tenant.id, id, lock=True)
    if row is None:
        return NotFound("bulk_operation", str(id))
    if row.state is BulkState.CANCELLED:
        return row
    cancelled = await bulk_operations.cancel(conn, tenant.id, id, now)
    if cancelled is None:
        return Refusal(
            reason_code="bulk_operation_over",
            detail="The operation is completed; there is nothing left to cancel.",
            code="bulk_operation_over",
        )
    if cancelled.hold_automation:
        await bulk_items.release(conn, tenant.id, id, now)
    await tell_end(conn, tenant, cancelled, now, author)
    return cancelled


def in_hand(id: UUID) -> str:
    """What the batches of an operation share."""
    return f"bulk-operation:{id}"


async def tell_end(
    conn: AsyncConnection, tenant: Tenant, row: OperationRow, at: datetime, author: Author
) -> None:
    """Write the event of an operation that is over."""
    line = EventRow(
        id=uuid7(),
        type=EventType.BULK_OPERATION_COMPLETED,
        effective_at=at,
        recorded_at=at,
        actor=author.actor,
        on_behalf_of=author.on_behalf_of,
        reason=author.reason,
        bulk_operation_id=row.id,
        data={
            "action": row.action,
            "state": row.state,
            "total": row.total,
            "counts": {outcome.value: count for outcome, count in row.counts.items()},
        },
    )
    await events.insert(conn, tenant.id, [line])
