"""Takes deliveries in hand: for all lanes of a tenant that run low, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock
from certsvc.store import webhook_claims, webhook_endpoints
from certsvc.store.db import transaction
from certsvc.store.webhook_claims import Claimed, Wanted
from certsvc.store.webhook_endpoints import EndpointRow
from certsvc.usecases.webhooks.bodies import Bodies
from certsvc.usecases.webhooks.endpoints import good
from certsvc.usecases.webhooks.keeping import Unreadable
from certsvc.usecases.webhooks.lanes import Item, Lane
from certsvc.usecases.webhooks.terms import IN_HAND, Terms


class Taking:
    """Claims, and renders the bodies of what was claimed."""

    def __init__(self, engine: AsyncEngine, terms: Terms) -> None:
        self._engine = engine
        self._terms = terms
        self._bodies = Bodies()

    async def take(self, tenant_id: UUID, lanes: Sequence[Lane]) -> int:
        """Fill up the lanes, which are of one tenant; how many were taken."""
        now = clock.now()
        until = now + self._terms.claim
        async with transaction(self._engine) as conn:
            lanes = await self._open(conn, tenant_id, lanes, now)
            wanted = [Wanted(lane.endpoint_id, lane.room, lane.behind) for lane in lanes]
            if not wanted:
                return 0
            for lane in lanes:
                lane.news = False
            claimed = await webhook_claims.claim(conn, tenant_id, wanted, now, until)
            bodies = await self._bodies.of(conn, tenant_id, wanted, claimed)
        self._put(lanes, wanted, claimed, bodies, until)
        return len(claimed)

    async def _open(
        self, conn: AsyncConnection, tenant_id: UUID, lanes: Sequence[Lane], now: datetime
    ) -> list[Lane]:
        """Those lanes whose endpoints still get anything, as the endpoints are now."""
        ids = [lane.endpoint_id for lane in lanes]
        rows = {row.id: row for row in await webhook_endpoints.enabled(conn, tenant_id, ids)}
        for lane in lanes:
            row = rows.get(lane.endpoint_id)
            if row is None:
                lane.due = False
                continue
            lane.endpoint = row
            lane.secrets = self._secrets(row, now)
        return [lane for lane in lanes if lane.room]

    def _secrets(self, row: EndpointRow, now: datetime) -> tuple[str, ...] | None:
        """None, where this process cannot read them."""
        try:
            return tuple(self._terms.keeper.read(one.kept) for one in good(row, now))
        except Unreadable:
            return None

    def _put(
        self,
        lanes: Sequence[Lane],
        wanted: Sequence[Wanted],
        claimed: Sequence[Claimed],
        bodies: dict[str, bytes],
        until: datetime,
    ) -> None:
        moment = clock.monotonic()
        begin_by = moment + IN_HAND.total_seconds()
        items: list[list[Item]] = [[] for _ in lanes]
        for one in claimed:
            items[one.wanted - 1].append(Item(one, bodies.get(one.id), until, begin_by))
        for lane, asked, mine in zip(lanes, wanted, items, strict=True):
            lane.took(mine, asked.number, moment)
