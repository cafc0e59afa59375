"""What time does, applied: everything due outside sandboxes, in batches, on any replica.

Which tenants have something due is one indexed question; when the answer is none, that was all.
Rows are claimed tenant by tenant, so no tenant waits for another's backlog, and each batch is a
transaction of its own: one that dies leaves its rows due. Two batches are under way at a time, so
that PostgreSQL works on one while Python decides the other.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock, telemetry
from certsvc.store import enrollments
from certsvc.store.author import TIME
from certsvc.store.db import transaction
from certsvc.store.enrollments import Broken, Locked
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.store.tenants import Tenant
from certsvc.usecases.apply import apply, set_row_aside
from certsvc.usecases.decide import Outcome, of_locked

TENANTS = 1000
"""Tenants that one run looks after at most; the rest come with the next run."""

IN_FLIGHT = 2
"""Batches under way at once: one in Python, one in PostgreSQL. More gain nothing."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class TickResult:
    """What a run did. `drained` says that nothing due was left behind on purpose."""

    tenants: int = 0
    batches: int = 0
    rows: int = 0
    events: int = 0
    set_aside: int = 0
    failed: int = 0
    drained: bool = True

    def add(self, outcomes: list[Outcome]) -> None:
        """Count a batch."""
        self.batches += 1
        self.rows += len(outcomes)
        self.events += sum(len(outcome.decision.events) for outcome in outcomes)
        self.set_aside += sum(outcome.error is not None for outcome in outcomes)


async def run_once(
    engine: AsyncEngine,
    now: datetime,
    batch_size: int,
    *,
    deadline: float | None = None,
    stop: asyncio.Event | None = None,
) -> TickResult:
    """Apply what is due by `now`, until nothing is left, the (monotonic) deadline has passed, or
    `stop` is set: then the batches under way are finished and no other is begun."""
    async with transaction(engine) as conn:
        tenant_ids = await enrollments.due_tenants(conn, now, TENANTS)
    if not tenant_ids:
        telemetry.DUE_LAG_SECONDS.set(0)
        return TickResult()
    run = _Run(engine, now, batch_size, deadline, stop, tenant_ids)
    workers = (run.work() for _ in range(IN_FLIGHT))
    for ended in await asyncio.gather(*workers, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
    return run.result


class _Run:
    """The state that the batches of one run share."""

    def __init__(
        self,
        engine: AsyncEngine,
        now: datetime,
        batch_size: int,
        deadline: float | None,
        stop: asyncio.Event | None,
        tenant_ids: list[UUID],
    ) -> None:
        self._engine = engine
        self._now = now
        self._batch_size = batch_size
        self._deadline = deadline
        self._stop = stop
        self._queue = deque(tenant_ids)
        self._claiming = 0
        self._left: set[UUID] = set()
        self._changed = asyncio.Condition()
        self.result = TickResult(tenants=len(tenant_ids), drained=len(tenant_ids) < TENANTS)

    async def work(self) -> None:
        """Batch after batch, always of the tenant that waited longest."""
        while (tenant_id := await self._next()) is not None:
            try:
                await self._batch(tenant_id)
            except Unavailable:
                raise
            except Exception:
                # Its rows stay due, for the next run; the other tenants must not wait for them.
                self._leave(tenant_id)
                _log.exception("batch failed", tenant_id=str(tenant_id))

    def _leave(self, tenant_id: UUID) -> None:
        self.result.failed += 1
        self._left.add(tenant_id)

    def _over(self) -> bool:
        if self._stop is not None and self._stop.is_set():
            return True
        return self._deadline is not None and clock.monotonic() >= self._deadline

    async def _next(self) -> UUID | None:
        """A tenant to claim for. While the other batch is claiming, its tenant may come back."""
        async with self._changed:
            while not self._queue and self._claiming and not self._over():
                await self._changed.wait()
            if self._over():
                self.result.drained = self.result.drained and not self._queue
                return None
            if not self._queue:
                return None
            self._claiming += 1
            return self._queue.popleft()

    async def _claimed(self, tenant_id: UUID, again: bool) -> None:
        async with self._changed:
            self._claiming -= 1
            if again and tenant_id not in self._left:
                self._queue.append(tenant_id)
            self._changed.notify_all()

    async def _batch(self, tenant_id: UUID) -> None:
        tenant = _live(tenant_id, self._now)
        rows: list[Locked] = []
        claimed = False
        try:
            async with transaction(self._engine) as conn:
                claim = await enrollments.claim_due(conn, tenant_id, self._now, self._batch_size)
                rows = claim.rows
                claimed = True
                full = len(rows) + len(claim.broken) >= self._batch_size
                await self._claimed(tenant_id, again=full)
                await self._put_away(conn, tenant_id, claim.broken)
                if not rows:
                    return
                self._measure(rows)
                # The other batch sends its claim before this one keeps Python busy.
                await asyncio.sleep(0)
                outcomes = await _decided(conn, tenant, self._now, rows)
            self.result.add(outcomes)
        except (Unavailable, Conflict, Busy):
            raise
        except Exception:
            if not rows:
                raise
            _log.exception("batch failed; its rows are taken apart", tenant_id=str(tenant_id))
            await self._apart(tenant, [row.enrollment.id for row in rows])
        finally:
            if not claimed:
                await self._claimed(tenant_id, again=False)

    async def _put_away(self, conn: AsyncConnection, tenant_id: UUID, broken: list[Broken]) -> None:
        for row in broken:
            error = f"{type(row.error).__name__}: {row.error}"
            await set_row_aside(conn, tenant_id, row.id, error, self._now)
        self.result.set_aside += len(broken)

    def _measure(self, rows: list[Locked]) -> None:
        oldest = min((row.next_due_at for row in rows if row.next_due_at), default=self._now)
        telemetry.DUE_LAG_SECONDS.set(max(0.0, (clock.now() - oldest).total_seconds()))

    async def _apart(self, tenant: Tenant, ids: list[UUID]) -> None:
        """Save the halves of a batch that could not be saved whole, down to the row that is to
        blame, which is set aside."""
        if len(ids) > 1:
            middle = len(ids) // 2
            for half in (ids[:middle], ids[middle:]):
                await self._attempt(tenant, half)
            return
        async with transaction(self._engine) as conn:
            error = "this row could not be saved; the log says why"
            await set_row_aside(conn, tenant.id, ids[0], error, self._now)
        self.result.set_aside += 1

    async def _attempt(self, tenant: Tenant, ids: list[UUID]) -> None:
        try:
            async with transaction(self._engine) as conn:
                rows = await enrollments.lock(conn, tenant.id, ids)
                due = [row for row in rows if row.next_due_at and row.next_due_at <= self._now]
                outcomes = await _decided(conn, tenant, self._now, due)
            self.result.add(outcomes)
        except (Unavailable, Conflict, Busy):
            raise
        except Exception as error:
            _log.warning("part of a batch failed", rows=len(ids), error=str(error))
            await self._apart(tenant, ids)


async def _decided(
    conn: AsyncConnection, tenant: Tenant, now: datetime, rows: list[Locked]
) -> list[Outcome]:
    return await apply(conn, tenant, now, of_locked(rows, TIME), forgiving=True)


def _live(tenant_id: UUID, now: datetime) -> Tenant:
    """A tenant outside sandboxes, of which the pipeline reads nothing else."""
    return Tenant(id=tenant_id, key="", sandbox=False, clock_at=None, created_at=now)
