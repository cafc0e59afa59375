"""The feed: the events of a tenant in one order, of which nothing changes behind a reader's back.

Transactions commit in another order than they begin in, so no number that an event takes when it
is written tells when others can see it. An event's place begins with a transaction's number, which
is not less than that of the transaction that wrote it (feed_tables.TURN); and a reader sees only
what stands before the oldest transaction that is still under way. Whatever stands there stands for
good, and nothing will ever come to stand in between.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.codec import decode_enrollment
from certsvc.store.db import driver
from certsvc.store.events import AFTER, COLUMNS, EventRow

HOME_BITS: Final = 44
"""Above these bits of a place stands the number of the database's home: see feed_homes.py."""

HORIZON: Final = f"""(pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    + ((SELECT coalesce(max(number), 0) FROM feed_homes)::bigint << {HOME_BITS}))"""
"""The oldest transaction that is still under way, as places count."""

SAFE: Final = f"e.xid < {HORIZON}"
"""Of events `e`: those whose order is final. Only these may be told to anybody who goes on from
where he was."""

LOOKED_AT: Final = 10_000
"""How many events are looked at, at most, for those that a filter lets through."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an event stands in the feed."""

    xid: int
    position: int


BEGINNING: Final = Place(0, 0)
"""Before every event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FedEvent(EventRow):
    """An event at its place, with the state at the end of its step."""

    place: Place


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the feed: what was chosen of it, where to go on, and whether there is more."""

    events: list[FedEvent]
    place: Place
    more: bool


_ALL: Final = f"""
SELECT e.xid, e.position, {COLUMNS}, {AFTER}
FROM events e
WHERE e.tenant_id = $1 AND (e.xid, e.position) > ($2, $3) AND {SAFE}
ORDER BY e.xid, e.position LIMIT $4"""

# One row more than were chosen says how far was looked, and at how many.
_SOME: Final = f"""
WITH looked AS MATERIALIZED (
  SELECT e.xid, e.position, e.type, e.certification_id
  FROM events e
  WHERE e.tenant_id = $1 AND (e.xid, e.position) > ($2, $3) AND {SAFE}
  ORDER BY e.xid, e.position LIMIT $5
), chosen AS (
  SELECT xid, position FROM looked
  WHERE (cardinality($6::text[]) = 0 OR type = ANY($6))
    AND ($7::uuid IS NULL OR certification_id = $7)
  ORDER BY xid, position LIMIT $4
), far AS (
  SELECT xid, position, (SELECT count(*) FROM looked) AS looked
  FROM looked ORDER BY xid DESC, position DESC LIMIT 1
)
SELECT far.xid AS far_xid, far.position AS far_position, far.looked, found.*
FROM far LEFT JOIN (
  SELECT e.xid, e.position, {COLUMNS}, {AFTER}
  FROM chosen c
  JOIN events e ON e.tenant_id = $1 AND e.xid = c.xid AND e.position = c.position
) AS found ON true
ORDER BY found.xid, found.position"""

# Of each tenant only the newest is read.
_ENDS: Final = f"""
SELECT t.id, newest.xid, newest.position
FROM unnest($1::uuid[]) AS t (id)
CROSS JOIN LATERAL (
  SELECT e.xid, e.position FROM events e
  WHERE e.tenant_id = t.id AND {SAFE}
  ORDER BY e.xid DESC, e.position DESC LIMIT 1
) AS newest"""

_GIVEN: Final = f"SELECT $1::bigint < {HORIZON}"


async def look(
    conn: AsyncConnection,
    tenant_id: UUID,
    place: Place | None,
    limit: int,
    *,
    types: Collection[str] = (),
    certification_id: UUID | None = None,
) -> Stretch:
    """The next events behind a place, of any of these types and of that certification. At most
    LOOKED_AT events are looked at; the stretch ends where the look did."""
    begin = BEGINNING if place is None else place
    asked = (tenant_id, begin.xid, begin.position, limit + 1)
    raw = driver(conn)
    if not types and certification_id is None:
        found = [fed_event(row) for row in await raw.fetch(_ALL, *asked)]
        return _stretch(found, limit, found[-1].place if found else begin, more=False)
    rows = await raw.fetch(_SOME, *asked, LOOKED_AT, list(types), certification_id)
    if not rows:
        return Stretch([], begin, more=False)
    found = [fed_event(row) for row in rows if row["id"] is not None]
    far = Place(rows[0]["far_xid"], rows[0]["far_position"])
    return _stretch(found, limit, far, more=rows[0]["looked"] == LOOKED_AT)


def _stretch(found: list[FedEvent], limit: int, far: Place, *, more: bool) -> Stretch:
    """A stretch of what was found, which is one more than was asked for where there is more."""
    if len(found) > limit:
        return Stretch(found[:limit], found[limit - 1].place, more=True)
    return Stretch(found, far, more)


def fed_event(row: Any) -> FedEvent:
    """The event of a row that holds COLUMNS, AFTER, xid and position."""
    columns = {name: row[name] for name in _NAMES}
    document = row["after"]
    after = None if document is None else decode_enrollment(document)
    return FedEvent(**columns, after=after, place=Place(row["xid"], row["position"]))


_NAMES: Final = tuple(name.strip().removeprefix("e.") for name in COLUMNS.split(","))


async def end(conn: AsyncConnection, tenant_id: UUID) -> Place:
    """The newest place whose order is final: whatever comes later comes behind it."""
    return (await ends(conn, (tenant_id,))).get(tenant_id, BEGINNING)


async def ends(conn: AsyncConnection, tenant_ids: Iterable[UUID]) -> dict[UUID, Place]:
    """The newest final place of each of the tenants that have any event."""
    rows = await driver(conn).fetch(_ENDS, list(tenant_ids))
    return {row["id"]: Place(row["xid"], row["position"]) for row in rows}


async def given(conn: AsyncConnection, place: Place) -> bool:
    """Whether a reader can have been told of the place: none is told ahead of its time."""
    known: bool = await driver(conn).fetchval(_GIVEN, place.xid)
    return known
