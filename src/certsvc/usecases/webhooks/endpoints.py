"""Webhook endpoints: made, changed, given new secrets, deleted.

They live by the wall clock, in a sandbox too: it is other people's machines that are talked to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.outcome import Refusal
from certsvc.store import webhook_endpoints, webhook_fanout
from certsvc.store.webhook_endpoints import EndpointRow, KeptSecret
from certsvc.store.webhook_tables import DisabledReason
from certsvc.usecases.answers import NotFound
from certsvc.usecases.webhooks.keeping import Keeper
from certsvc.webhooks.addresses import SENTENCES, Allowance, refusal_of
from certsvc.webhooks.addresses import Refusal as UrlRefusal
from certsvc.webhooks.signing import new_secret

MOST_ENDPOINTS = 100
"""What one tenant may have."""

MOST_SECRETS = 5
"""What a message is signed with at most, during rotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be another; None: as it is. No types at all means all of them."""

    url: str | None = None
    description: str | None = None
    types: Sequence[str] | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class WithSecret:
    """An endpoint with its new secret, which is told this once."""

    endpoint: EndpointRow
    secret: str


async def create(
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    wanted: Changes,
    keeper: Keeper,
    allowance: Allowance,
) -> WithSecret | Refusal:
    """A new endpoint, which gets what happens from now on."""
    assert wanted.url is not None, "an endpoint has a URL"
    refusal = _against(wanted.url, allowance)
    if refusal is not None:
        return refusal
    if await webhook_endpoints.count(conn, tenant_id) >= MOST_ENDPOINTS:
        detail = f"A tenant has {MOST_ENDPOINTS} endpoints at most."
        return Refusal(
            reason_code="too_many_webhook_endpoints",
            detail=detail,
            code="too_many_webhook_endpoints",
        )
    secret = new_secret()
    row = EndpointRow(
        id=uuid7(),
        url=wanted.url,
        description=wanted.description,
        types=_types(wanted.types or ()),
        secrets=(KeptSecret(keeper.keep(secret), now),),
        disabled_at=now if wanted.enabled is False else None,
        disabled_reason=DisabledReason.REQUESTED if wanted.enabled is False else None,
        created_at=now,
        updated_at=now,
    )
    if row.enabled:
        await webhook_fanout.ensure_cursor(conn, tenant_id)
    since = await webhook_fanout.snapshot(conn)
    await webhook_endpoints.insert(conn, tenant_id, row, since)
    return WithSecret(row, secret)


async def change(
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    id: UUID,
    changes: Changes,
    allowance: Allowance,
) -> EndpointRow | NotFound | Refusal:
    """Change the endpoint. Enabled again, it gets what waits for it, and what happens from now
    on; what happened meanwhile is there to be replayed."""
    refusal = None if changes.url is None else _against(changes.url, allowance)
    if refusal is not None:
        return refusal
    if changes.enabled:
        # Before the endpoint itself is held: whoever fans out holds things in this order.
        await webhook_fanout.ensure_cursor(conn, tenant_id)
    row = await webhook_endpoints.get(conn, tenant_id, id, lock=True)
    if row is None:
        return NotFound("webhook_endpoint", str(id))
    new = replace(
        row,
        url=changes.url or row.url,
        description=changes.description or row.description,
        types=row.types if changes.types is None else _types(changes.types),
    )
    begins = changes.enabled is True and not row.enabled
    if begins:
        new = replace(new, disabled_at=None, disabled_reason=None, failing_since=None, failures=0)
    if changes.enabled is False and row.enabled:
        new = replace(new, disabled_at=now, disabled_reason=DisabledReason.REQUESTED)
    if new == row:
        return row
    new = replace(new, updated_at=now)
    since = await webhook_fanout.snapshot(conn) if begins else None
    await webhook_endpoints.update(conn, tenant_id, new, since)
    return new


async def rotate(
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    id: UUID,
    keep_old_for: timedelta,
    keeper: Keeper,
) -> WithSecret | NotFound | Refusal:
    """A new secret; those before sign beside it for a while yet, if at all."""
    row = await webhook_endpoints.get(conn, tenant_id, id, lock=True)
    if row is None:
        return NotFound("webhook_endpoint", str(id))
    until = now + keep_old_for
    old = [replace(one, expires_at=min(one.expires_at or until, until)) for one in row.secrets]
    kept = [one for one in old if one.expires_at is not None and one.expires_at > now]
    if len(kept) >= MOST_SECRETS:
        detail = (
            f"{len(kept)} secrets are still good; wait until one has expired, or give a shorter"
            " keep_old_for."
        )
        return Refusal(
            reason_code="too_many_webhook_secrets", detail=detail, code="too_many_webhook_secrets"
        )
    secret = new_secret()
    new = replace(row, secrets=(KeptSecret(keeper.keep(secret), now), *kept), updated_at=now)
    await webhook_endpoints.update(conn, tenant_id, new)
    return WithSecret(new, secret)


def good(row: EndpointRow, now: datetime) -> tuple[KeptSecret, ...]:
    """The secrets that sign now, the present one first."""
    return tuple(one for one in row.secrets if one.expires_at is None or one.expires_at > now)


def _types(given: Sequence[str]) -> tuple[str, ...] | None:
    return tuple(sorted(set(given))) or None


def _against(url: str, allowance: Allowance) -> Refusal | None:
    found = refusal_of(url, allowance)
    if found is None:
        return None
    return Refusal(
        reason_code=found,
        detail=SENTENCES[UrlRefusal(found)],
        code="webhook_url_refused",
        invalid=True,
        parameter="url",
    )
