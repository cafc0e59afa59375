"""The cycles of an enrollment: every pass through a path, the open one too."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer
from certsvc.api.exchange import Call
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_number, digest, page
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId
from certsvc.api.routing import Operations
from certsvc.api.schemas.enrollment import CyclePage
from certsvc.domain.describe import describe_cycle
from certsvc.domain.enrollment import Cycle, Enrollment
from certsvc.store import cycles
from certsvc.store.api_keys import Role
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read

router = Operations("enrollments")


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/cycles",
    CyclePage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_cycles(
    call: Call, enrollment_id: EnrollmentId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the cycles of an enrollment, the first one first."""
    mark = digest("cycles", {"enrollment": enrollment_id})
    after = after_number(cursor, mark) or 0

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        stored = await cycles.of_enrollment(conn, call.tenant_id, enrollment_id)
        rest = [cycle for cycle in present(stored, found.enrollment) if cycle.number > after]
        return page(
            rest,
            limit,
            mark,
            found.now,
            lambda cycle: cycle.number,
            lambda cycle: describe_cycle(cycle, found.certification),
        )

    return await call.read(work)


def present(stored: list[Cycle], e: Enrollment) -> list[Cycle]:
    """The cycles as they are now: what time closed or opened since is in the enrollment."""
    known = {cycle.number: cycle for cycle in stored}
    for cycle in (e.overtaken, e.cycle):
        if cycle is not None:
            known[cycle.number] = cycle
    return [known[number] for number in sorted(known)]
