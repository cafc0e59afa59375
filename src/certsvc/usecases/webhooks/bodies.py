"""The bodies of deliveries: rendered once for all endpoints that are told of the same event."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import webhook_events
from certsvc.store.errors import translated
from certsvc.store.webhook_claims import Claimed, Wanted
from certsvc.usecases.webhooks.asking import PING
from certsvc.webhooks.payloads import body, payloads

KEPT_BYTES = 32 * 1024 * 1024
"""Bodies that a process keeps; those not used for longest go first."""

_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Bodies:
    """Bodies by tenant and event."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, str], bytes] = OrderedDict()
        self._bytes = 0

    async def of(
        self,
        conn: AsyncConnection,
        tenant_id: UUID,
        wanted: Sequence[Wanted],
        claimed: Iterable[Claimed],
    ) -> dict[str, bytes]:
        """The bodies of these deliveries, by their ids; without those that cannot be rendered."""
        found: dict[str, bytes] = {}
        missing: dict[str, None] = {}
        for one in claimed:
            kept = self._kept.get((tenant_id, one.id))
            if kept is not None:
                self._kept.move_to_end((tenant_id, one.id))
                found[one.id] = kept
            elif one.type == PING:
                found[one.id] = _ping(one, wanted[one.wanted - 1])
            else:
                missing[one.id] = None
        if missing:
            found.update(await self._rendered(conn, tenant_id, list(missing)))
        return found

    async def _rendered(
        self, conn: AsyncConnection, tenant_id: UUID, ids: Sequence[str]
    ) -> dict[str, bytes]:
        """An event that cannot be rendered is left out, and keeps no other from it."""
        try:
            events = await webhook_events.by_id(conn, tenant_id, ids)
            items = await payloads(conn, tenant_id, events)
            ready = [(str(item["id"]), body(item)) for item in items]
            return {id: self._keep((tenant_id, id), rendered) for id, rendered in ready}
        except Exception as error:
            if translated(error) is not None:
                raise
            if len(ids) == 1:
                _log.exception("an event cannot be rendered", event_id=ids[0])
                return {}
        middle = len(ids) // 2
        first = await self._rendered(conn, tenant_id, ids[:middle])
        return first | await self._rendered(conn, tenant_id, ids[middle:])

    def _keep(self, key: tuple[UUID, str], rendered: bytes) -> bytes:
        self._kept[key] = rendered
        self._bytes += len(rendered)
        while self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])
        return rendered


def _ping(one: Claimed, of: Wanted) -> bytes:
    data = {"id": one.id, "endpoint_id": of.endpoint_id}
    return _encode({"type": PING, "timestamp": one.created_at, "data": data})
