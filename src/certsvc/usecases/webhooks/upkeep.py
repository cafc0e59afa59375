"""Old deliveries go, with their attempts; so do deleted endpoints, and what nobody needs then."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store import webhook_deliveries, webhook_fanout
from certsvc.store.db import transaction
from certsvc.store.webhook_tables import DeliveryState

BATCH = 2000
"""Deliveries in one transaction."""

OVER = (DeliveryState.SUCCEEDED, DeliveryState.FAILED)


async def purge(
    engine: AsyncEngine,
    now: datetime,
    before: datetime,
    *,
    batch: int = BATCH,
    stop: asyncio.Event | None = None,
) -> int:
    """Delete deliveries that were made before then and are over, and all of deleted endpoints;
    how many."""
    async with transaction(engine) as conn:
        await webhook_fanout.drop_idle_cursors(conn)
        await webhook_deliveries.forget_replays(conn, before)
        endpoints = await webhook_deliveries.endpoints(conn)
    gone = 0
    for tenant_id, id, deleted in endpoints:
        states, until = (tuple(DeliveryState), now) if deleted else (OVER, before)
        gone += await _of_endpoint(engine, tenant_id, id, states, until, batch, stop)
        if deleted:
            async with transaction(engine) as conn:
                await webhook_deliveries.forget(conn, tenant_id, id)
    return gone


async def _of_endpoint(  # noqa: PLR0917 - a question with that many parts
    engine: AsyncEngine,
    tenant_id: UUID,
    id: UUID,
    states: Sequence[str],
    before: datetime,
    batch: int,
    stop: asyncio.Event | None,
) -> int:
    gone = 0
    while stop is None or not stop.is_set():
        async with transaction(engine) as conn:
            done = await webhook_deliveries.purge(conn, tenant_id, id, states, before, batch)
        gone += done
        if done < batch:
            break
    return gone
