"""An endpoint that is gone, or takes nothing for days, is disabled; the others are told."""

from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from certsvc import clock
from certsvc.domain.events import EVENTS, EventType
from certsvc.store.db import transaction
from certsvc.store.webhook_deliveries import insert_ping
from certsvc.usecases.webhooks.asking import PING
from certsvc.usecases.webhooks.settling import SEVERAL
from certsvc.webhooks.attempt import Attempt, Message
from tests.support.stage import MONDAY, Stage
from tests.support.webhooks import (
    BROKEN,
    DOWN,
    GONE,
    TAKEN,
    Receivers,
    ask,
    changed,
    endpoint,
    endpoint_now,
    events_of,
    hook,
    make_due,
    sent,
    states,
)


async def failing_for(stage: Stage, id: UUID, time: timedelta, failures: int) -> None:
    """As if the endpoint had been failing for so long."""
    await ask(
        stage,
        "UPDATE webhook_endpoints SET failing_since = $3, failures = $4"
        " WHERE tenant_id = $1 AND id = $2",
        id,
        clock.now() - time,
        failures,
    )


async def test_an_endpoint_that_is_gone_is_disabled_at_once_and_the_others_are_told(
    stage: Stage,
) -> None:
    gone = await endpoint(stage, "gone")
    await endpoint(stage, "other", types=["webhook_endpoint.disabled"])
    certification = await stage.certification()
    await stage.enroll(certification, *(f"u-{n}" for n in range(30)))
    receivers = Receivers({hook("gone"): GONE})
    await sent(stage.engine, receivers)
    row = await endpoint_now(stage, gone.id)
    assert (row.enabled, row.disabled_reason) == (False, "gone")
    tried = len(receivers.ids(hook("gone")))
    assert tried <= 8, "those that were under way"
    found = await states(stage, gone.id)
    assert found["failed"] == tried
    assert found["pending"] == found.total() - tried
    await sent(stage.engine, receivers)
    (told,) = receivers.documents(hook("other"))
    assert told["type"] == "webhook_endpoint.disabled"
    data = told["data"]["data"]
    assert set(data) == {key for key, _ in EVENTS[EventType.WEBHOOK_ENDPOINT_DISABLED].data}
    assert (data["endpoint_id"], data["cause"]) == (str(gone.id), "gone")
    assert told["data"]["enrollment_id"] is None
    await stage.enroll(certification, "u-99")
    await sent(stage.engine, receivers)
    assert len(receivers.ids(hook("gone"))) == tried


@pytest.mark.parametrize(
    ("days", "failures", "disabled"),
    [(6, SEVERAL, True), (6, 1, False), (4, 100, False)],
    ids=["for days and often", "not often", "not for days"],
)
async def test_an_endpoint_that_fails_for_days_and_often_is_disabled(
    stage: Stage, days: int, failures: int, disabled: bool
) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await failing_for(stage, made.id, timedelta(days=days), failures)
    await stage.enroll(await stage.certification(), "u-1")
    await sent(stage.engine, Receivers({hook("lms"): BROKEN}))
    row = await endpoint_now(stage, made.id)
    assert row.enabled is not disabled
    assert row.disabled_reason == ("failing" if disabled else None)
    assert row.failures == failures + 1
    assert len(await events_of(stage, "webhook_endpoint.disabled")) == int(disabled)
    assert await states(stage, made.id) == {"pending": 1}


async def test_a_success_makes_up_for_all_failures(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    await sent(stage.engine, Receivers({hook("lms"): DOWN}))
    row = await endpoint_now(stage, made.id)
    assert row.failures == 1
    assert row.failing_since is not None
    assert clock.now() - row.failing_since < timedelta(minutes=1)
    await make_due(stage)
    await sent(stage.engine)
    row = await endpoint_now(stage, made.id)
    assert (row.failures, row.failing_since) == (0, None)


async def test_one_that_is_enabled_again_begins_anew(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await failing_for(stage, made.id, timedelta(days=9), 100)
    await stage.enroll(await stage.certification(), "u-1")
    await sent(stage.engine, Receivers({hook("lms"): DOWN}))
    again = await changed(stage, made.id, enabled=True)
    assert (again.enabled, again.failing_since, again.failures) == (True, None, 0)
    await make_due(stage)
    receivers = await sent(stage.engine)
    assert len(receivers.heard) == 1, "what waited is sent"


async def test_a_ping_disables_nothing_and_is_not_tried_again(stage: Stage) -> None:
    made = await endpoint(stage)
    async with transaction(stage.engine) as conn:
        await insert_ping(conn, stage.tenant.id, made.id, UUID(int=9), PING, clock.now())
    receivers = await sent(stage.engine, Receivers({hook("lms"): GONE}))
    (message,) = receivers.heard
    assert (message.id, orjson.loads(message.body)["type"]) == (str(UUID(int=9)), PING)
    assert await states(stage, made.id) == {"failed": 1}
    row = await endpoint_now(stage, made.id)
    assert (row.enabled, row.failures) == (True, 0)


async def test_in_a_sandbox_the_event_bears_the_time_of_its_clock(sandbox: Stage) -> None:
    await endpoint(sandbox)
    await sandbox.enroll(await sandbox.certification(), "u-1")
    await sent(sandbox.engine, Receivers({hook("lms"): GONE}))
    rows = await ask(
        sandbox,
        "SELECT recorded_at FROM events WHERE tenant_id = $1 AND type = $2",
        "webhook_endpoint.disabled",
    )
    assert [row[0] for row in rows] == [MONDAY]


async def test_secrets_that_cannot_be_read_are_no_fault_of_the_endpoint(stage: Stage) -> None:
    from cryptography.fernet import Fernet

    from certsvc.usecases.webhooks.keeping import Keeper

    keeper = Keeper([Fernet.generate_key().decode()])
    made = await endpoint(stage, types=["enrollment.created"], keeper=keeper)
    await stage.enroll(await stage.certification(), "u-1")
    receivers = await sent(stage.engine)
    assert receivers.heard == []
    assert await states(stage, made.id) == {"pending": 1}
    assert (await endpoint_now(stage, made.id)).failures == 0
    await make_due(stage)
    assert len((await sent(stage.engine, keeper=keeper)).heard) == 1


async def test_the_load_of_a_receiver_that_recovers_is_back_to_what_it_was(stage: Stage) -> None:
    answers = iter([DOWN] * 10)

    def recover(_: Message) -> Attempt:
        return next(answers, TAKEN)

    await endpoint(stage)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(30)))
    receivers = Receivers({hook("lms"): recover})
    await sent(stage.engine, receivers)
    await make_due(stage)
    await sent(stage.engine, receivers)
    assert set(receivers.ids(hook("lms"))) == set(await events_of(stage))
