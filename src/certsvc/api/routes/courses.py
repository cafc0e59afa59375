"""Courses: told by the LMS, read, listed."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, digest, page, place_of
from certsvc.api.routing import Operations
from certsvc.api.schemas.course import (
    COURSE_STATES,
    ChangedCourse,
    Course,
    CoursePage,
    CourseUpdate,
)
from certsvc.api.schemas.values import LMS_ID, Known, LmsId
from certsvc.domain.course import CourseState
from certsvc.store import courses as stored
from certsvc.store.api_keys import Role
from certsvc.usecases import courses
from certsvc.usecases.answers import NotFound
from certsvc.usecases.courses import Concerned, CourseTold, SeenCourse

router = Operations("courses")
CourseId = Annotated[LmsId, Path(description="The LMS's id of the course.")]


def _described(seen: SeenCourse) -> dict[str, Any]:
    row = seen.course
    return {
        "id": row.id,
        "title": row.title,
        "state": row.state,
        "revision": row.revision,
        "groups": row.groups,
        "overbooking": row.overbooking.now,
        "metadata": row.metadata or {},
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "revisions": [{"revision": name, "since": since} for since, name in row.revisions],
        "certifications": [_concerned(one) for one in seen.certifications],
    }


def _concerned(one: Concerned) -> dict[str, Any]:
    return {
        "id": one.naming.certification_id,
        "key": one.naming.key,
        "title": one.naming.title or {},
        "versions": one.naming.versions,
        "required": one.required,
        "blocked": one.blocked,
    }


@router.operation("PUT", "/courses/{course_id}", ChangedCourse, role=Role.LMS)
async def put_course(call: Call, course_id: CourseId, body: CourseUpdate) -> Response:
    """Tell of a course, or that it has changed: archived, brought back, or with a new revision.
    The same again changes nothing. The answer lists the certifications concerned."""
    told = CourseTold(
        id=course_id,
        title=body.title,
        state=CourseState(body.state or CourseState.PUBLISHED),
        revision=body.revision,
        groups=body.groups,
        overbooking=bool(body.overbooking),
        metadata=body.metadata,
    )
    dry_run = bool(body.dry_run)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        changed = await courses.tell(conn, call.tenant, now, told, dry_run=dry_run)
        effect = {
            "dry_run": dry_run,
            "opened": changed.opened.count,
            "sample": changed.opened.sample,
        }
        return answer({**_described(changed.seen), "effect": effect})

    return await call.change(work)


@router.operation("GET", "/courses", CoursePage, role=Role.READER)
async def list_courses(
    call: Call,
    state: Annotated[
        Annotated[str, Known(*COURSE_STATES)] | None, Query(description="Only such courses.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List the courses that the LMS told of, in order of their ids."""
    mark = digest("courses", {"state": state})
    after = place_of(cursor, mark, _id)
    wanted = None if state is None else CourseState(state)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.page(conn, call.tenant_id, state=wanted, after=after, limit=limit + 1)
        seen = await courses.with_certifications(conn, call.tenant, now, rows)
        return page(seen, limit, mark, now, lambda one: one.course.id, _described)

    return await call.read(work)


@router.operation(
    "GET", "/courses/{course_id}", Course, role=Role.READER, refusals=("course_not_found",)
)
async def get_course(call: Call, course_id: CourseId) -> Response:
    """Read a course that the LMS told of."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await courses.get(conn, call.tenant, now, course_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        return answer(_described(found))

    return await call.read(work)


def _id(text: str) -> str:
    if re.fullmatch(LMS_ID, text) is None:
        raise ValueError("not an id of the LMS")
    return text
