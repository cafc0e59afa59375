"""Assignments: why a learner is enrolled. They are made by enrolling, and taken away here."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer
from certsvc.api.exchange import Call
from certsvc.api.outcomes import acted_answer, no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.preconditions import expected_revision
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId
from certsvc.api.routing import Operations
from certsvc.api.schemas.enrollment import AssignmentPage, Enrollment
from certsvc.api.schemas.values import Authored, LmsId, LongText, OurId
from certsvc.store import assignments
from certsvc.store.api_keys import Role
from certsvc.store.assignments import AssignmentRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read
from certsvc.usecases.unassign import unassign

router = Operations("assignments")


def _described(row: AssignmentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": row.source,
        "group": row.group,
        "assigned_at": row.assigned_at,
        "ended_at": row.ended_at,
    }


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/assignments",
    AssignmentPage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_assignments(
    call: Call, enrollment_id: EnrollmentId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the assignments of an enrollment, ended ones too."""
    mark = digest("assignments", {"enrollment": enrollment_id})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        rows = await assignments.of_enrollment(conn, call.tenant_id, enrollment_id)
        rest = sorted(rows, key=lambda row: row.id)
        if after is not None:
            rest = [row for row in rest if row.id > after]
        return page(rest, limit, mark, found.now, lambda row: row.id, _described)

    return await call.read(work)


@router.operation(
    "DELETE",
    "/enrollments/{enrollment_id}/assignments/{assignment_id}",
    Enrollment,
    role=Role.LMS,
    refusals=(*NOT_FOUND, "assignment_not_found", "stale_revision"),
)
async def end_assignment(
    call: Call,
    enrollment_id: EnrollmentId,
    assignment_id: Annotated[OurId, Path()],
    reason: LongText | None = None,
    on_behalf_of: LmsId | None = None,
    revision: Annotated[int | None, Query(alias="expected_revision", ge=0, le=2**31 - 1)] = None,
) -> Response:
    """Take an assignment away; when the last goes, an open cycle pauses."""
    expected = expected_revision(call.request, revision)
    author = call.author(Authored(reason=reason, on_behalf_of=on_behalf_of))

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await unassign(
            conn,
            call.tenant,
            now,
            enrollment_id,
            assignment_id,
            author,
            expected_revision=expected,
        )
        return acted_answer(call, outcome)

    return await call.change(work)
