"""A year as a receiver hears of it: one that does what the guide says, is down for two days, says
that it is gone, and is brought up to date by a replay. In the end it knows what the API shows.

The sandbox starts on Monday, 5 January 2026, 09:00 UTC. Deliveries are made by the wall clock,
which is moved by hand here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import standardwebhooks.webhooks
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.settings import RETRIES, Settings
from tests.api.client import Json
from tests.api.world import House, at, course
from tests.stories.screens import seen
from tests.support.delivering import Inbox, delivered
from tests.webhooks.receiver import Receiver, receiving, says

ENDPOINTS = "/v1/webhook-endpoints"


class Wall:
    """The wall clock, of the service and of the receiver."""

    def __init__(self) -> None:
        self._real = clock.now
        self.ahead = timedelta()

    def now(self) -> datetime:
        return self._real() + self.ahead

    def go_to(self, moment: datetime) -> None:
        """A little later than that; never back."""
        self.ahead += max(moment - self.now(), timedelta()) + timedelta(seconds=1)


@dataclass
class Year:
    """What the story is about."""

    house: House
    engine: AsyncEngine
    settings: Settings
    wall: Wall
    inbox: Inbox
    endpoint: Json

    async def send(self) -> None:
        """What is due by now is sent."""
        await delivered(self.engine, self.settings)

    async def shown(self) -> Json:
        """The endpoint as the API shows it."""
        return await self.house.reader.get(f"{ENDPOINTS}/{self.endpoint['id']}")

    async def waiting(self) -> list[Json]:
        """Deliveries that wait."""
        path = f"{ENDPOINTS}/{self.endpoint['id']}/deliveries"
        return list((await self.house.reader.get(path, state="pending", limit=200))["items"])

    async def until(self, moment: datetime) -> None:
        """The wall clock goes on until then, and everything is tried when its time comes."""
        while True:
            due = [datetime.fromisoformat(one["next_attempt_at"]) for one in await self.waiting()]
            if not due or min(due) > moment:
                break
            self.wall.go_to(min(due))
            await self.send()
        self.wall.go_to(moment)

    async def in_step(self, *enrolled: Json) -> None:
        """The receiver knows of each enrollment what the API shows."""
        shown = [await seen(self.house, one) for one in enrolled]
        assert self.inbox.states() == {one["id"]: one for one in shown}


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """A wall clock that can be moved; the library that verifies reads it too."""
    wall = Wall()

    class Moved(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return wall.now().astimezone(tz)

    monkeypatch.setattr(clock, "now", wall.now)
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Moved)
    return wall


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers may be on this machine."""
    return settings.model_copy(update={"webhook_local": True})


@pytest.fixture
async def operations() -> AsyncIterator[Receiver]:
    """Somebody else's receiver, which takes everything."""
    async with receiving(says("204 No Content")) as receiver:
        yield receiver


@pytest.fixture
async def year(
    house: House, engine: AsyncEngine, settings: Settings, wall: Wall
) -> AsyncIterator[Year]:
    """An endpoint of an LMS that does what the guide says."""
    inbox = Inbox()
    async with receiving(inbox.answer) as receiver:
        wanted = {"url": receiver.url(), "description": "LMS"}
        endpoint = await house.admin.post(ENDPOINTS, wanted, expect=201)
        inbox.secret = endpoint["secret"]
        yield Year(house, engine, settings, wall, inbox, endpoint)


async def test_a_year_as_a_receiver_hears_of_it(year: Year, operations: Receiver) -> None:
    house, inbox, wall = year.house, year.inbox, year.wall
    wanted = {"url": operations.url(), "types": ["webhook_endpoint.disabled"]}
    await house.admin.post(ENDPOINTS, wanted, expect=201)
    await house.programme(automatic_recertification=True)

    # January: two learners are enrolled, one is certified. The receiver dies behind one message.
    first, second = await house.enroll("u-17"), await house.enroll("u-18")
    inbox.mood = "forgetful"
    await year.send()
    inbox.mood = "well"
    await house.record(course("e-1", "u-17", at("2026-01-05T09:00")))
    await year.until(wall.now() + timedelta(minutes=1))
    await year.in_step(first, second)
    assert len(inbox.taken) > len(inbox.heard), "some came twice"

    # December: the window opens, and the receiver is down for two days. Meanwhile life goes on.
    inbox.mood = "down"
    down = wall.now()
    await house.travel("2026-12-20T09:00")
    await year.send()
    await year.until(down + timedelta(days=1))
    await house.record(course("e-2", "u-17", at("2026-12-20T09:00")))
    await house.act(second, "cancel", reason="Left the company")
    await year.send()
    await year.until(down + timedelta(days=2))
    failing = await year.shown()
    assert (failing["enabled"], failing["failing_since"] is None) == (True, False)
    assert inbox.states()[first["id"]]["status"] == "certified"
    assert inbox.states()[first["id"]]["cycle"] is None
    behind = await year.waiting()
    assert behind
    oldest = await house.reader.get(
        f"{ENDPOINTS}/{year.endpoint['id']}/deliveries/{behind[-1]['id']}"
    )
    assert {one["error"] for one in oldest["attempts"]} == {"bad_response"}
    times = [datetime.fromisoformat(one["attempted_at"]) for one in oldest["attempts"]]
    assert len(times) in (8, 9)
    for pause, (one, next) in zip(RETRIES, pairwise(times), strict=False):
        assert abs((next - one) - pause) <= 0.15 * pause + timedelta(seconds=10)

    # It comes back, and gets all of it as each is due again.
    inbox.mood = "well"
    await year.until(down + timedelta(days=4))
    assert await year.waiting() == []
    await year.in_step(first, second)
    well = await year.shown()
    assert (well["failing_since"], well["failures"]) == (None, 0)

    # It answers 410: that is that, and the others hear of it.
    inbox.mood = "gone"
    await house.act(first, "suspend", reason="An accident")
    await year.send()
    assert (await year.shown())["disabled_reason"] == "gone"
    await year.send()
    assert len(operations.heard) == 1
    assert year.endpoint["id"].encode() in operations.heard[0].body
    await house.admin.post(f"{ENDPOINTS}/{year.endpoint['id']}/ping", expect=409)
    await house.travel("2026-12-22T09:00")
    await house.act(first, "lift", reason="Nobody was to blame")
    await house.enroll("u-19")

    # It was a mistake. What happened meanwhile is replayed; what it knows it hears for nothing.
    inbox.mood = "well"
    path = f"{ENDPOINTS}/{year.endpoint['id']}"
    await house.admin.call("PATCH", path, json={"enabled": True})
    await year.send()
    assert inbox.states()[first["id"]] != await seen(house, first)
    known = len(inbox.heard)
    await house.admin.call(
        "POST", f"{path}/replay", params={"since": at("2026-12-20T00:00")}, expect=202
    )
    await year.send()
    third = (await house.reader.get("/v1/enrollments", learner_id="u-19"))["items"][0]
    await year.in_step(first, second, third)
    assert len(inbox.heard) > known
    feed = await house.reader.get("/v1/events", limit=200)
    assert inbox.heard == {event["id"] for event in feed["items"]}
    assert inbox.turned_away == 0
