"""Seats in live sessions: asked for, given, given up. One statement each, for many rows.

Whoever gives seats holds the course, so that no seat is given twice; courses are held after the
enrollments concerned are locked, never before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.allotment import Allotted, Room, Waiting
from certsvc.domain.enrollment import Place
from certsvc.store.db import driver
from certsvc.store.rows import arrays, turned, types

_NAMESPACE = 0x7365 << 16
_NUMBERS = 2**15

# In order of the numbers, so that two transactions wait for each other instead of deadlocking.
_HOLD = """
SELECT pg_advisory_xact_lock($1, number)
FROM (SELECT number FROM unnest($2::int[]) AS number ORDER BY number) AS ordered"""

_ASK = f"""
INSERT INTO seats (tenant_id, enrollment_id, cycle, course_id, certification_id, learner_id,
  wanted_at, since, told)
SELECT $1, n.enrollment_id, n.cycle, n.course_id, n.certification_id, n.learner_id, n.wanted_at,
  n.wanted_at, true
FROM {
    arrays(
        types(
            "enrollment_id uuid, cycle int, course_id text, certification_id uuid,"
            " learner_id text, wanted_at timestamptz"
        )
    )
}
ON CONFLICT DO NOTHING"""

_GIVE_UP = f"""
WITH gone AS (
  DELETE FROM seats s USING {arrays(types("enrollment_id uuid, cycle int, course_id text"), 3)}
  WHERE s.tenant_id = $1 AND s.enrollment_id = n.enrollment_id AND s.cycle = n.cycle
    AND s.course_id = n.course_id
  RETURNING s.course_id, s.session_id
)
UPDATE sessions x SET freed_at = greatest(x.freed_at, $2::timestamptz)
FROM gone WHERE x.tenant_id = $1 AND x.course_id = gone.course_id AND x.id = gone.session_id"""

# A session that has begun takes nobody any more.
_ROOM = """
SELECT x.course_id, x.id, x.capacity - taken.seats, x.freed_at
FROM sessions x
CROSS JOIN LATERAL (
  SELECT count(*)::int AS seats FROM seats s
  WHERE s.tenant_id = $1 AND s.course_id = x.course_id AND s.session_id = x.id
) AS taken
WHERE x.tenant_id = $1 AND x.course_id = ANY($2::text[]) AND x.cancelled_at IS NULL
  AND (x.starts_at IS NULL OR x.starts_at > $3)
  AND (x.capacity IS NULL OR x.capacity > taken.seats)
ORDER BY x.course_id, x.starts_at NULLS LAST, x.id"""

_LINE = f"""
SELECT n.course_id, s.wanted_at, s.enrollment_id, s.cycle, s.since
FROM {arrays(types("course_id text, many int"), 3)}
CROSS JOIN LATERAL (
  SELECT wanted_at, enrollment_id, cycle, since FROM seats
  WHERE tenant_id = $1 AND course_id = n.course_id AND session_id IS NULL
    AND ($2::timestamptz IS NULL OR wanted_at < $2)
  ORDER BY wanted_at, enrollment_id LIMIT n.many
) AS s"""

# Who is due and not decided yet may want a seat from an earlier instant on.
_HORIZON = """
SELECT min(e.next_due_at) FROM enrollments e
WHERE e.tenant_id = $1 AND e.next_due_at <= $3 AND e.set_aside_at IS NULL
  AND e.certification_id IN (
    SELECT certification_id FROM certification_courses
    WHERE tenant_id = $1 AND course_id = ANY($2::text[]))
  AND e.id <> ALL($4::uuid[])
  AND (e.work = 'waiting' OR (e.standing = 'valid' AND e.recertification_at <= $3))"""

_GIVE = f"""
UPDATE seats s SET session_id = n.session_id, since = n.since, told = n.told
FROM {
    arrays(
        types(
            "enrollment_id uuid, cycle int, course_id text, session_id text, since timestamptz,"
            " told bool"
        )
    )
}
WHERE s.tenant_id = $1 AND s.enrollment_id = n.enrollment_id AND s.cycle = n.cycle
  AND s.course_id = n.course_id"""

_GIVEN = """
SELECT s.enrollment_id, s.cycle, s.course_id, s.session_id, s.since, x.starts_at, s.told
FROM seats s
LEFT JOIN sessions x
  ON x.tenant_id = s.tenant_id AND x.course_id = s.course_id AND x.id = s.session_id
WHERE s.tenant_id = $1 AND s.enrollment_id = ANY($2::uuid[])"""

_TOLD = f"""
UPDATE seats s SET told = true
FROM {
    arrays(
        types("enrollment_id uuid, cycle int, course_id text, session_id text, since timestamptz")
    )
}
WHERE s.tenant_id = $1 AND s.enrollment_id = n.enrollment_id AND s.cycle = n.cycle
  AND s.course_id = n.course_id AND s.session_id IS NOT DISTINCT FROM n.session_id
  AND s.since = n.since AND NOT s.told"""

# Seats that served a cycle which is over are no concern of those who cancel a session.
_LOSE = """
UPDATE seats s SET session_id = NULL, since = $4, told = false
FROM enrollments e
WHERE s.tenant_id = $1 AND s.course_id = $2 AND s.session_id = $3
  AND e.tenant_id = $1 AND e.id = s.enrollment_id
  AND EXISTS (
    SELECT FROM jsonb_array_elements(e.doc -> 'places') AS place
    WHERE (place ->> 'cycle')::int = s.cycle AND place ->> 'course_id' = s.course_id)
RETURNING s.enrollment_id"""

_FORGET = "DELETE FROM seats WHERE tenant_id = $1 AND enrollment_id = ANY($2::uuid[])"

_LINED_UP = """
SELECT DISTINCT s.course_id FROM seats s
WHERE s.tenant_id = $1 AND s.session_id IS NULL"""

_UNTOLD = """
SELECT enrollment_id FROM seats WHERE tenant_id = $1 AND NOT told
ORDER BY enrollment_id LIMIT $2"""

_TENANTS = """
SELECT DISTINCT s.tenant_id FROM seats s JOIN tenants t ON t.id = s.tenant_id
WHERE NOT t.sandbox AND (s.session_id IS NULL OR NOT s.told)"""

_UNREGISTERED = """
SELECT s.enrollment_id, s.certification_id, s.learner_id, s.wanted_at, s.since FROM seats s
WHERE s.tenant_id = $1 AND s.course_id = $2 AND s.session_id IS NULL
  AND ($3::timestamptz IS NULL OR (s.wanted_at, s.enrollment_id) > ($3, $4::uuid))
ORDER BY s.wanted_at, s.enrollment_id LIMIT $5"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody comes to stand in line."""

    enrollment_id: UUID
    certification_id: UUID
    learner_id: str
    place: Place


@dataclass(frozen=True, slots=True)
class Given:
    """What an enrollment was given; `untold` where it does not know all of it."""

    places: tuple[Place, ...]
    untold: bool


@dataclass(frozen=True, slots=True)
class Unregistered:
    """A learner in line: since when a seat was due, and since when there was none."""

    enrollment_id: UUID
    certification_id: UUID
    learner_id: str
    wanted_at: datetime
    since: datetime


async def hold(conn: AsyncConnection, tenant_id: UUID, course_ids: Iterable[str]) -> None:
    """Hold the seats of these courses until the transaction ends."""
    numbers = sorted({_number(tenant_id, course_id) for course_id in course_ids})
    await driver(conn).execute(_HOLD, _NAMESPACE, numbers)


def _number(tenant_id: UUID, course_id: str) -> int:
    digest = blake2b(tenant_id.bytes + course_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _NUMBERS


async def ask(conn: AsyncConnection, tenant_id: UUID, asked: Sequence[Asked]) -> None:
    """They stand in line."""
    rows = [
        (
            one.enrollment_id,
            one.place.cycle,
            one.place.course_id,
            one.certification_id,
            one.learner_id,
            one.place.since,
        )
        for one in asked
    ]
    await driver(conn).execute(_ASK, tenant_id, *turned(rows))


async def give_up(
    conn: AsyncConnection, tenant_id: UUID, keys: Sequence[tuple[UUID, int, str]], at: datetime
) -> None:
    """These enrollments need their seats, or places in line, no more: by cycle and course."""
    await driver(conn).execute(_GIVE_UP, tenant_id, at, *turned(keys))


async def room(
    conn: AsyncConnection, tenant_id: UUID, course_ids: Sequence[str], now: datetime
) -> list[Room]:
    """The sessions with free seats, in the order in which they are filled."""
    rows = await driver(conn).fetch(_ROOM, tenant_id, course_ids, now)
    return [Room(*row) for row in rows]


async def line(
    conn: AsyncConnection, tenant_id: UUID, many: dict[str, int], before: datetime | None
) -> list[Waiting]:
    """The first so many in line for each course, for whom a seat was due before the instant."""
    rows = await driver(conn).fetch(_LINE, tenant_id, before, *turned(list(many.items())))
    return [Waiting(*row) for row in rows]


async def horizon(
    conn: AsyncConnection,
    tenant_id: UUID,
    course_ids: Sequence[str],
    now: datetime,
    own: Sequence[UUID],
) -> datetime | None:
    """The instant from which on somebody who is due, and not decided yet, may want a seat too."""
    found: datetime | None = await driver(conn).fetchval(_HORIZON, tenant_id, course_ids, now, own)
    return found


async def give(
    conn: AsyncConnection, tenant_id: UUID, allotted: Sequence[Allotted], told: Sequence[bool]
) -> None:
    """They have their seats; `told` says of each whether its enrollment knows."""
    rows = [
        (one.to.enrollment_id, one.to.cycle, one.to.course_id, one.session_id, one.since, knows)
        for one, knows in zip(allotted, told, strict=True)
    ]
    await driver(conn).execute(_GIVE, tenant_id, *turned(rows))


async def given(
    conn: AsyncConnection, tenant_id: UUID, enrollment_ids: Sequence[UUID]
) -> dict[UUID, Given]:
    """What these enrollments were given, where anything was."""
    found: dict[UUID, Given] = {}
    for row in await driver(conn).fetch(_GIVEN, tenant_id, enrollment_ids):
        place = Place(row[1], row[2], row[3], row[4], row[5])
        before = found.get(row[0], Given((), False))
        found[row[0]] = Given((*before.places, place), before.untold or not row[6])
    return found


async def told(
    conn: AsyncConnection, tenant_id: UUID, places: Sequence[tuple[UUID, Place]]
) -> None:
    """The enrollments know of these; what was given since is still to be told."""
    rows = [(id, one.cycle, one.course_id, one.session_id, one.since) for id, one in places]
    await driver(conn).execute(_TOLD, tenant_id, *turned(rows))


async def lose(
    conn: AsyncConnection, tenant_id: UUID, course_id: str, session_id: str, at: datetime
) -> list[UUID]:
    """The session is cancelled: who had a seat in it stands in line again, at the old place."""
    rows = await driver(conn).fetch(_LOSE, tenant_id, course_id, session_id, at)
    return [row[0] for row in rows]


async def forget(conn: AsyncConnection, tenant_id: UUID, enrollment_ids: Sequence[UUID]) -> None:
    """Enrollments that came to nothing have no seats."""
    await driver(conn).execute(_FORGET, tenant_id, enrollment_ids)


async def lined_up(conn: AsyncConnection, tenant_id: UUID) -> list[str]:
    """The courses for whose sessions somebody stands in line."""
    return [row[0] for row in await driver(conn).fetch(_LINED_UP, tenant_id)]


async def untold(conn: AsyncConnection, tenant_id: UUID, limit: int) -> list[UUID]:
    """Enrollments that do not know yet what they were given."""
    return [row[0] for row in await driver(conn).fetch(_UNTOLD, tenant_id, limit)]


async def tenants(conn: AsyncConnection) -> list[UUID]:
    """Live tenants in which somebody stands in line, or is to be told of a seat."""
    return [row[0] for row in await driver(conn).fetch(_TENANTS)]


async def unregistered(
    conn: AsyncConnection,
    tenant_id: UUID,
    course_id: str,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Unregistered]:
    """Who stands in line for a seat in the course, in order."""
    instant, id = after or (None, None)
    rows = await driver(conn).fetch(_UNREGISTERED, tenant_id, course_id, instant, id, limit)
    return [Unregistered(*row) for row in rows]
