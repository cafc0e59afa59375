"""The feed over HTTP: cursors that always lead on, filters, and waiting for what comes."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api import watch
from certsvc.api.paging import cursor_after, digest
from certsvc.domain.events import EventType
from tests.api.client import Json
from tests.api.test_lists import BROKEN
from tests.api.world import House, course

EVENTS = "/v1/events"


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who wait look often."""
    monkeypatch.setattr(watch, "PAUSE_SECONDS", 0.01)


async def everything(house: House, **query: Any) -> list[Json]:
    """All events, page by page, until there is no more."""
    found: list[Json] = []
    page: Json = {"more": True, "next_cursor": None}
    while page["more"]:
        page = await house.reader.get(EVENTS, after=page["next_cursor"], **query)
        found += page["items"]
    return found


async def latest(house: House) -> str:
    """Where the feed ends now."""
    page = await house.reader.get(EVENTS, start="latest")
    assert page["items"] == []
    cursor: str = page["next_cursor"]
    return cursor


async def waiting(
    house: House, count: int, app: FastAPI, **query: Any
) -> "list[asyncio.Task[Json]]":
    """Requests that wait behind the end of the feed, once they do."""
    cursor = await latest(house)
    asked = [
        asyncio.create_task(house.reader.get(EVENTS, after=cursor, **query)) for _ in range(count)
    ]
    async with asyncio.timeout(5):
        while app.state.service.watch.waiting < count:
            await asyncio.sleep(0.01)
    return asked


@pytest.mark.parametrize("limit", [1, 3, 200])
async def test_everything_that_happened_is_told_once_in_order(house: House, limit: int) -> None:
    await house.programme()
    certified = await house.certified()
    await house.travel("2027-03-01T00:00")
    told = await everything(house, limit=limit)
    assert len({event["id"] for event in told}) == len(told)
    history = await house.reader.get(f"/v1/enrollments/{certified['id']}/history", limit=200)
    of_enrollment = [event for event in told if event["enrollment_id"] == certified["id"]]
    for event, line in zip(of_enrollment, history["items"], strict=True):
        assert event["before"] == line["before"]
        assert {name: event["after"][name] for name in ("status", "standing")} == line["after"]
        for name in ("id", "type", "sequence", "revision", "recorded_at", "actor", "data"):
            assert event[name] == line[name]


async def test_an_event_carries_the_whole_enrollment_as_it_read_then(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    seen = await house.reader.get(f"/v1/enrollments/{certified['id']}")
    event = (await everything(house))[-1]
    assert event["after"] == seen
    assert (event["learner_id"], event["certification_key"]) == ("u-17", "forklift")
    await house.travel("2027-03-01T00:00")
    told = await everything(house)
    assert next(one for one in told if one["id"] == event["id"]) == event


async def test_what_is_about_no_enrollment_has_no_before_and_after(house: House) -> None:
    made = await house.programme()
    (event,) = await everything(house)
    assert event["type"] == "certification.published"
    assert event["certification_id"] == made["id"]
    assert event["certification_key"] == "forklift"
    assert event["data"] == {"version": 1}
    for name in ("enrollment_id", "learner_id", "sequence", "before", "after"):
        assert event[name] is None


async def test_there_always_is_a_cursor_to_go_on_from(house: House) -> None:
    first = await house.reader.get(EVENTS)
    assert (first["items"], first["more"]) == ([], False)
    await house.programme()
    for _ in range(2):
        page = await house.reader.get(EVENTS, after=first["next_cursor"])
        assert [event["type"] for event in page["items"]] == ["certification.published"]
    again = await house.reader.get(EVENTS, after=page["next_cursor"])
    assert (again["items"], again["next_cursor"]) == ([], page["next_cursor"])
    await house.enroll()
    page = await house.reader.get(EVENTS, after=again["next_cursor"])
    assert page["items"][0]["type"] == "enrollment.created"


async def test_it_says_whether_to_go_on_at_once(house: House) -> None:
    await house.programme()
    await house.enroll()
    count = len(await everything(house))
    assert (await house.reader.get(EVENTS, limit=count - 1))["more"]
    assert not (await house.reader.get(EVENTS, limit=count))["more"]


async def test_one_may_begin_behind_the_latest(house: House) -> None:
    await house.programme()
    cursor = await latest(house)
    await house.enroll()
    types = [event["type"] for event in (await house.reader.get(EVENTS, after=cursor))["items"]]
    assert types[0] == "enrollment.created"
    with_both = await house.reader.get(EVENTS, after=cursor, start="latest")
    assert [event["type"] for event in with_both["items"]] == types
    await house.reader.get(EVENTS, start="somewhere", expect=422)


async def test_filters_choose_by_type_and_certification(house: House) -> None:
    made = await house.programme()
    await house.programme("crane")
    for learner in ("u-1", "u-2"):
        await house.certified(learner)
        await house.enroll(learner, "crane")
    told = await everything(house)
    created = await everything(house, types="enrollment.created")
    assert created == [event for event in told if event["type"] == "enrollment.created"]
    assert len(created) == 4
    chosen = ["enrollment.created", "certificate.issued"]
    for name in (made["id"], "forklift"):
        some = await everything(house, types=chosen, certification=name, limit=1)
        assert some == [
            event
            for event in told
            if event["type"] in chosen and event["certification_key"] == "forklift"
        ]
        assert len(some) == 4


async def test_filters_may_change_on_the_way(house: House) -> None:
    await house.programme()
    page = await house.reader.get(EVENTS, types="certification.published")
    await house.enroll()
    page = await house.reader.get(
        EVENTS, after=page["next_cursor"], types="enrollment.created", certification="forklift"
    )
    assert [event["type"] for event in page["items"]] == ["enrollment.created"]


async def test_what_is_unknown_is_refused_instead_of_waited_for(house: House) -> None:
    problem = await house.reader.get(EVENTS, types="enrollment.vanished", expect=422)
    assert problem["errors"][0]["code"] == "unknown_word"
    problem = await house.reader.get(EVENTS, certification="crane", expect=422)
    assert problem["code"] == "unknown_certification"
    for wait in ("31", "-1", "1.5", "x"):
        await house.reader.get(EVENTS, wait=wait, expect=422)


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_cursor_is_refused(house: House, kind: str) -> None:
    problem = await house.reader.get(EVENTS, after=BROKEN[kind], expect=400)
    assert problem["code"] == "invalid_cursor"
    assert problem["errors"][0]["parameter"] == "after"


async def test_a_cursor_of_another_list_or_tenant_is_refused(
    house: House, neighbour: House
) -> None:
    await house.programme()
    await house.programme("crane")
    cursor = (await house.reader.get("/v1/certifications", limit=1))["next_cursor"]
    await house.reader.get(EVENTS, after=cursor, expect=400)
    cursor = await latest(house)
    await neighbour.reader.get(EVENTS, after=cursor, expect=400)


@pytest.mark.parametrize("place", ["1.-1", "-1.0", "1", "1.2.3", "x.y", "9" * 30 + ".1"])
async def test_a_cursor_that_names_no_place_is_refused(house: House, place: str) -> None:
    mark = digest("events", {"tenant": str(house.tenant.id)})
    await house.reader.get(EVENTS, after=cursor_after(mark, place), expect=400)


async def test_a_cursor_from_the_future_is_refused_before_it_hides_anything(house: House) -> None:
    await house.programme()
    mark = digest("events", {"tenant": str(house.tenant.id)})
    cursor = cursor_after(mark, f"{2**62}.1")
    problem = await house.reader.get(EVENTS, after=cursor, expect=400)
    assert problem["code"] == "invalid_cursor"


async def test_nobody_reads_what_happens_elsewhere(house: House, neighbour: House) -> None:
    await neighbour.programme()
    assert await everything(house) == []
    cursor = await latest(house)
    await neighbour.enroll()
    assert (await house.reader.get(EVENTS, after=cursor))["items"] == []


async def test_what_happened_under_an_older_version_reads_all_the_same(house: House) -> None:
    await house.programme()
    await house.certified()
    versions = "/v1/certifications/forklift/versions"
    document = await house.admin.get(f"{versions}/1")
    await house.admin.post(versions, {"initial": document["initial"]}, expect=201)
    await house.admin.post(f"{versions}/2/publish")
    await house.admin.post("/v1/certifications/forklift/archive", {"reason": "Over"})
    told = await everything(house, limit=2)
    issued = next(event for event in told if event["type"] == "certificate.issued")
    assert issued["after"]["certificate"]["version"] == 1


# Waiting


@pytest.mark.usefixtures("quickly")
async def test_who_waits_is_answered_when_something_happens(house: House, app: FastAPI) -> None:
    await house.programme()
    asked = await waiting(house, 3, app, wait=30)
    await house.enroll()
    async with asyncio.timeout(5):
        for page in await asyncio.gather(*asked):
            assert page["items"][0]["type"] == "enrollment.created"


@pytest.mark.usefixtures("quickly")
async def test_who_waits_for_something_else_goes_on_waiting(house: House, app: FastAPI) -> None:
    await house.programme()
    (asked,) = await waiting(house, 1, app, wait=30, types="certificate.issued")
    await house.enroll()
    await asyncio.sleep(0.1)
    assert not asked.done()
    await house.record(course("e-1", "u-17", "2026-01-05T09:00:00Z"))
    async with asyncio.timeout(5):
        page = await asked
    assert [event["type"] for event in page["items"]] == ["certificate.issued"]


@pytest.mark.usefixtures("quickly")
async def test_waiting_ends_with_an_empty_page_that_leads_on(house: House) -> None:
    await house.programme()
    cursor = await latest(house)
    page = await house.reader.get(EVENTS, after=cursor, wait=1)
    assert (page["items"], page["more"], page["next_cursor"]) == ([], False, cursor)


async def test_what_is_there_is_answered_without_waiting(house: House) -> None:
    await house.programme()
    async with asyncio.timeout(5):
        assert (await house.reader.get(EVENTS, wait=30))["items"]


@pytest.mark.usefixtures("quickly")
async def test_many_who_wait_hold_no_connection(
    house: House, app: FastAPI, engine: AsyncEngine
) -> None:
    asked = await waiting(house, 100, app, wait=30)
    for _ in range(20):
        await asyncio.sleep(0.005)
        assert engine.pool.checkedout() <= 1  # type: ignore[attr-defined]
    await house.programme()
    async with asyncio.timeout(5):
        pages = await asyncio.gather(*asked)
    assert {page["items"][0]["type"] for page in pages} == {EventType.CERTIFICATION_PUBLISHED}


async def test_who_waits_is_let_go_when_the_process_ends(house: House, app: FastAPI) -> None:
    asked = await waiting(house, 2, app, wait=30)
    app.state.service.drain()
    async with asyncio.timeout(1):
        pages = await asyncio.gather(*asked)
        late = await house.reader.get(EVENTS, wait=30)
    assert [page["items"] for page in (*pages, late)] == [[], [], []]


async def test_a_client_that_hangs_up_is_waited_for_no_longer(house: House, app: FastAPI) -> None:
    messages: asyncio.Queue[Json] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": EVENTS,
        "raw_path": EVENTS.encode(),
        "query_string": b"wait=30",
        "headers": [(b"authorization", f"Bearer {house.reader.key}".encode())],
    }
    request = asyncio.create_task(app(scope, messages.get, send))
    async with asyncio.timeout(5):
        while not app.state.service.watch.waiting:
            await asyncio.sleep(0.01)
        messages.put_nowait({"type": "http.disconnect"})
        await request
    assert app.state.service.watch.waiting == 0
