"""Bulk operations run: in batches, in the background, on any replica.

Each batch is a transaction of its own, which claims items that nobody else has in hand, does them
and writes what became of them: one that dies leaves its items to be done, and none is done twice.
Two batches are under way at a time, so that PostgreSQL works on one while Python decides the other.
Batches share the operation, and who cancels it has it alone: after that no batch ends any more.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock
from certsvc.store import bulk_items, bulk_operations, exclusive, tenants
from certsvc.store.bulk_items import ItemRow, Settled
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState, ItemOutcome
from certsvc.store.db import transaction
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.doing import counted, do
from certsvc.usecases.bulk.ordering import REPEATS, in_hand, tell_end
from certsvc.usecases.bulk.selecting import filters_of
from certsvc.usecases.now import now_of

IN_FLIGHT = 2
"""Batches of one operation under way at once in this process."""

ATTEMPTS = 20
"""How often a batch is begun again because somebody else has the same people in hand."""

SLICE_SECONDS = 3.0
"""For so long an operation runs while others wait; then it is their turn."""

_log = structlog.get_logger(__name__)


class _Clock:
    """When a run is to end: at a (monotonic) deadline, or when it is told to."""

    def __init__(self, deadline: float | None, stop: asyncio.Event | None) -> None:
        self.deadline = deadline
        self.stop = stop

    @property
    def over(self) -> bool:
        """Whether no further batch is to be begun."""
        if self.stop is not None and self.stop.is_set():
            return True
        return self.deadline is not None and clock.monotonic() >= self.deadline

    def until(self, deadline: float) -> "_Clock":
        """The same, or that deadline if it comes first."""
        return _Clock(
            deadline if self.deadline is None else min(deadline, self.deadline), self.stop
        )


async def run_due(
    engine: AsyncEngine,
    batch_size: int,
    *,
    deadline: float | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Run the operations of all tenants that are under way or to start by now; how many items.
    A long one lets the others have their turns."""
    until = _Clock(deadline, stop)
    async with transaction(engine) as conn:
        waiting = deque(await bulk_operations.to_run(conn, clock.now()))
    done = 0
    while waiting and not until.over:
        tenant_id, id = waiting.popleft()
        turn = until.until(clock.monotonic() + SLICE_SECONDS) if waiting else until
        async with transaction(engine) as conn:
            tenant = await tenants.by_id(conn, tenant_id)
        if tenant is None:
            continue
        try:
            done += await _Run(engine, tenant, id, batch_size, turn).go()
        except Unavailable:
            raise
        except Exception:
            # It is there for the next run; the other operations must not wait for it.
            _log.exception("bulk operation failed", operation_id=str(id))
        else:
            if turn.over:
                waiting.append((tenant_id, id))
    return done


async def run(
    engine: AsyncEngine,
    tenant: Tenant,
    id: UUID,
    batch_size: int,
    *,
    deadline: float | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Run one operation until it is over, or the time is; how many items were done here."""
    return await _Run(engine, tenant, id, batch_size, _Clock(deadline, stop)).go()


class _Run:
    """The state that the batches of one run share. All items up to `_after` were claimed here.
    `_in_order`: no batch runs beside another, because items of both may mean one enrollment."""

    def __init__(
        self, engine: AsyncEngine, tenant: Tenant, id: UUID, batch_size: int, until: _Clock
    ) -> None:
        self._engine = engine
        self._tenant = tenant
        self._id = id
        self._batch_size = batch_size
        self._until = until
        self._after = 0
        self._in_order = False

    async def go(self) -> int:
        """Begin, work, end; how many items were done."""
        if not await self._begin():
            return 0
        workers = (self._work() for _ in range(IN_FLIGHT))
        done = 0
        for ended in await asyncio.gather(*workers, return_exceptions=True):
            if isinstance(ended, BaseException):
                raise ended
            done += ended
        if not self._until.over:
            await self._complete()
        return done

    async def _begin(self) -> bool:
        """Start the operation, if it is its time: its selection is fixed. Whether it runs."""
        async with transaction(self._engine) as conn:
            now = await now_of(conn, self._tenant)
            row = await bulk_operations.get(conn, self._tenant.id, self._id)
            if row is None:
                return False
            self._in_order = REPEATS in row.selection
            if row.state is not BulkState.SCHEDULED:
                return row.state is BulkState.RUNNING
            row = await bulk_operations.get(conn, self._tenant.id, self._id, lock=True)
            assert row is not None, "operations are never deleted"
            if row.state is not BulkState.SCHEDULED or row.start_at > now:
                return row.state is BulkState.RUNNING
            total = row.total
            if total is None:
                chosen = await filters_of(conn, self._tenant, row.selection["filter"])
                total = await bulk_items.select(conn, self._tenant.id, self._id, chosen, held=False)
            await bulk_operations.begin(conn, self._tenant.id, self._id, now, total)
            return True

    async def _complete(self) -> None:
        async with transaction(self._engine) as conn:
            now = await now_of(conn, self._tenant)
            row = await bulk_operations.complete(conn, self._tenant.id, self._id, now)
            if row is not None:
                await tell_end(conn, self._tenant, row, now, row.author)

    async def _work(self) -> int:
        """Batch after batch, until nothing is left to be claimed."""
        done = attempts = 0
        while not self._until.over:
            after = self._after
            try:
                taken = await self._batch(after)
            except (Conflict, Busy):
                self._after = 0
                attempts += 1
                if attempts >= ATTEMPTS:
                    raise
                await asyncio.sleep(0.02 * attempts)
                continue
            attempts = 0
            done += taken
            if not taken:
                if not after:
                    break
                # What others left behind, before it is at an end.
                self._after = 0
        return done

    async def _batch(self, after: int) -> int:
        items: list[ItemRow] = []
        try:
            async with transaction(self._engine) as conn:
                row = await self._running(conn)
                if row is None:
                    return 0
                items = await bulk_items.claim(
                    conn, self._tenant.id, self._id, self._batch_size, after=after
                )
                if items:
                    self._after = max(self._after, items[-1].number)
                    await self._settle(conn, row, items)
        except (Unavailable, Conflict, Busy):
            raise
        except Exception:
            if not items:
                raise
            _log.exception(
                "bulk batch failed; its items are taken apart", operation_id=str(self._id)
            )
            await self._apart([item.number for item in items])
        return len(items)

    async def _running(self, conn: AsyncConnection) -> OperationRow | None:
        """The operation, which cannot be cancelled until the transaction ends; None where it does
        not run."""
        wait = exclusive.alone if self._in_order else exclusive.share
        await wait(conn, in_hand(self._id))
        row = await bulk_operations.get(conn, self._tenant.id, self._id)
        return row if row is not None and row.state is BulkState.RUNNING else None

    async def _settle(
        self, conn: AsyncConnection, row: OperationRow, items: Sequence[ItemRow]
    ) -> None:
        now = await now_of(conn, self._tenant)
        results = await do(conn, self._tenant, now, row, items)
        await self._written(conn, row, results, now)

    async def _written(
        self,
        conn: AsyncConnection,
        row: OperationRow,
        results: Sequence[Settled],
        now: datetime,
    ) -> None:
        if row.hold_automation:
            numbers = [one.number for one in results]
            await bulk_items.release(conn, self._tenant.id, row.id, now, numbers)
        await bulk_items.settle(conn, self._tenant.id, row.id, results, now)
        await bulk_operations.count(conn, self._tenant.id, row.id, counted(results))

    async def _apart(self, numbers: list[int]) -> None:
        """Do the halves of a batch that could not be done whole, down to the item that is to
        blame, which fails."""
        middle = len(numbers) // 2
        for half in filter(None, (numbers[:middle], numbers[middle:])):
            try:
                async with transaction(self._engine) as conn:
                    row, items = await self._again(conn, half)
                    if row is not None and items:
                        await self._settle(conn, row, items)
            except (Unavailable, Conflict, Busy):
                raise
            except Exception as error:
                _log.warning("part of a bulk batch failed", items=len(half), error=str(error))
                await (self._apart(half) if len(half) > 1 else self._fail(half[0]))

    async def _again(
        self, conn: AsyncConnection, numbers: Sequence[int]
    ) -> tuple[OperationRow | None, list[ItemRow]]:
        row = await self._running(conn)
        if row is None:
            return None, []
        return row, await bulk_items.claim_again(conn, self._tenant.id, self._id, numbers)

    async def _fail(self, number: int) -> None:
        detail = "this item could not be saved; the log says why"
        failed = Settled(number, ItemOutcome.FAILED, "internal_error", None, detail)
        async with transaction(self._engine) as conn:
            row, items = await self._again(conn, [number])
            if row is not None and items:
                await self._written(conn, row, [failed], await now_of(conn, self._tenant))
