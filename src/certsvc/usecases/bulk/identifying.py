"""Which enrollment each item means, and which items mean the same one."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import enrollments
from certsvc.store.bulk_items import ItemRow
from certsvc.store.tenants import Tenant


async def identified(
    conn: AsyncConnection, tenant: Tenant, items: Sequence[ItemRow]
) -> list[ItemRow]:
    """The items with the enrollments that they name by learner and certification, so that all are
    locked at once, in one order, and it shows where two items mean the same."""
    pairs = {pair for item in items if (pair := _named(item)) is not None}
    if not pairs:
        return list(items)
    ids = await enrollments.ids_of_learners(conn, tenant.id, sorted(pairs))
    return [
        item
        if (pair := _named(item)) is None or pair not in ids
        else replace(item, enrollment_id=ids[pair])
        for item in items
    ]


def _named(item: ItemRow) -> tuple[UUID, str] | None:
    """Learner and certification, of an item of which no more is known."""
    if item.enrollment_id is not None or item.certification_id is None or item.learner_id is None:
        return None
    return item.certification_id, item.learner_id


def turn_of(waiting: Sequence[ItemRow]) -> tuple[list[ItemRow], list[ItemRow]]:
    """The first item of each enrollment, and the rest for later."""
    turn: dict[object, ItemRow] = {}
    later = []
    for item in waiting:
        key = item.enrollment_id or (item.certification_id, item.learner_id)
        if key in turn:
            later.append(item)
        else:
            turn[key] = item
    return list(turn.values()), later
