"""Courses: told by the LMS, looked up, and what a change of one does to the certifications that
name it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.course import Course, CourseState, barred
from certsvc.domain.status import CycleKind
from certsvc.domain.switch import Switch
from certsvc.store import certifications, courses, waking
from certsvc.store.courses import CourseRow, Naming
from certsvc.store.errors import Conflict
from certsvc.store.tenants import Tenant
from certsvc.store.waking import Sleep
from certsvc.usecases.answers import NotFound
from certsvc.usecases.waking import AT_ONCE, Change, Opened, foresee, set_going


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseTold:
    """What the LMS says of a course. A revision that it does not name stays as it is known."""

    id: str
    title: str | None = None
    state: CourseState = CourseState.PUBLISHED
    revision: str | None = None
    groups: Sequence[str] | None = None
    overbooking: bool = False
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Concerned:
    """A certification with published versions that name the course. `required`: its latest version
    has a path that cannot do without it. `blocked`: an archived course, this or another one, keeps
    cycles of the latest version from opening now."""

    naming: Naming
    required: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class SeenCourse:
    """A course and the certifications that it concerns."""

    course: CourseRow
    certifications: tuple[Concerned, ...]


@dataclass(frozen=True, slots=True)
class ChangedCourse:
    """A course after it was told, or (dry run) as it would be, and the cycles that open."""

    seen: SeenCourse
    opened: Opened


async def tell(
    conn: AsyncConnection, tenant: Tenant, now: datetime, told: CourseTold, *, dry_run: bool = False
) -> ChangedCourse:
    """Replace what is known of a course; the same again changes nothing. Cycles that waited for
    what has changed open, and those that it holds back wait."""
    await courses.hold(conn, tenant.id, [told.id])
    known = await courses.get(conn, tenant.id, told.id, lock=True)
    at = now if known is None else max(now, known.updated_at)
    row = _first(told, at) if known is None else _next(known, told, at)
    named = await courses.namings(conn, tenant.id, [row.id])
    opened = Opened()
    if row != known and not dry_run:
        await _write(conn, tenant, known, row)
    if known is None or row.course != known.course:
        ids = [naming.certification_id for naming in named]
        if dry_run:
            opened = await _foreseen(conn, tenant, at, ids, _with_course(row.course))
        else:
            sleep = Sleep.COURSE if known is None else Sleep.OPENING
            opened = await _set_going(conn, tenant, at, ids, sleep)
    (seen,) = await _seen(conn, tenant, at, [row], named, _with_course(row.course))
    return ChangedCourse(seen, opened)


async def ensure(conn: AsyncConnection, tenant: Tenant, now: datetime, course_id: str) -> CourseRow:
    """The course, locked; one that the LMS never told of is published, and open to everybody."""
    known = await courses.get(conn, tenant.id, course_id, lock=True)
    if known is not None:
        return known
    await courses.hold(conn, tenant.id, [course_id])
    row = _first(CourseTold(id=course_id), now)
    if await courses.insert(conn, tenant.id, row):
        named = await courses.namings(conn, tenant.id, [course_id])
        ids = [naming.certification_id for naming in named]
        await _set_going(conn, tenant, now, ids, Sleep.COURSE)
        return row
    known = await courses.get(conn, tenant.id, course_id, lock=True)
    if known is None:
        raise Conflict("somebody else tells of the same course")
    return known


async def get(
    conn: AsyncConnection, tenant: Tenant, now: datetime, course_id: str
) -> SeenCourse | NotFound:
    """The course, as far as the LMS told of it."""
    row = await courses.get(conn, tenant.id, course_id)
    if row is None:
        return NotFound("course", course_id)
    (seen,) = await with_certifications(conn, tenant, now, [row])
    return seen


async def with_certifications(
    conn: AsyncConnection, tenant: Tenant, now: datetime, rows: Sequence[CourseRow]
) -> list[SeenCourse]:
    """Courses with the certifications that each concerns."""
    named = await courses.namings(conn, tenant.id, [row.id for row in rows])
    return await _seen(conn, tenant, now, rows, named, _as_it_is)


# What is known after the LMS has told


def _first(told: CourseTold, at: datetime) -> CourseRow:
    return _replaced(CourseRow(id=told.id, created_at=at, updated_at=at), told, at)


def _next(known: CourseRow, told: CourseTold, at: datetime) -> CourseRow:
    """An old revision is archived because it was replaced: that says nothing of the course."""
    if told.state is CourseState.ARCHIVED and _is_old(known, told.revision):
        return known
    row = _replaced(known, told, at)
    return row if row == known else replace(row, updated_at=at)


def _is_old(known: CourseRow, revision: str | None) -> bool:
    return revision != known.revision and _is_heard(known, revision)


def _is_heard(known: CourseRow, revision: str | None) -> bool:
    return any(revision == heard for _, heard in known.revisions)


def _replaced(known: CourseRow, told: CourseTold, at: datetime) -> CourseRow:
    """Revisions only come; which one is the newest never goes back."""
    revisions = known.revisions
    if told.revision is not None and not _is_heard(known, told.revision):
        revisions = (*revisions, (at, told.revision))
    return replace(
        known,
        title=told.title,
        state=told.state,
        groups=None if told.groups is None else tuple(sorted(set(told.groups))),
        overbooking=known.overbooking.turned(told.overbooking, at),
        archived=known.archived.turned(told.state is CourseState.ARCHIVED, at),
        revisions=revisions,
        metadata=told.metadata or None,
    )


async def _write(
    conn: AsyncConnection, tenant: Tenant, known: CourseRow | None, row: CourseRow
) -> None:
    if known is not None:
        await courses.update(conn, tenant.id, row)
    elif not await courses.insert(conn, tenant.id, row):
        raise Conflict("somebody else tells of the same course")


# What that does to certifications


async def _set_going(
    conn: AsyncConnection, tenant: Tenant, at: datetime, ids: Sequence[UUID], sleep: Sleep
) -> Opened:
    """Look at who rests so in these certifications, which are to be read anew. Once many cycles
    have opened, the rows of the remaining certifications are left to the tick."""
    await _touch(conn, tenant, ids)
    opened = Opened()
    for id in await _resting(conn, tenant, at, ids, sleep):
        if tenant.sandbox or opened.count < AT_ONCE:
            opened.add_all(await set_going(conn, tenant, at, id, sleep))
        else:
            await waking.wake(conn, tenant.id, id, sleep, at)
            opened.add_all(await foresee(conn, tenant, at, id, sleep, _as_it_is))
    return opened


async def _foreseen(
    conn: AsyncConnection, tenant: Tenant, at: datetime, ids: Sequence[UUID], change: Change
) -> Opened:
    opened = Opened()
    for id in await _resting(conn, tenant, at, ids, Sleep.OPENING):
        opened.add_all(await foresee(conn, tenant, at, id, Sleep.OPENING, change))
    return opened


async def _touch(conn: AsyncConnection, tenant: Tenant, ids: Sequence[UUID]) -> None:
    if ids:
        await certifications.touch_courses(conn, tenant.id, ids)


async def _resting(
    conn: AsyncConnection, tenant: Tenant, at: datetime, ids: Sequence[UUID], sleep: Sleep
) -> list[UUID]:
    return await waking.resting(conn, tenant.id, ids, sleep, at) if ids else []


def _with_course(course: Course) -> Change:
    def changed(certification: Certification) -> Certification:
        return replace(certification, courses={**certification.courses, course.id: course})

    return changed


def _as_it_is(certification: Certification) -> Certification:
    return certification


async def _seen(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    rows: Sequence[CourseRow],
    named: Sequence[Naming],
    change: Callable[[Certification], Certification],
) -> list[SeenCourse]:
    ids = {naming.certification_id for naming in named}
    loaded = await certifications.load_by_ids(conn, tenant.id, ids)
    concerned: dict[str, list[Concerned]] = {}
    for naming in named:
        certification = change(loaded[naming.certification_id])
        concerned.setdefault(naming.course_id, []).append(_concerned(naming, certification, now))
    return [SeenCourse(row, tuple(concerned.get(row.id, ()))) for row in rows]


def _concerned(naming: Naming, certification: Certification, now: datetime) -> Concerned:
    gone = {naming.course_id: Course(naming.course_id, archived=Switch.always(True))}
    latest = certification.latest(now) or certification.versions[-1]
    paths = [latest.definition.path(kind) for kind in CycleKind]
    return Concerned(
        naming,
        required=any(barred(path, gone, now) for path in paths),
        blocked=any(barred(path, certification.courses, now) for path in paths),
    )
