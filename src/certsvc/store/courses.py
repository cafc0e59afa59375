"""Courses: what the LMS told of them, and which published versions name them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.course import Course, CourseState
from certsvc.domain.switch import OFF, Switch
from certsvc.store.codec import switch_of
from certsvc.store.db import driver, json_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseRow:
    """A course as it was told. `groups` None: open to all of them. `revisions` are pairs of the
    instant since when a revision is the newest, and its name."""

    id: str
    title: str | None = None
    state: CourseState = CourseState.PUBLISHED
    groups: tuple[str, ...] | None = None
    overbooking: Switch = OFF
    archived: Switch = OFF
    revisions: tuple[tuple[datetime, str], ...] = ()
    metadata: Mapping[str, Any] | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def revision(self) -> str | None:
        """The newest revision, or None while none was told."""
        return self.revisions[-1][1] if self.revisions else None

    @property
    def course(self) -> Course:
        """The course as the rules see it."""
        return Course(
            id=self.id,
            archived=self.archived,
            overbooking=self.overbooking,
            revisions=self.revisions,
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """A certification with those of its published versions that name a course."""

    course_id: str
    certification_id: UUID
    key: str
    title: Any
    versions: tuple[int, ...]


_COLUMNS = """id, title, state, groups, archived_history, overbooking_history, revisions, metadata,
  created_at, updated_at"""

_INSERT = f"""
INSERT INTO courses (tenant_id, {_COLUMNS}, overbooking)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING id"""

_UPDATE = """
UPDATE courses SET
  title = $3, state = $4, groups = $5, archived_history = $6, overbooking_history = $7,
  revisions = $8, metadata = $9, created_at = $10, updated_at = $11, overbooking = $12
WHERE tenant_id = $1 AND id = $2"""

_GET = f"SELECT {_COLUMNS} FROM courses WHERE tenant_id = $1 AND id = $2"

_OF_IDS = f"SELECT {_COLUMNS} FROM courses WHERE tenant_id = $1 AND id = ANY($2::text[])"

_PAGE = f"""
SELECT {_COLUMNS} FROM courses
WHERE tenant_id = $1 AND ($2::text IS NULL OR id > $2) AND ($3::text IS NULL OR state = $3)
ORDER BY id LIMIT $4"""

_NOTE = """
INSERT INTO certification_courses (tenant_id, course_id, certification_id, version)
SELECT $1, course_id, $2, $3 FROM unnest($4::text[]) AS course_id
ON CONFLICT DO NOTHING"""

_NAMINGS = """
SELECT n.course_id, c.id, c.key, c.title, n.versions
FROM (
  SELECT course_id, certification_id, array_agg(version ORDER BY version) AS versions
  FROM certification_courses
  WHERE tenant_id = $1 AND course_id = ANY($2::text[])
  GROUP BY course_id, certification_id
) AS n
JOIN certifications c ON c.tenant_id = $1 AND c.id = n.certification_id
ORDER BY n.course_id, c.id"""

_CLOSED = """
SELECT k.id FROM courses k
WHERE k.tenant_id = $1 AND k.id = ANY($3::text[]) AND k.groups IS NOT NULL AND EXISTS (
  SELECT FROM certification_groups g
  WHERE g.tenant_id = $1 AND g.certification_id = $2 AND g.group_id <> ALL(k.groups))"""

# Locks are taken on a few hundred numbers, as those of learners are, and in order of the numbers.
_NUMBERS = 512
_NAMESPACE = 0x636F << 16
_LOCKS = {False: "pg_advisory_xact_lock", True: "pg_advisory_xact_lock_shared"}
_HOLD = {
    shared: f"""
    SELECT {lock}($1, number)
    FROM (SELECT number FROM unnest($2::int[]) AS number ORDER BY number) AS ordered"""
    for shared, lock in _LOCKS.items()
}


async def hold(
    conn: AsyncConnection, tenant_id: UUID, ids: Iterable[str], *, shared: bool = False
) -> None:
    """Hold courses, known or not, until the transaction ends: telling of a course and publishing
    a version that names it (`shared`) exclude each other. Otherwise a change would miss the new
    version's certification, and whoever read that meanwhile would keep the course as it was."""
    numbers = sorted({_number(tenant_id, id) for id in ids})
    if numbers:
        await driver(conn).execute(_HOLD[shared], _NAMESPACE, numbers)


def _number(tenant_id: UUID, id: str) -> int:
    digest = blake2b(tenant_id.bytes + id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _NUMBERS


def _row(row: Any) -> CourseRow:
    return CourseRow(
        id=row["id"],
        title=row["title"],
        state=CourseState(row["state"]),
        groups=None if row["groups"] is None else tuple(row["groups"]),
        overbooking=switch_of(row["overbooking_history"]),
        archived=switch_of(row["archived_history"]),
        revisions=tuple(
            (datetime.fromisoformat(since), revision) for since, revision in row["revisions"]
        ),
        metadata=row["metadata"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _values(row: CourseRow) -> tuple[Any, ...]:
    return (
        row.id,
        row.title,
        row.state.value,
        row.groups,
        json_of(row.archived.history),
        json_of(row.overbooking.history),
        json_of(row.revisions),
        json_of(row.metadata),
        row.created_at,
        row.updated_at,
        row.overbooking.now,
    )


async def insert(conn: AsyncConnection, tenant_id: UUID, row: CourseRow) -> bool:
    """A new course; False where there is one of that id."""
    return await driver(conn).fetchval(_INSERT, tenant_id, *_values(row)) is not None


async def update(conn: AsyncConnection, tenant_id: UUID, row: CourseRow) -> None:
    """Write the course, which the transaction has locked."""
    await driver(conn).execute(_UPDATE, tenant_id, *_values(row))


async def get(
    conn: AsyncConnection, tenant_id: UUID, id: str, *, lock: bool = False
) -> CourseRow | None:
    """The course of that id; with a lock, nobody else changes it until the transaction ends."""
    statement = f"{_GET} FOR UPDATE" if lock else _GET
    row = await driver(conn).fetchrow(statement, tenant_id, id)
    return None if row is None else _row(row)


async def known(conn: AsyncConnection, tenant_id: UUID, ids: Iterable[str]) -> list[CourseRow]:
    """Those of the courses that the LMS told of."""
    asked = list(ids)
    if not asked:
        return []
    return [_row(row) for row in await driver(conn).fetch(_OF_IDS, tenant_id, asked)]


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    state: CourseState | None = None,
    after: str | None = None,
    limit: int,
) -> list[CourseRow]:
    """Courses in order of their ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, state, limit)
    return [_row(row) for row in rows]


async def note_named(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, version: int, ids: Sequence[str]
) -> None:
    """Note which courses a published version names."""
    if ids:
        await driver(conn).execute(_NOTE, tenant_id, certification_id, version, ids)


async def namings(conn: AsyncConnection, tenant_id: UUID, ids: Sequence[str]) -> list[Naming]:
    """The certifications whose published versions name the courses."""
    rows = await driver(conn).fetch(_NAMINGS, tenant_id, ids)
    return [Naming(row[0], row[1], row[2], row[3], tuple(row[4])) for row in rows]


async def closed_to_targets(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, ids: Sequence[str]
) -> set[str]:
    """Those of the courses that are not open to every group that the certification targets."""
    rows = await driver(conn).fetch(_CLOSED, tenant_id, certification_id, ids)
    return {row[0] for row in rows}
