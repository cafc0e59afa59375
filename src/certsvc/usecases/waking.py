"""What a change of a certification sets going: cycles that may open now.

A bounded number of rows move in the same transaction, so that the answer tells them already; the
rest is woken, and the next tick moves it. In a sandbox, where no tick comes, all of it moves.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.lifecycle import advance
from certsvc.domain.outcome import Decision
from certsvc.store import enrollments, waking
from certsvc.store.author import TIME
from certsvc.store.enrollments import Locked
from certsvc.store.tenants import Tenant
from certsvc.store.waking import FIRST, Sleep
from certsvc.usecases.apply import apply
from certsvc.usecases.decide import of_locked

AT_ONCE = 500
"""Rows that one statement brings, and that move within a request of a live tenant."""

SAMPLE = 10
"""Enrollments named in the answer of a dry run."""

_OPENED = frozenset({EventType.ENROLLMENT_OPENED, EventType.RECERTIFICATION_OPENED})
Change = Callable[[Certification], Certification]


@dataclass(slots=True)
class Opened:
    """How many cycles open, some of the enrollments in which they do, and how many statuses move
    from what to what by it."""

    count: int = 0
    sample: list[UUID] = field(default_factory=list)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, before: Enrollment, decision: Decision) -> None:
        """One more decision; it counts where a cycle opens."""
        if not opens(decision):
            return
        self.count += 1
        self.moves[before.status.value, decision.enrollment.status.value] += 1
        self._name(before.id)

    def add_all(self, others: "Opened") -> None:
        """Those that open elsewhere, too."""
        self.count += others.count
        self.moves.update(others.moves)
        for enrollment_id in others.sample:
            self._name(enrollment_id)

    def _name(self, enrollment_id: UUID) -> None:
        if len(self.sample) < SAMPLE:
            self.sample.append(enrollment_id)


async def foresee(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    certification_id: UUID,
    sleep: Sleep,
    change: Change,
    *,
    after: UUID = FIRST,
) -> Opened:
    """Which cycles would open at once if the certification were changed so; nothing is written."""
    opened = Opened()
    while True:
        ids = await waking.candidates(
            conn, tenant.id, certification_id, sleep, now, after=after, limit=AT_ONCE
        )
        if not ids:
            return opened
        for row in await enrollments.read(conn, tenant.id, ids):
            opened.add(row.enrollment, _would_do(row, change, now))
        after = ids[-1]


async def set_going(
    conn: AsyncConnection, tenant: Tenant, now: datetime, certification_id: UUID, sleep: Sleep
) -> Opened:
    """Open what may open since the certification was changed, which is saved already."""
    opened = Opened()
    after = FIRST
    while True:
        ids = await waking.candidates(
            conn, tenant.id, certification_id, sleep, now, after=after, limit=AT_ONCE
        )
        if not ids:
            return opened
        rows = await enrollments.lock(conn, tenant.id, ids)
        for outcome in await apply(conn, tenant, now, of_locked(rows, TIME), forgiving=True):
            opened.add(outcome.ask.enrollment, outcome.decision)
        after = ids[-1]
        if len(ids) < AT_ONCE:
            return opened
        if not tenant.sandbox:
            break
    await waking.wake(conn, tenant.id, certification_id, sleep, now)
    rest = await foresee(conn, tenant, now, certification_id, sleep, _as_it_is, after=after)
    opened.add_all(rest)
    return opened


def opens(decision: Decision) -> bool:
    """Whether a cycle opened."""
    return any(event.type in _OPENED for event in decision.events)


def _would_do(row: Locked, change: Change, now: datetime) -> Decision:
    at = max(now, row.enrollment.updated_at)
    return advance(row.enrollment, change(row.certification), at)


def _as_it_is(certification: Certification) -> Certification:
    return certification
