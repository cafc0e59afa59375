"""Enrollments: read or locked with all that the rules need of them, claimed when they are due.

Reading takes two statements: the rows, and then, with locks held and so from a fresh look at the
database, the revisions of their certifications and the facts of their learners.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.evidence import Fact, in_order
from certsvc.domain.frozen import quick
from certsvc.store import certifications, seats
from certsvc.store.codec import decode_enrollment
from certsvc.store.db import driver
from certsvc.store.evidence import fact_of
from certsvc.store.rows import ForRows, types


@quick
@dataclass(frozen=True, slots=True)
class Locked:
    """An enrollment with its evidence, its seats and its certification, and how the row stands.
    `untold` says that it does not know yet of all seats that it was given."""

    enrollment: Enrollment
    certification: Certification
    next_due_at: datetime | None
    flags: tuple[str, ...]
    live: bool
    set_aside_at: datetime | None
    evidence_from: datetime | None
    untold: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read; it is to be set aside."""

    id: UUID
    error: Exception


@dataclass(frozen=True, slots=True)
class Claim:
    """The due rows that were claimed, and those among them that cannot be read."""

    rows: list[Locked]
    broken: list[Broken]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose facts are asked for; `since` None asks for all of them."""

    certification_id: UUID
    learner_id: str
    since: datetime | None = None


ROW = (
    "e.id, e.doc, e.next_due_at, e.flags, e.live, e.set_aside_at, e.evidence_from,"
    " e.certification_id, e.learner_id"
)

_READ = f"""
SELECT {ROW} FROM enrollments e
WHERE e.tenant_id = $1 AND e.id = ANY($2::uuid[])
ORDER BY e.id"""

_READ_ONE = f"SELECT {ROW} FROM enrollments e WHERE e.tenant_id = $1 AND e.id = $2"

_LOCK = f"{_READ} FOR UPDATE"
_LOCK_FREE = f"{_LOCK} SKIP LOCKED"
_LOCK_ONE = f"{_READ_ONE} FOR UPDATE"

# Pair by pair through the unique index: a join lets a planner without statistics scan the tenant.
# By the learner: `IS TRUE` hides the certification from the planner, which without statistics would
# as soon look through all its enrollments for each pair.
_IDS_OF_LEARNERS = """
SELECT found.id, n.certification_id, n.learner_id
FROM unnest($2::uuid[], $3::text[]) AS n (certification_id, learner_id)
CROSS JOIN LATERAL (
  SELECT e.id FROM enrollments e
  WHERE e.tenant_id = $1 AND e.learner_id = n.learner_id
    AND (e.certification_id = n.certification_id) IS TRUE
  LIMIT 1
) AS found"""

_LOCK_OF_LEARNERS = f"""
SELECT {ROW} FROM enrollments e
WHERE e.tenant_id = $1 AND e.learner_id = ANY($2::text[])
ORDER BY e.id FOR UPDATE"""

_LOCK_OF_CERTIFICATION = f"""
SELECT {ROW} FROM enrollments e
WHERE e.tenant_id = $1 AND e.certification_id = $2 AND ($3::uuid IS NULL OR e.id > $3)
ORDER BY e.id LIMIT $4 FOR UPDATE"""

_DUE = f"""
SELECT {ROW} FROM enrollments e
WHERE e.tenant_id = $1 AND e.next_due_at <= $2 AND e.set_aside_at IS NULL
ORDER BY e.next_due_at LIMIT $3 FOR UPDATE"""

CLAIM_DUE = f"{_DUE} SKIP LOCKED"

# Of many due rows only so many are looked at, from both ends: the oldest, and those that came due
# last, so that a tenant with a mountain of due rows does not hide the others.
DUE_TENANTS = """
SELECT tenant_id FROM (
  (SELECT tenant_id, next_due_at FROM enrollments
   WHERE live AND next_due_at <= $1 AND set_aside_at IS NULL
   ORDER BY next_due_at LIMIT 5000)
  UNION ALL
  (SELECT tenant_id, next_due_at FROM enrollments
   WHERE live AND next_due_at <= $1 AND set_aside_at IS NULL
   ORDER BY next_due_at DESC LIMIT 1000)
) AS due
GROUP BY tenant_id ORDER BY min(next_due_at) LIMIT $2"""

_NEXT_DUE = """
SELECT next_due_at FROM enrollments
WHERE tenant_id = $1 AND next_due_at IS NOT NULL AND set_aside_at IS NULL
ORDER BY next_due_at LIMIT 1"""

# Retractions count however early they are dated.
FACTS = ForRows.of(
    types("n int, enrollment_id uuid, certification_id uuid, learner_id text, since timestamptz"),
    """
SELECT n.n, c.revision + c.courses_revision, (
    SELECT max(b.held_until) FROM bulk_items b
    WHERE b.tenant_id = $1 AND b.enrollment_id = n.enrollment_id AND b.held_until IS NOT NULL),
  f.id, f.type, f.occurred_at, f.recorded_at, f.outcome, f.grade, f.course_id, f.session_id,
  f.exam_id, f.attempt_id, f.certification_id, f.step, f.amount, f.category, f.retracts
FROM {rows}
LEFT JOIN certifications c ON c.tenant_id = $1 AND c.id = n.certification_id
LEFT JOIN LATERAL (
  SELECT * FROM evidence v
  WHERE v.tenant_id = $1 AND v.learner_id = n.learner_id AND v.occurred_at >= n.since
  UNION ALL
  SELECT * FROM evidence v
  WHERE v.tenant_id = $1 AND v.learner_id = n.learner_id AND v.occurred_at < n.since
    AND v.type = 'retraction'
) AS f ON true""",
)

_STATE_AT = """
SELECT after FROM events
WHERE tenant_id = $1 AND enrollment_id = $2 AND recorded_at <= $3 AND after IS NOT NULL
ORDER BY sequence DESC LIMIT 1"""

_EVER = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


async def read(
    conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID], *, every_fact: bool = False
) -> list[Locked]:
    """The enrollments as stored, without locks, in order of their ids."""
    rows = await _rows(conn, (_READ_ONE, _READ), tenant_id, ids)
    return await completed(conn, tenant_id, rows, every_fact)


async def lock(
    conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID], *, every_fact: bool = False
) -> list[Locked]:
    """Lock the enrollments, in order of their ids. `every_fact` also brings the evidence that no
    longer counts, for commands that reach further back."""
    rows = await _rows(conn, (_LOCK_ONE, _LOCK), tenant_id, ids)
    return await completed(conn, tenant_id, rows, every_fact)


async def lock_free(conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Locked]:
    """Lock those of the enrollments that nobody else holds."""
    rows = await driver(conn).fetch(_LOCK_FREE, tenant_id, ids)
    return await completed(conn, tenant_id, rows)


async def _rows(
    conn: AsyncConnection, statements: tuple[str, str], tenant_id: UUID, ids: Sequence[UUID]
) -> list[Any]:
    """The rows of these ids; for one id there is a statement whose plan is kept."""
    for_one, for_many = statements
    if len(ids) == 1:
        return list(await driver(conn).fetch(for_one, tenant_id, ids[0]))
    return list(await driver(conn).fetch(for_many, tenant_id, ids))


async def lock_learners(
    conn: AsyncConnection,
    tenant_id: UUID,
    pairs: Sequence[tuple[UUID, str]],
    *,
    every_fact: bool = False,
) -> list[Locked]:
    """Lock what there is for these pairs of certification and learner."""
    ids = await ids_of_learners(conn, tenant_id, pairs)
    return await lock(conn, tenant_id, list(ids.values()), every_fact=every_fact)


async def ids_of_learners(
    conn: AsyncConnection, tenant_id: UUID, pairs: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], UUID]:
    """The ids of what there is for these pairs of certification and learner."""
    found = await driver(conn).fetch(
        _IDS_OF_LEARNERS, tenant_id, [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    )
    return {(row[1], row[2]): row[0] for row in found}


async def read_learners(
    conn: AsyncConnection, tenant_id: UUID, pairs: Sequence[tuple[UUID, str]]
) -> list[Locked]:
    """What there is for these pairs, as stored, with every fact."""
    ids = await ids_of_learners(conn, tenant_id, pairs)
    return await read(conn, tenant_id, list(ids.values()), every_fact=True)


async def lock_of_learners(
    conn: AsyncConnection, tenant_id: UUID, learner_ids: Sequence[str]
) -> list[Locked]:
    """Lock all enrollments of these learners."""
    rows = await driver(conn).fetch(_LOCK_OF_LEARNERS, tenant_id, learner_ids)
    return await completed(conn, tenant_id, rows)


async def lock_of_certification(
    conn: AsyncConnection,
    tenant_id: UUID,
    certification_id: UUID,
    *,
    after: UUID | None = None,
    limit: int,
) -> list[Locked]:
    """Lock the next enrollments of a certification, walking through them by id."""
    rows = await driver(conn).fetch(
        _LOCK_OF_CERTIFICATION, tenant_id, certification_id, after, limit
    )
    return await completed(conn, tenant_id, rows)


async def claim_due(
    conn: AsyncConnection,
    tenant_id: UUID,
    now: datetime,
    limit: int,
    *,
    skip_locked: bool = True,
) -> Claim:
    """Lock rows that are due, the oldest first, passing by those that somebody else holds."""
    statement = CLAIM_DUE if skip_locked else _DUE
    rows = await driver(conn).fetch(statement, tenant_id, now, limit)
    try:
        return Claim(await completed(conn, tenant_id, rows), [])
    except _UNREADABLE:
        return await _claim_one_by_one(conn, tenant_id, rows)


_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)


async def _claim_one_by_one(conn: AsyncConnection, tenant_id: UUID, rows: list[Any]) -> Claim:
    """Sort out which of the rows cannot be read. Only here does a row cost statements of its own,
    and a row that was set aside is not claimed again soon."""
    claim = Claim([], [])
    for row in rows:
        try:
            claim.rows.extend(await completed(conn, tenant_id, [row]))
        except _UNREADABLE as error:
            claim.broken.append(Broken(row["id"], error))
    return claim


async def completed(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Any], every_fact: bool = False
) -> list[Locked]:
    """The rows with their certifications and the facts that may still count."""
    if not rows:
        return []
    since = [_EVER if every_fact else row[6] or _EVER for row in rows]
    wanted = [
        (number, row[0], row[7], row[8], from_then)
        for number, (row, from_then) in enumerate(zip(rows, since, strict=True))
    ]
    found = await _facts(conn, tenant_id, wanted)
    by_id = await certifications.load(conn, tenant_id, found.revisions)
    locked = []
    for number, (row, facts) in enumerate(zip(rows, found.facts, strict=True)):
        evidence = in_order(facts) if len(facts) > 1 else tuple(facts)
        enrollment = decode_enrollment(row[1], evidence, held_until=found.held.get(number))
        flags = tuple(row[3])
        locked.append(Locked(enrollment, by_id[row[7]], row[2], flags, row[4], row[5], row[6]))
    return await _seated(conn, tenant_id, locked)


async def _seated(conn: AsyncConnection, tenant_id: UUID, rows: list[Locked]) -> list[Locked]:
    """The rows with the seats that they were given, where their certification asks for any."""
    ids = [row.enrollment.id for row in rows if row.certification.seated]
    if not ids:
        return rows
    given = await seats.given(conn, tenant_id, ids)
    return [
        replace(
            row,
            enrollment=replace(row.enrollment, seats=found.places),
            untold=found.untold,
        )
        if (found := given.get(row.enrollment.id)) is not None
        else row
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    """Facts in the order in which they were asked for, the certifications' revisions, and the
    until when automatic recertification keeps away, by number."""

    facts: list[list[Fact]]
    revisions: dict[UUID, int]
    held: dict[int, datetime]


async def _facts(
    conn: AsyncConnection,
    tenant_id: UUID,
    wanted: list[tuple[int, UUID | None, UUID, str, datetime]],
) -> _Found:
    found = _Found([[] for _ in wanted], {}, {})
    sql, parameters = FACTS.asked(wanted)
    for row in await driver(conn).fetch(sql, tenant_id, *parameters):
        number: int = row[0]
        if row[1] is not None:
            found.revisions[wanted[number][2]] = row[1]
        if row[2] is not None:
            found.held[number] = row[2]
        if row[3] is not None:
            found.facts[number].append(fact_of(row[3:]))
    return found


async def facts_for(
    conn: AsyncConnection, tenant_id: UUID, wanted: Sequence[Wanted]
) -> list[tuple[Fact, ...]]:
    """The facts of learners who are about to be enrolled, in the order asked."""
    if not wanted:
        return []
    asked: list[tuple[int, UUID | None, UUID, str, datetime]] = [
        (number, None, one.certification_id, one.learner_id, one.since or _EVER)
        for number, one in enumerate(wanted)
    ]
    return [in_order(facts) for facts in (await _facts(conn, tenant_id, asked)).facts]


async def due_tenants(conn: AsyncConnection, now: datetime, limit: int) -> list[UUID]:
    """Tenants that have something due by the wall clock, the one that waits longest first."""
    return [row[0] for row in await driver(conn).fetch(DUE_TENANTS, now, limit)]


async def next_due_of(conn: AsyncConnection, tenant_id: UUID) -> datetime | None:
    """When time does something next in the tenant."""
    instant: datetime | None = await driver(conn).fetchval(_NEXT_DUE, tenant_id)
    return instant


async def stored_as_of(conn: AsyncConnection, tenant_id: UUID, now: datetime) -> datetime:
    """The instant as of which the stored states are right: how far the scheduler is."""
    due = await next_due_of(conn, tenant_id)
    return now if due is None else min(now, due)


async def state_at(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, at: datetime
) -> Enrollment | None:
    """The state after the last event that was recorded by then."""
    document = await driver(conn).fetchval(_STATE_AT, tenant_id, id, at)
    return None if document is None else decode_enrollment(document)
