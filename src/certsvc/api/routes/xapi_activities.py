"""xAPI activities: what each means, told by the LMS."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response
from uuid_utils.compat import uuid7

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.problems import Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.values import LmsId, OurId
from certsvc.api.schemas.xapi_activity import (
    Activity,
    ActivityBatch,
    ActivityId,
    ActivityList,
    ActivityPage,
)
from certsvc.store import activities
from certsvc.store.activity_tables import ActivityKind
from certsvc.store.api_keys import Role

router = Operations("xapi")
NOT_FOUND = Problem("activity_mapping_not_found", "There is no such activity mapping.")
MappingId = Annotated[OurId, Path(description="Our id of what the activity means.")]


def _described(row: activities.Activity) -> dict[str, Any]:
    return {
        "id": row.id,
        "activity_id": row.activity_id,
        "kind": row.kind,
        "course_id": row.course_id,
        "session_id": row.session_id,
        "exam_id": row.exam_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


@router.operation("PUT", "/xapi/activities", ActivityList, role=Role.LMS)
async def put_activities(call: Call, body: ActivityBatch) -> Response:
    """Say which course, live session or exam activities mean. Statements that come from now on are
    read so; those that were ignored before may be sent again. The same again changes nothing."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = [
            activities.Activity(
                id=uuid7(),
                activity_id=item.activity_id,
                kind=ActivityKind(item.kind),
                course_id=item.course_id,
                session_id=item.session_id,
                exam_id=item.exam_id,
                created_at=now,
                updated_at=now,
            )
            for item in body.items
        ]
        stored = await activities.put(conn, call.tenant_id, rows)
        return answer({"items": [_described(row) for row in stored]})

    return await call.change(work)


@router.operation("GET", "/xapi/activities", ActivityPage, role=Role.READER)
async def list_activities(
    call: Call,
    activity_id: Annotated[ActivityId | None, Query(description="Only this one.")] = None,
    course_id: Annotated[LmsId | None, Query(description="Only those of the course.")] = None,
    exam_id: Annotated[LmsId | None, Query(description="Only those of the exam.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List the activities that mean something."""
    filters = {"activity_id": activity_id, "course_id": course_id, "exam_id": exam_id}
    mark = digest("xapi-activities", filters)
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await activities.page(conn, call.tenant_id, **filters, after=after, limit=limit + 1)
        return page(rows, limit, mark, now, lambda row: row.id, _described)

    return await call.read(work)


@router.operation(
    "GET",
    "/xapi/activities/{mapping_id}",
    Activity,
    role=Role.READER,
    refusals=("activity_mapping_not_found",),
)
async def get_activity(call: Call, mapping_id: MappingId) -> Response:
    """Read what an activity means."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        found = await activities.get(conn, call.tenant_id, mapping_id)
        if found is None:
            return call.refused(NOT_FOUND)
        return answer(_described(found))

    return await call.read(work)


@router.operation(
    "DELETE",
    "/xapi/activities/{mapping_id}",
    None,
    role=Role.LMS,
    status=204,
    refusals=("activity_mapping_not_found",),
)
async def delete_activity(call: Call, mapping_id: MappingId) -> Response:
    """Say that an activity means nothing any more. The evidence that came by it stays."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        if not await activities.delete(conn, call.tenant_id, mapping_id):
            return call.refused(NOT_FOUND)
        return Answer(204, b"")

    return await call.change(work)
