"""Groups put into effect: the work that changes of members and targets leave is done in batches.

Each batch is a transaction of its own: one that dies leaves its work to be done. Whoever changed
something does as much as a request has time for, and the scheduler does the rest; in a sandbox,
which has no scheduler, the request does all of it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock
from certsvc.domain.commands import Enroll, Leave
from certsvc.domain.enrollment import Source
from certsvc.store import group_work
from certsvc.store.author import Author
from certsvc.store.db import transaction
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.store.group_work import Work
from certsvc.store.tenants import Tenant
from certsvc.usecases.apply import Call, Pair, apply_to_learners
from certsvc.usecases.now import now_of

AT_ONCE = 500
"""Learners in one transaction."""

REQUEST_SECONDS = 10.0
"""For so long a request in a live tenant does the work that it has caused."""

PAUSE = timedelta(minutes=15)
"""Before work that failed is tried again; meanwhile it stands in nobody's way."""

ATTEMPTS = 5
"""How often a batch is begun again because somebody else changed the same learners."""

_log = structlog.get_logger(__name__)


async def do_some(engine: AsyncEngine, tenant: Tenant, *, group: str | None = None) -> int:
    """Do a batch of the tenant's work, or of one group's; how much was taken on. 0: none is left,
    or others are doing it."""
    works: list[Work] = []
    try:
        async with transaction(engine) as conn:
            now = await now_of(conn, tenant)
            if group is None:
                works = await group_work.take(conn, tenant.id, now, AT_ONCE)
            else:
                works = await group_work.take_of_group(conn, tenant.id, now, AT_ONCE, group)
            await _do(conn, tenant, now, works)
    except (Unavailable, Conflict, Busy):
        raise
    except Exception:
        if not works:
            raise
        _log.exception("group work failed; it is taken apart", tenant_id=str(tenant.id))
        await _apart(engine, tenant, works)
    return len(works)


async def do_for_request(engine: AsyncEngine, tenant: Tenant, group: str) -> None:
    """Do the group's work until none is left, or what a live request has time for is over."""
    until = clock.monotonic() + REQUEST_SECONDS
    attempts = 0
    while tenant.sandbox or clock.monotonic() < until:
        try:
            if not await do_some(engine, tenant, group=group):
                return
            attempts = 0
        except (Conflict, Busy):
            attempts += 1
            if attempts >= ATTEMPTS:
                _log.warning("group work left for later", tenant_id=str(tenant.id))
                return
            await asyncio.sleep(0.02 * attempts)


async def do_for_certification(
    conn: AsyncConnection, tenant: Tenant, at: datetime, certification_id: UUID, author: Author
) -> None:
    """The certification, which was changed in this transaction, may take learners again: put the
    members of its groups to work, and do what a request has time for."""
    if not await group_work.put_opened(conn, tenant.id, certification_id, at, author):
        return
    limit = None if tenant.sandbox else AT_ONCE
    try:
        async with conn.begin_nested():
            works = await group_work.take_of_certification(
                conn, tenant.id, at, limit, certification_id
            )
            await _do(conn, tenant, at, works)
    except (Unavailable, Conflict, Busy):
        raise
    except Exception:
        # A learner who cannot be enrolled must not keep a certification from being changed.
        _log.exception("group work left for later", tenant_id=str(tenant.id))


async def do_all(
    engine: AsyncEngine, *, deadline: float | None = None, stop: asyncio.Event | None = None
) -> int:
    """Do the work of all live tenants, in turns, until none is left, the (monotonic) deadline has
    passed, or `stop` is set; how much."""
    async with transaction(engine) as conn:
        queue = deque(await group_work.live_tenants(conn, clock.now()))
    done = 0
    while queue and not _over(deadline, stop):
        tenant = queue.popleft()
        try:
            taken = await do_some(engine, tenant)
        except Unavailable:
            raise
        except Exception:
            # It is there for the next run; the other tenants must not wait for it.
            _log.exception("group work failed", tenant_id=str(tenant.id))
            continue
        done += taken
        if taken:
            queue.append(tenant)
    return done


def _over(deadline: float | None, stop: asyncio.Event | None) -> bool:
    if stop is not None and stop.is_set():
        return True
    return deadline is not None and clock.monotonic() >= deadline


async def _do(conn: AsyncConnection, tenant: Tenant, now: datetime, works: Sequence[Work]) -> None:
    """Assign and take away, each learner in each certification once in a turn. A refusal ends the
    work too: what lifts it puts the learner to work again.

    Who changes from one group to another is assigned first, so that nothing pauses in between."""
    waiting = [_call(work) for work in sorted(works, key=lambda work: not work.assigned)]
    while waiting:
        turn: dict[Pair, Call] = {}
        later = []
        for call in waiting:
            if call.pair in turn:
                later.append(call)
            else:
                turn[call.pair] = call
        waiting = later
        await apply_to_learners(conn, tenant, now, tuple(turn.values()))


def _call(work: Work) -> Call:
    command = Enroll(source=Source.GROUP, group=work.group) if work.assigned else Leave(work.group)
    return Call(work.certification_id, work.learner_id, command, work.author)


async def _apart(engine: AsyncEngine, tenant: Tenant, works: Sequence[Work]) -> None:
    """Do the work of a batch that could not be done whole one by one; what is to blame is put
    off."""
    for work in works:
        try:
            async with transaction(engine) as conn:
                now = await now_of(conn, tenant)
                await _do(
                    conn, tenant, now, await group_work.take_again(conn, tenant.id, now, work)
                )
        except (Unavailable, Conflict, Busy):
            raise
        except Exception as error:
            _log.error(
                "group work put off",
                tenant_id=str(tenant.id),
                certification_id=str(work.certification_id),
                learner_id=work.learner_id,
                error=f"{type(error).__name__}: {error}",
            )
            async with transaction(engine) as conn:
                now = await now_of(conn, tenant)
                await group_work.put_off(conn, tenant.id, work, now + PAUSE)
