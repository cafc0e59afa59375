"""Events reach the endpoints that they are for: once, if all goes well."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from certsvc import clock
from certsvc.store.db import driver, transaction
from certsvc.webhooks.attempt import Attempt, Message
from tests.support.stage import Stage
from tests.support.webhooks import (
    BROKEN,
    DOWN,
    TAKEN,
    Receivers,
    ask,
    changed,
    deliveries,
    endpoint,
    endpoint_now,
    events_of,
    hook,
    make_due,
    sent,
    states,
)


async def test_every_event_reaches_every_endpoint_once(stage: Stage) -> None:
    for name in ("one", "other"):
        await endpoint(stage, name)
    certification = await stage.certification()
    await stage.enroll(certification, "u-1", "u-2")
    receivers = await sent(stage.engine)
    told = await events_of(stage)
    assert told
    for name in ("one", "other"):
        assert sorted(receivers.ids(hook(name))) == sorted(told)
    assert not (await sent(stage.engine)).heard


async def test_a_message_is_the_feeds_item_in_an_envelope(stage: Stage) -> None:
    await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    receivers = await sent(stage.engine)
    (message,) = receivers.heard
    (document,) = receivers.documents(hook("lms"))
    assert document["type"] == "enrollment.created"
    assert document["timestamp"] == document["data"]["recorded_at"]
    assert document["data"]["id"] == message.id
    assert document["data"]["after"]["learner_id"] == "u-1"
    assert "." not in message.id
    (secret,) = message.secrets
    assert secret.startswith("whsec_")


async def test_an_endpoint_gets_the_types_that_it_chose(stage: Stage) -> None:
    chosen = await endpoint(stage, types=["enrollment.opened", "exam.reset"])
    await stage.enroll(await stage.certification(), "u-1", "u-2")
    await sent(stage.engine)
    rows = await deliveries(stage, chosen.id)
    assert {row.type for row in rows} == {"enrollment.opened"}
    assert len(rows) == 2


async def test_an_endpoint_gets_what_happens_after_it_was_made(stage: Stage) -> None:
    certification = await stage.certification()
    await endpoint(stage, "first")
    await stage.enroll(certification, "u-1")
    await endpoint(stage, "second")
    await stage.enroll(certification, "u-2")
    receivers = await sent(stage.engine)
    told = await events_of(stage)
    assert sorted(receivers.ids(hook("first"))) == sorted(told)
    later = receivers.ids(hook("second"))
    assert 0 < len(later) < len(told)
    assert set(later) == set(told[-len(later) :])


async def test_what_was_there_before_the_endpoint_is_not_told_however_late_it_comes_to_light(
    stage: Stage,
) -> None:
    """A transaction that lasts keeps later ones from being told; that makes them no newer."""
    certification = await stage.certification()
    async with transaction(stage.engine) as lasting:
        await driver(lasting).execute("SELECT pg_current_xact_id()")
        await stage.enroll(certification, "u-1")
        made = await endpoint(stage)
        await stage.enroll(certification, "u-2")
        assert not (await sent(stage.engine)).heard
    receivers = await sent(stage.engine)
    learners = {d["data"]["learner_id"] for d in receivers.documents(hook("lms"))}
    assert learners == {"u-2"}
    assert (await states(stage, made.id)).keys() == {"succeeded"}


async def test_an_event_that_commits_late_is_told_all_the_same(stage: Stage) -> None:
    made = await endpoint(stage)
    certification = await stage.certification()
    async with transaction(stage.engine) as lasting:
        await stage.save_in(lasting, [])
        await driver(lasting).execute(
            "INSERT INTO events (tenant_id, id, type, effective_at, recorded_at, actor, data)"
            " VALUES ($1, gen_random_uuid(), 'certification.published', now(), now(), 'x', '{}')",
            stage.tenant.id,
        )
        await stage.enroll(certification, "u-1")
        await sent(stage.engine)
    await sent(stage.engine)
    rows = await deliveries(stage, made.id)
    assert sorted(str(row.id) for row in rows) == sorted(await events_of(stage))
    assert {row.state for row in rows} == {"succeeded"}


async def test_tenants_hear_of_their_own_events_only(stage: Stage) -> None:
    other = await Stage.set(stage.engine, UUID(int=7), key="other")
    await endpoint(stage, "mine")
    await endpoint(other, "theirs")
    await stage.enroll(await stage.certification(), "u-1")
    await other.enroll(await other.certification(), "u-2", "u-3")
    receivers = await sent(stage.engine)
    assert sorted(receivers.ids(hook("mine"))) == sorted(await events_of(stage))
    assert sorted(receivers.ids(hook("theirs"))) == sorted(await events_of(other))


async def test_a_sandboxs_events_are_sent_by_the_wall_clock(sandbox: Stage) -> None:
    await endpoint(sandbox)
    await sandbox.enroll(await sandbox.certification(), "u-1")
    receivers = await sent(sandbox.engine)
    assert sorted(receivers.ids(hook("lms"))) == sorted(await events_of(sandbox))


async def test_a_failed_attempt_is_made_again_when_its_time_has_come(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    receivers = await sent(stage.engine, Receivers({hook("lms"): BROKEN}))
    (row,) = await deliveries(stage, made.id)
    assert (row.state, row.attempts, row.last_status, row.last_error) == (
        "pending",
        1,
        500,
        "http_error",
    )
    assert row.next_attempt_at is not None
    pause = row.next_attempt_at - clock.now()
    assert timedelta(seconds=3) < pause < timedelta(seconds=7)
    await sent(stage.engine, receivers)
    assert len(receivers.heard) == 1, "not before its time"
    await make_due(stage)
    receivers.answers.clear()
    await sent(stage.engine, receivers)
    first, second = receivers.heard
    assert first == second
    (row,) = await deliveries(stage, made.id)
    assert (row.state, row.attempts, row.next_attempt_at) == ("succeeded", 2, None)


async def test_after_the_last_attempt_a_delivery_has_failed(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    receivers = Receivers({hook("lms"): DOWN})
    for _ in range(3):
        await sent(stage.engine, receivers)
        await make_due(stage)
    await sent(stage.engine, receivers)
    (row,) = await deliveries(stage, made.id)
    assert (row.state, row.attempts, row.last_error) == ("failed", 3, "connection_failed")
    assert len(receivers.heard) == 3


async def test_an_endpoint_that_hangs_holds_up_nobody_else(stage: Stage) -> None:
    hanging = asyncio.Event()

    async def hang(_: Message) -> Attempt:
        await hanging.wait()
        return DOWN

    names = [f"fast-{n}" for n in range(4)]
    for name in ("hangs", *names):
        await endpoint(stage, name)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(30)))
    receivers = Receivers({hook("hangs"): hang})
    run = asyncio.create_task(sent(stage.engine, receivers))
    total = len(await events_of(stage))
    deadline = clock.monotonic() + 20
    while not all(len(receivers.ids(hook(name))) == total for name in names):
        assert clock.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert receivers.under_way[hook("hangs")] == 8
    assert len(receivers.ids(hook("hangs"))) == 8
    # What is new reaches the others while it goes on hanging.
    await stage.enroll(await stage.certification(key="other", id=UUID(int=5)), "u-99")
    more = len(await events_of(stage)) - total
    while not all(len(receivers.ids(hook(name))) == total + more for name in names):
        assert clock.monotonic() < deadline
        await asyncio.sleep(0.02)
    hanging.set()
    await run


async def test_an_endpoint_has_no_more_under_way_than_it_has_places(stage: Stage) -> None:
    async def slow(_: Message) -> Attempt:
        await asyncio.sleep(0.005)
        return TAKEN

    await endpoint(stage)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(40)))
    receivers = await sent(stage.engine, Receivers({hook("lms"): slow}), in_flight=3)
    assert receivers.most[hook("lms")] == 3
    assert sorted(receivers.ids(hook("lms"))) == sorted(await events_of(stage))


async def test_all_together_have_no_more_under_way_than_a_process_can_bear(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"e{n}" for n in range(5)]
    receivers = Receivers()
    most = 0

    async def slow(_: Message) -> Attempt:
        nonlocal most
        most = max(most, receivers.under_way.total())
        await asyncio.sleep(0.002)
        return TAKEN

    receivers.answers = dict.fromkeys(map(hook, names), slow)
    monkeypatch.setattr("certsvc.usecases.webhooks.delivering.MOST_UNDER_WAY", 6)
    for name in names:
        await endpoint(stage, name)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(10)))
    await sent(stage.engine, receivers)
    told = sorted(await events_of(stage))
    assert all(sorted(receivers.ids(hook(name))) == told for name in names)
    assert 5 <= most <= 6


async def test_who_does_not_answer_is_left_one_place_until_he_does(stage: Stage) -> None:
    made = await endpoint(stage)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(30)))
    receivers = Receivers({hook("lms"): DOWN})
    await sent(stage.engine, receivers)
    assert (await states(stage, made.id)).keys() == {"pending"}
    assert len(set(receivers.ids(hook("lms")))) == len(receivers.heard)


async def test_a_transaction_is_not_open_while_something_is_sent(stage: Stage) -> None:
    found: list[Any] = []

    async def look(_: Message) -> Attempt:
        async with transaction(stage.engine) as conn:
            found.extend(
                await driver(conn).fetch(
                    "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in%' AND pid <> pg_backend_pid()"
                    " AND state_change < clock_timestamp() - interval '100 ms'"
                )
            )
        await asyncio.sleep(0.15)
        return TAKEN

    await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1", "u-2")
    receivers = await sent(stage.engine, Receivers({hook("lms"): look}), in_flight=1)
    assert len(receivers.heard) == 2
    assert found == []


async def test_told_to_stop_it_finishes_what_is_under_way_and_gives_back_the_rest(
    stage: Stage,
) -> None:
    stop, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: Message) -> Attempt:
        begun.set()
        await asyncio.sleep(0.1)
        return TAKEN

    made = await endpoint(stage)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(20)))
    receivers = Receivers({hook("lms"): slow})
    run = asyncio.create_task(sent(stage.engine, receivers, stop=stop, in_flight=2))
    await begun.wait()
    stop.set()
    await run
    found = await states(stage, made.id)
    assert found["succeeded"] == len(receivers.heard) > 0
    assert found["pending"] > 0
    held = await ask(
        stage, "SELECT FROM webhook_deliveries WHERE tenant_id = $1 AND claimed_until IS NOT NULL"
    )
    assert held == []
    await sent(stage.engine, receivers)
    assert sorted(receivers.ids(hook("lms"))) == sorted(await events_of(stage))


async def test_a_disabled_endpoint_gets_nothing_and_what_waits_goes_on_waiting(
    stage: Stage,
) -> None:
    made = await endpoint(stage)
    certification = await stage.certification()
    await stage.enroll(certification, "u-1")
    receivers = Receivers({hook("lms"): DOWN})
    await sent(stage.engine, receivers)
    before = await events_of(stage)
    await changed(stage, made.id, enabled=False)
    await make_due(stage)
    receivers.heard.clear()
    receivers.answers.clear()
    await stage.enroll(certification, "u-2")
    await sent(stage.engine, receivers)
    assert receivers.heard == []
    again = await changed(stage, made.id, enabled=True)
    assert (again.disabled_at, again.disabled_reason, again.failures) == (None, None, 0)
    await stage.enroll(certification, "u-3")
    await sent(stage.engine, receivers)
    ids = receivers.ids(hook("lms"))
    assert set(before) < set(ids)
    learners = {document["data"]["learner_id"] for document in receivers.documents(hook("lms"))}
    assert learners == {"u-1", "u-3"}, "what happened meanwhile is not for it"


async def test_an_event_that_cannot_be_rendered_keeps_no_other_from_being_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certsvc.webhooks import payloads

    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(9)))
    real = payloads.body

    def spoiled(item: dict[str, Any]) -> bytes:
        if item["learner_id"] == "u-4":
            raise ValueError("spoiled")
        return real(item)

    monkeypatch.setattr("certsvc.usecases.webhooks.bodies.body", spoiled)
    await sent(stage.engine)
    assert await states(stage, made.id) == {"succeeded": 8, "pending": 1}
    (left,) = await deliveries(stage, made.id, "pending")
    assert left.last_error == "internal_error"
    assert (await endpoint_now(stage, made.id)).failures == 0
