"""What is asked for by hand: a ping, one delivery once more, everything since an instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.outcome import Refusal
from certsvc.store import webhook_deliveries, webhook_endpoints, webhook_fanout
from certsvc.store.webhook_deliveries import AttemptRow, DeliveryRow
from certsvc.store.webhook_endpoints import EndpointRow
from certsvc.store.webhook_fanout import ReplayRow
from certsvc.usecases.answers import NotFound

PING = "webhook.ping"
"""The type of a message that tells of no event."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery with all its attempts."""

    delivery: DeliveryRow
    attempts: list[AttemptRow]


async def show(
    conn: AsyncConnection, tenant_id: UUID, endpoint_id: UUID, id: UUID
) -> Shown | NotFound:
    """What became of a delivery."""
    found = await webhook_deliveries.get(conn, tenant_id, endpoint_id, id)
    if found is None:
        return NotFound("webhook_delivery", str(id))
    return Shown(found, await webhook_deliveries.attempts(conn, tenant_id, endpoint_id, id))


async def ping(
    conn: AsyncConnection, tenant_id: UUID, now: datetime, endpoint_id: UUID
) -> DeliveryRow | NotFound | Refusal:
    """A message to be sent at once, and only once."""
    endpoint = await _enabled(conn, tenant_id, endpoint_id)
    if not isinstance(endpoint, EndpointRow):
        return endpoint
    return await webhook_deliveries.insert_ping(conn, tenant_id, endpoint_id, uuid7(), PING, now)


async def retry(
    conn: AsyncConnection, tenant_id: UUID, now: datetime, endpoint_id: UUID, id: UUID
) -> DeliveryRow | NotFound | Refusal:
    """Send a delivery now, whatever became of it before."""
    endpoint = await _enabled(conn, tenant_id, endpoint_id)
    if not isinstance(endpoint, EndpointRow):
        return endpoint
    found = await webhook_deliveries.retry(conn, tenant_id, endpoint_id, id, now)
    return NotFound("webhook_delivery", str(id)) if found is None else found


async def replay(  # noqa: PLR0917 - a question with that many parts
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    endpoint_id: UUID,
    since: datetime,
    until: datetime | None,
    types: Sequence[str],
) -> ReplayRow | NotFound | Refusal:
    """Send what was recorded since then, once more, as far as the endpoint's types go. It is put
    in here, and worked off where deliveries are sent."""
    endpoint = await _enabled(conn, tenant_id, endpoint_id)
    if not isinstance(endpoint, EndpointRow):
        return endpoint
    row = ReplayRow(
        id=uuid7(),
        endpoint_id=endpoint_id,
        since=since,
        until=until,
        types=tuple(types) or None,
        created_at=now,
    )
    await webhook_fanout.order_replay(conn, tenant_id, row, await webhook_fanout.snapshot(conn))
    return row


async def _enabled(
    conn: AsyncConnection, tenant_id: UUID, id: UUID
) -> EndpointRow | NotFound | Refusal:
    row = await webhook_endpoints.get(conn, tenant_id, id)
    if row is None:
        return NotFound("webhook_endpoint", str(id))
    if not row.enabled:
        detail = "The endpoint is disabled; enable it first."
        return Refusal(
            reason_code="webhook_endpoint_disabled", detail=detail, code="webhook_endpoint_disabled"
        )
    return row
