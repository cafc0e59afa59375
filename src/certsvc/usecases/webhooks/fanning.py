"""New events become deliveries, tenant by tenant and batch by batch; so does what is replayed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.store import webhook_fanout
from certsvc.store.db import transaction
from certsvc.store.webhook_fanout import FannedOut

BATCH = 5000
"""Events in one statement."""

TENANTS = 1000
"""Tenants that one round looks after at most; the rest come with the next."""

Found = Callable[[UUID, tuple[UUID, ...]], None]


@dataclass(slots=True)
class Round:
    """What a round did. `found` hears of the endpoints that got something, as soon as it is so."""

    found: Found | None = None
    events: int = 0
    deliveries: int = 0
    over: Callable[[], bool] = field(default=lambda: False)

    def add(self, tenant_id: UUID, done: FannedOut) -> None:
        """Count a batch."""
        self.events += done.events
        self.deliveries += done.deliveries
        if self.found is not None and done.endpoints:
            self.found(tenant_id, done.endpoints)


async def fan_out(engine: AsyncEngine, round: Round, *, batch: int = BATCH) -> Round:
    """Deliveries for all events that there are, and for the replays that were asked for. Tenants
    take turns, so that none waits for another's backlog."""
    async with transaction(engine) as conn:
        waiting = await webhook_fanout.waiting(conn, TENANTS)
        asked = await webhook_fanout.replays(conn, TENANTS)
    while waiting and not round.over():
        waiting = [id for id in waiting if await _of_tenant(engine, id, round, batch)]
        await asyncio.sleep(0)
    while asked and not round.over():
        asked = [one for one in asked if await _replayed(engine, *one, round, batch)]
        await asyncio.sleep(0)
    return round


async def _of_tenant(engine: AsyncEngine, tenant_id: UUID, round: Round, batch: int) -> bool:
    """One batch; whether there may be more."""
    async with transaction(engine) as conn:
        done = await webhook_fanout.fan_out(conn, tenant_id, batch, clock.now())
    round.add(tenant_id, done)
    return done.events == batch


async def _replayed(
    engine: AsyncEngine, tenant_id: UUID, id: UUID, round: Round, batch: int
) -> bool:
    async with transaction(engine) as conn:
        done = await webhook_fanout.replay(conn, tenant_id, id, batch, clock.now())
    round.add(tenant_id, done)
    return done.events == batch
