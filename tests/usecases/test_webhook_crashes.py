"""Whatever happens to those who deliver: no endpoint misses anything, and little is sent twice."""

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store.db import open_engine, transaction
from certsvc.store.errors import Unavailable
from certsvc.usecases.webhooks import ledger, settling
from certsvc.webhooks.attempt import Attempt, Message
from tests.support.database import plain
from tests.support.stage import Stage
from tests.support.webhooks import (
    BROKEN,
    DOWN,
    GONE,
    TAKEN,
    Receivers,
    ask,
    deliveries,
    endpoint,
    endpoint_now,
    events_of,
    hook,
    make_due,
    sent,
    states,
)
from tests.usecases.test_bulk_crashes import Crash, Strike, at_statement, crash, cut

NAMES = ("one", "other")

WORKER = """
import asyncio, sys
from certsvc.store.db import open_engine
from certsvc.usecases.webhooks.delivering import deliver
from certsvc.webhooks.attempt import Attempt
from tests.support.webhooks import TERMS

class Slow:
    async def send(self, message):
        print(message.url, message.id, flush=True)
        await asyncio.sleep(0.02)
        return Attempt(status=204)

asyncio.run(deliver(open_engine(sys.argv[1]), Slow, TERMS))
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a database that was cut off on purpose."""
    monkeypatch.setattr(ledger, "AGAIN_SECONDS", 0.01)


@dataclass
class Put:
    """Endpoints, and events for them in each round."""

    stage: Stage
    ids: list[UUID]
    round: int = 0

    @classmethod
    async def up(cls, stage: Stage) -> "Put":
        """Two endpoints, and a certification."""
        await stage.certification()
        return cls(stage, [(await endpoint(stage, name)).id for name in NAMES])

    async def more(self, learners: int = 3) -> None:
        """New events."""
        from certsvc.store import certifications
        from tests.support.programmes import CERTIFICATION

        async with transaction(self.stage.engine) as conn:
            found = await certifications.load_by_ids(conn, self.stage.tenant.id, [CERTIFICATION])
        self.round += 1
        names = [f"u-{self.round}-{n}" for n in range(learners)]
        await self.stage.enroll(found[CERTIFICATION], *names)

    async def assert_whole(self, receivers: Receivers) -> None:
        """Each endpoint has one delivery for each event, each succeeded and was received."""
        told = await events_of(self.stage)
        for name, id in zip(NAMES, self.ids, strict=True):
            rows = await deliveries(self.stage, id)
            assert sorted(str(row.id) for row in rows) == sorted(told)
            assert {row.state for row in rows} == {"succeeded"}
            assert set(receivers.ids(hook(name))) == set(told)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("strike", [crash, cut])
async def test_a_failure_at_any_statement_loses_nothing(
    stage: Stage, strike: Strike, after: bool
) -> None:
    put = await Put.up(stage)
    receivers = Receivers()
    for number in count(1):
        await put.more()
        with at_statement(number, strike, after=after) as seen, suppress(Crash, Unavailable):
            await sent(stage.engine, receivers)
        await make_due(stage)
        await sent(stage.engine, receivers)
        await put.assert_whole(receivers)
        if seen[0] < number:
            break
    assert number > 8


async def test_a_task_that_is_cancelled_at_any_statement_loses_nothing(stage: Stage) -> None:
    put = await Put.up(stage)
    receivers = Receivers()
    for number in count(1):
        await put.more()
        tasks: list[asyncio.Task[Any]] = []
        with at_statement(number, lambda _: tasks[0].cancel(), after=False) as seen:  # noqa: B023
            tasks.append(asyncio.create_task(sent(stage.engine, receivers)))
            await asyncio.wait(tasks)
        await make_due(stage)
        await sent(stage.engine, receivers)
        await put.assert_whole(receivers)
        if seen[0] < number:
            break
    assert number > 8


async def test_a_process_that_is_killed_loses_nothing_and_repeats_what_it_had_in_hand(
    stage: Stage, database_url: str
) -> None:
    put = await Put.up(stage)
    await put.more(200)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, database_url, stdout=asyncio.subprocess.PIPE
    )
    first: Counter[str] = Counter()
    assert worker.stdout is not None
    try:
        while first.total() < 300:
            first[(await worker.stdout.readline()).decode().strip()] += 1
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        rest = await worker.stdout.read()
        await worker.wait()
    first.update(line.strip() for line in rest.decode().splitlines())
    receivers = await sent(stage.engine)
    # What it had in hand is left alone for as long as it may be alive; nobody has to know.
    found = await states(stage, put.ids[0])
    assert found["pending"] > 0
    await make_due(stage)
    await sent(stage.engine, receivers)
    told = await events_of(stage)
    again = 0
    for name, id in zip(NAMES, put.ids, strict=True):
        assert await states(stage, id) == {"succeeded": len(told)}
        came = Counter(line.split()[1] for line in first.elements() if hook(name) in line)
        came.update(receivers.ids(hook(name)))
        assert set(came) == set(told)
        again += came.total() - len(told)
    assert again < 300, "only what was not written down yet"


async def test_two_workers_at_once_send_everything_once(stage: Stage, database_url: str) -> None:
    put = await Put.up(stage)
    other = open_engine(database_url)
    receivers = Receivers()
    try:
        for _ in range(3):
            await put.more(40)
            await asyncio.gather(sent(stage.engine, receivers), sent(other, receivers))
            await sent(stage.engine, receivers)
    finally:
        await other.dispose()
    await put.assert_whole(receivers)
    told = await events_of(stage)
    assert len(receivers.heard) == len(NAMES) * len(told)


async def test_a_late_failure_does_not_undo_what_another_worker_achieved(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    go, begun = asyncio.Event(), asyncio.Event()

    async def late(_: Message) -> Attempt:
        begun.set()
        await go.wait()
        return BROKEN

    slow = asyncio.create_task(sent(stage.engine, Receivers({hook("lms"): late})))
    await begun.wait()
    await make_due(stage)
    await sent(stage.engine)
    go.set()
    await slow
    (row,) = await deliveries(stage, made.id)
    assert (row.state, row.attempts, row.next_attempt_at) == ("succeeded", 2, None)


async def test_an_endpoint_that_is_disabled_by_two_workers_at_once_is_told_of_once(
    stage: Stage, database_url: str
) -> None:
    made = await endpoint(stage)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(20)))
    other = open_engine(database_url)
    receivers = Receivers({hook("lms"): GONE})
    try:
        await asyncio.gather(sent(stage.engine, receivers), sent(other, receivers))
    finally:
        await other.dispose()
    assert (await endpoint_now(stage, made.id)).disabled_reason == "gone"
    assert len(await events_of(stage, "webhook_endpoint.disabled")) == 1


ANSWERS: dict[str, Attempt | type[Exception]] = {
    "taken": TAKEN,
    "broken": BROKEN,
    "down": DOWN,
    "raises": RuntimeError,
}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(luck=st.lists(st.sampled_from(sorted(ANSWERS)), min_size=1, max_size=40))
async def test_whatever_receivers_do_every_event_is_received_or_listed_as_failed(
    engine: AsyncEngine, database_url: str, luck: list[str]
) -> None:
    await emptied(database_url)
    stage = await Stage.set(engine)
    put = await Put.up(stage)
    chance = iter(luck * 20)
    taken: set[tuple[str, str]] = set()

    def answer(message: Message) -> Attempt:
        given = ANSWERS[next(chance, "taken")]
        if not isinstance(given, Attempt):
            raise given
        if given is TAKEN:
            taken.add((message.url, message.id))
        return given

    receivers = Receivers({hook(name): answer for name in NAMES})
    await put.more(4)
    for _ in range(5):
        await sent(engine, receivers)
        await make_due(stage)
    told = await events_of(stage)
    for name, id in zip(NAMES, put.ids, strict=True):
        rows = await deliveries(stage, id)
        assert sorted(str(row.id) for row in rows) == sorted(told)
        for row in rows:
            received = (hook(name), str(row.id)) in taken
            assert row.state == ("succeeded" if received else "failed")
            attempts = await ask(
                stage,
                "SELECT number FROM webhook_attempts WHERE tenant_id = $1"
                " AND endpoint_id = $2 AND delivery_id = $3 ORDER BY number",
                id,
                row.id,
            )
            assert [one[0] for one in attempts] == list(range(1, row.attempts + 1))


async def emptied(url: str) -> None:
    """Nothing of the example before is left."""
    connection = await asyncpg.connect(plain(url))
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname NOT IN ('alembic_version', 'feed_homes')"
        )
        await connection.execute(f"TRUNCATE {', '.join(row[0] for row in tables)}")
    finally:
        await connection.close()


async def test_a_database_that_is_away_for_a_moment_costs_no_attempt(stage: Stage) -> None:
    """What was sent is written down when it is back."""
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    failures = iter([True, True, False])
    real = settling.settle

    async def flaky(*given: Any) -> Any:
        if next(failures, False):
            raise Unavailable("away")
        return await real(*given)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "settle", flaky)
        receivers = await sent(stage.engine)
    assert len(receivers.heard) == 1
    assert await states(stage, made.id) == {"succeeded": 1}
