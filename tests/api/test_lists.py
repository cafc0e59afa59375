"""Lists: pages that neither skip nor repeat, and cursors that belong to one list."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from tests.api.client import Json, operations
from tests.api.samples import path_of
from tests.api.world import House, at


async def everything(house: House, path: str, limit: int, **query: Any) -> list[Json]:
    """All items, page by page."""
    items: list[Json] = []
    cursor = None
    for _ in range(100):
        page = await house.admin.get(path, limit=limit, cursor=cursor, **query)
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
async def test_pages_neither_skip_nor_repeat(house: House, limit: int) -> None:
    await house.programme()
    for number in range(7):
        await house.enroll(f"u-{number}", due_at=at(f"2026-02-0{number % 3 + 1}T00:00"))
    for query in ({}, {"due_after": at("2026-01-01T00:00")}, {"status": "not_started"}):
        listed = await everything(house, "/v1/enrollments", limit, **query)
        assert len({item["id"] for item in listed}) == len(listed) == 7


async def test_every_list_comes_in_pages(house: House) -> None:
    for key in ("first-aid", "forklift", "crane"):
        await house.programme(key)
        await house.certified(certification=key)
    enrolled = (await house.reader.get("/v1/enrollments"))["items"][0]
    await house.act(enrolled, "recertify", early=True)
    order = {"action": "remind", "selection": {"filter": {}}}
    ordered = await house.admin.post("/v1/bulk-operations", order, expect=202)
    hooks = "/v1/webhook-endpoints"
    hook = await house.admin.post(hooks, {"url": "https://lms.example/hook"}, expect=201)
    for _ in range(3):
        await house.admin.post(f"{hooks}/{hook['id']}/ping", expect=202)
    given = {
        "enrollment_id": enrolled["id"],
        "operation_id": ordered["id"],
        "endpoint_id": hook["id"],
    }
    checked = 0
    for operation in operations():
        if "cursor" not in {parameter["name"] for parameter in operation.parameters}:
            continue
        path = path_of(operation, **given)
        whole = await everything(house, path, 200)
        assert await everything(house, path, 1) == whole, operation.id
        checked += 1
    assert checked >= 9


async def test_a_page_says_how_far_time_has_come(house: House) -> None:
    await house.programme()
    await house.certified()
    page = await house.reader.get("/v1/enrollments")
    assert page["as_of"] == at("2026-01-05T09:00")
    await house.travel("2027-03-01T00:00")
    page = await house.reader.get("/v1/enrollments")
    assert page["as_of"] == at("2027-03-01T00:00")
    assert page["items"][0]["status"] == "lapsed"


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


BROKEN = {
    "nonsense": "nonsense",
    "not base64": "%%%",
    "not ASCII": "é",
    "not JSON": encoded("{"),
    "an object": encoded('{"a": 1}'),
    "a list of one": encoded('["x"]'),
    "of no list": encoded('["000000000000", "018cc251-f400-7000-8000-00000000e001"]'),
    "empty": "",
    "deep": encoded("[" * 600),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_cursor_is_refused_by_every_list(house: House, kind: str) -> None:
    await house.programme()
    enrolled = await house.enroll()
    for operation in operations():
        if "cursor" in {parameter["name"] for parameter in operation.parameters}:
            path = path_of(operation, enrollment_id=enrolled["id"])
            problem = await house.admin.get(path, cursor=BROKEN[kind], expect=400)
            assert problem["code"] == "invalid_cursor", operation.id


async def test_a_cursor_does_not_continue_another_list(house: House) -> None:
    await house.programme()
    for number in range(3):
        await house.enroll(f"u-{number}")
    cursor = (await house.reader.get("/v1/enrollments", limit=1))["next_cursor"]
    await house.reader.get("/v1/enrollments", limit=2, cursor=cursor)
    await house.reader.get("/v1/enrollments", status="not_started", cursor=cursor, expect=400)
    await house.reader.get("/v1/certifications", cursor=cursor, expect=400)
    await house.reader.get("/v1/learners/u-1/enrollments", cursor=cursor, expect=400)


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "", "x", "99999999999999999999"])
async def test_a_limit_is_between_1_and_200(house: House, limit: str) -> None:
    for operation in operations():
        if "limit" in {parameter["name"] for parameter in operation.parameters}:
            await house.admin.get(path_of(operation), limit=limit, expect=422)
