"""What became of attempts is written down, many at once, and what follows from it: when the next
one is, and whether the endpoint is disabled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.events import EventType
from certsvc.store import events, tenants, webhook_claims, webhook_endpoints
from certsvc.store.author import TIME
from certsvc.store.events import EventRow
from certsvc.store.webhook_claims import Claimed, Settled
from certsvc.store.webhook_endpoints import EndpointRow, Health
from certsvc.store.webhook_tables import DeliveryState, DisabledReason
from certsvc.usecases.now import now_of
from certsvc.usecases.webhooks.asking import PING
from certsvc.usecases.webhooks.terms import Terms
from certsvc.webhooks.attempt import Attempt
from certsvc.webhooks.schedule import next_attempt

SEVERAL = 5
"""Failures in a row, at least, before an endpoint is disabled for them."""


class Sent(NamedTuple):
    """An attempt that was made. `trouble` is a failure of our own, which the receiver never saw."""

    endpoint_id: UUID
    claimed: Claimed
    claimed_until: datetime
    at: datetime
    attempt: Attempt
    was_failing: bool
    trouble: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.trouble is None and self.attempt.succeeded

    @property
    def error(self) -> str | None:
        """Why not, as a stable code."""
        return self.trouble or self.attempt.error


async def settle(
    conn: AsyncConnection, tenant_id: UUID, sent: Sequence[Sent], terms: Terms, now: datetime
) -> list[UUID]:
    """Write it all down; the endpoints that it disables."""
    # Endpoints before deliveries: whoever holds both takes them in this order.
    disabled = await _look_after(conn, tenant_id, sent, terms, now)
    await webhook_claims.settle(conn, tenant_id, [_settled(one, terms, now) for one in sent])
    return disabled


def _settled(one: Sent, terms: Terms, now: datetime) -> Settled:
    again = None if one.succeeded else _pause(one, terms)
    state = DeliveryState.SUCCEEDED if one.succeeded else DeliveryState.FAILED
    return Settled(
        endpoint_id=one.endpoint_id,
        id=one.claimed.id,
        state=state if again is None else DeliveryState.PENDING,
        next_attempt_at=None if again is None else now + again,
        claimed_until=one.claimed_until,
        attempted_at=one.at,
        duration_ms=one.attempt.duration_ms,
        status=one.attempt.status,
        error=one.error,
        response=one.attempt.response,
    )


def _pause(one: Sent, terms: Terms) -> timedelta | None:
    if one.claimed.type == PING:
        return None
    return next_attempt(one.claimed.round + 1, one.attempt, terms.pauses, uniform(-1, 1))


@dataclass(slots=True)
class _Tally:
    succeeded: int = 0
    failed: int = 0
    gone: bool = False
    was_failing: bool = False


def _tallies(sent: Sequence[Sent]) -> dict[UUID, _Tally]:
    """How each endpoint did. Pings tell a person, and nothing else follows from them; nor from
    troubles of our own."""
    found: dict[UUID, _Tally] = {}
    for one in sent:
        if one.claimed.type == PING or one.trouble is not None:
            continue
        tally = found.setdefault(one.endpoint_id, _Tally())
        tally.succeeded += one.succeeded
        tally.failed += not one.succeeded
        tally.gone |= one.attempt.gone
        tally.was_failing |= one.was_failing
    return found


async def _look_after(
    conn: AsyncConnection, tenant_id: UUID, sent: Sequence[Sent], terms: Terms, now: datetime
) -> list[UUID]:
    """Note who fails and who recovered, and disable who is gone or fails for too long."""
    tallies = {
        id: tally for id, tally in _tallies(sent).items() if tally.failed or tally.was_failing
    }
    if not tallies:
        return []
    rows = await webhook_endpoints.enabled(conn, tenant_id, list(tallies), lock=True)
    if not rows:
        return []
    judged = [(row, _judged(row, tallies[row.id], terms, now)) for row in rows]
    await webhook_endpoints.fared(conn, tenant_id, [health for _, health in judged], now)
    disabled = [(row, health) for row, health in judged if health.disabled_reason is not None]
    if disabled:
        await _tell(conn, tenant_id, disabled)
    return [row.id for row, _ in disabled]


def _judged(row: EndpointRow, tally: _Tally, terms: Terms, now: datetime) -> Health:
    if tally.gone:
        since = row.failing_since or now
        return Health(row.id, since, row.failures + tally.failed, DisabledReason.GONE)
    if tally.succeeded:
        return Health(row.id, None, 0)
    since, failures = row.failing_since or now, row.failures + tally.failed
    too_long = failures >= SEVERAL and now - since >= terms.disable_after
    return Health(row.id, since, failures, DisabledReason.FAILING if too_long else None)


async def _tell(
    conn: AsyncConnection, tenant_id: UUID, disabled: Sequence[tuple[EndpointRow, Health]]
) -> None:
    """Write the events, in the transaction that disables."""
    tenant = await tenants.by_id(conn, tenant_id)
    assert tenant is not None, "tenants are never deleted"
    at = await now_of(conn, tenant, share=False)
    lines = [
        EventRow(
            id=uuid7(),
            type=EventType.WEBHOOK_ENDPOINT_DISABLED,
            effective_at=at,
            recorded_at=at,
            actor=TIME.actor,
            data={
                "endpoint_id": row.id,
                "description": row.description,
                "cause": health.disabled_reason,
                "failing_since": health.failing_since,
                "failures": health.failures,
            },
        )
        for row, health in disabled
    ]
    await events.insert(conn, tenant_id, lines)
