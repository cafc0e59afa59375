"""The queue of what waits for a person, as an administrator works it off."""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import COURSE, PRACTICE, definition, path

QUEUE = "/v1/review-queue"


def handed_in(learner: str, occurred_at: str) -> Json:
    return {
        "id": f"x-{learner}",
        "type": "external",
        "learner_id": learner,
        "occurred_at": at(occurred_at),
        "certification": "practice",
        "step": "practice",
        "outcome": "submitted",
    }


Line = tuple[str, str, list[str]]


async def lines(house: House, **query: Any) -> list[Line]:
    items = (await house.reader.get(QUEUE, **query))["items"]
    return [(item["kind"], item["learner_id"], item["actions"]) for item in items]


async def test_everything_that_waits_for_a_person_is_one_queue(house: House) -> None:
    await house.programme("practice", definition(path(COURSE, PRACTICE)))
    await house.programme("signed", definition(path(approval_required=True)))
    await house.programme("asked", self_enrollment="with_approval")
    await house.enroll("u-1", "practice", source="group", group="G1")
    await house.enroll("u-2", "signed")
    await house.travel("2026-01-06T09:00")
    await house.enroll("u-3", "asked", source="self")
    await house.travel("2026-01-07T09:00")
    await house.record(handed_in("u-1", "2026-01-05T10:00"))
    await house.record(course("c-2", "u-2", at("2026-01-07T08:00")))
    application = ("application", "u-3", ["approve-application", "decline-application"])
    approval = ("approval", "u-2", ["approve", "reject"])
    coming: Line = ("external_evidence", "u-1", [])
    assert await lines(house) == [coming, application, approval]
    assert await lines(house, kind=["approval", "application"]) == [application, approval]
    assert await lines(house, certification="practice") == [coming]
    assert await lines(house, group="G1") == [coming]
    assert await lines(house, certification="nowhere") == []
    first = (await house.reader.get(QUEUE, limit=1))["items"][0]
    assert first["steps"] == [{"key": "practice", "title": "practice"}]
    assert (first["since"], first["status"]) == (at("2026-01-05T10:00"), "in_progress")


async def test_what_is_answered_leaves_the_queue(house: House) -> None:
    await house.programme("practice", definition(path(COURSE, PRACTICE)))
    enrolled = await house.enroll("u-1", "practice")
    await house.record(handed_in("u-1", "2026-01-05T09:00"))
    assert await lines(house) == [("external_evidence", "u-1", [])]
    await house.record(course("c-1", "u-1", at("2026-01-05T09:00")))
    assert await lines(house) == [("external_evidence", "u-1", ["approve", "reject"])]
    await house.act(enrolled, "approve", step="practice")
    assert await lines(house) == []


async def test_what_is_suspended_waits_until_it_is_lifted(house: House) -> None:
    signed = definition(path(), recertification=path(approval_required=True))
    await house.programme("forklift", signed)
    certified = await house.certified()
    await house.travel("2026-12-20T09:00")
    await house.act(certified, "recertify")
    await house.record(course("again", "u-17", at("2026-12-20T09:00")))
    waiting = ("approval", "u-17", ["approve", "reject"])
    assert await lines(house) == [waiting]
    await house.act(certified, "suspend", reason="Under review")
    assert await lines(house) == []
    await house.act(certified, "lift")
    assert await lines(house) == [waiting]


async def test_pages_of_the_queue_neither_skip_nor_repeat(house: House) -> None:
    await house.programme("asked", self_enrollment="with_approval")
    for number in range(5):
        await house.enroll(f"u-{number}", "asked", source="self")
    seen, cursor = [], None
    for _ in range(3):
        page = await house.reader.get(QUEUE, limit=2, cursor=cursor)
        seen += [item["learner_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert sorted(seen) == [f"u-{number}" for number in range(5)]
    broken = (await house.reader.get("/v1/enrollments", limit=2))["next_cursor"]
    await house.reader.get(QUEUE, cursor=broken, expect=400)


async def test_an_unknown_kind_is_refused(house: House) -> None:
    problem = await house.reader.get(QUEUE, kind="homework", expect=422)
    assert problem["code"] == "invalid_request"
