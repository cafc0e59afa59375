"""Sends what is due: claims it, sends it with no transaction open, writes down what came of it.

One run goes on for as long as there is work, and a while longer, because connections are worth
keeping. Fanning out, claiming, sending and writing down go on beside each other. Whatever a run
had in hand when its process died is claimed by another as soon as the claim is over: a delivery
may be sent twice, and none is lost.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock, telemetry
from certsvc.store import webhook_claims, webhook_deliveries
from certsvc.store.db import transaction
from certsvc.store.errors import Unavailable
from certsvc.usecases.webhooks.fanning import Round, fan_out
from certsvc.usecases.webhooks.lanes import Item, Lane
from certsvc.usecases.webhooks.ledger import Ledger
from certsvc.usecases.webhooks.settling import Sent
from certsvc.usecases.webhooks.taking import Taking
from certsvc.usecases.webhooks.terms import Sends, Terms
from certsvc.webhooks.attempt import Attempt, Failure, Message

POLL_SECONDS = 0.5
"""How often is looked for new events and for what came due."""

COUNT_SECONDS = 15.0
"""How often is counted what waits."""

COUNTED = 100_000
"""So far is counted."""

TENANTS_AT_ONCE = 4
"""Claims under way at once."""

FAILED = Attempt(error=Failure.CONNECTION_FAILED)
"""Stands for an attempt that got nowhere because of ourselves."""

MOST_UNDER_WAY = 500
"""Attempts at once, to all endpoints together. From half of that on each endpoint has one place."""

Lend = Callable[[], Sends]
"""Gives whoever sends; called when there is something to be sent."""

_log = structlog.get_logger(__name__)


async def deliver(
    engine: AsyncEngine,
    lend: Lend,
    terms: Terms,
    *,
    linger: float = 0.0,
    stop: asyncio.Event | None = None,
) -> int:
    """Send until nothing is due and that has been so for `linger` seconds since something was
    sent, or until told to stop; how many attempts were made."""
    return await _Run(engine, lend, terms, linger, stop or asyncio.Event()).go()


class _Run:
    """The state that everything in a run shares."""

    def __init__(
        self, engine: AsyncEngine, lend: Lend, terms: Terms, linger: float, stop: asyncio.Event
    ) -> None:
        self._engine = engine
        self._lend = lend
        self._terms = terms
        self._linger = timedelta(seconds=linger)
        self._stop = stop
        self._lanes: dict[tuple[UUID, UUID], Lane] = {}
        self._taking = Taking(engine, terms)
        self._wake = asyncio.Event()
        self._ledger = Ledger(engine, terms, self._close_lanes, written=self._wake.set)
        self._sender: Sends | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._fanning: asyncio.Task[Round] | None = None
        self._over = False
        self._sent_at: datetime | None = None
        self._look_at = 0.0
        self._count_at = 0.0

    async def go(self) -> int:
        """Work; in the end write down what was done, and give back what was not."""
        keeping = asyncio.create_task(self._ledger.keep(), name="certsvc-webhook-ledger")
        waking = asyncio.create_task(self._when_told(), name="certsvc-webhook-stop")
        failure: Exception | None = None
        try:
            try:
                await self._work()
            except Exception as error:
                # What is under way was claimed and will be answered: that is worth writing down.
                failure = error
            await self._end()
        finally:
            self._over = True
            for task in (waking, *self._tasks):
                task.cancel()
            await asyncio.gather(waking, *self._tasks, return_exceptions=True)
            # These end by themselves, with what they have in the database under way.
            self._ledger.close()
            await asyncio.gather(keeping, *filter(None, [self._fanning]), return_exceptions=True)
        if failure is not None:
            raise failure
        return self._ledger.written

    async def _when_told(self) -> None:
        await self._stop.wait()
        self._wake.set()

    async def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if clock.monotonic() >= self._look_at:
                self._look_at = clock.monotonic() + POLL_SECONDS
                await self._look()
            took = await self._take()
            for lane in self._in_turn():
                self._send_from(lane)
            if took:
                continue
            if self._rests() and self._lingered():
                return
            pause = max(0.0, self._look_at - clock.monotonic())
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                continue

    def _rests(self) -> bool:
        """Whether nothing is to be done, as far as is known."""
        fanning = self._fanning is not None and not self._fanning.done()
        return not fanning and self._ledger.empty and all(x.idle for x in self._lanes.values())

    def _lingered(self) -> bool:
        """Whether nothing was sent for long enough to let go of connections."""
        return self._sent_at is None or clock.now() - self._sent_at >= self._linger

    async def _end(self) -> None:
        """Begin nothing more, and let what is under way come to its end: that has its deadline."""
        for lane in self._lanes.values():
            self._give_back(lane, lane.close())
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    # What there is to be done

    async def _look(self) -> None:
        """Fan out beside the sending, and find the endpoints that something is due for."""
        await self._fan_out()
        now = clock.now()
        async with transaction(self._engine) as conn:
            due = await webhook_claims.due(conn, now)
            if clock.monotonic() >= self._count_at:
                self._count_at = clock.monotonic() + COUNT_SECONDS
                telemetry.WEBHOOKS_PENDING.set(await webhook_deliveries.pending(conn, COUNTED))
        oldest = min((at for _, _, at in due), default=now)
        telemetry.WEBHOOK_LAG_SECONDS.set((now - oldest).total_seconds())
        for tenant_id, endpoint_id, _ in due:
            self._lane(tenant_id, endpoint_id).look_again()

    async def _fan_out(self) -> None:
        if self._fanning is None:
            round = Round(self._found, over=lambda: self._over or self._stop.is_set())
            self._fanning = asyncio.create_task(fan_out(self._engine, round))
        # Mostly it is a matter of milliseconds; a backlog is worked off beside the sending.
        found = asyncio.create_task(self._wake.wait())
        await asyncio.wait(
            {self._fanning, found}, timeout=POLL_SECONDS / 2, return_when=asyncio.FIRST_COMPLETED
        )
        found.cancel()
        if self._fanning.done():
            done, self._fanning = self._fanning, None
            done.result()

    def _found(self, tenant_id: UUID, endpoint_ids: Sequence[UUID]) -> None:
        for endpoint_id in endpoint_ids:
            self._lane(tenant_id, endpoint_id).tell()
        self._wake.set()

    def _lane(self, tenant_id: UUID, endpoint_id: UUID) -> Lane:
        lane = self._lanes.get((tenant_id, endpoint_id))
        if lane is None:
            lane = Lane(tenant_id, endpoint_id, self._terms.in_flight)
            self._lanes[tenant_id, endpoint_id] = lane
        return lane

    async def _take(self) -> int:
        """Fill up the lanes of each tenant of which one runs low."""
        low = {lane.tenant_id for lane in self._lanes.values() if lane.low}
        if not low:
            return 0
        self._sender = self._sender or self._lend()
        lanes: defaultdict[UUID, list[Lane]] = defaultdict(list)
        for lane in self._lanes.values():
            if lane.tenant_id in low and lane.lowish:
                lanes[lane.tenant_id].append(lane)
        tenants = list(lanes.items())
        taken = 0
        for begin in range(0, len(tenants), TENANTS_AT_ONCE):
            part = tenants[begin : begin + TENANTS_AT_ONCE]
            taken += sum(await asyncio.gather(*(self._take_for(*one) for one in part)))
        return taken

    async def _take_for(self, tenant_id: UUID, lanes: Sequence[Lane]) -> int:
        try:
            return await self._taking.take(tenant_id, lanes)
        except Unavailable:
            raise
        except Exception:
            # They are found again at the next look; the other tenants must not wait for them.
            _log.exception("nothing taken in hand", tenant_id=str(tenant_id))
            for lane in lanes:
                lane.due = False
            return 0

    # Sending

    def _in_turn(self) -> Sequence[Lane]:
        """All lanes; where there is not enough for all, those first that have least."""
        lanes = list(self._lanes.values())
        if 2 * len(self._tasks) > MOST_UNDER_WAY:
            lanes.sort(key=lambda lane: lane.busy)
        return lanes

    def _send_from(self, lane: Lane) -> None:
        crowded = 2 * len(self._tasks) > MOST_UNDER_WAY
        free = (1 if crowded else lane.places) - lane.busy
        for _ in range(min(free, len(lane.items), MOST_UNDER_WAY - len(self._tasks))):
            lane.busy += 1
            task = asyncio.create_task(self._send_all(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_all(self, lane: Lane) -> None:
        """One place of a lane: one delivery after the other, as long as there are any."""
        try:
            while lane.items and lane.busy <= lane.places:
                item = lane.items.popleft()
                if clock.monotonic() >= item.begin_by:
                    self._give_back(lane, [item, *lane.close()])
                    break
                at = clock.now()
                attempt, trouble = await self._attempt(lane, item)
                self._note(lane, item, at, attempt, trouble)
                if lane.low:
                    self._wake.set()
        finally:
            lane.busy -= 1
            self._wake.set()

    async def _attempt(self, lane: Lane, item: Item) -> tuple[Attempt, str | None]:
        """The attempt; and what went wrong on our side, where something did."""
        assert lane.endpoint is not None, "it was read when the delivery was claimed"
        assert self._sender is not None, "it was lent before anything was claimed"
        if lane.secrets is None:
            return FAILED, "secret_unreadable"
        if item.body is None:
            return FAILED, "internal_error"
        message = Message(lane.endpoint.url, item.claimed.id, item.body, lane.secrets)
        try:
            return await self._sender.send(message), None
        except Exception:
            _log.exception("sending failed", delivery_id=item.claimed.id)
            return FAILED, "internal_error"

    def _note(
        self, lane: Lane, item: Item, at: datetime, attempt: Attempt, trouble: str | None
    ) -> None:
        lane.heard(attempt)
        failing = lane.endpoint is not None and lane.endpoint.failing_since is not None
        sent = Sent(
            lane.endpoint_id, item.claimed, item.claimed_until, at, attempt, failing, trouble
        )
        self._ledger.add(lane.tenant_id, sent)
        self._sent_at = at
        if attempt.gone:
            self._give_back(lane, lane.close())

    def _give_back(self, lane: Lane, items: Sequence[Item]) -> None:
        self._ledger.give_back(lane.tenant_id, lane.endpoint_id, items)

    def _close_lanes(self, tenant_id: UUID, endpoint_ids: Sequence[UUID]) -> None:
        """These endpoints were disabled."""
        for endpoint_id in endpoint_ids:
            lane = self._lanes.get((tenant_id, endpoint_id))
            if lane is not None:
                self._give_back(lane, lane.close())
