"""Deliveries over HTTP: really sent to receivers on loopback, looked at, and sent again."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook, WebhookVerificationError

from certsvc.settings import Settings
from tests.api.client import Json, assert_valid
from tests.api.samples import NOBODY
from tests.api.test_lists import everything
from tests.api.world import House, at
from tests.support.delivering import delivered
from tests.webhooks.receiver import Receiver, receiving, says

ENDPOINTS = "/v1/webhook-endpoints"
CREATED = ["enrollment.created"]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers may be on this machine; little is kept of what they say."""
    return settings.model_copy(update={"webhook_local": True, "webhook_response_bytes": 10})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Takes everything."""
    async with receiving(says("200 OK", b"thanks")) as receiver:
        yield receiver


async def made(house: House, receiver: Receiver, **more: Any) -> Json:
    return await house.admin.post(ENDPOINTS, {"url": receiver.url(), **more}, expect=201)


async def changed(house: House, endpoint: Json, **body: Any) -> Json:
    return await house.admin.call("PATCH", f"{ENDPOINTS}/{endpoint['id']}", json=body)


async def asked(
    house: House, endpoint: Json, action: str, *, expect: int = 202, **query: Any
) -> Json:
    path = f"{ENDPOINTS}/{endpoint['id']}/{action}"
    return await house.admin.call("POST", path, expect=expect, params=query)


async def deliveries(house: House, endpoint: Json, **query: Any) -> list[Json]:
    page = await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries", limit=200, **query)
    return list(page["items"])


async def whole(house: House, delivery: Json) -> Json:
    """The delivery as it is now, with its attempts."""
    path = f"{ENDPOINTS}/{delivery['endpoint_id']}/deliveries/{delivery['id']}"
    return await house.reader.get(path)


def ids(receiver: Receiver) -> list[str]:
    return [heard.headers["webhook-id"] for heard in receiver.heard]


def seconds_until(moment: str) -> float:
    then = datetime.fromisoformat(moment)
    return (then - datetime.now(then.tzinfo)).total_seconds()


# What is sent


async def test_an_event_is_sent_signed_as_the_feed_tells_it(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    endpoint = await made(house, receiver)
    await house.programme()
    await house.certified()
    await delivered(engine, settings)
    feed = (await house.reader.get("/v1/events", limit=200))["items"]
    assert sorted(ids(receiver)) == sorted(event["id"] for event in feed)
    events = {event["id"]: event for event in feed}
    for heard in receiver.heard:
        message = Webhook(endpoint["secret"]).verify(heard.body, heard.headers)
        assert heard.headers["content-type"] == "application/json"
        event = events[heard.headers["webhook-id"]]
        assert message == {
            "type": event["type"],
            "timestamp": event["recorded_at"],
            "data": event,
        }
        name = "".join(part.capitalize() for part in event["type"].replace("_", ".").split("."))
        assert_valid(f"{name}Webhook", message)
    listed = await deliveries(house, endpoint)
    assert {(line["state"], line["attempt_count"]) for line in listed} == {("succeeded", 1)}
    assert sorted(line["id"] for line in listed) == sorted(events)


async def test_only_the_chosen_types_are_sent(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    endpoint = await made(house, receiver, types=CREATED)
    await house.programme()
    await house.certified()
    await delivered(engine, settings)
    assert [line["type"] for line in await deliveries(house, endpoint)] == CREATED
    await changed(house, endpoint, types=["certificate.issued"])
    await house.certified("u-18")
    await delivered(engine, settings)
    assert [orjson.loads(heard.body)["type"] for heard in receiver.heard] == [
        "enrollment.created",
        "certificate.issued",
    ]


async def test_a_message_is_signed_with_every_secret_that_is_good(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    endpoint = await made(house, receiver)
    path = f"{ENDPOINTS}/{endpoint['id']}/rotate-secret"
    new = await house.admin.post(path)
    await asked(house, endpoint, "ping")
    await delivered(engine, settings)
    (both,) = receiver.heard
    for secret in (endpoint["secret"], new["secret"]):
        Webhook(secret).verify(both.body, both.headers)
    newest = await house.admin.post(path, {"keep_old_for": "PT0S"})
    await asked(house, endpoint, "ping")
    await delivered(engine, settings)
    alone = receiver.heard[-1]
    Webhook(newest["secret"]).verify(alone.body, alone.headers)
    for secret in (endpoint["secret"], new["secret"]):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(alone.body, alone.headers)


async def test_a_ping_is_sent_once_and_told_of(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    endpoint = await made(house, receiver, types=CREATED)
    ping = await asked(house, endpoint, "ping")
    assert (ping["type"], ping["state"], ping["attempt_count"]) == ("webhook.ping", "pending", 0)
    await delivered(engine, settings)
    (heard,) = receiver.heard
    message = Webhook(endpoint["secret"]).verify(heard.body, heard.headers)
    assert_valid("PingWebhook", message)
    assert (message["type"], message["data"]) == (
        "webhook.ping",
        {"id": ping["id"], "endpoint_id": endpoint["id"]},
    )
    (line,) = await deliveries(house, endpoint, type="webhook.ping")
    assert (line["state"], line["next_attempt_at"]) == ("succeeded", None)
    assert (await house.reader.get("/v1/events"))["items"] == []


async def test_a_ping_that_fails_is_left_at_that(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    async with receiving(says("410 Gone")) as receiver:
        endpoint = await made(house, receiver)
        ping = await asked(house, endpoint, "ping")
        await delivered(engine, settings)
    shown = await whole(house, ping)
    assert (shown["state"], shown["last_status"], shown["last_error"]) == ("failed", 410, "gone")
    still = await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}")
    assert (still["enabled"], still["failures"]) == (True, 0)


# What became of it


async def test_an_attempt_tells_what_the_receiver_said(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    async with receiving(says("500 Oh", b"so sorry, not today")) as receiver:
        endpoint = await made(house, receiver, types=CREATED)
        await house.enroll()
        await delivered(engine, settings)
    (line,) = await deliveries(house, endpoint)
    assert (line["state"], line["attempt_count"]) == ("pending", 1)
    assert (line["last_status"], line["last_error"]) == (500, "http_error")
    assert 0 < seconds_until(line["next_attempt_at"]) < 6
    shown = await whole(house, line)
    (attempt,) = shown.pop("attempts")
    assert shown == line
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 500, "http_error")
    assert attempt["response"] == "so sorry, "
    assert attempt["attempted_at"] == line["last_attempt_at"]
    failing = await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}")
    assert (failing["enabled"], failing["failures"]) == (True, 1)
    assert failing["failing_since"] is not None


async def test_a_receiver_may_ask_for_time(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    async with receiving(says("503 Later", retry_after="3600")) as busy:
        endpoint = await made(house, busy, types=CREATED)
        await house.enroll()
        await delivered(engine, settings)
    (line,) = await deliveries(house, endpoint)
    assert line["last_error"] == "http_error"
    assert 3600 - 5 < seconds_until(line["next_attempt_at"]) < 3600 * 1.15


async def test_a_receiver_sends_nobody_elsewhere(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    async with receiving(says("307 Elsewhere", location=receiver.url())) as elsewhere:
        endpoint = await made(house, elsewhere, types=CREATED)
        await house.enroll()
        await delivered(engine, settings)
    (line,) = await deliveries(house, endpoint)
    assert (line["state"], line["last_status"], line["last_error"]) == ("pending", 307, "redirect")
    assert receiver.heard == []


async def test_deliveries_are_listed_by_state_and_type_the_newest_first(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    endpoint = await made(house, receiver)
    await house.programme()
    await house.certified()
    await delivered(engine, settings)
    async with receiving(says("500 Oh")) as broken:
        await changed(house, endpoint, url=broken.url())
        await house.certified("u-18")
        await delivered(engine, settings)
    listed = await deliveries(house, endpoint)
    path = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    for limit in (1, 3, 200):
        assert await everything(house, path, limit) == listed
    order = [(line["created_at"], line["id"]) for line in listed]
    assert order == sorted(order, reverse=True)
    for state in ("pending", "succeeded", "failed"):
        some = [line for line in listed if line["state"] == state]
        assert await everything(house, path, 2, state=state) == some
        assert bool(some) is (state != "failed")
    types = ["certificate.issued", "enrollment.created"]
    some = [line for line in listed if line["type"] in types]
    assert len(some) == 4
    assert await everything(house, path, 1, type=types) == some
    one = [line for line in some if line["type"] == types[0] and line["state"] == "pending"]
    assert await deliveries(house, endpoint, type=types[0], state="pending") == one


async def test_a_filter_or_cursor_that_makes_no_sense_is_refused(
    house: House, receiver: Receiver
) -> None:
    endpoint, other = await made(house, receiver), await made(house, receiver)
    for _ in range(3):
        await asked(house, endpoint, "ping")
    path = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    await house.reader.get(path, state="lost", expect=422)
    await house.reader.get(path, type="enrollment.vanished", expect=422)
    cursor = (await house.reader.get(path, limit=1))["next_cursor"]
    await house.reader.get(path, cursor=cursor, limit=2)
    await house.reader.get(path, cursor=cursor, state="pending", expect=400)
    elsewhere = f"{ENDPOINTS}/{other['id']}/deliveries"
    await house.reader.get(elsewhere, cursor=cursor, expect=400)
    await house.reader.get(f"{path}/{NOBODY}", expect=404)
    await asked(house, endpoint, f"deliveries/{NOBODY}/retry", expect=404)


# What is sent again


async def test_a_delivery_is_sent_again_when_somebody_asks(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    async with receiving(says("500 Oh")) as broken:
        endpoint = await made(house, broken, types=CREATED)
        await house.enroll()
        await delivered(engine, settings)
    await changed(house, endpoint, url=receiver.url())
    (line,) = await deliveries(house, endpoint)
    retried = await asked(house, endpoint, f"deliveries/{line['id']}/retry")
    assert (retried["state"], retried["attempt_count"]) == ("pending", 1)
    await delivered(engine, settings)
    # One that was delivered is sent once more, too.
    again = await asked(house, endpoint, f"deliveries/{line['id']}/retry")
    assert again["state"] == "pending"
    await delivered(engine, settings)
    assert ids(receiver) == [line["id"]] * 2
    shown = await whole(house, line)
    assert shown["state"] == "succeeded"
    told = [(one["number"], one["status"], one["error"]) for one in shown["attempts"]]
    assert told == [(1, 500, "http_error"), (2, 200, None), (3, 200, None)]
    well = await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}")
    assert (well["failing_since"], well["failures"]) == (None, 0)


async def test_a_replay_brings_what_was_recorded_since_then(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    for learner, day in (("u-1", "06"), ("u-2", "07"), ("u-3", "08")):
        await house.travel(f"2026-01-{day}T00:00")
        await house.certified(learner)
    types = ["enrollment.created", "certificate.issued"]
    endpoint = await made(house, receiver, types=types)
    await delivered(engine, settings)
    assert receiver.heard == [], "it gets what happens from now on"
    query: Json = {"since": at("2026-01-07T00:00"), "until": at("2026-01-08T00:00")}
    replay = await asked(house, endpoint, "replay", **query, types="certificate.issued")
    assert {key: replay[key] for key in (*query, "types")} == {
        **query,
        "types": ["certificate.issued"],
    }
    await delivered(engine, settings)
    (message,) = (orjson.loads(heard.body) for heard in receiver.heard)
    assert (message["type"], message["data"]["learner_id"]) == ("certificate.issued", "u-2")
    await asked(house, endpoint, "replay", since=query["since"])
    await delivered(engine, settings)
    told = [orjson.loads(heard.body) for heard in receiver.heard[1:]]
    assert sorted((one["data"]["learner_id"], one["type"]) for one in told) == [
        (learner, type) for learner in ("u-2", "u-3") for type in sorted(types)
    ]
    assert len(set(ids(receiver))) == 4, "what was delivered before has the same id"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"since": "yesterday"},
        {"since": "2026-01-05T09:00:00"},
        {"since": at("2026-01-05T09:00"), "until": "x"},
        {"since": at("2026-01-05T09:00"), "types": "enrollment.vanished"},
        {"since": at("2026-01-05T09:00"), "types": "webhook.ping"},
    ],
    ids=str,
)
async def test_a_replay_of_nonsense_is_refused(
    house: House, receiver: Receiver, query: dict[str, Any]
) -> None:
    endpoint = await made(house, receiver)
    await asked(house, endpoint, "replay", expect=422, **query)


# Disabled


async def test_one_that_is_gone_is_disabled_until_it_is_enabled_again(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    async with receiving(says("410 Gone")) as gone:
        endpoint = await made(house, gone, types=CREATED)
        await house.enroll("u-1")
        await delivered(engine, settings)
    disabled = await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}")
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "gone")
    feed = await house.reader.get("/v1/events", types="webhook_endpoint.disabled")
    (told,) = feed["items"]
    assert (told["data"]["endpoint_id"], told["data"]["cause"]) == (endpoint["id"], "gone")
    assert (told["enrollment_id"], told["sequence"], told["after"]) == (None, None, None)
    await house.enroll("u-2")
    (line,) = await deliveries(house, endpoint)
    assert (line["state"], line["last_error"]) == ("failed", "gone")

    await changed(house, endpoint, url=receiver.url(), enabled=True)
    await house.enroll("u-3")
    await asked(house, endpoint, f"deliveries/{line['id']}/retry")
    await delivered(engine, settings)
    learners = [orjson.loads(heard.body)["data"]["learner_id"] for heard in receiver.heard]
    assert sorted(learners) == ["u-1", "u-3"], "what happened meanwhile is to be replayed"


async def test_a_disabled_endpoint_is_asked_for_nothing(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    endpoint = await made(house, receiver, types=CREATED)
    ping = await asked(house, endpoint, "ping")
    await changed(house, endpoint, enabled=False)
    await house.enroll("u-1")
    since = {"since": at("2026-01-01T00:00")}
    for action, query in (("ping", {}), (f"deliveries/{ping['id']}/retry", {}), ("replay", since)):
        problem = await asked(house, endpoint, action, expect=409, **query)
        assert problem["code"] == "webhook_endpoint_disabled"
    await delivered(engine, settings)
    assert receiver.heard == []
    await changed(house, endpoint, enabled=True)
    await delivered(engine, settings)
    assert ids(receiver) == [ping["id"]], "what waited is sent"


async def test_times_of_deliveries_are_those_of_the_wall_clock(
    house: House, receiver: Receiver, engine: AsyncEngine, settings: Settings
) -> None:
    await house.programme()
    endpoint = await made(house, receiver, types=CREATED)
    await house.enroll()
    await delivered(engine, settings)
    (line,) = await deliveries(house, endpoint)
    assert abs(seconds_until(line["created_at"])) < timedelta(minutes=1).total_seconds()
    assert orjson.loads(receiver.heard[0].body)["timestamp"] == at("2026-01-05T09:00")
