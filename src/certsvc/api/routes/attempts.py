"""Exam attempts: what the LMS reported about the exams and test-outs of an enrollment."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer
from certsvc.api.exchange import Call
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, digest, page, place_of
from certsvc.api.routes.cycles import present
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId
from certsvc.api.routing import Operations
from certsvc.api.schemas.evidence import ExamAttemptPage
from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Cycle, Enrollment
from certsvc.domain.evidence import Fact, FactType
from certsvc.domain.status import CycleKind
from certsvc.store import cycles, evidence
from certsvc.store.api_keys import Role
from certsvc.store.evidence import Recorded
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read

router = Operations("enrollments")
TYPES = (FactType.EXAM_ATTEMPT, FactType.TEST_OUT_ATTEMPT)


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/exam-attempts",
    ExamAttemptPage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_exam_attempts(
    call: Call, enrollment_id: EnrollmentId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the attempts at the certification's exams and test-outs, in order of time; those that
    were reset stay."""
    mark = digest("exam-attempts", {"enrollment": enrollment_id})
    after = place_of(cursor, mark, _place)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        e = found.enrollment
        rows = await evidence.page(
            conn,
            call.tenant_id,
            e.learner_id,
            types=TYPES,
            exam_ids=sorted(exams_of(found.certification)),
            after=after,
            limit=limit + 1,
        )
        passes = present(await cycles.of_enrollment(conn, call.tenant_id, e.id), e)
        return page(rows, limit, mark, found.now, _text, lambda row: _described(row, e, passes))

    return await call.read(work)


def exams_of(certification: Certification) -> set[str]:
    """Every exam and test-out that any version names, in any path."""
    paths = [
        version.definition.path(kind) for version in certification.versions for kind in CycleKind
    ]
    named = {way.exam_id for path in paths for step in path.steps for way in step.ways}
    named |= {path.exam.exam_id for path in paths if path.exam is not None}
    return {exam_id for exam_id in named if exam_id is not None}


def _described(row: Recorded, e: Enrollment, passes: list[Cycle]) -> dict[str, Any]:
    fact = row.fact
    retracted = any(
        other.type is FactType.RETRACTION and other.retracts == fact.id for other in e.evidence
    )
    return {
        "id": fact.id,
        "type": fact.type,
        "exam_id": fact.exam_id,
        "attempt_id": fact.attempt_id,
        "outcome": fact.outcome,
        "grade": fact.grade,
        "occurred_at": fact.occurred_at,
        "recorded_at": fact.recorded_at,
        "retracted": retracted,
        "reset": any(_was_reset(fact, cycle) for cycle in passes),
    }


def _was_reset(fact: Fact, cycle: Cycle) -> bool:
    """Whether an attempt lies before a reset of its cycle. A test-out is never reset."""
    reset_at = cycle.decided.exam_reset_at
    return (
        fact.type is FactType.EXAM_ATTEMPT
        and reset_at is not None
        and cycle.counts_from <= fact.occurred_at <= reset_at
    )


def _text(row: Recorded) -> str:
    return f"{row.fact.occurred_at.isoformat()} {row.fact.id}"


def _place(text: str) -> tuple[datetime, str]:
    instant, _, id = text.partition(" ")
    at = datetime.fromisoformat(instant)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at, id
