"""The duties of webhooks: events go out by themselves, over real connections, and old ones go."""

import asyncio
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.settings import Settings
from certsvc.store import webhook_endpoints
from certsvc.store.db import transaction
from certsvc.usecases.webhooks import endpoints
from certsvc.usecases.webhooks.endpoints import Changes, WithSecret
from certsvc.usecases.webhooks.terms import keeper_of
from certsvc.webhooks.addresses import allowance_of
from certsvc.worker import duties
from certsvc.worker.scheduler import Scheduler
from certsvc.worker.timetable import TABLE
from tests.support.stage import Stage
from tests.support.webhooks import ask, events_of, states
from tests.webhooks.receiver import receiving, says

SETTINGS = Settings(_env_file=None, tick_seconds=0.1, webhook_local=True)
DUTY = next(row for row in TABLE if row.name == "webhooks")


async def made(stage: Stage, url: str) -> WithSecret:
    async with transaction(stage.engine) as conn:
        outcome = await endpoints.create(
            conn,
            stage.tenant.id,
            clock.now(),
            Changes(url=url),
            keeper_of(SETTINGS),
            allowance_of(SETTINGS),
        )
    assert isinstance(outcome, WithSecret), outcome
    return outcome


async def test_what_happens_while_the_scheduler_runs_is_told_within_a_second_or_two(
    engine: AsyncEngine,
) -> None:
    stage = await Stage.set(engine)
    certification = await stage.certification()
    async with receiving(says("204 No Content")) as receiver:
        await made(stage, receiver.url())
        scheduler = Scheduler(engine, SETTINGS, (DUTY,))
        scheduler.start()
        try:
            for learner in ("u-1", "u-2"):
                await stage.enroll(certification, learner)
                told = set(await events_of(stage))
                began = clock.monotonic()
                while {one.headers["webhook-id"] for one in receiver.heard} != told:
                    assert clock.monotonic() - began < 5
                    await asyncio.sleep(0.02)
        finally:
            began = clock.monotonic()
            await scheduler.stop()
        assert clock.monotonic() - began < 3, "it does not linger"
        assert receiver.connections <= 8, "connections are kept from one event to the next"


async def test_the_duty_ends_when_there_is_nothing_to_do(engine: AsyncEngine) -> None:
    assert await duties.deliver_webhooks(engine, SETTINGS, asyncio.Event()) == 0


async def test_old_deliveries_are_purged(engine: AsyncEngine) -> None:
    stage = await Stage.set(engine)
    stop = asyncio.Event()
    async with receiving(says("204 No Content")) as receiver:
        endpoint = (await made(stage, receiver.url())).endpoint
        await stage.enroll(await stage.certification(), "u-1")
        run = asyncio.create_task(duties.deliver_webhooks(engine, SETTINGS, stop))
        while not (await states(stage, endpoint.id))["succeeded"]:
            await asyncio.sleep(0.02)
        stop.set()
        sent = await run
    assert await duties.purge_webhooks(engine, SETTINGS, asyncio.Event()) == 0
    await ask(
        stage,
        "UPDATE webhook_deliveries SET created_at = created_at - interval '31 days'"
        " WHERE tenant_id = $1",
    )
    assert await duties.purge_webhooks(engine, SETTINGS, asyncio.Event()) == sent
    async with transaction(engine) as conn:
        row = await webhook_endpoints.get(conn, stage.tenant.id, endpoint.id)
    assert row is not None
    assert replace(row, updated_at=endpoint.updated_at) == endpoint
