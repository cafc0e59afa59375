"""What keeps the tick's question right: second tries, rows that a change passed by, and seats that
nobody has handed on."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.store import seats, tenants, waking
from certsvc.store.db import transaction
from certsvc.usecases.apply import tell_of_seats
from certsvc.usecases.seats import hand_on

PAUSE = timedelta(minutes=15)
"""Before the first second try; it doubles with each."""

LONGEST = timedelta(days=1)
"""The pause grows no longer than this."""


async def retry_set_aside(conn: AsyncConnection, now: datetime) -> int:
    """Rows that were set aside long enough ago are due again; how many.

    One statement for each tenant: rows of two tenants are never in one."""
    retried = 0
    for tenant in await tenants.every(conn):
        at = tenant.clock_at or now
        retried += await waking.retry_set_aside(conn, tenant.id, at, PAUSE, LONGEST)
    return retried


async def wake_again(conn: AsyncConnection, changed_since: datetime, now: datetime) -> int:
    """Rows that rested when their certification was changed come due, if that is still to be.

    Whoever had read the certification before the change may have saved a row after it."""
    woken = 0
    for tenant in await tenants.every(conn):
        if not tenant.sandbox:
            woken += await waking.wake_again(conn, tenant.id, changed_since, now)
    return woken


async def hand_on_seats(engine: AsyncEngine, now: datetime, limit: int) -> int:
    """Free seats go to those in line, and who was given one hears of it; how many did.

    Most are handed on in the transaction that frees them. The rest: where somebody was in the
    midst of something else, or was due from an earlier instant on and not decided yet."""
    async with transaction(engine) as conn:
        tenant_ids = await seats.tenants(conn)
    moved = 0
    for tenant_id in tenant_ids:
        async with transaction(engine) as conn:
            tenant = await tenants.by_id(conn, tenant_id)
            assert tenant is not None
            waiting = await hand_on(conn, tenant, now, limit)
            moved += await tell_of_seats(conn, tenant, now, waiting)
    return moved
