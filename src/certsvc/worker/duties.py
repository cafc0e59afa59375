"""The duties of the timetable. Each may run at any time, on several replicas, and be cut off."""

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.settings import Settings
from certsvc.store import feed_homes, idempotency
from certsvc.store.db import transaction
from certsvc.usecases import group_work, upkeep
from certsvc.usecases.bulk.running import run_due
from certsvc.usecases.tick import run_once
from certsvc.usecases.webhooks import upkeep as webhook_upkeep
from certsvc.usecases.webhooks.delivering import deliver
from certsvc.usecases.webhooks.terms import terms_of
from certsvc.webhooks.sending import Sender

RUN_SECONDS = 30.0
"""After so long a tick begins again, with a later now and a fresh look at who waits."""

LINGER_SECONDS = 30.0
"""For so long connections to receivers are kept after the last webhook."""

LOOK_BACK = timedelta(minutes=10)
"""Certifications changed within this time are looked at again: longer than any transaction."""


async def tick(engine: AsyncEngine, settings: Settings, stop: asyncio.Event) -> int:
    """Apply what time does, every CERTSVC_TICK_SECONDS, CERTSVC_BATCH_SIZE rows at a time, until
    nothing due is left."""
    rows = 0
    while not stop.is_set():
        result = await run_once(
            engine,
            clock.now(),
            settings.batch_size,
            deadline=clock.monotonic() + RUN_SECONDS,
            stop=stop,
        )
        rows += result.rows
        if result.drained:
            break
    return rows


async def do_group_work(engine: AsyncEngine, _: Settings, stop: asyncio.Event) -> int:
    """Assign who joined a group and unassign who left, every CERTSVC_TICK_SECONDS, as far as the
    requests that said so had no time for it."""
    deadline = clock.monotonic() + RUN_SECONDS
    return await group_work.do_all(engine, deadline=deadline, stop=stop)


async def retry_set_aside(engine: AsyncEngine, _: Settings, __: asyncio.Event) -> int:
    """Let rows that were set aside be tried again, after a pause that grows each time."""
    async with transaction(engine) as conn:
        return await upkeep.retry_set_aside(conn, clock.now())


async def wake_again(engine: AsyncEngine, _: Settings, __: asyncio.Event) -> int:
    """Look again at what rests under certifications that were changed a few minutes ago."""
    now = clock.now()
    async with transaction(engine) as conn:
        return await upkeep.wake_again(conn, now - LOOK_BACK, now)


async def settle_feed(engine: AsyncEngine, _: Settings, __: asyncio.Event) -> int:
    """Look whether another server has taken the database over, and let the feed go on there."""
    async with transaction(engine) as conn:
        return int(await feed_homes.settle(conn, clock.now()))


async def purge_keys(engine: AsyncEngine, _: Settings, __: asyncio.Event) -> int:
    """Delete the answers to idempotency keys that have expired (CERTSVC_IDEMPOTENCY_HOURS)."""
    async with transaction(engine) as conn:
        return await idempotency.sweep(conn, clock.now())


async def hand_on_seats(engine: AsyncEngine, settings: Settings, _: asyncio.Event) -> int:
    """Give free seats in live sessions to those in line whom nobody has given them."""
    return await upkeep.hand_on_seats(engine, clock.now(), settings.batch_size)


async def run_bulk_operations(engine: AsyncEngine, settings: Settings, stop: asyncio.Event) -> int:
    """Run the bulk operations that are under way, and start those whose time has come."""
    until = clock.monotonic() + RUN_SECONDS
    return await run_due(engine, settings.batch_size, deadline=until, stop=stop)


async def deliver_webhooks(engine: AsyncEngine, settings: Settings, stop: asyncio.Event) -> int:
    """Tell webhook endpoints of what happened: begun every second, and busy for as long as there
    is something to send."""
    senders: list[Sender] = []

    def lend() -> Sender:
        senders.append(Sender(settings))
        return senders[-1]

    try:
        return await deliver(engine, lend, terms_of(settings), linger=LINGER_SECONDS, stop=stop)
    finally:
        for sender in senders:
            await sender.aclose()


async def purge_webhooks(engine: AsyncEngine, settings: Settings, stop: asyncio.Event) -> int:
    """Delete webhook deliveries that are over, once they are old (CERTSVC_WEBHOOK_KEEP_DAYS), and
    what is left of deleted endpoints."""
    now = clock.now()
    before = now - timedelta(days=settings.webhook_keep_days)
    return await webhook_upkeep.purge(engine, now, before, stop=stop)
