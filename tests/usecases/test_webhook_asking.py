"""What people ask for: pings, retries, replays; and endpoints with their secrets."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.domain.outcome import Refusal
from certsvc.store import webhook_fanout
from certsvc.store.db import driver, transaction
from certsvc.store.webhook_deliveries import DeliveryRow
from certsvc.store.webhook_fanout import ReplayRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.webhooks import asking, endpoints, upkeep
from certsvc.usecases.webhooks.endpoints import MOST_ENDPOINTS, MOST_SECRETS, Changes, WithSecret
from certsvc.usecases.webhooks.fanning import Round, fan_out
from certsvc.usecases.webhooks.keeping import PLAIN, SEALED, Keeper, Unreadable
from tests.support.stage import MONDAY, Stage, days
from tests.support.webhooks import (
    BROKEN,
    PUBLIC,
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
from tests.support.webhooks import PLAIN as OPEN

NOBODY = UUID(int=99)


async def replayed(
    stage: Stage, id: UUID, since: datetime, until: datetime | None = None, *types: str
) -> Any:
    """What comes of asking for a replay."""
    async with transaction(stage.engine) as conn:
        return await asking.replay(conn, stage.tenant.id, clock.now(), id, since, until, types)


async def test_a_replay_sends_everything_again_under_the_same_ids(stage: Stage) -> None:
    made = await endpoint(stage)
    await stage.enroll(await stage.certification(), "u-1", "u-2")
    receivers = await sent(stage.engine)
    first = receivers.ids(hook("lms"))
    assert isinstance(await replayed(stage, made.id, MONDAY), ReplayRow)
    await sent(stage.engine, receivers)
    both = receivers.ids(hook("lms"))
    assert sorted(both[len(first) :]) == sorted(first)
    bodies = {message.id: message.body for message in receivers.heard[: len(first)]}
    assert all(bodies[message.id] == message.body for message in receivers.heard)
    await sent(stage.engine, receivers)
    assert len(receivers.heard) == 2 * len(first), "once"
    rows = await deliveries(stage, made.id)
    assert {(row.state.value, row.attempts) for row in rows} == {("succeeded", 2)}


async def test_a_replay_brings_what_happened_before_the_endpoint_was_there(stage: Stage) -> None:
    certification = await stage.certification()
    await stage.enroll(certification, "u-1")
    await stage.enroll(certification, "u-2", at=MONDAY + days(1))
    await stage.enroll(certification, "u-3", at=MONDAY + days(2))
    made = await endpoint(stage, types=["enrollment.created", "enrollment.opened"])
    await replayed(stage, made.id, MONDAY + days(1), MONDAY + days(2), "enrollment.created")
    receivers = await sent(stage.engine)
    (document,) = receivers.documents(hook("lms"))
    assert (document["type"], document["data"]["learner_id"]) == ("enrollment.created", "u-2")
    assert document["data"]["id"] == receivers.heard[0].id


async def test_a_replay_leaves_what_waits_as_it_is(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    await sent(stage.engine, Receivers({hook("lms"): BROKEN}))
    before = await deliveries(stage, made.id)
    await replayed(stage, made.id, MONDAY)
    assert not (await sent(stage.engine)).heard
    assert await deliveries(stage, made.id) == before


async def test_a_replay_gives_what_had_failed_all_its_attempts_again(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    receivers = Receivers({hook("lms"): BROKEN})
    for _ in range(3):
        await sent(stage.engine, receivers)
        await make_due(stage)
    assert await states(stage, made.id) == {"failed": 1}
    await replayed(stage, made.id, MONDAY)
    await sent(stage.engine, receivers)
    assert await states(stage, made.id) == {"pending": 1}
    await make_due(stage)
    receivers.answers.clear()
    await sent(stage.engine, receivers)
    (row,) = await deliveries(stage, made.id)
    assert (row.state, row.attempts) == ("succeeded", 5)


async def test_a_replay_goes_on_in_batches_and_beside_others(engine: AsyncEngine) -> None:
    stage = await Stage.set(engine)
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(20)))
    made = await endpoint(stage)
    await replayed(stage, made.id, MONDAY)
    await replayed(stage, made.id, MONDAY)
    round = await fan_out(engine, Round(), batch=7)
    told = await events_of(stage)
    assert round.deliveries == len(told)
    assert round.events == 2 * len(told)
    receivers = await sent(engine)
    assert sorted(receivers.ids(hook("lms"))) == sorted(told)
    ended = await ask(
        stage,
        "SELECT deliveries FROM webhook_replays WHERE tenant_id = $1"
        " AND finished_at IS NOT NULL ORDER BY id",
    )
    assert [row[0] for row in ended] == [len(told), 0]


async def test_a_replay_waits_for_what_has_not_come_to_light_yet(stage: Stage) -> None:
    certification = await stage.certification()
    async with transaction(stage.engine) as lasting:
        await driver(lasting).execute("SELECT pg_current_xact_id()")
        await stage.enroll(certification, "u-1")
        made = await endpoint(stage, types=["enrollment.created"])
        await replayed(stage, made.id, MONDAY)
        assert not (await sent(stage.engine)).heard
    await stage.enroll(certification, "u-2")
    receivers = await sent(stage.engine)
    learners = [d["data"]["learner_id"] for d in receivers.documents(hook("lms"))]
    assert sorted(learners) == ["u-1", "u-2"]
    async with transaction(stage.engine) as conn:
        assert await webhook_fanout.replays(conn, 10) == []


async def test_a_retry_sends_a_delivery_now_whatever_became_of_it(stage: Stage) -> None:
    made = await endpoint(stage, types=["enrollment.created"])
    await stage.enroll(await stage.certification(), "u-1")
    receivers = Receivers({hook("lms"): BROKEN})
    await sent(stage.engine, receivers)
    (row,) = await deliveries(stage, made.id)
    for expected in ("pending", "succeeded", "succeeded"):
        async with transaction(stage.engine) as conn:
            again = await asking.retry(conn, stage.tenant.id, clock.now(), made.id, row.id)
        assert isinstance(again, DeliveryRow)
        assert again.state == "pending"
        await sent(stage.engine, receivers)
        assert await states(stage, made.id) == {expected: 1}
        receivers.answers.clear()
    assert len(set(receivers.ids(hook("lms")))) == 1
    assert len(receivers.heard) == 4


async def test_nothing_is_asked_of_an_endpoint_that_is_not_there_or_disabled(
    stage: Stage,
) -> None:
    made = await endpoint(stage)
    await changed(stage, made.id, enabled=False)
    at, tenant_id = clock.now(), stage.tenant.id
    for id, kind in ((NOBODY, NotFound), (made.id, Refusal)):
        async with transaction(stage.engine) as conn:
            found = [
                await asking.ping(conn, tenant_id, at, id),
                await asking.retry(conn, tenant_id, at, id, NOBODY),
                await asking.replay(conn, tenant_id, at, id, MONDAY, None, ()),
            ]
        assert {type(one) for one in found} == {kind}


# Endpoints


async def test_a_secret_is_kept_under_a_key_if_there_is_one() -> None:
    key, newer = (Fernet.generate_key().decode() for _ in range(2))
    assert OPEN.keep("whsec_x") == f"{PLAIN}whsec_x"
    kept = Keeper([key]).keep("whsec_x")
    assert kept.startswith(SEALED)
    assert "whsec_x" not in kept
    for keys in ([key], [newer, key]):
        assert Keeper(keys).read(kept) == "whsec_x"
        assert Keeper(keys).read(OPEN.keep("whsec_y")) == "whsec_y", "from before there was a key"
    for keys in ([], [newer]):
        with pytest.raises(Unreadable):
            Keeper(keys).read(kept)


async def rotated(stage: Stage, id: UUID, keep: timedelta) -> Any:
    """What comes of a rotation."""
    async with transaction(stage.engine) as conn:
        return await endpoints.rotate(conn, stage.tenant.id, clock.now(), id, keep, OPEN)


async def signed_with(stage: Stage, id: UUID) -> tuple[str, ...]:
    """The secrets of a message that goes out now."""
    async with transaction(stage.engine) as conn:
        await asking.ping(conn, stage.tenant.id, clock.now(), id)
    return (await sent(stage.engine)).heard[-1].secrets


async def test_the_old_secrets_sign_beside_the_new_one_for_as_long_as_asked(stage: Stage) -> None:
    made = await endpoint(stage)
    (first,) = await signed_with(stage, made.id)
    second = await rotated(stage, made.id, timedelta(hours=24))
    third = await rotated(stage, made.id, timedelta(hours=1))
    assert isinstance(third, WithSecret)
    assert await signed_with(stage, made.id) == (third.secret, second.secret, first)
    row = await endpoint_now(stage, made.id)
    ends = [one.expires_at for one in row.secrets]
    assert ends[0] is None
    assert all(end is not None and end - clock.now() < timedelta(hours=1) for end in ends[1:])
    fourth = await rotated(stage, made.id, timedelta())
    assert await signed_with(stage, made.id) == (fourth.secret,)


async def test_a_message_is_signed_with_so_many_secrets_at_most(stage: Stage) -> None:
    made = await endpoint(stage)
    for _ in range(MOST_SECRETS - 1):
        assert isinstance(await rotated(stage, made.id, timedelta(days=1)), WithSecret)
    refused = await rotated(stage, made.id, timedelta(days=1))
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many_webhook_secrets"
    assert isinstance(await rotated(stage, made.id, timedelta()), WithSecret)


async def test_a_tenant_has_so_many_endpoints_at_most(stage: Stage) -> None:
    await ask(
        stage,
        "INSERT INTO webhook_endpoints (tenant_id, id, url, secrets, since, created_at, updated_at)"
        " SELECT $1, gen_random_uuid(), 'https://x.example', '[]', '1:1:', now(), now()"
        " FROM generate_series(1, $2)",
        MOST_ENDPOINTS - 1,
    )
    await endpoint(stage)
    async with transaction(stage.engine) as conn:
        wanted = Changes(url=hook("one-more"))
        refused = await endpoints.create(conn, stage.tenant.id, clock.now(), wanted, OPEN, PUBLIC)
    assert isinstance(refused, Refusal)
    assert refused.code == "too_many_webhook_endpoints"


async def test_a_url_that_is_not_allowed_is_refused_when_made_and_when_changed(
    stage: Stage,
) -> None:
    made = await endpoint(stage)
    for url in ("http://lms.example/x", "https://10.0.0.1/x", "https://a:b@lms.example/"):
        async with transaction(stage.engine) as conn:
            both = [
                await endpoints.create(
                    conn, stage.tenant.id, clock.now(), Changes(url=url), OPEN, PUBLIC
                ),
                await endpoints.change(
                    conn, stage.tenant.id, clock.now(), made.id, Changes(url=url), PUBLIC
                ),
            ]
        for refused in both:
            assert isinstance(refused, Refusal)
            assert (refused.code, refused.parameter) == ("webhook_url_refused", "url")
    assert await endpoint_now(stage, made.id) == made


async def test_a_change_of_nothing_is_none(stage: Stage) -> None:
    made = await endpoint(stage)
    assert await changed(stage, made.id, url=made.url, enabled=True) == made
    new = await changed(stage, made.id, types=["exam.reset", "exam.reset"])
    assert new == replace(made, types=("exam.reset",), updated_at=new.updated_at)
    assert (await changed(stage, made.id, types=[])).types is None


# What nobody needs any more


async def test_old_deliveries_go_with_their_attempts_and_those_that_wait_stay(
    engine: AsyncEngine,
) -> None:
    stage = await Stage.set(engine)
    made = await endpoint(stage, types=["enrollment.created"])
    waits = await endpoint(stage, "down", types=["enrollment.created"])
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(5)))
    await sent(engine, Receivers({hook("down"): BROKEN}))
    now = clock.now()
    assert await upkeep.purge(engine, now, now - days(30)) == 0
    assert await upkeep.purge(engine, now, now + days(1), batch=2) == 5
    assert await deliveries(stage, made.id) == []
    assert await states(stage, waits.id) == {"pending": 5}
    left = await ask(stage, "SELECT endpoint_id FROM webhook_attempts WHERE tenant_id = $1")
    assert {row[0] for row in left} == {waits.id}


async def test_a_deleted_endpoint_gets_nothing_and_leaves_nothing(engine: AsyncEngine) -> None:
    from certsvc.store import webhook_endpoints

    stage = await Stage.set(engine)
    made = await endpoint(stage)
    certification = await stage.certification()
    await stage.enroll(certification, "u-1")
    await sent(engine, Receivers({hook("lms"): BROKEN}))
    async with transaction(engine) as conn:
        assert await webhook_endpoints.delete(conn, stage.tenant.id, made.id, clock.now())
        assert not await webhook_endpoints.delete(conn, stage.tenant.id, made.id, clock.now())
        assert await webhook_endpoints.get(conn, stage.tenant.id, made.id) is None
        assert await webhook_endpoints.page(conn, stage.tenant.id, limit=5) == []
    await make_due(stage)
    await stage.enroll(certification, "u-2")
    assert not (await sent(engine)).heard
    now = clock.now() + days(1)
    assert await upkeep.purge(engine, now, now - days(30)) > 0
    for table in ("endpoints", "deliveries", "attempts", "cursors"):
        assert await ask(stage, f"SELECT FROM webhook_{table} WHERE tenant_id = $1") == []


async def test_a_tenant_is_looked_after_again_once_it_has_an_endpoint_again(
    engine: AsyncEngine,
) -> None:
    stage = await Stage.set(engine)
    made = await endpoint(stage)
    certification = await stage.certification()
    await changed(stage, made.id, enabled=False)
    now = clock.now()
    await upkeep.purge(engine, now, now)
    assert await ask(stage, "SELECT FROM webhook_cursors WHERE tenant_id = $1") == []
    await stage.enroll(certification, "u-1")
    await changed(stage, made.id, enabled=True)
    await stage.enroll(certification, "u-2")
    await upkeep.purge(engine, now, now)
    receivers = await sent(engine)
    learners = {d["data"]["learner_id"] for d in receivers.documents(hook("lms"))}
    assert learners == {"u-2"}


async def test_an_endpoint_that_is_made_while_its_tenant_is_given_up_is_looked_after(
    engine: AsyncEngine,
) -> None:
    import asyncio

    stage = await Stage.set(engine)
    made = await endpoint(stage)
    await changed(stage, made.id, enabled=False)
    async with transaction(engine) as conn:
        await webhook_fanout.drop_idle_cursors(conn)
        other = asyncio.create_task(endpoint(stage, "other"))
        await asyncio.sleep(0.1)
        assert not other.done()
    await other
    await stage.enroll(await stage.certification(), "u-1")
    assert set((await sent(engine)).ids(hook("other"))) == set(await events_of(stage))
