"""Finding through the API: orders, views and counts."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
import pytest

from certsvc.domain.status import Flag, Standing, Status
from certsvc.domain.views import View
from tests.api.client import Client, Json
from tests.api.world import House, at
from tests.support.programmes import definition, path


async def everything(client: Client, limit: int, **query: Any) -> list[Json]:
    """All items, page by page."""
    items: list[Json] = []
    cursor = None
    while True:
        page = await client.get("/v1/enrollments", limit=limit, cursor=cursor, **query)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


@pytest.fixture
async def crowd(house: House) -> House:
    """Two programmes, and people in all kinds of states."""
    await house.programme("forklift")
    await house.programme("crane", definition(path(payment_required=True)))
    await house.enroll("u-1", due_at=at("2026-03-01T00:00"))
    await house.enroll("u-2", source="group", group="G1", due_at=at("2026-02-01T00:00"))
    await house.certified("u-3")
    await house.enroll("u-3", "crane", due_at=at("2026-02-01T00:00"))
    await house.travel("2026-01-10T09:00")
    await house.certified("u-0")
    await house.travel("2026-02-02T00:00")
    return house


def named(items: list[Json]) -> list[str]:
    return [f"{item['learner_id']} {item['certification_key']}" for item in items]


ORDERS: dict[str, list[str]] = {
    "learner_id": ["u-0 forklift", "u-1 forklift", "u-2 forklift", "u-3 forklift", "u-3 crane"],
    "due_at": ["u-2 forklift", "u-3 crane", "u-1 forklift"],
    "expires_at": ["u-3 forklift", "u-0 forklift"],
    "updated_at": ["u-1 forklift", "u-3 forklift", "u-0 forklift", "u-2 forklift", "u-3 crane"],
}


@pytest.mark.parametrize("limit", [1, 2, 200])
@pytest.mark.parametrize("sort", ORDERS)
async def test_a_list_comes_in_the_order_asked_for(crowd: House, sort: str, limit: int) -> None:
    upwards = await everything(crowd.reader, limit, sort=sort)
    assert named(upwards) == ORDERS[sort]
    downwards = await everything(crowd.reader, limit, sort=sort, order="desc")
    assert downwards == upwards[::-1]


async def test_without_an_order_a_range_of_dates_is_it(crowd: House) -> None:
    query = {"due_after": at("2026-01-01T00:00")}
    by_date = await everything(crowd.reader, 2, **query)
    assert named(by_date) == ORDERS["due_at"]
    assert await everything(crowd.reader, 2, order="desc", **query) == by_date[::-1]
    by_id = await everything(crowd.reader, 2, sort="id", **query)
    assert [item["id"] for item in by_id] == sorted(item["id"] for item in by_date)


VIEWS: dict[str, list[str]] = {
    "active": ["u-0 forklift", "u-3 forklift"],
    "overdue": ["u-2 forklift", "u-3 crane"],
    "awaiting_payment": ["u-3 crane"],
    "expiring": [],
    "due_for_recertification": [],
    "admin_review": [],
}


@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_is_what_people_call_it(crowd: House, view: str) -> None:
    found = await everything(crowd.reader, 1, view=view, sort="learner_id")
    assert named(found) == VIEWS[view]
    with_crane = await everything(crowd.reader, 1, view=view, certification="crane")
    assert named(with_crane) == [name for name in VIEWS[view] if name.endswith("crane")]


async def test_views_follow_time(crowd: House) -> None:
    await crowd.travel("2026-12-25T00:00")
    for view in ("expiring", "due_for_recertification"):
        found = await everything(crowd.reader, 200, view=view, sort="expires_at")
        assert named(found) == ["u-3 forklift", "u-0 forklift"]
    assert await everything(crowd.reader, 200, view="active", flag="unassigned") == []


async def test_counts_are_what_the_lists_hold(crowd: House) -> None:
    counted = await crowd.reader.get("/v1/enrollments/counts")
    assert counted["total"] == 5
    assert counted["as_of"] == at("2026-02-02T00:00")
    for name, parameter, words in (
        ("by_status", "status", Status),
        ("by_standing", "standing", Standing),
        ("by_flag", "flag", Flag),
        ("by_view", "view", View),
    ):
        assert set(counted[name]) == set(words)
        for word, count in counted[name].items():
            listed = await everything(crowd.reader, 200, **{parameter: word})
            assert len(listed) == count, (parameter, word)
    assert counted["by_view"]["overdue"] == 2


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({"certification": "forklift"}, 4),
        ({"certification": ["forklift", "crane"]}, 5),
        ({"group": "G1"}, 1),
        ({"source": "manual"}, 4),
        ({"source": "manual", "certification": "crane"}, 1),
        ({"certification": "unheard-of"}, 0),
        ({"group": "unheard-of"}, 0),
    ],
)
async def test_counts_of_a_part(crowd: House, query: Json, total: int) -> None:
    counted = await crowd.reader.get("/v1/enrollments/counts", **query)
    assert counted["total"] == total
    listed = await everything(crowd.reader, 200, **query)
    assert len(listed) == total
    for status, count in counted["by_status"].items():
        assert count == sum(item["status"] == status for item in listed)
    for flag, count in counted["by_flag"].items():
        assert count == sum(flag in item["flags"] for item in listed)


async def test_counts_are_of_one_tenant(crowd: House, neighbour: House) -> None:
    await neighbour.programme()
    await neighbour.enroll("u-1")
    assert (await neighbour.reader.get("/v1/enrollments/counts"))["total"] == 1
    assert (await crowd.reader.get("/v1/enrollments/counts"))["total"] == 5


@pytest.mark.parametrize(
    "query", [{"sort": "name"}, {"order": "down"}, {"view": "lost"}, {"sort": ""}]
)
async def test_unknown_words_are_refused(house: House, query: Json) -> None:
    problem = await house.reader.get("/v1/enrollments", expect=422, **query)
    assert problem["errors"][0]["parameter"] == next(iter(query))
    await house.reader.get("/v1/enrollments/counts", expect=422, **query)


async def test_a_cursor_belongs_to_its_order(crowd: House) -> None:
    page = await crowd.reader.get("/v1/enrollments", sort="learner_id", limit=1)
    cursor = page["next_cursor"]
    await crowd.reader.get("/v1/enrollments", sort="learner_id", limit=1, cursor=cursor)
    for other in ({"sort": "id"}, {"sort": "learner_id", "order": "desc"}, {}):
        problem = await crowd.reader.get("/v1/enrollments", cursor=cursor, expect=400, **other)
        assert problem["code"] == "invalid_cursor"


ID = "018cc251-f400-7000-8000-00000000dead"


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        ("id", ""),
        ("id", f"{ID} 2026-01-01T00:00:00+00:00"),
        ("learner_id", ID),
        ("learner_id", f"{ID} no learner"),
        ("learner_id", f"{ID} \u0000"),
        ("learner_id", "u-1"),
        ("due_at", ID),
        ("due_at", f"{ID} 2026-01-01T00:00:00"),
        ("expires_at", f"{ID} 0001-01-01T00:00:00+14:00"),
        ("updated_at", f"{ID} 9999-12-31T23:59:59-14:00"),
    ],
)
async def test_a_forged_place_is_refused(crowd: House, sort: str, place: str) -> None:
    page = await crowd.reader.get("/v1/enrollments", sort=sort, limit=1)
    given = page["next_cursor"]
    mark, _ = orjson.loads(urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    cursor = urlsafe_b64encode(orjson.dumps([mark, place])).decode().rstrip("=")
    problem = await crowd.reader.get("/v1/enrollments", sort=sort, cursor=cursor, expect=400)
    assert problem["code"] == "invalid_cursor"
