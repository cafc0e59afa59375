"""Enrollments: enrol, list, read."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.listing import Selection, described_to_learner, enrollment_page
from certsvc.api.outcomes import enrollment_answer, no_answer, refused
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit
from certsvc.api.preconditions import etag, unchanged
from certsvc.api.problems import Fault, Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.enrollment import (
    Enrollment,
    EnrollmentPage,
    EnrollmentQuery,
    EnrollmentRequest,
)
from certsvc.api.schemas.learner import LearnerEnrollmentPage
from certsvc.api.schemas.values import Instant, Known, LmsId, OurId
from certsvc.domain.enrollment import Source
from certsvc.store.api_keys import Role
from certsvc.usecases.answers import Acted, NotFound
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.read import Read, read, read_at

router = Operations("enrollments")
EnrollmentId = Annotated[OurId, Path(description="The enrollment's id.")]
Several = Query(max_length=100)
NOT_FOUND = ("enrollment_not_found",)
REFUSALS = (
    "certification_archived",
    "certification_inactive",
    "certification_not_found",
    "disallowed",
    "no_published_version",
    "self_enrollment_closed",
)


@router.operation(
    "POST",
    "/enrollments",
    Enrollment,
    role=Role.LMS,
    status=201,
    refusals=REFUSALS,
    responses={
        200: {"description": "There was one; the assignment was added.", "model": Enrollment}
    },
)
async def enroll_learner(call: Call, body: EnrollmentRequest) -> Response:
    """Assign a learner: 201 for a new enrollment, 200 where there was one."""
    given = body.model_dump(exclude={"reason", "on_behalf_of", "source"})
    request = EnrollRequest(**given, source=Source(body.source or "manual"))

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        (outcome,) = await enroll(conn, call.tenant, now, [request], call.author(body))
        return _enrolled(call, outcome)

    return await call.change(work)


def _enrolled(exchange: Exchange, outcome: Enrolled | NotFound) -> Answer:
    if isinstance(outcome, NotFound):
        return no_answer(exchange, outcome)
    e, c, now = outcome.enrollment, outcome.certification, outcome.now
    if outcome.refusal is not None:
        return exchange.refused(refused(outcome.refusal, Acted(e, c, now, outcome.refusal)))
    return enrollment_answer(e, c, now, 201 if outcome.created else 200)


@router.operation("GET", "/enrollments", EnrollmentPage, role=Role.READER)
async def list_enrollments(call: Call, chosen: Annotated[EnrollmentQuery, Query()]) -> Response:
    """List enrollments, selected on stored state as of `as_of`. Of several values of one filter
    any may hold; of several filters all must."""
    selection = Selection.of(chosen)
    order = selection.order(chosen.sort, chosen.order)
    return await enrollment_page(call, selection, chosen.limit, chosen.cursor, order)


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}",
    Enrollment,
    role=Role.READER,
    refusals=NOT_FOUND,
    responses={304: {"description": "If-None-Match names the present revision."}},
)
async def get_enrollment(
    call: Call,
    enrollment_id: EnrollmentId,
    at: Annotated[Instant | None, Query(description="The state as of a past instant.")] = None,
) -> Response:
    """Read an enrollment, advanced to now."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        if at is not None and at > now:
            raise ahead("at")
        found = await (
            read(conn, call.tenant, now, enrollment_id)
            if at is None
            else read_at(conn, call.tenant, enrollment_id, at)
        )
        return _read(call, found)

    return await call.read(work)


def _read(exchange: Exchange, found: Read | NotFound) -> Answer:
    if isinstance(found, NotFound):
        return no_answer(exchange, found)
    revision = found.enrollment.revision
    if unchanged(exchange.request, revision):
        return Answer(304, b"", headers={"etag": etag(revision)})
    return enrollment_answer(found.enrollment, found.certification, found.now)


def ahead(parameter: str) -> Problem:
    """An instant that must not lie ahead does."""
    fault = Fault(code="ahead", detail="must not lie ahead", parameter=parameter)
    return Problem("invalid_request", f"Wrong content in: {parameter}.", (fault,))


View = Annotated[str, Known("all", "learner")]


@router.operation(
    "GET", "/learners/{learner_id}/enrollments", LearnerEnrollmentPage, role=Role.READER
)
async def list_learner_enrollments(
    call: Call,
    learner_id: Annotated[LmsId, Path()],
    view: Annotated[View, Query(description="`learner` leaves out what is hidden.")] = "all",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List what a learner holds, and has to do next, over all certifications."""
    chosen = Selection(learners=(learner_id,), hidden=False if view == "learner" else None)
    return await enrollment_page(call, chosen, limit, cursor, how=described_to_learner)
