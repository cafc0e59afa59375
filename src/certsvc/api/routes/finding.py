"""Finding enrollments beyond a page: how many are in what state, and all of them as a file."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.exporting import export
from certsvc.api.listing import Selection, filters_of
from certsvc.api.routing import Operations
from certsvc.api.schemas.finding import CountsQuery, EnrollmentCounts, ExportQuery
from certsvc.domain.status import Flag, Standing, Status
from certsvc.domain.views import VIEWS, View
from certsvc.store import enrollments
from certsvc.store.api_keys import Role
from certsvc.store.enrollment_counts import Counts, counts

router = Operations("enrollments")
FILES = {
    "text/csv": {
        "schema": {
            "type": "string",
            "description": "A line of column names, then one for each enrollment, by id. Several "
            "values of a cell are joined by semicolons. New columns come behind.",
        }
    },
    "application/x-ndjson": {
        "schema": {
            "type": "string",
            "description": "One `Enrollment` as JSON on each line, by id.",
        }
    },
}


@router.operation("GET", "/enrollments/counts", EnrollmentCounts, role=Role.READER)
async def count_enrollments(call: Call, asked: Annotated[CountsQuery, Query()]) -> Response:
    """Count enrollments by status, standing, flag and view, as stored as of `as_of`."""
    chosen = Selection(
        certifications=tuple(asked.certification), source=asked.source, group=asked.group
    )

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        as_of = await enrollments.stored_as_of(conn, call.tenant_id, now)
        filters = await filters_of(conn, call.tenant_id, chosen)
        found = Counts({}, {})
        if filters is not None:
            found = await counts(conn, call.tenant_id, filters)
        return answer({**_document(found), "as_of": as_of})

    return await call.read(work)


def _document(found: Counts) -> dict[str, Any]:
    by_status = {status.value: 0 for status in Status}
    by_standing = {standing.value: 0 for standing in Standing}
    for (standing, status), count in found.by_pair.items():
        by_status[status] += count
        by_standing[standing] += count
    by_flag = {flag.value: found.by_flag.get(flag, 0) for flag in Flag}
    return {
        "total": sum(by_standing.values()),
        "by_status": by_status,
        "by_standing": by_standing,
        "by_flag": by_flag,
        "by_view": {view.value: _of_view(view, by_status, by_flag) for view in View},
    }


def _of_view(view: View, by_status: dict[str, int], by_flag: dict[str, int]) -> int:
    row = VIEWS[view]
    if row.status is not None:
        return by_status[row.status]
    assert row.flag is not None, "a view is a status or a flag"
    return by_flag[row.flag]


@router.operation(
    "GET",
    "/enrollments/export",
    None,
    role=Role.READER,
    response_class=Response,
    responses={200: {"description": "A file, written as it is read.", "content": FILES}},
)
async def export_enrollments(call: Call, asked: Annotated[ExportQuery, Query()]) -> Response:
    """Write all enrollments that the filters let through. They are read batch by batch: each is
    as it was stored at that moment. A file that breaks off is not whole."""
    return await export(call, Selection.of(asked), asked.format)
