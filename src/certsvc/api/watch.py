"""Waiting for news: requests that poll for long wait here until their tenant's feed goes on.

However many wait, one look now and then answers them all, and nobody holds a connection of the
database or a transaction meanwhile. Nobody waits, nobody looks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from starlette.requests import Request

from certsvc import clock
from certsvc.store.errors import StoreError
from certsvc.store.feed import BEGINNING, Place

PAUSE_SECONDS: Final = 0.25
"""Between two looks."""

Look = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, Place]]]
"""The newest place of each of the tenants that has any."""

_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Waiting:
    tenant_id: UUID
    place: Place
    until: float
    told: asyncio.Future[bool]

    def tell(self, news: bool) -> None:
        """Let it go on; who was told, or has left, is told nothing more."""
        if not self.told.done():
            self.told.set_result(news)


class Watch:
    """Those of this process that wait, of all tenants."""

    def __init__(
        self,
        look: Look,
        *,
        now: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._look = look
        self._now = now
        self._sleep = sleep
        self._waiting: set[_Waiting] = set()
        self._rounds: asyncio.Task[None] | None = None
        self._over = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def beyond(self, tenant_id: UUID, place: Place, until: float) -> bool:
        """Wait until the tenant's feed goes on beyond a place. False at that time, by the
        monotonic clock, and when the process is to end."""
        if self._over:
            return False
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        one = _Waiting(tenant_id, place, until, told)
        self._waiting.add(one)
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._go_round(), name="certsvc-watch")
        try:
            return await told
        finally:
            self._waiting.discard(one)

    def end(self) -> None:
        """Let everybody go, and nobody wait any more: the process is to end."""
        self._over = True
        for one in self._waiting:
            one.tell(news=False)

    async def _go_round(self) -> None:
        try:
            while self._waiting:
                await self._sleep(PAUSE_SECONDS)
                await self._go_once()
        finally:
            self._rounds = None

    async def _go_once(self) -> None:
        tenants = {one.tenant_id for one in self._waiting}
        ends = await self._ends(tenants) if tenants else {}
        now = self._now()
        for one in self._waiting:
            if ends.get(one.tenant_id, BEGINNING) > one.place:
                one.tell(news=True)
            elif now >= one.until:
                one.tell(news=False)

    async def _ends(self, tenants: Collection[UUID]) -> Mapping[UUID, Place]:
        """How far the feeds go; nowhere while that cannot be known."""
        try:
            return await self._look(tenants)
        except StoreError as error:
            _log.warning("nobody looks for news", error=str(error))
        except Exception:
            # Whoever waits is to be told at the end of its time all the same.
            _log.exception("looking for news failed")
        return {}


async def unless_gone(request: Request, waiting: Awaitable[bool]) -> bool:
    """What is waited for; False as soon as the client has hung up."""
    tasks = [asyncio.ensure_future(waiting), asyncio.ensure_future(_gone(request))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done() and tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _gone(request: Request) -> bool:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return True
