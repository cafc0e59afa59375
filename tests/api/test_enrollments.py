"""Enrolling, reading, selecting."""

import asyncio
from typing import Any

import pytest

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import definition, path


async def test_enrolling_answers_201_for_a_new_one_and_200_where_there_was_one(
    house: House,
) -> None:
    await house.programme()
    first = await house.enroll()
    again = await house.enroll(expect=200)
    assert again == first
    grouped = await house.enroll(source="group", group="G1", expect=200)
    assert [line["source"] for line in grouped["assignments"]] == ["manual", "group"]
    assert grouped["id"] == first["id"]


async def test_many_who_enrol_one_learner_at_once_make_one_enrollment(house: House) -> None:
    await house.programme()
    body = {"certification": "forklift", "learner_id": "u-17"}
    responses = await asyncio.gather(
        *(house.lms.send("POST", "/v1/enrollments", json=body) for _ in range(10))
    )
    assert sorted(response.status_code for response in responses) == [200] * 9 + [201]
    assert len({response.json()["id"] for response in responses}) == 1


async def test_dates_of_the_caller_are_taken_as_they_are(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll(
        opens_at="2026-01-02T10:00:00+01:00",
        due_at=at("2026-02-01T00:00"),
        limit_at=at("2026-03-01T00:00"),
    )
    assert enrolled["cycle"]["opened_at"] == at("2026-01-02T09:00")
    assert enrolled["due_at"] == at("2026-02-01T00:00")
    assert enrolled["cycle"]["limit_at"] == at("2026-03-01T00:00")


async def test_a_future_opening_waits(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll(opens_at=at("2026-01-10T00:00"))
    assert (enrolled["status"], enrolled["work"]) == ("not_started", "waiting")
    assert enrolled["next"] == {"at": at("2026-01-10T00:00"), "event": "enrollment.opened"}
    await house.travel("2026-01-10T00:00")
    opened = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    assert opened["work"] == "not_started"


async def test_nobody_enrols_themselves_where_that_is_closed(house: House) -> None:
    await house.programme()
    problem = await house.enroll(source="self", expect=409)
    assert problem["code"] == "self_enrollment_closed"
    await house.admin.call(
        "PATCH", "/v1/certifications/forklift", json={"self_enrollment": "with_approval"}
    )
    applied = await house.enroll(source="self")
    assert applied["status"] == "applied"


async def test_an_answer_is_advanced_to_now_whatever_was_stored(live_house: House) -> None:
    await live_house.programme("forklift", definition(validity={"period": "P1Y"}, grace="P30D"))
    enrolled = await live_house.enroll(
        opens_at=at("2020-01-01T00:00"), counts_from=at("2020-01-01T00:00")
    )
    await live_house.record(course("e-1", "u-17", at("2020-02-01T00:00")))
    now = await live_house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    assert (now["status"], now["standing"]) == ("lapsed", "lapsed")


async def test_the_state_as_of_an_instant(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    url = f"/v1/enrollments/{certified['id']}"
    await house.travel("2027-03-01T00:00")
    assert (await house.reader.get(url))["status"] == "lapsed"
    then = await house.reader.get(url, at=at("2026-06-01T00:00"))
    assert (then["status"], then["certificate"]["days_left"]) == ("certified", 218)
    grace = await house.reader.get(url, at=at("2027-01-20T00:00"))
    assert grace["status"] == "expired"
    await house.reader.get(url, at=at("2026-01-01T00:00"), expect=404)
    problem = await house.reader.get(url, at=at("2027-03-01T00:01"), expect=422)
    assert problem["errors"][0]["parameter"] == "at"


async def selected(house: House, **query: Any) -> list[str]:
    page = await house.reader.get("/v1/enrollments", **query)
    return sorted(f"{line['certification_key']}:{line['learner_id']}" for line in page["items"])


@pytest.fixture
async def crowd(house: House) -> House:
    """Three learners in one certification, one of them in another as well."""
    await house.programme("forklift")
    await house.programme("crane", definition(path(payment_required=True)))
    await house.enroll("u-1", due_at=at("2026-02-01T00:00"))
    await house.enroll("u-2", source="group", group="G1", due_at=at("2026-03-01T00:00"))
    await house.certified("u-3")
    await house.enroll("u-3", "crane")
    return house


SELECTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "one certification by key": ({"certification": "crane"}, ["crane:u-3"]),
    "two certifications": (
        {"certification": ["crane", "forklift"]},
        ["crane:u-3", "forklift:u-1", "forklift:u-2", "forklift:u-3"],
    ),
    "an unknown certification": ({"certification": "nothing"}, []),
    "one learner": ({"learner_id": "u-3"}, ["crane:u-3", "forklift:u-3"]),
    "two learners": ({"learner_id": ["u-1", "u-2"]}, ["forklift:u-1", "forklift:u-2"]),
    "a status": ({"status": "certified"}, ["forklift:u-3"]),
    "two statuses": (
        {"status": ["certified", "not_started"]},
        ["crane:u-3", "forklift:u-1", "forklift:u-2", "forklift:u-3"],
    ),
    "a standing": ({"standing": "valid"}, ["forklift:u-3"]),
    "a flag": ({"flag": "awaiting_payment"}, ["crane:u-3"]),
    "any of two flags": ({"flag": ["awaiting_payment", "overdue"]}, ["crane:u-3"]),
    "a source": ({"source": "group"}, ["forklift:u-2"]),
    "a group": ({"group": "G1"}, ["forklift:u-2"]),
    "due before": ({"due_before": at("2026-02-15T00:00")}, ["forklift:u-1"]),
    "due between": (
        {"due_after": at("2026-02-15T00:00"), "due_before": at("2026-04-01T00:00")},
        ["forklift:u-2"],
    ),
    "expiring before": ({"expires_before": at("2028-01-01T00:00")}, ["forklift:u-3"]),
    "expiring after": ({"expires_after": at("2028-01-01T00:00")}, []),
    "updated after": ({"updated_after": at("2026-01-05T10:00")}, []),
    "several filters at once": (
        {"learner_id": "u-3", "status": "not_started", "certification": "crane"},
        ["crane:u-3"],
    ),
    "filters that exclude each other": ({"learner_id": "u-1", "status": "certified"}, []),
}


@pytest.mark.parametrize("kind", SELECTIONS)
async def test_enrollments_are_selected_by(crowd: House, kind: str) -> None:
    query, expected = SELECTIONS[kind]
    assert await selected(crowd, **query) == expected


@pytest.mark.parametrize("query", [{"status": "lost"}, {"flag": "red"}, {"source": "x"}])
async def test_unknown_words_in_filters_are_refused(house: House, query: Json) -> None:
    problem = await house.reader.get("/v1/enrollments", expect=422, **query)
    assert problem["errors"][0]["parameter"] == next(iter(query))


async def test_a_learners_own_view_leaves_out_what_is_hidden(crowd: House) -> None:
    await crowd.admin.call("PATCH", "/v1/certifications/crane", json={"hidden": True})
    url = "/v1/learners/u-3/enrollments"
    everything = (await crowd.reader.get(url))["items"]
    assert len(everything) == 2
    shown = (await crowd.reader.get(url, view="learner"))["items"]
    assert [line["certification_key"] for line in shown] == ["forklift"]
    assert (await crowd.reader.get("/v1/learners/nobody/enrollments"))["items"] == []
    await crowd.reader.get("/v1/learners/no%20body/enrollments", expect=422)


async def test_assignments_are_listed_and_taken_away(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    await house.enroll(source="group", group="G1", expect=200)
    url = f"/v1/enrollments/{enrolled['id']}/assignments"
    listed = (await house.reader.get(url))["items"]
    group, manual = sorted(listed, key=lambda line: str(line["source"]))
    assert (manual["source"], group["source"], group["group"]) == ("manual", "group", "G1")
    query = "reason=Left&on_behalf_of=u-2"
    left = await house.lms.call("DELETE", f"{url}/{manual['id']}?{query}")
    assert (left["status"], len(left["assignments"])) == ("not_started", 1)
    gone = await house.lms.call("DELETE", f"{url}/{group['id']}")
    assert (gone["status"], gone["assignments"]) == ("removed", [])
    ended = (await house.reader.get(url))["items"]
    assert all(line["ended_at"] == at("2026-01-05T09:00") for line in ended)
    problem = await house.lms.call("DELETE", f"{url}/{group['id']}", expect=404)
    assert problem["code"] == "assignment_not_found"
    history = (await house.reader.get(f"/v1/enrollments/{enrolled['id']}/history"))["items"]
    told = next(line for line in history if line["type"] == "enrollment.unassigned")
    assert (told["reason"], told["on_behalf_of"]) == ("Left", "u-2")
