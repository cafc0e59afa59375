"""Events as the outside sees them: the item of the feed, and the body of a webhook.

The same event always reads the same, whenever and by whomever it is read: flags and days are those
of the instant at which it was recorded. Only what became known of its certification since then
(a later version, a switch) may show in `after`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.describe import describe
from certsvc.store import certifications
from certsvc.store.events import EventRow
from certsvc.store.feed import FedEvent

_encode = msgspec.json.Encoder().encode


async def payloads(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[FedEvent]
) -> list[dict[str, Any]]:
    """The events as items of the feed, in their order."""
    ids = {row.certification_id for row in rows if row.certification_id is not None}
    known = await certifications.load_by_ids(conn, tenant_id, ids)
    return [_item(row, _known(row, known)) for row in rows]


def _known(row: FedEvent, known: dict[UUID, Certification]) -> Certification | None:
    return None if row.certification_id is None else known.get(row.certification_id)


def line(row: EventRow) -> dict[str, Any]:
    """What the history, the feed and webhooks all tell of an event."""
    return {
        "id": row.id,
        "type": row.type,
        "sequence": row.sequence,
        "revision": row.revision,
        "effective_at": row.effective_at,
        "recorded_at": row.recorded_at,
        "stale": row.stale,
        "actor": row.actor,
        "on_behalf_of": row.on_behalf_of,
        "reason": row.reason,
        "bulk_operation_id": row.bulk_operation_id,
        "data": row.data,
        "before": {"status": row.before_status, "standing": row.before_standing},
    }


def _item(row: FedEvent, certification: Certification | None) -> dict[str, Any]:
    after, told = row.after, line(row)
    return {
        **told,
        "enrollment_id": row.enrollment_id,
        "certification_id": row.certification_id,
        "certification_key": None if certification is None else certification.key,
        "learner_id": row.learner_id,
        "before": None if row.enrollment_id is None else told["before"],
        "after": None
        if after is None or certification is None
        else describe(after, certification, row.recorded_at),
    }


def body(item: dict[str, Any]) -> bytes:
    """The body of a webhook that tells of an item."""
    return _encode({"type": item["type"], "timestamp": item["recorded_at"], "data": item})
