"""What one learner holds and has to do next, over all certifications."""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import COURSE, EXAM, PRACTICE, definition, path

MINE = "/v1/learners/u-17/enrollments"


async def seen(house: House, **query: Any) -> dict[str, Json]:
    """The enrollments of the learner's view, by the keys of their certifications."""
    page = await house.reader.get(MINE, view="learner", **query)
    return {item["certification_key"]: item for item in page["items"]}


async def test_a_learner_sees_what_to_do_next_over_all_certifications(house: House) -> None:
    texts = {"title": {"en": "Crane", "de": "Kran"}, "description": {"en": "Lifts."}}
    steps = path(COURSE, PRACTICE, exam=EXAM)
    await house.programme("crane", definition(steps, due={"date": "2026-03-01"}), **texts)
    await house.programme("paid", definition(path(payment_required=True)))
    await house.programme("welcome", acceptance_required=True)
    await house.programme("done")
    for key in ("crane", "paid", "welcome"):
        await house.enroll(certification=key)
    await house.certified(certification="done")
    mine = await seen(house)
    assert {key: [task["type"] for task in item["to_do"]] for key, item in mine.items()} == {
        "crane": ["step"],  # the course was passed for `done` as well
        "paid": ["pay"],
        "welcome": ["accept"],
        "done": [],
    }
    assert mine["crane"]["certification_title"] == {"en": "Crane", "de": "Kran"}
    assert mine["crane"]["certification_description"] == {"en": "Lifts."}
    assert mine["crane"]["to_do"][0] == {
        "type": "step",
        "step": "practice",
        "title": "practice",
        "course_ids": [],
        "exam_id": None,
        "instructions": "Show it.",
        "category": None,
        "amount": None,
        "from": None,
        "until": at("2026-03-02T00:00"),
    }


async def test_what_is_to_do_follows_what_the_learner_does(house: House) -> None:
    await house.programme("forklift", definition(path(exam=EXAM)))
    await house.enroll()

    async def tasks() -> list[tuple[str, Any]]:
        return [(t["type"], t["exam_id"]) for t in (await seen(house))["forklift"]["to_do"]]

    assert await tasks() == [("step", "X-9")]
    now = at("2026-01-05T09:00")
    await house.record(course("c-1", "u-17", now))
    assert await tasks() == [("exam", "X-1")]
    exam = {"id": "x-1", "type": "exam_attempt", "exam_id": "X-1", "outcome": "passed"}
    await house.record({**exam, "grade": 90, "learner_id": "u-17", "occurred_at": now})
    assert await tasks() == []
    await house.travel("2026-12-20T00:00")
    assert await tasks() == [("recertify", None)]


async def test_hidden_ones_are_left_out_on_request_and_pages_stay_full(house: House) -> None:
    keys = [f"k-{number}" for number in range(6)]
    for number, key in enumerate(keys):
        await house.programme(key, hidden=number % 2 == 0)
        await house.enroll(certification=key)
    listed, cursor = [], None
    for _ in range(2):
        page = await house.reader.get(MINE, view="learner", limit=2, cursor=cursor)
        listed.append([item["certification_key"] for item in page["items"]])
        cursor = page["next_cursor"]
    assert (listed, cursor) == ([["k-1", "k-3"], ["k-5"]], None)
    everything = await house.reader.get(MINE)
    assert [item["certification_key"] for item in everything["items"]] == keys
    await house.admin.call("PATCH", "/v1/certifications/k-0", json={"hidden": False})
    assert set(await seen(house)) == {"k-0", "k-1", "k-3", "k-5"}


async def test_somebody_unknown_holds_nothing(house: House) -> None:
    assert (await house.reader.get("/v1/learners/nobody/enrollments"))["items"] == []
