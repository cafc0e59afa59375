"""Rows that something other than time makes due: a switch, a publication, a second try.

A woken row is only looked at again; what happens to it the rules decide. So to wake too many costs
a little time, and to wake twice does nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver


class Sleep(StrEnum):
    """Why rows rest that a change of their certification may concern."""

    WINDOW = "window"
    """In force, the window past, no cycle open or planned: recertification is made automatic."""

    OPENING = "opening"
    """Those, and who waits for a cycle to open: a version is published."""

    COURSE = "course"
    """Those, and whose cycle is open: it may need a seat in a course that is told of only now."""

    ARCHIVE = "archive"
    """Those of an opening, and who has lapsed, for restarts and flags: it is archived, or brought
    back."""


_WINDOW = """
    (e.standing IN ('valid', 'grace') AND e.recertification_at <= $3
     AND e.work IN ('none', 'declined', 'not_completed', 'cancelled'))"""
_OPENING = f"(e.work = 'waiting' OR {_WINDOW})"
_RESTS = {
    Sleep.WINDOW: _WINDOW,
    Sleep.OPENING: _OPENING,
    Sleep.COURSE: f"(e.work IN ('not_started', 'in_progress') OR {_OPENING})",
    Sleep.ARCHIVE: f"(e.standing = 'lapsed' OR {_OPENING})",
}
_CANDIDATES = {
    sleep: f"""
    SELECT e.id FROM enrollments e
    WHERE e.tenant_id = $1 AND e.certification_id = $2 AND e.id > $4 AND {rests}
    ORDER BY e.id LIMIT $5"""
    for sleep, rests in _RESTS.items()
}
_RESTING = {
    sleep: f"""
    SELECT n.id FROM unnest($2::uuid[]) AS n (id)
    WHERE EXISTS (
      SELECT FROM enrollments e
      WHERE e.tenant_id = $1 AND e.certification_id = n.id AND {rests})
    ORDER BY n.id"""
    for sleep, rests in _RESTS.items()
}
_WAKE = {
    sleep: f"""
    UPDATE enrollments e SET next_due_at = least(e.next_due_at, $3)
    WHERE e.tenant_id = $1 AND e.certification_id = $2 AND {rests}
      AND e.next_due_at IS DISTINCT FROM least(e.next_due_at, $3)"""
    for sleep, rests in _RESTS.items()
}
# The certifications that changed lately, they or their courses, are few; their rows are found by
# the index of each.
_WAKE_AGAIN = f"""
    UPDATE enrollments e SET next_due_at = least(e.next_due_at, $3)
    FROM certifications c
    WHERE c.tenant_id = $1
      AND (c.updated_at >= $2 OR c.id IN (
        SELECT n.certification_id FROM courses k
        JOIN certification_courses n ON n.tenant_id = k.tenant_id AND n.course_id = k.id
        WHERE k.tenant_id = $1 AND k.updated_at >= $2))
      AND e.tenant_id = c.tenant_id AND e.certification_id = c.id AND {_RESTS[Sleep.ARCHIVE]}
      AND e.next_due_at IS DISTINCT FROM least(e.next_due_at, $3)"""
_RETRY = """
    UPDATE enrollments SET set_aside_at = NULL, next_due_at = coalesce(next_due_at, $2)
    WHERE tenant_id = $1 AND set_aside_at IS NOT NULL
      AND set_aside_at + least($3::interval * (2 ^ least(set_aside_count - 1, 16)), $4) <= $2"""
FIRST = UUID(int=0)


async def candidates(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    sleep: Sleep,
    at: datetime,
    *,
    after: UUID = FIRST,
    limit: int,
) -> list[UUID]:
    """The ids of rows that rest so, in order; the next page begins after the last of these."""
    rows = await driver(conn).fetch(
        _CANDIDATES[sleep], tenant_id, certification_id, at, after, limit
    )
    return [row[0] for row in rows]


async def resting(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_ids: Sequence[UUID],
    sleep: Sleep,
    at: datetime,
) -> list[UUID]:
    """Those of the certifications in which some row rests so, in order of their ids."""
    rows = await driver(conn).fetch(_RESTING[sleep], tenant_id, certification_ids, at)
    return [row[0] for row in rows]


async def wake(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, sleep: Sleep, at: datetime
) -> int:
    """Make all rows that rest so due at the instant, if they are not earlier. How many."""
    tag = await driver(conn).execute(_WAKE[sleep], tenant_id, certification_id, at)
    return _rows(tag)


async def wake_again(
    conn: AsyncConnection, tenant_id: UUID, changed_since: datetime, at: datetime
) -> int:
    """The same for every certification that changed lately.

    A transaction that had read a certification before it changed may commit a row after the rows
    were woken; this finds it."""
    return _rows(await driver(conn).execute(_WAKE_AGAIN, tenant_id, changed_since, at))


async def retry_set_aside(
    conn: AsyncConnection, tenant_id: UUID, now: datetime, pause: timedelta, longest: timedelta
) -> int:
    """Let rows that were set aside be claimed again, after a pause that doubles each time."""
    return _rows(await driver(conn).execute(_RETRY, tenant_id, now, pause, longest))


def _rows(tag: str) -> int:
    """The number in the driver's answer, as in `UPDATE 12`."""
    return int(tag.rsplit(" ", 1)[-1])
