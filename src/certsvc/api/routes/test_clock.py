"""The test clock of a sandbox: time passes when it is told to."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.problems import Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.test_clock import AdvancedClock, ClockAdvance, TestClock
from certsvc.store.api_keys import Role
from certsvc.usecases import test_clock
from certsvc.usecases.test_clock import Advanced

router = Operations("test-clock")


def _sandbox_only(exchange: Exchange) -> None:
    if not exchange.tenant.sandbox:
        raise Problem("not_a_sandbox", "This tenant lives by the wall clock.")


@router.operation("GET", "/test-clock", TestClock, role=Role.READER, refusals=("not_a_sandbox",))
async def get_test_clock(call: Call) -> Response:
    """What time it is in the sandbox."""
    _sandbox_only(call)

    async def work(_conn: AsyncConnection, now: datetime) -> Answer:
        return answer({"now": now})

    return await call.read(work)


@router.operation(
    "POST",
    "/test-clock/advance",
    AdvancedClock,
    role=Role.ADMIN,
    refusals=("not_a_sandbox", "clock_is_advancing", "to_in_the_past", "too_far"),
)
async def advance_test_clock(call: Call, body: ClockAdvance) -> Response:
    """Let time pass: everything due happens, in order, each at its own instant."""
    _sandbox_only(call)
    settings = call.service.settings

    async def work() -> Answer:
        outcome = await test_clock.advance(
            call.service.engine,
            call.tenant_id,
            body.to,
            batch_size=settings.batch_size,
            max_advance=timedelta(days=settings.max_advance_days),
        )
        if not isinstance(outcome, Advanced):
            return no_answer(call, outcome)
        return answer(
            {
                "now": outcome.clock_at,
                "instants": outcome.instants,
                "enrollments": outcome.enrollments,
                "events": outcome.events,
                "set_aside": outcome.set_aside,
            }
        )

    return await call.change_in_steps(work)
