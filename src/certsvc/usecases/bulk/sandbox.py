"""Bulk operations in a sandbox: each runs when the test clock comes to its start."""

import asyncio
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store import bulk_operations
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.running import run

PAUSE_SECONDS = 0.05
"""Before it is looked again whether somebody else is done with an operation."""


class Ordered:
    """The operations of a sandbox that are under way, or still to start."""

    def __init__(self, engine: AsyncEngine, tenant: Tenant, batch_size: int) -> None:
        self._engine = engine
        self._tenant = tenant
        self._batch_size = batch_size

    async def until(self, to: datetime) -> datetime:
        """How far the clock may go before one of them starts."""
        async with transaction(self._engine) as conn:
            first = await bulk_operations.first_of_tenant(conn, self._tenant.id, to)
        return to if first is None else first[1]

    async def run(self, now: datetime) -> int:
        """Run those that are to start by now, to their ends; how many operations."""
        ran = 0
        while True:
            async with transaction(self._engine) as conn:
                first = await bulk_operations.first_of_tenant(conn, self._tenant.id, now)
            if first is None:
                return ran
            ran += 1
            if not await run(self._engine, self._tenant, first[0], self._batch_size):
                await asyncio.sleep(PAUSE_SECONDS)
