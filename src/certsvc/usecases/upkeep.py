"""What keeps the tick's question right: second tries, and rows that a change passed by."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import tenants, waking

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
