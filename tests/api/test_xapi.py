"""xAPI over HTTP: statements in any form, versions, whose they are; and what activities mean."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.client import Json
from tests.api.world import House
from tests.support.xapi import (
    ADL,
    COURSE,
    MAPPINGS,
    activity,
    agent,
    named,
    score,
    statement,
    voiding,
)

STATEMENTS = "/v1/xapi/statements"
ACTIVITIES = "/v1/xapi/activities"
PASSED = statement(actor=agent("u-17"), result=score(scaled=0.85))


async def mapped(house: House) -> list[Json]:
    items: list[Json] = (await house.lms.put(ACTIVITIES, {"items": MAPPINGS}))["items"]
    return items


async def sent(house: House, body: Any, expect: int = 200, query: str = "") -> Json:
    return await house.lms.call("POST", STATEMENTS + query, json=body, expect=expect)


def told(answer: Json) -> list[tuple[str, str | None]]:
    return [(item["result"], item["reason"]) for item in answer["items"]]


@pytest.mark.parametrize(
    "form",
    [PASSED, [PASSED], {"statements": [PASSED]}, {"statements": [PASSED], "more": ""}],
    ids=["one by itself", "a list", "as a store answers", "with a next page"],
)
async def test_statements_come_in_any_form(house: House, form: Any) -> None:
    await mapped(house)
    await house.programme()
    enrolled = await house.enroll()
    answer = await sent(house, form)
    (item,) = answer["items"]
    assert item == {"id": PASSED["id"], "result": "recorded", "reason": None, "problem": None}
    (moved,) = answer["moved"]
    assert (moved["id"], moved["status"]) == (enrolled["id"], "certified")
    again = await sent(house, form)
    assert (told(again), again["moved"]) == ([("duplicate", None)], [])


@pytest.mark.parametrize(
    ("form", "pointer"),
    [
        (lambda one: one, "/verb/id"),
        (lambda one: [PASSED, one], "/1/verb/id"),
        (lambda one: {"statements": [PASSED, one]}, "/statements/1/verb/id"),
    ],
    ids=["one by itself", "a list", "as a store answers"],
)
async def test_a_rejected_statement_is_pointed_at_where_it_stands(
    house: House, form: Any, pointer: str
) -> None:
    await mapped(house)
    answer = await sent(house, form({**statement("s-2"), "verb": {}}))
    item = answer["items"][-1]
    assert (item["result"], item["problem"]["pointer"]) == ("rejected", pointer)
    assert [one["result"] for one in answer["items"][:-1]] == ["recorded"] * (
        len(answer["items"]) - 1
    )


async def test_what_is_ignored_says_why(house: House) -> None:
    await mapped(house)
    answer = await sent(
        house,
        [
            statement("s-1", object=activity("urn:nothing")),
            statement("s-2", ADL + "experienced"),
            statement("s-3", actor={"mbox": "mailto:ann@lms.example"}),
            voiding("v-1", "never-heard-of"),
        ],
    )
    assert told(answer) == [
        ("ignored", "unknown_activity"),
        ("ignored", "verb_without_meaning"),
        ("ignored", "actor_without_account"),
        ("ignored", "unknown_statement"),
    ]
    assert answer["moved"] == []


async def test_the_address_says_whose_statements_count(house: House) -> None:
    await mapped(house)
    elsewhere = statement("s-1", actor=agent("u-17", "https://elsewhere.example"))
    mailbox = statement("s-2", actor={"mbox": "mailto:u-17@lms.example"})
    ours = "?home_page=https://lms.example/&home_page=https://other.example&mbox=local_part"
    answer = await sent(house, [elsewhere, mailbox, PASSED | {"id": named("s-3")}], query=ours)
    assert told(answer) == [
        ("ignored", "foreign_account"),
        ("recorded", None),
        ("recorded", None),
    ]
    await sent(house, PASSED, 422, "?mbox=name")
    await sent(house, PASSED, 422, "?home_page=")


@pytest.mark.parametrize(
    ("version", "answered"),
    [
        (None, "1.0.3"),
        ("1.0", "1.0.3"),
        ("1.0.0", "1.0.3"),
        ("1.0.3", "1.0.3"),
        ("2.0.0", "2.0.0"),
        ("2.0", "2.0.0"),
    ],
)
async def test_versions_that_are_understood(
    house: House, version: str | None, answered: str
) -> None:
    headers = {} if version is None else {"X-Experience-API-Version": version}
    response = await house.lms.send("POST", STATEMENTS, json=PASSED, headers=headers)
    assert response.status_code == 200
    assert response.headers["x-experience-api-version"] == answered


@pytest.mark.parametrize("version", ["0.95", "1.1.0", "3.0.0", "", "latest", "1.0.3, 2.0.0"])
async def test_other_versions_are_refused(house: House, version: str) -> None:
    headers = {"X-Experience-API-Version": version}
    response = await house.lms.send("POST", STATEMENTS, json=PASSED, headers=headers)
    assert response.status_code == 400
    problem = response.json()
    assert problem["code"] == "unsupported_xapi_version"
    assert problem["errors"][0]["header"] == "X-Experience-API-Version"


@pytest.mark.parametrize(
    "body",
    [[], {}, {"statements": []}, {"statements": {}}, {"items": [PASSED]}, "text", 7, None],
    ids=str,
)
async def test_what_holds_no_statements_is_refused(house: House, body: Any) -> None:
    await sent(house, body, 422)


async def test_a_batch_holds_up_to_1000_statements(house: House) -> None:
    await mapped(house)
    many = [statement(f"s-{number}") for number in range(1001)]
    await sent(house, many, 422)
    answer = await sent(house, many[:1000])
    assert {item["result"] for item in answer["items"]} == {"recorded"}


async def test_once_only_by_an_idempotency_key_too(house: House) -> None:
    await mapped(house)
    headers = {"idempotency-key": "batch-1"}
    first = await house.lms.send("POST", STATEMENTS, json=[PASSED], headers=headers)
    again = await house.lms.send("POST", STATEMENTS, json=[PASSED], headers=headers)
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_tenants_do_not_share_what_activities_mean(house: House, neighbour: House) -> None:
    (first, *_) = await mapped(neighbour)
    assert told(await sent(house, PASSED)) == [("ignored", "unknown_activity")]
    assert (await house.reader.get(ACTIVITIES))["items"] == []
    path = f"{ACTIVITIES}/{first['id']}"
    await house.reader.get(path, expect=404)
    problem = await house.lms.delete(path, expect=404)
    assert problem["code"] == "activity_mapping_not_found"
    assert (await neighbour.reader.get(path)) == first


async def test_activities_are_put_read_listed_and_deleted(house: House) -> None:
    items = await mapped(house)
    assert [item["kind"] for item in items] == ["course", "session", "exam", "test_out"]
    assert [item["activity_id"] for item in items] == [one["activity_id"] for one in MAPPINGS]
    (found,) = (await house.reader.get(ACTIVITIES, activity_id=COURSE))["items"]
    assert found == items[0] == await house.reader.get(f"{ACTIVITIES}/{found['id']}")
    assert len((await house.reader.get(ACTIVITIES, exam_id="X-1"))["items"]) == 1
    assert len((await house.reader.get(ACTIVITIES, course_id="C-9"))["items"]) == 1
    await house.lms.delete(f"{ACTIVITIES}/{found['id']}", expect=204)
    await house.lms.delete(f"{ACTIVITIES}/{found['id']}", expect=404)
    assert told(await sent(house, PASSED)) == [("ignored", "unknown_activity")]


async def test_putting_an_activity_again_changes_only_what_differs(house: House) -> None:
    first = await mapped(house)
    await house.travel("2026-01-06T09:00")
    assert await mapped(house) == first
    exam = {"activity_id": COURSE, "kind": "exam", "exam_id": "X-2"}
    (changed,) = (await house.lms.put(ACTIVITIES, {"items": [exam]}))["items"]
    assert changed["id"] == first[0]["id"]
    assert (changed["kind"], changed["course_id"], changed["exam_id"]) == ("exam", None, "X-2")
    assert changed["created_at"] < changed["updated_at"]


@pytest.mark.parametrize(
    "item",
    [
        {"activity_id": COURSE, "kind": "course"},
        {"activity_id": COURSE, "kind": "course", "exam_id": "X-1"},
        {"activity_id": COURSE, "kind": "course", "course_id": "C-1", "exam_id": "X-1"},
        {"activity_id": COURSE, "kind": "exam", "exam_id": "X-1", "session_id": "S-1"},
        {"activity_id": COURSE, "kind": "path", "course_id": "C-1"},
        {"activity_id": "safety 101", "kind": "course", "course_id": "C-1"},
        {"activity_id": "urn:a\u0000", "kind": "course", "course_id": "C-1"},
        {"activity_id": "urn:" + "ü" * 1500, "kind": "course", "course_id": "C-1"},
        {"kind": "course", "course_id": "C-1"},
    ],
)
async def test_an_activity_that_means_nothing_sound_is_refused(house: House, item: Json) -> None:
    await house.lms.put(ACTIVITIES, {"items": [item]}, expect=422)


async def test_an_activity_is_named_once_in_a_batch(house: House) -> None:
    await house.lms.put(ACTIVITIES, {"items": [MAPPINGS[0], MAPPINGS[0]]}, expect=422)


async def test_the_longest_activity_id_may_mean_something(house: House) -> None:
    longest = "urn:" + "ü" * 998
    item = {"activity_id": longest, "kind": "course", "course_id": "C-1"}
    await house.lms.put(ACTIVITIES, {"items": [item]})
    answer = await sent(house, statement(object=activity(longest)))
    assert told(answer) == [("recorded", None)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.sampled_from(["id", "actor", "verb", "object", "result", "context", "timestamp"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(JSON | st.lists(st.dictionaries(PARTS, JSON).map(lambda parts: statement() | parts)))
async def test_any_json_is_answered(house: House, body: Any) -> None:
    response = await house.lms.send("POST", STATEMENTS, json=body)
    assert response.status_code in (200, 400, 422)
