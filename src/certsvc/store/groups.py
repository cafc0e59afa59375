"""Groups of the LMS: who is in them since when, and which certifications target them.

Whoever changes a group holds it first, and then shares the certifications that target it: so two
changes of a group come one after the other, and no switch of a certification is passed by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.rows import arrays, turned, types


@dataclass(frozen=True, slots=True)
class Difference:
    """Who is to join and who is to leave."""

    joining: Sequence[str] = ()
    leaving: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A learner in a group."""

    learner_id: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """A group that a learner is in."""

    group: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class TargetedGroup:
    """A group that a certification targets."""

    group: str
    targeted_at: datetime
    member_count: int


_HOLD = """
INSERT INTO groups (tenant_id, id, member_count, created_at, updated_at)
VALUES ($1, $2, 0, $3, $3)
ON CONFLICT (tenant_id, id) DO UPDATE SET updated_at = groups.updated_at
RETURNING updated_at"""

# In order of the ids, as everybody locks rows.
_SHARE_TARGETING = """
SELECT c.id FROM certifications c
WHERE c.tenant_id = $1 AND c.id = ANY(ARRAY(
  SELECT t.certification_id FROM certification_groups t WHERE t.tenant_id = $1 AND t.group_id = $2
))
ORDER BY c.id FOR SHARE"""

_SHARE = "SELECT c.id FROM certifications c WHERE c.tenant_id = $1 AND c.id = $2 FOR SHARE"

# A full join is never made by nested loops, whatever the planner believes of the number of rows.
_DIFFERENCE = """
SELECT coalesce(wanted.learner_id, present.learner_id), present.learner_id IS NULL
FROM (SELECT learner_id FROM group_members WHERE tenant_id = $1 AND group_id = $2) AS present
FULL JOIN unnest($3::text[]) AS wanted (learner_id) ON wanted.learner_id = present.learner_id
WHERE present.learner_id IS NULL OR wanted.learner_id IS NULL
ORDER BY 1"""

_ADD = """
INSERT INTO group_members (tenant_id, group_id, learner_id, joined_at)
SELECT $1, $2, learner_id, $4 FROM unnest($3::text[]) AS joining (learner_id)
ON CONFLICT (tenant_id, group_id, learner_id) DO NOTHING
RETURNING learner_id"""

_REMOVE = """
DELETE FROM group_members WHERE tenant_id = $1 AND group_id = $2 AND learner_id = ANY($3::text[])
RETURNING learner_id"""

_COUNT = """
UPDATE groups SET member_count = member_count + $3, updated_at = $4
WHERE tenant_id = $1 AND id = $2"""

_MEMBER_COUNT = "SELECT member_count FROM groups WHERE tenant_id = $1 AND id = $2"

_MEMBERS = """
SELECT learner_id, joined_at FROM group_members
WHERE tenant_id = $1 AND group_id = $2 AND learner_id > $3
ORDER BY learner_id LIMIT $4"""

_OF_LEARNER = """
SELECT group_id, joined_at FROM group_members
WHERE tenant_id = $1 AND learner_id = $2 AND group_id > $3
ORDER BY group_id LIMIT $4"""

_TARGETED_AT = """
SELECT targeted_at FROM certification_groups
WHERE tenant_id = $1 AND certification_id = $2 AND group_id = $3"""

_TARGET = """
INSERT INTO certification_groups (tenant_id, certification_id, group_id, targeted_at)
VALUES ($1, $2, $3, $4)"""

_UNTARGET = """
DELETE FROM certification_groups
WHERE tenant_id = $1 AND certification_id = $2 AND group_id = $3
RETURNING group_id"""

_TARGETS = """
SELECT t.group_id, t.targeted_at, coalesce(g.member_count, 0)
FROM certification_groups t
LEFT JOIN groups g ON g.tenant_id = t.tenant_id AND g.id = t.group_id
WHERE t.tenant_id = $1 AND t.certification_id = $2 AND t.group_id > $3
ORDER BY t.group_id LIMIT $4"""

_TARGETED_OF_LEARNERS = f"""
SELECT n.certification_id, n.learner_id, t.group_id
FROM {arrays(types("certification_id uuid, learner_id text"))}
JOIN certification_groups t ON t.tenant_id = $1 AND t.certification_id = n.certification_id
JOIN group_members m
  ON m.tenant_id = $1 AND m.group_id = t.group_id AND m.learner_id = n.learner_id
ORDER BY t.group_id"""

_CLOSED = """
SELECT id FROM courses
WHERE tenant_id = $1 AND id = ANY($2::text[]) AND NOT $3 = ANY(groups)
ORDER BY id"""


async def hold(conn: AsyncConnection, tenant_id: UUID, group: str, at: datetime) -> datetime:
    """Hold the group until the transaction ends, known until now or not; when it last changed."""
    changed_at: datetime = await driver(conn).fetchval(_HOLD, tenant_id, group, at)
    return changed_at


async def share_targeting(conn: AsyncConnection, tenant_id: UUID, group: str) -> None:
    """Nobody changes a certification that targets the group until the transaction ends."""
    await driver(conn).execute(_SHARE_TARGETING, tenant_id, group)


async def share(conn: AsyncConnection, tenant_id: UUID, certification_id: UUID) -> None:
    """Nobody changes the certification until the transaction ends."""
    await driver(conn).execute(_SHARE, tenant_id, certification_id)


async def difference(
    conn: AsyncConnection, tenant_id: UUID, group: str, learner_ids: Sequence[str]
) -> Difference:
    """What makes these, each named once, the members of the group."""
    rows = await driver(conn).fetch(_DIFFERENCE, tenant_id, group, learner_ids)
    return Difference([row[0] for row in rows if row[1]], [row[0] for row in rows if not row[1]])


async def add(
    conn: AsyncConnection, tenant_id: UUID, group: str, learner_ids: Sequence[str], at: datetime
) -> list[str]:
    """Let learners join; those that were not in the group already."""
    rows = await driver(conn).fetch(_ADD, tenant_id, group, learner_ids, at)
    return [row[0] for row in rows]


async def remove(
    conn: AsyncConnection, tenant_id: UUID, group: str, learner_ids: Sequence[str]
) -> list[str]:
    """Let learners leave; those that were in the group."""
    rows = await driver(conn).fetch(_REMOVE, tenant_id, group, learner_ids)
    return [row[0] for row in rows]


async def count(
    conn: AsyncConnection, tenant_id: UUID, group: str, more: int, at: datetime
) -> None:
    """So many members more than before, or less."""
    await driver(conn).execute(_COUNT, tenant_id, group, more, at)


async def member_count(conn: AsyncConnection, tenant_id: UUID, group: str) -> int:
    """How many members the group has; a group that nobody told of has none."""
    number: int | None = await driver(conn).fetchval(_MEMBER_COUNT, tenant_id, group)
    return number or 0


async def members(
    conn: AsyncConnection, tenant_id: UUID, group: str, *, after: str = "", limit: int
) -> list[Member]:
    """The members in order of their ids."""
    rows = await driver(conn).fetch(_MEMBERS, tenant_id, group, after, limit)
    return [Member(*row) for row in rows]


async def of_learner(
    conn: AsyncConnection, tenant_id: UUID, learner_id: str, *, after: str = "", limit: int
) -> list[Membership]:
    """The groups that the learner is in, in order of their ids."""
    rows = await driver(conn).fetch(_OF_LEARNER, tenant_id, learner_id, after, limit)
    return [Membership(*row) for row in rows]


async def targeted_at(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, group: str
) -> datetime | None:
    """Since when the certification targets the group; None if it does not."""
    at: datetime | None = await driver(conn).fetchval(
        _TARGETED_AT, tenant_id, certification_id, group
    )
    return at


async def target(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, group: str, at: datetime
) -> None:
    """The certification targets the group from now on."""
    await driver(conn).execute(_TARGET, tenant_id, certification_id, group, at)


async def untarget(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, group: str
) -> bool:
    """The certification targets the group no longer; False if it did not."""
    gone = await driver(conn).fetchval(_UNTARGET, tenant_id, certification_id, group)
    return gone is not None


async def targets(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, *, after: str = "", limit: int
) -> list[TargetedGroup]:
    """The groups that the certification targets, in order of their ids."""
    rows = await driver(conn).fetch(_TARGETS, tenant_id, certification_id, after, limit)
    return [TargetedGroup(*row) for row in rows]


async def targeted_of_learners(
    conn: AsyncConnection, tenant_id: UUID, pairs: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[str, ...]]:
    """The groups of each learner that the certification beside it targets, where there are any."""
    found: dict[tuple[UUID, str], tuple[str, ...]] = {}
    for row in await driver(conn).fetch(_TARGETED_OF_LEARNERS, tenant_id, *turned(pairs)):
        pair = row[0], row[1]
        found[pair] = (*found.get(pair, ()), row[2])
    return found


async def closed_courses(
    conn: AsyncConnection, tenant_id: UUID, course_ids: Sequence[str], group: str
) -> tuple[str, ...]:
    """Those of the courses that are for certain groups only, and not for this one."""
    rows = await driver(conn).fetch(_CLOSED, tenant_id, course_ids, group)
    return tuple(row[0] for row in rows)
