"""Webhook endpoints: made, looked at, changed, given new secrets, deleted."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc import clock
from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.routing import Operations
from certsvc.api.schemas.values import OurId
from certsvc.api.schemas.webhook_endpoint import (
    DEFAULT_OVERLAP,
    NewWebhookEndpoint,
    SecretRotation,
    WebhookEndpoint,
    WebhookEndpointPage,
    WebhookEndpointPatch,
    WebhookEndpointRequest,
    overlap_of,
)
from certsvc.store import webhook_endpoints as stored
from certsvc.store.api_keys import Role
from certsvc.store.webhook_endpoints import EndpointRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.webhooks import endpoints
from certsvc.usecases.webhooks.endpoints import Changes, WithSecret, good
from certsvc.usecases.webhooks.terms import keeper_of
from certsvc.webhooks.addresses import allowance_of

router = Operations("webhook endpoints")
EndpointId = Annotated[OurId, Path(description="The endpoint's id.")]
NOT_FOUND = ("webhook_endpoint_not_found",)


def _described(row: EndpointRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "types": row.types or (),
        "enabled": row.enabled,
        "disabled_at": row.disabled_at,
        "disabled_reason": row.disabled_reason,
        "failing_since": row.failing_since,
        "failures": row.failures,
        "secrets": [
            {"created_at": one.created_at, "expires_at": one.expires_at}
            for one in good(row, clock.now())
        ],
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _with_secret(call: Exchange, made: Any, status: int) -> Answer:
    if not isinstance(made, WithSecret):
        return no_answer(call, made)
    document = {**_described(made.endpoint), "secret": made.secret}
    return answer(document, status).confidential(made.secret)


@router.operation(
    "POST",
    "/webhook-endpoints",
    NewWebhookEndpoint,
    role=Role.ADMIN,
    status=201,
    refusals=("webhook_url_refused", "too_many_webhook_endpoints"),
)
async def create_webhook_endpoint(call: Call, body: WebhookEndpointRequest) -> Response:
    """Make an endpoint: events are sent there from now on. Its secret is shown this once."""
    settings = call.service.settings
    keeper, allowance = keeper_of(settings), allowance_of(settings)

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        # They live by the wall clock, in a sandbox too.
        made = await endpoints.create(
            conn, call.tenant_id, clock.now(), _changes(body), keeper, allowance
        )
        return _with_secret(call, made, 201)

    return await call.change(work)


def _changes(body: WebhookEndpointRequest | WebhookEndpointPatch) -> Changes:
    return Changes(
        url=body.url, description=body.description, types=body.types, enabled=body.enabled
    )


@router.operation("GET", "/webhook-endpoints", WebhookEndpointPage, role=Role.READER)
async def list_webhook_endpoints(
    call: Call, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the endpoints, without their secrets."""
    mark = digest("webhook-endpoints", {})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.page(conn, call.tenant_id, after=after, limit=limit + 1)
        return page(rows, limit, mark, now, lambda row: row.id, _described)

    return await call.read(work)


@router.operation(
    "GET",
    "/webhook-endpoints/{endpoint_id}",
    WebhookEndpoint,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def get_webhook_endpoint(call: Call, endpoint_id: EndpointId) -> Response:
    """Read an endpoint, and how it has been doing."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        row = await stored.get(conn, call.tenant_id, endpoint_id)
        if row is None:
            return no_answer(call, _missing(endpoint_id))
        return answer(_described(row))

    return await call.read(work)


def _missing(id: UUID) -> NotFound:
    return NotFound("webhook_endpoint", str(id))


@router.operation(
    "PATCH",
    "/webhook-endpoints/{endpoint_id}",
    WebhookEndpoint,
    role=Role.ADMIN,
    refusals=(*NOT_FOUND, "webhook_url_refused"),
)
async def update_webhook_endpoint(
    call: Call, endpoint_id: EndpointId, body: WebhookEndpointPatch
) -> Response:
    """Change an endpoint; disable it, or enable it again."""
    allowance = allowance_of(call.service.settings)

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        changed = await endpoints.change(
            conn, call.tenant_id, clock.now(), endpoint_id, _changes(body), allowance
        )
        if not isinstance(changed, EndpointRow):
            return no_answer(call, changed)
        return answer(_described(changed))

    return await call.change(work)


@router.operation(
    "DELETE",
    "/webhook-endpoints/{endpoint_id}",
    None,
    role=Role.ADMIN,
    status=204,
    refusals=NOT_FOUND,
)
async def delete_webhook_endpoint(call: Call, endpoint_id: EndpointId) -> Response:
    """Delete an endpoint, with all that was delivered there or was going to be."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        if not await stored.delete(conn, call.tenant_id, endpoint_id, clock.now()):
            return no_answer(call, _missing(endpoint_id))
        return Answer(204, b"")

    return await call.change(work)


@router.operation(
    "POST",
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    NewWebhookEndpoint,
    role=Role.ADMIN,
    refusals=(*NOT_FOUND, "too_many_webhook_secrets"),
)
async def rotate_webhook_secret(
    call: Call, endpoint_id: EndpointId, body: SecretRotation | None = None
) -> Response:
    """Give the endpoint a new secret, which is shown this once. Messages are signed with those
    before as well, for as long as `keep_old_for` says."""
    given = (body.keep_old_for if body else None) or DEFAULT_OVERLAP
    keeper = keeper_of(call.service.settings)

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        made = await endpoints.rotate(
            conn, call.tenant_id, clock.now(), endpoint_id, overlap_of(given), keeper
        )
        return _with_secret(call, made, 200)

    return await call.change(work)
