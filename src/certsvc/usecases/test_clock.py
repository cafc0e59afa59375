"""A sandbox's test clock: time passes, and everything due happens, each at its own instant.

Rows are taken in order of the instants at which they are due, a bounded number in a transaction of
its own; each is advanced from instant to instant until nothing of it is due before the earliest
row that was not taken. So what is recorded is the same as if the clock had gone on day by day.

The clock is locked for as long as such a transaction lasts, and commands share it until they
commit. So no command is passed, and one that comes meanwhile sees the clock as far as it is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.domain.outcome import Refusal
from certsvc.store import enrollments, tenants
from certsvc.store.author import TIME
from certsvc.store.db import transaction
from certsvc.store.enrollments import Locked
from certsvc.store.exclusive import stay, try_alone
from certsvc.store.tenants import Tenant
from certsvc.usecases.apply import BREATH, follow, save, set_row_aside, tell_of_seats
from certsvc.usecases.bulk.sandbox import Ordered
from certsvc.usecases.decide import Ask, Outcome, decide_forgiving, merged
from certsvc.usecases.seats import hand_on, touches_seats

BATCH = 500
"""Rows in one transaction. While it lasts, commands in the sandbox wait for the clock."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far the clock is, and what happened on the way."""

    clock_at: datetime
    instants: int = 0
    enrollments: int = 0
    events: int = 0
    set_aside: int = 0


async def advance(
    engine: AsyncEngine,
    tenant_id: UUID,
    to: datetime,
    *,
    batch_size: int = BATCH,
    max_advance: timedelta | None = None,
) -> Advanced | Refusal:
    """Let time pass in a sandbox. What is done stays done, however the rest goes.

    Opens transactions of its own: the caller must not hold one that shares the clock."""
    async with transaction(engine) as alone:
        # This transaction holds nothing but the right to be the only advance.
        if not await try_alone(alone, f"test-clock:{tenant_id}"):
            return _refused("clock_is_advancing", "Another advance of this clock is under way.")
        tenant = await tenants.by_id(alone, tenant_id)
        refusal = _against(tenant, to, max_advance)
        if refusal is not None:
            return refusal
        assert tenant is not None, "checked just now"
        ordered = Ordered(engine, tenant, batch_size)
        told = Advanced(clock_at=to)
        moved: set[UUID] = set()
        while True:
            until = await ordered.until(to)
            step = await _step(engine, tenant_id, until, batch_size)
            moved |= step.moved
            told = replace(
                told,
                clock_at=step.clock_at,
                instants=told.instants + step.instants,
                enrollments=len(moved),
                events=told.events + step.events,
                set_aside=told.set_aside + step.set_aside,
            )
            if step.done and not await ordered.run(step.clock_at) and step.clock_at >= to:
                return told
            await stay(alone)


def _against(tenant: Tenant | None, to: datetime, max_advance: timedelta | None) -> Refusal | None:
    if tenant is None or not tenant.sandbox or tenant.clock_at is None:
        return _refused("not_a_sandbox", "Only a sandbox tenant has a test clock.")
    if to < tenant.clock_at:
        detail = f"The clock stands at {tenant.clock_at.isoformat()} and only goes forward."
        return _refused("to_in_the_past", detail, parameter="to")
    if max_advance is not None and to - tenant.clock_at > max_advance:
        detail = f"One advance goes {max_advance.days} days at most."
        return _refused("too_far", detail, parameter="to")
    return None


def _refused(code: str, detail: str, parameter: str | None = None) -> Refusal:
    return Refusal(
        reason_code=code,
        detail=detail,
        code=code,
        invalid=parameter is not None,
        parameter=parameter,
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """What one transaction did. `done`: nothing is due any more before the end."""

    clock_at: datetime
    done: bool
    instants: int
    moved: frozenset[UUID]
    events: int
    set_aside: int


async def _step(engine: AsyncEngine, tenant_id: UUID, to: datetime, batch_size: int) -> _Step:
    async with transaction(engine) as conn:
        tenant = await tenants.lock_clock(conn, tenant_id)
        assert tenant is not None
        assert tenant.clock_at is not None, "checked at the start"
        claim = await enrollments.claim_due(conn, tenant_id, to, batch_size, skip_locked=False)
        for row in claim.broken:
            error = f"{type(row.error).__name__}: {row.error}"
            await set_row_aside(conn, tenant_id, row.id, error, tenant.clock_at)
        all_taken = len(claim.rows) + len(claim.broken) < batch_size
        until = to if all_taken else _earliest_left(claim.rows, to)
        walk = _Walk(claim.rows, tenant.clock_at, max(until, tenant.clock_at))
        await walk.go()
        outcomes = await save(conn, tenant, tenant.clock_at, walk.outcomes)
        await follow(conn, tenant, walk.until, outcomes)
        done = all_taken and not walk.cut
        if done and (waiting := await hand_on(conn, tenant, walk.until, batch_size)):
            done = not await tell_of_seats(conn, tenant, walk.until, waiting)
        await tenants.set_clock(conn, tenant_id, walk.until)
    return _Step(
        clock_at=walk.until,
        done=done,
        instants=walk.instants,
        moved=frozenset(o.ask.enrollment.id for o in outcomes if o.moved),
        events=sum(len(outcome.decision.events) for outcome in outcomes),
        set_aside=len(claim.broken) + sum(outcome.error is not None for outcome in outcomes),
    )


def _earliest_left(rows: Sequence[Locked], to: datetime) -> datetime:
    """No row that was not taken is due before this."""
    return max((row.next_due_at for row in rows if row.next_due_at is not None), default=to)


class _Walk:
    """Rows advanced from instant to instant, in order, up to and including `until`.

    Where a row leads to another certification, or concerns the seats of a course, the walk is cut
    at that instant, so that what follows for others takes part in the rest."""

    def __init__(self, rows: Sequence[Locked], clock_at: datetime, until: datetime) -> None:
        self.until = until
        self.cut = False
        self.instants = 0
        self._outcomes: dict[UUID, Outcome] = {}
        self._rows = {row.enrollment.id: row for row in rows}
        self._due = [
            (max(row.next_due_at, clock_at), row.enrollment.id)
            for row in rows
            if row.next_due_at is not None
        ]
        heapify(self._due)

    @property
    def outcomes(self) -> list[Outcome]:
        """What came of each row that was reached."""
        return list(self._outcomes.values())

    async def go(self) -> None:
        """Walk."""
        last: datetime | None = None
        steps = 0
        while self._due and self._due[0][0] <= self.until:
            at, id = heappop(self._due)
            self.instants += at != last
            last = at
            self._advance(id, at)
            steps += 1
            if steps % BREATH == 0:
                await asyncio.sleep(0)

    def _advance(self, id: UUID, at: datetime) -> None:
        row = self._rows[id]
        earlier = self._outcomes.get(id)
        enrollment = row.enrollment if earlier is None else earlier.decision.enrollment
        outcome = decide_forgiving(Ask(enrollment, row.certification, TIME, None, row), at)
        if outcome.decision.elsewhere or touches_seats(outcome):
            self.until, self.cut = at, True
        if outcome.error is None:
            due = outcome.decision.next_due_at
            if due is not None and due <= self.until:
                heappush(self._due, (due, id))
        first = Ask(row.enrollment, row.certification, TIME, None, row)
        decision = outcome.decision
        if earlier is not None:
            decision = merged(earlier.decision, decision)
        self._outcomes[id] = replace(
            outcome,
            ask=first,
            decision=decision,
            last=outcome.ask,
            earlier=None if earlier is None else earlier.decision,
        )
