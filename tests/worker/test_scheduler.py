"""The scheduler fires the timetable, survives what goes wrong, and ends between batches."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.domain.status import Status
from certsvc.settings import Settings
from certsvc.store.db import driver, transaction
from certsvc.store.errors import Unavailable
from certsvc.store.exclusive import try_alone
from certsvc.worker.scheduler import Scheduler, heartbeat_age
from certsvc.worker.timetable import TABLE, Duty, Run
from tests.support.stage import Stage

SETTINGS = Settings(_env_file=None, tick_seconds=0.05)


def duty(run: Run, *, seconds: float = 0.05, every_replica: bool = True) -> Duty:
    return Duty("test", lambda _: seconds, run, every_replica)


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = clock.monotonic() + seconds
    while not holds():
        assert clock.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


class Counted:
    """A duty that counts its runs; what `then` does may fail or take its time."""

    def __init__(self, then: Callable[[], Any] | None = None) -> None:
        self.runs = 0
        self._then = then

    async def __call__(self, _: AsyncEngine, __: Settings, ___: asyncio.Event) -> int:
        self.runs += 1
        if self._then is not None:
            await self._then()
        return 1


async def test_a_duty_runs_at_once_and_again_after_every_pause(engine: AsyncEngine) -> None:
    run = Counted()
    scheduler = Scheduler(engine, SETTINGS, (duty(run),))
    assert heartbeat_age() is None
    scheduler.start()
    await until(lambda: run.runs >= 3)
    age = heartbeat_age()
    assert age is not None
    assert age < 5
    await scheduler.stop()
    ended = run.runs
    await asyncio.sleep(0.2)
    assert run.runs == ended
    assert heartbeat_age() is None


@pytest.mark.parametrize("error", [RuntimeError("wrong"), Unavailable("away")])
async def test_a_duty_that_fails_is_run_again(engine: AsyncEngine, error: Exception) -> None:
    async def fail() -> None:
        raise error

    run = Counted(fail)
    scheduler = Scheduler(engine, SETTINGS, (duty(run),))
    scheduler.start()
    await until(lambda: run.runs >= 3)
    await scheduler.stop()


async def test_a_duty_never_runs_beside_itself(engine: AsyncEngine) -> None:
    running = most = 0

    async def linger() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.2)
        running -= 1

    run = Counted(linger)
    scheduler = Scheduler(engine, SETTINGS, (duty(run, seconds=0.02),))
    scheduler.start()
    await until(lambda: run.runs >= 3)
    await scheduler.stop()
    assert most == 1


async def test_stopping_lets_a_run_finish(engine: AsyncEngine) -> None:
    finished = asyncio.Event()

    async def linger() -> None:
        await asyncio.sleep(0.3)
        finished.set()

    run = Counted(linger)
    scheduler = Scheduler(engine, SETTINGS, (duty(run),))
    scheduler.start()
    await until(lambda: run.runs == 1)
    await scheduler.stop()
    assert finished.is_set()
    assert run.runs == 1


async def test_stopping_does_not_wait_for_ever(engine: AsyncEngine) -> None:
    run = Counted(lambda: asyncio.sleep(60))
    scheduler = Scheduler(engine, SETTINGS, (duty(run),))
    scheduler.start()
    await until(lambda: run.runs == 1)
    began = clock.monotonic()
    await scheduler.stop(timeout=0.1)
    assert clock.monotonic() - began < 5


async def test_a_duty_whose_hour_seems_far_away_is_called_all_the_same(
    engine: AsyncEngine,
) -> None:
    """As after the wall clock was set back: the timer waits for an hour, the watchdog does not."""
    run = Counted()
    scheduler = Scheduler(engine, SETTINGS, (duty(run),))
    scheduler.start()
    await until(lambda: run.runs >= 1)
    timer: Any = scheduler._timer
    timer.modify_job("test", next_run_time=clock.now() + timedelta(hours=1))
    before = run.runs
    await until(lambda: run.runs > before + 2)
    await scheduler.stop()


async def test_what_one_replica_does_the_others_leave(engine: AsyncEngine) -> None:
    run = Counted()
    scheduler = Scheduler(engine, SETTINGS, (duty(run, every_replica=False),))
    async with transaction(engine) as elsewhere:
        assert await try_alone(elsewhere, "duty:test")
        scheduler.start()
        await asyncio.sleep(0.3)
        assert run.runs == 0
    await until(lambda: run.runs >= 1)
    await scheduler.stop()


async def test_two_schedulers_with_the_real_timetable_do_what_is_due(engine: AsyncEngine) -> None:
    stage = await Stage.set(engine)
    document = {"initial": {"steps": [], "exam": {"exam_id": "X", "passing_score": 1}}}
    policy = {"due": {"after": "P1D"}, "reminders_before_due": []}
    certification = await stage.certification({**document, "policy": policy})
    learners = [f"u-{n}" for n in range(50)]
    ids = await stage.enroll(certification, *learners, at=clock.now() - timedelta(days=9))
    schedulers = [Scheduler(engine, SETTINGS, TABLE) for _ in range(2)]
    for scheduler in schedulers:
        scheduler.start()

    async def overdue() -> int:
        async with transaction(engine) as conn:
            number: int = await driver(conn).fetchval(
                "SELECT count(*) FROM events WHERE type = 'enrollment.overdue'"
            )
            return number

    deadline = clock.monotonic() + 10
    while await overdue() < len(ids) and clock.monotonic() < deadline:
        await asyncio.sleep(0.05)
    await asyncio.gather(*(scheduler.stop() for scheduler in schedulers))
    assert await overdue() == len(ids)
    rows = await stage.read(*ids)
    assert {row.enrollment.status for row in rows} == {Status.NOT_STARTED}


def test_the_timetable_names_every_duty_once_and_every_pause_is_positive() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert all(row.seconds(SETTINGS) > 0 for row in TABLE)
    assert [row.name for row in TABLE if row.every_replica] == [
        "tick",
        "group-work",
        "bulk",
        "webhooks",
    ]
