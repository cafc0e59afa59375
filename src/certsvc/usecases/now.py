"""What time it is for a tenant: the clock's, or in a sandbox its test clock's."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc import clock
from certsvc.store import tenants
from certsvc.store.tenants import Tenant


async def now_of(conn: AsyncConnection, tenant: Tenant, *, share: bool = True) -> datetime:
    """The tenant's present instant.

    A command in a sandbox shares the clock until it commits, so that an advance in progress cannot
    pass an instant that the command makes due. A question needs no share."""
    if not tenant.sandbox:
        return clock.now()
    read = tenants.share_clock if share else tenants.by_id
    found = await read(conn, tenant.id)
    if found is None or found.clock_at is None:
        raise LookupError(f"the sandbox {tenant.key} has no clock")
    return found.clock_at
