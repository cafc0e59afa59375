"""Following the feed for one request: the cursor, the look, the waiting, the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc import clock
from certsvc.api.answers import answer
from certsvc.api.exchange import Exchange
from certsvc.api.paging import cursor_after, digest, no_cursor, place_of
from certsvc.api.watch import unless_gone
from certsvc.store import feed
from certsvc.store.feed import BEGINNING, Place
from certsvc.webhooks.payloads import payloads

_Look = Callable[[AsyncConnection, datetime], Awaitable["_Seen"]]
HIGHEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events are asked for."""

    types: tuple[str, ...]
    certification_id: UUID | None
    limit: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look brought."""

    items: list[dict[str, Any]]
    place: Place
    more: bool
    as_of: datetime


class Follower:
    """A request that reads on in the feed."""

    def __init__(self, call: Exchange, asked: Asked) -> None:
        self._call = call
        self._asked = asked
        # A cursor is of a tenant's feed, whatever the filters: those may change on the way.
        self._mark = digest("events", {"tenant": str(call.tenant_id)})

    async def answer(self, cursor: str | None, *, latest: bool, wait: int) -> Response:
        """What there is behind the cursor, or comes while there is time to wait."""
        until = clock.monotonic() + wait
        place = place_of(cursor, self._mark, _read, parameter="after")
        seen = await self._call.look(self._begin(place, latest=latest))
        while wait and not seen.items and not seen.more and await self._news(seen.place, until):
            seen = await self._call.look(self._from(seen.place))
        told = {
            "items": seen.items,
            "next_cursor": cursor_after(self._mark, _text(seen.place)),
            "more": seen.more,
            "as_of": seen.as_of,
        }
        return answer(told).response()

    async def _news(self, place: Place, until: float) -> bool:
        """Wait, with nothing in hand, until the feed goes on."""
        call = self._call
        waiting = call.service.watch.beyond(call.tenant_id, place, until)
        return await unless_gone(call.request, waiting)

    def _begin(self, place: Place | None, *, latest: bool) -> _Look:
        """The first look: one without a cursor has to find where to begin."""

        async def work(conn: AsyncConnection, now: datetime) -> _Seen:
            if place is not None:
                seen = await self._from(place)(conn, now)
                # A place that nobody was told of would hide what comes from now on.
                if not seen.items and not await feed.given(conn, place):
                    raise no_cursor("after")
                return seen
            end = await feed.end(conn, self._call.tenant_id) if latest else BEGINNING
            return await self._from(end)(conn, now)

        return work

    def _from(self, place: Place) -> _Look:
        async def work(conn: AsyncConnection, now: datetime) -> _Seen:
            asked, tenant_id = self._asked, self._call.tenant_id
            found = await feed.look(
                conn,
                tenant_id,
                place,
                asked.limit,
                types=asked.types,
                certification_id=asked.certification_id,
            )
            items = await payloads(conn, tenant_id, found.events)
            return _Seen(items, found.place, found.more, now)

        return work


def _text(place: Place) -> str:
    return f"{place.xid}.{place.position}"


def _read(text: str) -> Place:
    """The place that a cursor carries."""
    xid, position = map(int, text.split("."))
    if not (0 <= xid <= HIGHEST and 0 <= position <= HIGHEST):
        raise ValueError("not a place")
    return Place(xid, position)
