"""Certifications: rows for people who edit them, values for the rules (kept in the process)."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification, published
from certsvc.domain.course import Course, course_ids
from certsvc.domain.definition import Definition
from certsvc.domain.status import CycleKind
from certsvc.domain.switch import Switch
from certsvc.store import courses
from certsvc.store.codec import switch_of
from certsvc.store.db import driver, json_of
from certsvc.store.errors import Conflict

CACHED = 4096
"""How many certifications a process keeps; the ones not used for longest go first."""

_NEVER = Switch.always(False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificationRow:
    """A certification as it is edited. The texts are JSON: one text, or one per language."""

    id: UUID
    key: str
    title: Any
    description: Any = None
    metadata: Any = None
    active: bool = True
    hidden: bool = False
    archived: Switch = _NEVER
    automatic: Switch = _NEVER
    self_enrollment: str = "closed"
    acceptance_required: bool = False
    revision: int = 1
    created_at: datetime
    updated_at: datetime


class _Cache:
    """Values by (tenant, id): a revision that is asked for and not the one kept is a miss."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[UUID, UUID], Certification] = OrderedDict()

    def get(self, tenant_id: UUID, id: UUID, revision: int) -> Certification | None:
        found = self._kept.get((tenant_id, id))
        if found is None or found.revision != revision:
            return None
        self._kept.move_to_end((tenant_id, id))
        return found

    def put(self, tenant_id: UUID, certification: Certification) -> None:
        self._kept[tenant_id, certification.id] = certification
        self._kept.move_to_end((tenant_id, certification.id))
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


# One for each engine, so that two databases in one process never mix.
_caches: WeakKeyDictionary[Engine, _Cache] = WeakKeyDictionary()


def _cache_of(conn: AsyncConnection) -> _Cache:
    engine = conn.engine.sync_engine
    cache = _caches.get(engine)
    if cache is None:
        cache = _caches[engine] = _Cache(CACHED)
    return cache


# What a transaction has changed is not kept: if it rolls back, another content may come to stand
# under the same revision.
_changed: WeakKeyDictionary[AsyncConnection, set[UUID]] = WeakKeyDictionary()


def _note_change(conn: AsyncConnection, id: UUID) -> None:
    _changed.setdefault(conn, set()).add(id)


def as_uuid(text: str) -> UUID | None:
    """The id that the text is, or None where it is something else."""
    try:
        return UUID(text)
    except ValueError:
        return None


_COLUMNS = """id, key, title, description, metadata, active, hidden, archived_history,
  automatic_history, self_enrollment, acceptance_required, revision, created_at, updated_at"""

_INSERT = """
INSERT INTO certifications (
  tenant_id, id, key, title, description, metadata, active, hidden, archived_history,
  automatic_history, self_enrollment, acceptance_required, revision, created_at, updated_at,
  archived, automatic_recertification)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (tenant_id, key) DO NOTHING
RETURNING id"""

_UPDATE = """
UPDATE certifications SET
  title = $4, description = $5, metadata = $6, active = $7, hidden = $8, archived_history = $9,
  automatic_history = $10, self_enrollment = $11, acceptance_required = $12, revision = $13,
  updated_at = $15, archived = $16, automatic_recertification = $17, key = $3, created_at = $14
WHERE tenant_id = $1 AND id = $2 AND revision = $18
RETURNING id"""

_GET = f"""
SELECT {_COLUMNS} FROM certifications
WHERE tenant_id = $1 AND (id = $2 OR key = $3)
ORDER BY id <> $2
LIMIT 1"""

_PAGE = f"""
SELECT {_COLUMNS} FROM certifications
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) AND ($3::bool IS NULL OR archived = $3)
ORDER BY id LIMIT $4"""

_RESOLVE = """
SELECT id, key, revision + courses_revision AS revision FROM certifications
WHERE tenant_id = $1 AND (id = ANY($2::uuid[]) OR key = ANY($3::text[]))"""

_TOUCH = """
UPDATE certifications SET revision = revision + 1 WHERE tenant_id = $1 AND id = $2
RETURNING revision"""

_TOUCH_COURSES = """
UPDATE certifications c SET courses_revision = c.courses_revision + 1
FROM (
  SELECT id FROM certifications WHERE tenant_id = $1 AND id = ANY($2::uuid[])
  ORDER BY id FOR NO KEY UPDATE
) AS held
WHERE c.tenant_id = $1 AND c.id = held.id"""

# The revision is read with the versions, and the courses after it, so that what is kept under a
# revision is not older. Both revisions only grow, so their sum names each content once.
_LOAD = """
SELECT c.id, c.key, c.active, c.hidden, c.archived_history, c.automatic_history,
  c.self_enrollment, c.acceptance_required, c.revision + c.courses_revision AS revision,
  v.number, v.definition, v.published_at
FROM certifications c
LEFT JOIN versions v
  ON v.tenant_id = c.tenant_id AND v.certification_id = c.id AND v.state = 'published'
WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])
ORDER BY c.id, v.number"""


async def load(
    conn: AsyncConnection, tenant_id: UUID, revisions: Mapping[UUID, int]
) -> dict[UUID, Certification]:
    """The certifications of these revisions; only those that are not kept yet are read."""
    cache = _cache_of(conn)
    found: dict[UUID, Certification] = {}
    missing: list[UUID] = []
    for id, revision in revisions.items():
        kept = cache.get(tenant_id, id, revision)
        if kept is None:
            missing.append(id)
        else:
            found[id] = kept
    if missing:
        found.update(await _read(conn, tenant_id, missing))
    return found


async def load_by_ids(
    conn: AsyncConnection, tenant_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Certification]:
    """The certifications as they are now."""
    asked = sorted(set(ids))
    if not asked:
        return {}
    rows = await driver(conn).fetch(_RESOLVE, tenant_id, asked, [])
    return await load(conn, tenant_id, {row["id"]: row["revision"] for row in rows})


async def _read(
    conn: AsyncConnection, tenant_id: UUID, ids: list[UUID]
) -> dict[UUID, Certification]:
    by_id: dict[UUID, list[Any]] = {}
    for row in await driver(conn).fetch(_LOAD, tenant_id, ids):
        by_id.setdefault(row["id"], []).append(row)
    versions = {id: _versions(rows) for id, rows in by_id.items()}
    named = {id: _named(numbered) for id, numbered in versions.items()}
    told = await _told(conn, tenant_id, named.values())
    found = {
        id: _certification(
            rows[0], versions[id], {name: told[name] for name in named[id] if name in told}
        )
        for id, rows in by_id.items()
    }
    cache = _cache_of(conn)
    uncommitted = _changed.get(conn, ())
    for id, certification in found.items():
        if id not in uncommitted:
            cache.put(tenant_id, certification)
    return found


_Numbered = tuple[tuple[int, Definition, datetime], ...]


def _versions(rows: list[Any]) -> _Numbered:
    return tuple(
        (row["number"], Definition.read(row["definition"]), row["published_at"])
        for row in rows
        if row["number"] is not None
    )


def _named(numbered: _Numbered) -> tuple[str, ...]:
    """The courses that any path of the versions names."""
    paths = [definition.path(kind) for _, definition, _ in numbered for kind in CycleKind]
    return tuple(dict.fromkeys(id for path in paths for id in course_ids(path)))


async def _told(
    conn: AsyncConnection, tenant_id: UUID, named: Iterable[tuple[str, ...]]
) -> dict[str, Course]:
    ids = sorted({id for one in named for id in one})
    return {row.id: row.course for row in await courses.known(conn, tenant_id, ids)}


def _certification(row: Any, numbered: _Numbered, told: dict[str, Course]) -> Certification:
    """The value of a certification from its row, its versions and its courses."""
    return Certification(
        id=row["id"],
        key=row["key"],
        versions=published(numbered),
        active=row["active"],
        hidden=row["hidden"],
        self_enrollment=row["self_enrollment"],
        acceptance_required=row["acceptance_required"],
        archived=switch_of(row["archived_history"]),
        automatic=switch_of(row["automatic_history"]),
        courses=told,
        revision=row["revision"],
    )


def _row(row: Any) -> CertificationRow:
    return CertificationRow(
        id=row["id"],
        key=row["key"],
        title=row["title"],
        description=row["description"],
        metadata=row["metadata"],
        active=row["active"],
        hidden=row["hidden"],
        archived=switch_of(row["archived_history"]),
        automatic=switch_of(row["automatic_history"]),
        self_enrollment=row["self_enrollment"],
        acceptance_required=row["acceptance_required"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _values(row: CertificationRow) -> tuple[Any, ...]:
    return (
        row.id,
        row.key,
        json_of(row.title),
        json_of(row.description),
        json_of(row.metadata),
        row.active,
        row.hidden,
        row.archived.history,
        row.automatic.history,
        row.self_enrollment,
        row.acceptance_required,
        row.revision,
        row.created_at,
        row.updated_at,
        row.archived.now,
        row.automatic.now,
    )


async def insert(conn: AsyncConnection, tenant_id: UUID, row: CertificationRow) -> bool:
    """A new certification; False where the key is taken."""
    _note_change(conn, row.id)
    return await driver(conn).fetchval(_INSERT, tenant_id, *_values(row)) is not None


async def update(
    conn: AsyncConnection, tenant_id: UUID, row: CertificationRow, expected_revision: int
) -> None:
    """Write the row if it still has the expected revision."""
    _note_change(conn, row.id)
    if await driver(conn).fetchval(_UPDATE, tenant_id, *_values(row), expected_revision) is None:
        raise Conflict("the certification was changed meanwhile", (row.id,))


async def get(
    conn: AsyncConnection, tenant_id: UUID, id_or_key: str, *, lock: bool = False
) -> CertificationRow | None:
    """The certification of that id or key."""
    statement = f"{_GET} FOR UPDATE" if lock else _GET
    row = await driver(conn).fetchrow(statement, tenant_id, as_uuid(id_or_key), id_or_key)
    return None if row is None else _row(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    archived: bool | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[CertificationRow]:
    """Certifications in order of their ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, archived, limit)
    return [_row(row) for row in rows]


async def resolve(
    conn: AsyncConnection, tenant_id: UUID, ids_or_keys: Sequence[str]
) -> dict[str, tuple[UUID, int]]:
    """The ids and revisions of the certifications that go by these ids or keys."""
    asked = {text: as_uuid(text) for text in ids_or_keys}
    if not asked:
        return {}
    ids = [id for id in asked.values() if id is not None]
    by_id: dict[UUID | None, tuple[UUID, int]] = {}
    by_key: dict[str, tuple[UUID, int]] = {}
    for row in await driver(conn).fetch(_RESOLVE, tenant_id, ids, list(asked)):
        by_id[row["id"]] = by_key[row["key"]] = (row["id"], row["revision"])
    found = {text: by_id.get(id) or by_key.get(text) for text, id in asked.items()}
    return {text: named for text, named in found.items() if named is not None}


async def touch(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> int:
    """A new revision, because a version was published: whoever keeps the old one reads anew."""
    _note_change(conn, id)
    revision: int | None = await driver(conn).fetchval(_TOUCH, tenant_id, id)
    if revision is None:
        raise LookupError(f"no certification {id}")
    return revision


async def touch_courses(conn: AsyncConnection, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    """What the LMS told of a course concerns these: whoever keeps them reads them anew. Their own
    revision, which people see, stays."""
    for id in ids:
        _note_change(conn, id)
    await driver(conn).execute(_TOUCH_COURSES, tenant_id, ids)
