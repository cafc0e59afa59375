"""The courses that a draft names, while it is published: held, judged, and noted."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.course import Course, CourseState
from certsvc.domain.publication import PATHS, CourseBar
from certsvc.store import courses, versions
from certsvc.store.courses import CourseRow
from certsvc.store.errors import Conflict
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound
from certsvc.usecases.certifications import Reference, get

Named = tuple[str, ...]
Told = Mapping[str, CourseRow]


async def hold(conn: AsyncConnection, tenant: Tenant, reference: Reference, number: int) -> Named:
    """Keep the LMS from telling of the courses until the draft is published. To be called before
    the certification is locked, because whoever tells of a course locks in that order."""
    certification = await get(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return ()
    row = await versions.get(conn, tenant.id, certification.id, number)
    named = () if row is None else _named(row.definition)
    await courses.hold(conn, tenant.id, named, shared=True)
    return named


async def told(
    conn: AsyncConnection, tenant: Tenant, named: Named, document: Mapping[str, Any]
) -> Told:
    """What the LMS told of the courses of the draft, which are those that are held."""
    if _named(document) != named:
        raise Conflict("the draft was replaced meanwhile")
    return {row.id: row for row in await courses.known(conn, tenant.id, named)}


async def bar(
    conn: AsyncConnection, tenant: Tenant, certification_id: UUID, told: Told
) -> CourseBar:
    """What the LMS said against each course."""
    against = {row.id: row.state.value for row in told.values() if row.state in _AGAINST}
    limited = [row.id for row in told.values() if row.groups is not None]
    if limited:
        closed = await courses.closed_to_targets(conn, tenant.id, certification_id, limited)
        against = {**dict.fromkeys(closed, "closed_to_group"), **against}
    return against.get


_AGAINST = (CourseState.ARCHIVED, CourseState.UNPUBLISHED)


async def note(
    conn: AsyncConnection, tenant: Tenant, certification_id: UUID, version: int, named: Named
) -> None:
    """Note that the published version names the courses."""
    await courses.note_named(conn, tenant.id, certification_id, version, named)


def values(told: Told) -> dict[str, Course]:
    """The courses as the rules see them."""
    return {id: row.course for id, row in told.items()}


def _named(document: Mapping[str, Any]) -> Named:
    """Every course that the document names. It is read as it was written, because what stands
    against publishing it may keep it from being read in another way."""
    steps = [step for path in PATHS for step in (document.get(path) or {}).get("steps") or ()]
    ways = [way for step in steps for way in step.get("ways") or ()]
    return tuple(sorted({way["course_id"] for way in ways if way.get("course_id") is not None}))
