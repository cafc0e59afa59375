"""Counts for reports: of statuses, now and at an instant; of dates ahead; of renewals.

Each is one statement over all that it counts. Only the past is walked through, in pages, because
what had changed by then must be replayed by the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Enrollment, Source
from certsvc.domain.status import Standing, Status
from certsvc.store.codec import decode_enrollment
from certsvc.store.db import driver


@dataclass(frozen=True, slots=True)
class Chosen:
    """Of which certifications, and of which group's members; what is empty leaves nothing out."""

    certifications: Sequence[UUID] = ()
    group: str | None = None

    @property
    def present(self) -> tuple[bool, bool]:
        """Which of the two are given."""
        return bool(self.certifications), self.group is not None

    @property
    def values(self) -> list[Any]:
        """What is given, as parameters."""
        ids = [list(self.certifications)] if self.certifications else []
        return ids if self.group is None else [*ids, self.group]


@dataclass(frozen=True, slots=True)
class Subject:
    """A certification that a report has a line about."""

    id: UUID
    key: str
    title: Any = field(compare=False)


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many enrollments of a certification have this standing and status."""

    certification_id: UUID
    standing: Standing
    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class PastPage:
    """A part of the enrollments as of an instant: those that are still as they were then, counted;
    the others as they were recorded by then, yet to be advanced to it. `next` is where to go on,
    None where that was all."""

    counted: list[StatusCount]
    states: list[Enrollment]
    next: UUID | None


@dataclass(frozen=True, slots=True)
class DateCount:
    """How many certificates of a certification `what` (expire, lapse, open their window) after so
    many of the bounds that were given: 0, before the first."""

    certification_id: UUID
    what: str
    place: int
    count: int


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to another; one that follows begins where it ends."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many certificates that were due came to this, in a certification or in a group."""

    certification_id: UUID | None
    group: str | None
    outcome: str
    count: int


GROUPS: Final = 500
"""A report has lines for so many groups at most, those with the most certificates due."""

_SUBJECTS = """
SELECT id, key, title FROM certifications
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) ORDER BY key"""

# All sources are named, so that the index, which begins with them, serves.
_OF_GROUP: Final = """{id} IN (
    SELECT a.enrollment_id FROM assignments a
    WHERE a.tenant_id = $1 AND a.ended_at IS NULL AND a.source IN ({sources})
      AND a.group_id = {group})"""

# A scalar subquery is asked row by row, through the index; a join could read all assignments anew
# for each page.
_OF_GROUP_THEN: Final = """(
    SELECT true FROM assignments a
    WHERE a.tenant_id = $1 AND a.enrollment_id = {id} AND a.group_id = {group}
      AND a.assigned_at <= {at} AND (a.ended_at IS NULL OR a.ended_at > {at})
    LIMIT 1)"""


def _conditions(
    present: tuple[bool, bool], first: int, rows: str, id: str, of_group: str = _OF_GROUP
) -> str:
    """The conditions on the rows, of which `id` is the enrollment's; their parameters come from
    `first` on."""
    certifications, group = present
    conditions = [f"{rows}.tenant_id = $1"]
    if certifications:
        conditions.append(f"{rows}.certification_id = ANY(${first}::uuid[])")
    if group:
        sources = ", ".join(f"'{one}'" for one in Source)
        place = f"${first + certifications}::text"
        conditions.append(of_group.format(id=id, sources=sources, group=place, at="$2"))
    return " AND ".join(conditions)


async def subjects(conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Subject]:
    """The certifications of these ids, in order of their keys."""
    rows = await driver(conn).fetch(_SUBJECTS, tenant_id, list(ids))
    return [Subject(row[0], row[1], row[2] or {}) for row in rows]


@lru_cache(maxsize=4)
def _status_counts(present: tuple[bool, bool]) -> str:
    return f"""
SELECT e.certification_id, e.standing, e.status, count(*) FROM enrollments e
WHERE {_conditions(present, 2, "e", "e.id")} GROUP BY 1, 2, 3"""


async def status_counts(
    conn: AsyncConnection, tenant_id: UUID, chosen: Chosen
) -> list[StatusCount]:
    """How many are in which status, as stored."""
    rows = await driver(conn).fetch(_status_counts(chosen.present), tenant_id, *chosen.values)
    return [_status_count(*row) for row in rows]


def _status_count(certification_id: UUID, standing: str, status: str, count: int) -> StatusCount:
    return StatusCount(certification_id, Standing(standing), Status(status), count)


# What was last recorded before the instant, and comes due only after it, is as it was then
# (nothing happens before `next_due_at`): it is counted where it stands. So is a row that was set
# aside, which the rules cannot advance. Of the others the last state that was recorded by then
# is given out. Each enrollment is looked at once, so none is counted twice while others write.
@lru_cache(maxsize=4)
def _past_page(present: tuple[bool, bool]) -> str:
    return f"""
WITH page AS MATERIALIZED (
  SELECT e.id, e.certification_id, e.standing, e.status,
    CASE WHEN e.set_aside_at IS NULL
      THEN e.updated_at <= $2 AND (e.next_due_at IS NULL OR e.next_due_at > $2)
      ELSE e.enrolled_at <= $2 END AS stands
  FROM enrollments e
  WHERE {_conditions(present, 5, "e", "e.id", _OF_GROUP_THEN)}
    AND ($3::uuid IS NULL OR e.id > $3)
  ORDER BY e.id LIMIT $4
)
SELECT NULL::uuid AS id, p.certification_id, p.standing, p.status, count(*) AS count,
  NULL::jsonb AS after
FROM page p WHERE p.stands GROUP BY 2, 3, 4
UNION ALL
SELECT p.id, NULL, NULL, NULL, 1, (
  SELECT v.after FROM events v
  WHERE v.tenant_id = $1 AND v.enrollment_id = p.id AND v.recorded_at <= $2
    AND v.after IS NOT NULL
  ORDER BY v.sequence DESC LIMIT 1)
FROM page p WHERE NOT p.stands
UNION ALL
(SELECT p.id, NULL, NULL, NULL, 0, NULL FROM page p
 WHERE $4 = (SELECT count(*) FROM page) ORDER BY p.id DESC LIMIT 1)"""


async def past_page(
    conn: AsyncConnection,
    tenant_id: UUID,
    chosen: Chosen,
    at: datetime,
    after: UUID | None,
    limit: int,
) -> PastPage:
    """The next enrollments by id, as of the instant."""
    statement = _past_page(chosen.present)
    rows = await driver(conn).fetch(statement, tenant_id, at, after, limit, *chosen.values)
    counted = [_status_count(row[1], row[2], row[3], row[4]) for row in rows if row[0] is None]
    states = [decode_enrollment(row[5]) for row in rows if row[5] is not None]
    return PastPage(counted, states, next((row[0] for row in rows if row[4] == 0), None))


# What ends belongs to the time through which it held: the midnight after 31 January is January's.
@lru_cache(maxsize=4)
def _dates(present: tuple[bool, bool]) -> str:
    return f"""
SELECT e.certification_id, d.what, width_bucket(d.at, $2::timestamptz[]), count(*)
FROM enrollments e
CROSS JOIN LATERAL (VALUES
  ('expire', CASE WHEN e.standing = 'valid' THEN e.expires_at - interval '1 microsecond' END),
  ('lapse', e.lapses_at - interval '1 microsecond'),
  ('window', CASE WHEN e.standing = 'valid' THEN e.recertification_at END)) AS d (what, at)
WHERE {_conditions(present, 4, "e", "e.id")}
  AND e.standing IN ('valid', 'grace') AND d.at < $3::timestamptz
GROUP BY 1, 2, 3"""


async def dates(
    conn: AsyncConnection, tenant_id: UUID, chosen: Chosen, bounds: Sequence[datetime]
) -> list[DateCount]:
    """How many certificates in force expire, lapse, and open their window between the bounds, and
    before the first of them."""
    statement = _dates(chosen.present)
    rows = await driver(conn).fetch(statement, tenant_id, list(bounds), bounds[-1], *chosen.values)
    return [DateCount(*row) for row in rows]


# `r.at`: when the certificate was renewed. One in force is superseded; one that had lapsed is not,
# but a newer one was certified all the same. OFFSET 0, or it would be looked up anew wherever it
# is named. `l.at`: when it lapsed, or will by its dates.
@lru_cache(maxsize=4)
def _outcomes(present: tuple[bool, bool]) -> str:
    groups = f"a.group_id = ${4 + present[0]}::text" if present[1] else "a.group_id IS NOT NULL"
    return f"""
WITH due AS MATERIALIZED (
  SELECT c.id, c.enrollment_id, c.certification_id,
    CASE
      WHEN r.at <= $3 AND (c.expires_at IS NULL OR r.at < c.expires_at) THEN 'in_time'
      WHEN r.at <= $3 AND (l.at IS NULL OR r.at < l.at) THEN 'late'
      WHEN r.at <= $3 THEN 'reinstated'
      WHEN c.revoked_at <= $3 THEN 'revoked'
      WHEN l.at <= $3 THEN 'lapsed'
      ELSE 'open'
    END AS outcome
  FROM certificates c
  CROSS JOIN LATERAL (SELECT coalesce(c.lapsed_at, c.lapses_at) AS at) AS l
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN c.superseded_at IS NOT NULL THEN c.superseded_at
      WHEN c.revoked_at IS NULL THEN (
        SELECT min(n.certified_at) FROM certificates n
        WHERE n.tenant_id = $1 AND n.enrollment_id = c.enrollment_id
          AND n.certified_at > c.certified_at)
    END AS at OFFSET 0) AS r
  WHERE {_conditions(present, 4, "c", "c.enrollment_id")}
    AND ((c.window_at >= $2 AND c.window_at < $3) OR (c.expires_at > $2 AND c.expires_at <= $3))
    AND coalesce(r.at, c.revoked_at, 'infinity') >= $2
), grouped AS (
  SELECT a.group_id, d.outcome, count(DISTINCT d.id) AS count
  FROM due d
  JOIN assignments a ON a.tenant_id = $1 AND a.enrollment_id = d.enrollment_id
    AND a.ended_at IS NULL AND {groups}
  GROUP BY 1, 2
)
SELECT d.certification_id, NULL AS group_id, d.outcome, count(*) FROM due d GROUP BY 1, 3
UNION ALL
SELECT NULL, g.group_id, g.outcome, g.count FROM grouped g
WHERE g.group_id IN (
  SELECT group_id FROM grouped GROUP BY 1 ORDER BY sum(count) DESC, 1 LIMIT {GROUPS})"""


async def outcomes(
    conn: AsyncConnection, tenant_id: UUID, chosen: Chosen, period: Period
) -> list[OutcomeCount]:
    """What the certificates that were due in the period had come to at its end. A learner's groups
    are those in which they are now; of several, each counts."""
    rows = await driver(conn).fetch(
        _outcomes(chosen.present), tenant_id, period.begins, period.ends, *chosen.values
    )
    return [OutcomeCount(*row) for row in rows]
