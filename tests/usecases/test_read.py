"""Answers read as of now, however late the scheduler is, and as of then, where that is asked."""

from uuid import UUID, uuid4

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.status import Status
from certsvc.store.db import transaction
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import Read, read, read_at, read_many
from certsvc.usecases.tick import run_once
from tests.support.programmes import utc
from tests.support.stage import MONDAY, Stage, days
from tests.usecases.test_tick import certified

EXPIRED = utc("2027-01-07T00:00")


async def status_at(stage: Stage, id: UUID, at: object) -> Status:
    async with transaction(stage.engine) as conn:
        answer = await read_at(conn, stage.tenant, id, at)  # type: ignore[arg-type]
    assert isinstance(answer, Read), answer
    return answer.enrollment.status


async def test_one_is_answered_advanced_to_now_and_stays_as_stored(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    async with transaction(stage.engine) as conn:
        answer = await read(conn, stage.tenant, EXPIRED, id)
        assert isinstance(answer, Read)
        assert (answer.enrollment.status, answer.now) == (Status.EXPIRED, EXPIRED)
        assert isinstance(await read(conn, stage.tenant, EXPIRED, uuid4()), NotFound)
        many = await read_many(conn, stage.tenant, EXPIRED, [id, uuid4()])
        assert [one.enrollment for one in many] == [answer.enrollment]
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.CERTIFIED


async def test_the_past_is_answered_as_it_was_known_then(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    await stage.act(id, Act(action=Action.REVOKE), at=EXPIRED)
    await run_once(stage.engine, EXPIRED + days(1), 100)
    assert await status_at(stage, id, MONDAY) is Status.CERTIFIED
    assert await status_at(stage, id, EXPIRED - days(30)) is Status.CERTIFIED
    # The expiry was recorded with the revocation only; advancing from what was known gives it.
    assert await status_at(stage, id, EXPIRED - days(1) / 2) is Status.EXPIRED
    assert await status_at(stage, id, EXPIRED) is Status.REVOKED


async def test_before_its_beginning_an_enrollment_was_not(stage: Stage) -> None:
    (id,) = await certified(stage, "ann")
    async with transaction(stage.engine) as conn:
        assert isinstance(await read_at(conn, stage.tenant, id, MONDAY - days(1)), NotFound)
