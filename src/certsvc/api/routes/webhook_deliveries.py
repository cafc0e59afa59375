"""What was delivered to a webhook endpoint, and what is to be sent there by hand."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc import clock
from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, digest, page, place_of
from certsvc.api.routes.webhook_endpoints import NOT_FOUND, EndpointId
from certsvc.api.routing import Operations
from certsvc.api.schemas.values import Instant, Known, OurId
from certsvc.api.schemas.webhook_delivery import (
    DELIVERED_TYPES,
    STATES,
    WebhookDelivery,
    WebhookDeliveryDetail,
    WebhookDeliveryPage,
    WebhookReplay,
)
from certsvc.api.schemas.webhook_endpoint import EVENT_TYPES
from certsvc.store import webhook_deliveries as stored
from certsvc.store import webhook_endpoints
from certsvc.store.api_keys import Role
from certsvc.store.webhook_deliveries import AttemptRow, DeliveryRow, Place
from certsvc.store.webhook_fanout import ReplayRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.webhooks import asking
from certsvc.usecases.webhooks.asking import Shown

router = Operations("webhook endpoints")
DeliveryId = Annotated[OurId, Path(description="The delivery's id: of an event its id.")]
NO_DELIVERY = (*NOT_FOUND, "webhook_delivery_not_found")
DISABLED = "webhook_endpoint_disabled"


def _described(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "type": row.type,
        "state": row.state,
        "created_at": row.created_at,
        "next_attempt_at": row.next_attempt_at,
        "attempt_count": row.attempts,
        "last_attempt_at": row.last_attempt_at,
        "last_status": row.last_status,
        "last_error": row.last_error,
    }


def _attempt(row: AttemptRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "attempted_at": row.attempted_at,
        "duration_ms": row.duration_ms,
        "status": row.status,
        "error": row.error,
        "response": None if row.response is None else row.response.decode(errors="replace"),
    }


def _place(text: str) -> Place:
    at, _, id = text.partition("|")
    created_at = datetime.fromisoformat(at)
    if created_at.tzinfo is None:
        raise ValueError("an instant has an offset")
    return Place(created_at, UUID(id))


@router.operation(
    "GET",
    "/webhook-endpoints/{endpoint_id}/deliveries",
    WebhookDeliveryPage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_webhook_deliveries(
    call: Call,
    endpoint_id: EndpointId,
    state: Annotated[
        list[Annotated[str, Known(*STATES)]],
        Query(max_length=len(STATES), description="Only deliveries in one of these states."),
    ] = [],  # noqa: B006 - a query parameter's default, never changed
    type: Annotated[
        list[Annotated[str, Known(*DELIVERED_TYPES)]],
        Query(max_length=len(DELIVERED_TYPES), description="Only of these types."),
    ] = [],  # noqa: B006 - a query parameter's default, never changed
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List what was delivered to an endpoint, or is going to be, the newest first."""
    mark = digest("deliveries", {"endpoint": endpoint_id, "state": state, "type": type})
    after = place_of(cursor, mark, _place)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        if await webhook_endpoints.get(conn, call.tenant_id, endpoint_id) is None:
            return no_answer(call, NotFound("webhook_endpoint", str(endpoint_id)))
        rows = await stored.page(
            conn,
            call.tenant_id,
            endpoint_id,
            states=state,
            types=type,
            after=after,
            limit=limit + 1,
        )
        return page(
            rows, limit, mark, now, lambda row: f"{row.created_at.isoformat()}|{row.id}", _described
        )

    return await call.read(work)


@router.operation(
    "GET",
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}",
    WebhookDeliveryDetail,
    role=Role.READER,
    refusals=NO_DELIVERY,
)
async def get_webhook_delivery(
    call: Call, endpoint_id: EndpointId, delivery_id: DeliveryId
) -> Response:
    """Read a delivery with every attempt: when, how long, what the receiver answered."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        found = await asking.show(conn, call.tenant_id, endpoint_id, delivery_id)
        if not isinstance(found, Shown):
            return no_answer(call, found)
        attempts = [_attempt(row) for row in found.attempts]
        return answer({**_described(found.delivery), "attempts": attempts})

    return await call.read(work)


def _accepted(call: Exchange, outcome: Any) -> Answer:
    if not isinstance(outcome, DeliveryRow):
        return no_answer(call, outcome)
    return answer(_described(outcome), 202)


@router.operation(
    "POST",
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry",
    WebhookDelivery,
    role=Role.ADMIN,
    status=202,
    refusals=(*NO_DELIVERY, DISABLED),
)
async def retry_webhook_delivery(
    call: Call, endpoint_id: EndpointId, delivery_id: DeliveryId
) -> Response:
    """Send a delivery now, whatever became of it before. One that was over begins anew, with all
    its attempts."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        outcome = await asking.retry(conn, call.tenant_id, clock.now(), endpoint_id, delivery_id)
        return _accepted(call, outcome)

    return await call.change(work)


@router.operation(
    "POST",
    "/webhook-endpoints/{endpoint_id}/ping",
    WebhookDelivery,
    role=Role.ADMIN,
    status=202,
    refusals=(*NOT_FOUND, DISABLED),
)
async def ping_webhook_endpoint(call: Call, endpoint_id: EndpointId) -> Response:
    """Send a `webhook.ping` at once, a single time. Read the delivery to see what came of it."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        return _accepted(call, await asking.ping(conn, call.tenant_id, clock.now(), endpoint_id))

    return await call.change(work)


@router.operation(
    "POST",
    "/webhook-endpoints/{endpoint_id}/replay",
    WebhookReplay,
    role=Role.ADMIN,
    status=202,
    refusals=(*NOT_FOUND, DISABLED),
)
async def replay_webhook_events(
    call: Call,
    endpoint_id: EndpointId,
    since: Annotated[Instant, Query(description="Events recorded at or after this.")],
    until: Annotated[Instant | None, Query(description="Only events recorded before this.")] = None,
    types: Annotated[
        list[Annotated[str, Known(*EVENT_TYPES)]],
        Query(max_length=len(EVENT_TYPES), description="Only events of these types."),
    ] = [],  # noqa: B006 - a query parameter's default, never changed
) -> Response:
    """Send again what was recorded since an instant, as far as the endpoint's types go: what was
    delivered, what failed, and what the endpoint never got. What is waiting to be sent is left as
    it is. Every message has the `webhook-id` that it had before."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        ordered = await asking.replay(
            conn, call.tenant_id, clock.now(), endpoint_id, since, until, types
        )
        if not isinstance(ordered, ReplayRow):
            return no_answer(call, ordered)
        return answer(
            {
                "id": ordered.id,
                "endpoint_id": ordered.endpoint_id,
                "since": ordered.since,
                "until": ordered.until,
                "types": ordered.types or (),
                "created_at": ordered.created_at,
            },
            202,
        )

    return await call.change(work)
