"""What changes of groups leave to be done: a queue of learners to be assigned, or not any more.

There is one row for a learner in a certification on account of a group. A later change of mind
replaces it, so that what is done is always the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.author import Author
from certsvc.store.db import driver
from certsvc.store.tenants import COLUMNS as TENANT
from certsvc.store.tenants import Tenant, tenant_of


@dataclass(frozen=True, slots=True)
class Work:
    """Whether the group's assignment of a learner in a certification is to stand, and by whom."""

    certification_id: UUID
    learner_id: str
    group: str
    assigned: bool
    author: Author


_INTO = """
INSERT INTO group_work (tenant_id, certification_id, learner_id, group_id, assigned, since, actor,
  on_behalf_of, reason)"""

_LAST_WORD = """
ON CONFLICT (tenant_id, group_id, certification_id, learner_id) DO UPDATE SET
  assigned = excluded.assigned, since = excluded.since, actor = excluded.actor,
  on_behalf_of = excluded.on_behalf_of, reason = excluded.reason"""

_TAKES_LEARNERS = """
  c.active AND NOT c.archived AND EXISTS (
    SELECT FROM versions v
    WHERE v.tenant_id = $1 AND v.certification_id = c.id AND v.state = 'published')"""

_JOINED = f"""{_INTO}
SELECT $1, c.id, joined.learner_id, $2, true, $4, $5, $6, $7
FROM certification_groups t
JOIN certifications c ON c.tenant_id = $1 AND c.id = t.certification_id
CROSS JOIN unnest($3::text[]) AS joined (learner_id)
WHERE t.tenant_id = $1 AND t.group_id = $2 AND {_TAKES_LEARNERS}{_LAST_WORD}"""

_LEFT = f"""{_INTO}
SELECT $1, t.certification_id, gone.learner_id, $2, false, $4, $5, $6, $7
FROM certification_groups t
CROSS JOIN unnest($3::text[]) AS gone (learner_id)
WHERE t.tenant_id = $1 AND t.group_id = $2{_LAST_WORD}"""

_TARGETED = f"""{_INTO}
SELECT $1, c.id, m.learner_id, $2, true, $4, $5, $6, $7
FROM certifications c
JOIN group_members m ON m.tenant_id = $1 AND m.group_id = $2
WHERE c.tenant_id = $1 AND c.id = $3 AND {_TAKES_LEARNERS}{_LAST_WORD}"""

_CALLED_OFF = """
DELETE FROM group_work
WHERE tenant_id = $1 AND group_id = $2 AND certification_id = $3 AND assigned"""

_UNTARGETED = f"""{_INTO}
SELECT $1, e.certification_id, e.learner_id, $2, false, $4, $5, $6, $7
FROM assignments a
JOIN enrollments e ON e.tenant_id = $1 AND e.id = a.enrollment_id
WHERE a.tenant_id = $1 AND a.source = 'group' AND a.group_id = $2 AND a.ended_at IS NULL
  AND e.certification_id = $3{_LAST_WORD}"""

# Member by member through the indexes: an anti-join lets a planner without statistics compare
# every member with every assignment, and `IS TRUE` hides the certification from it, so that it
# looks at the learner's enrollments and not at the certification's. An assignment that was made
# since somebody joined, and since the group was targeted, has had its effect: whoever took it away
# meant it.
_MISSED = """
FROM certifications c
JOIN certification_groups t ON t.tenant_id = $1 AND t.certification_id = c.id
JOIN group_members m ON m.tenant_id = $1 AND m.group_id = t.group_id
LEFT JOIN LATERAL (
  SELECT true AS had FROM enrollments e
  JOIN assignments a ON a.tenant_id = $1 AND a.enrollment_id = e.id
  WHERE e.tenant_id = $1 AND e.learner_id = m.learner_id AND (e.certification_id = c.id) IS TRUE
    AND a.source = 'group' AND a.group_id = m.group_id
    AND a.assigned_at >= greatest(m.joined_at, t.targeted_at)
  LIMIT 1
) AS assignment ON true
WHERE c.tenant_id = $1 AND c.id = $2 AND assignment.had IS NULL"""

_OPENED = f"""{_INTO}
SELECT $1, c.id, m.learner_id, m.group_id, true, $3, $4, $5, $6{_MISSED}
  AND {_TAKES_LEARNERS}{_LAST_WORD}"""

_WAITING = f"SELECT count(DISTINCT m.learner_id){_MISSED}"


def _taking(which: str, order: str) -> str:
    """Rows that nobody else does, deleted: they are back if the transaction fails. They are found
    again by their places, because a join may be planned as a comparison of all with all."""
    return f"""
DELETE FROM group_work WHERE ctid = ANY(ARRAY(
  SELECT w.ctid FROM group_work w
  WHERE w.tenant_id = $1 AND w.since <= $2 AND {which}
  ORDER BY {order} LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING certification_id, learner_id, group_id, assigned, actor, on_behalf_of, reason"""


_TAKE = _taking("true", "w.since")
_TAKE_OF_GROUP = _taking("w.group_id = $4", "w.certification_id, w.learner_id")
_TAKE_OF_CERTIFICATION = _taking(
    """w.certification_id = $4 AND w.group_id = ANY(ARRAY(
    SELECT t.group_id FROM certification_groups t
    WHERE t.tenant_id = $1 AND t.certification_id = $4))""",
    "w.group_id, w.learner_id",
)
_TAKE_ONE = _taking("w.group_id = $4 AND w.certification_id = $5 AND w.learner_id = $6", "w.since")

_PUT_OFF = """
UPDATE group_work SET since = $5
WHERE tenant_id = $1 AND group_id = $2 AND certification_id = $3 AND learner_id = $4"""

_PENDING = "SELECT count(*) FROM group_work WHERE tenant_id = $1 AND group_id = $2"

# From one tenant that has work to the next, so that an empty queue costs a glance.
_TENANTS = f"""
WITH RECURSIVE found AS (
  (SELECT tenant_id FROM group_work ORDER BY tenant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT w.tenant_id FROM group_work w WHERE w.tenant_id > found.tenant_id
          ORDER BY w.tenant_id LIMIT 1)
  FROM found WHERE found.tenant_id IS NOT NULL
)
SELECT {TENANT} FROM found
JOIN tenants t ON t.id = found.tenant_id
CROSS JOIN LATERAL (
  SELECT FROM group_work w WHERE w.tenant_id = t.id AND w.since <= $1 LIMIT 1
) AS ready
WHERE NOT t.sandbox
ORDER BY t.id"""


async def put_joined(
    conn: AsyncConnection,
    tenant_id: UUID,
    group: str,
    learner_ids: Sequence[str],
    at: datetime,
    author: Author,
) -> None:
    """They joined: they are to be assigned wherever the group is targeted and learners taken."""
    await driver(conn).execute(_JOINED, tenant_id, group, learner_ids, at, *_by(author))


async def put_left(
    conn: AsyncConnection,
    tenant_id: UUID,
    group: str,
    learner_ids: Sequence[str],
    at: datetime,
    author: Author,
) -> None:
    """They left: the group's assignments are to go wherever it is targeted."""
    await driver(conn).execute(_LEFT, tenant_id, group, learner_ids, at, *_by(author))


async def put_targeted(
    conn: AsyncConnection,
    tenant_id: UUID,
    group: str,
    certification_id: UUID,
    at: datetime,
    author: Author,
) -> None:
    """The group is targeted: all members are to be assigned, if learners are taken."""
    await driver(conn).execute(_TARGETED, tenant_id, group, certification_id, at, *_by(author))


async def put_untargeted(
    conn: AsyncConnection,
    tenant_id: UUID,
    group: str,
    certification_id: UUID,
    at: datetime,
    author: Author,
) -> None:
    """The group is targeted no longer: every assignment of it is to go, done or still to be."""
    # Waits for those who are doing it; what they have assigned is then found standing.
    await driver(conn).execute(_CALLED_OFF, tenant_id, group, certification_id)
    await driver(conn).execute(_UNTARGETED, tenant_id, group, certification_id, at, *_by(author))


async def waiting(conn: AsyncConnection, tenant_id: UUID, certification_id: UUID) -> int:
    """How many members of targeted groups are to be assigned once the certification takes them."""
    found: int = await driver(conn).fetchval(_WAITING, tenant_id, certification_id)
    return found


async def put_opened(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, at: datetime, author: Author
) -> int:
    """The certification takes learners again: members of its groups on whom that had no effect yet
    are to be assigned. How many."""
    tag: str = await driver(conn).execute(_OPENED, tenant_id, certification_id, at, *_by(author))
    return int(tag.rsplit(" ", 1)[-1])


def _by(author: Author) -> tuple[str, str | None, str | None]:
    return author.actor, author.on_behalf_of, author.reason


async def take(conn: AsyncConnection, tenant_id: UUID, now: datetime, limit: int) -> list[Work]:
    """Take work of the tenant, what waits longest first."""
    return _works(await driver(conn).fetch(_TAKE, tenant_id, now, limit))


async def take_of_group(
    conn: AsyncConnection, tenant_id: UUID, now: datetime, limit: int, group: str
) -> list[Work]:
    """Take work of the group."""
    return _works(await driver(conn).fetch(_TAKE_OF_GROUP, tenant_id, now, limit, group))


async def take_of_certification(
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    limit: int | None,
    certification_id: UUID,
) -> list[Work]:
    """Take work of the groups that the certification targets; all of it without a limit."""
    rows = await driver(conn).fetch(_TAKE_OF_CERTIFICATION, tenant_id, now, limit, certification_id)
    return _works(rows)


async def take_again(
    conn: AsyncConnection, tenant_id: UUID, now: datetime, work: Work
) -> list[Work]:
    """Take the row as it is by now, if it is still there."""
    place = (work.group, work.certification_id, work.learner_id)
    return _works(await driver(conn).fetch(_TAKE_ONE, tenant_id, now, 1, *place))


def _works(rows: Sequence[Any]) -> list[Work]:
    return [Work(row[0], row[1], row[2], row[3], Author(row[4], row[5], row[6])) for row in rows]


async def put_off(conn: AsyncConnection, tenant_id: UUID, work: Work, until: datetime) -> None:
    """Let others go first until then."""
    place = (work.group, work.certification_id, work.learner_id)
    await driver(conn).execute(_PUT_OFF, tenant_id, *place, until)


async def pending(conn: AsyncConnection, tenant_id: UUID, group: str) -> int:
    """How much of the group's work is still to be done."""
    number: int = await driver(conn).fetchval(_PENDING, tenant_id, group)
    return number


async def live_tenants(conn: AsyncConnection, now: datetime) -> list[Tenant]:
    """The tenants outside sandboxes that have work to be done."""
    return [tenant_of(row) for row in await driver(conn).fetch(_TENANTS, now)]
