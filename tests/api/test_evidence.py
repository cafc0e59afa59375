"""Evidence in batches: recorded, repeated, rejected; and what moved."""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import CREDITS, EXAM, definition, path

NOW = at("2026-01-05T09:00")


def results(answer: Json) -> list[tuple[str, str, str | None]]:
    return [
        (line["id"], line["result"], (line["problem"] or {}).get("code"))
        for line in answer["items"]
    ]


async def test_one_course_moves_every_enrollment_that_uses_it(house: House) -> None:
    for key in ("forklift", "crane", "first-aid"):
        await house.programme(key)
        await house.enroll(certification=key)
    answer = await house.record(course("e-1", "u-17", NOW))
    assert results(answer) == [("e-1", "recorded", None)]
    assert len(answer["moved"]) == 3
    assert {line["status"] for line in answer["moved"]} == {"certified"}


async def test_a_repeat_is_a_duplicate_and_moves_nothing(house: House) -> None:
    await house.programme()
    await house.enroll()
    item = course("e-1", "u-17", NOW)
    await house.record(item)
    answer = await house.record(item, item)
    assert results(answer) == [("e-1", "duplicate", None)] * 2
    assert answer["moved"] == []


async def test_the_same_id_with_another_content_is_rejected(house: House) -> None:
    await house.record(course("e-1", "u-17", NOW))
    answer = await house.record(course("e-1", "u-17", NOW, grade=10))
    assert results(answer) == [("e-1", "rejected", "evidence_id_reused")]


async def test_a_rejected_item_does_not_stop_the_others(house: House) -> None:
    await house.programme()
    await house.enroll()
    answer = await house.record(
        course("e-1", "u-17", at("2026-01-05T09:06")),
        {**course("e-2", "u-17", NOW), "certification": "nothing", "type": "payment"},
        course("e-3", "u-17", at("2026-01-05T09:05")),
    )
    first, second, third = answer["items"]
    assert (first["result"], first["problem"]["code"]) == ("rejected", "occurred_in_future")
    assert first["problem"]["pointer"] == "/items/0/occurred_at"
    assert (second["result"], second["problem"]["code"]) == ("rejected", "unknown_certification")
    assert second["problem"]["pointer"] == "/items/1/certification"
    assert third["result"] == "recorded"
    assert [line["status"] for line in answer["moved"]] == ["certified"]


async def test_learners_and_courses_that_we_have_not_heard_of_are_fine(house: House) -> None:
    answer = await house.record(course("e-1", "nobody", NOW, course_id="C-999"))
    assert results(answer) == [("e-1", "recorded", None)]
    assert answer["moved"] == []


async def test_evidence_from_before_the_enrollment_counts_within_prior_credit(
    house: House,
) -> None:
    await house.programme("forklift", definition(prior_credit="P10D"))
    await house.record(course("e-1", "u-17", at("2026-01-01T00:00")))
    enrolled = await house.enroll()
    assert enrolled["status"] == "certified"


async def test_a_batch_is_judged_as_a_set_in_order_of_time(house: House) -> None:
    await house.programme("forklift", definition(path(exam=EXAM)))
    enrolled = await house.enroll(opens_at=at("2026-01-01T00:00"))
    exam: Json = {
        "id": "x-1",
        "type": "exam_attempt",
        "learner_id": "u-17",
        "occurred_at": at("2026-01-04T00:00"),
        "exam_id": "X-1",
        "grade": 90,
    }
    await house.record(exam, course("e-1", "u-17", at("2026-01-03T00:00")))
    done = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    assert (done["status"], done["certified_at"]) == ("certified", at("2026-01-04T00:00"))


async def test_a_retraction_takes_a_fact_back(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    retraction: Json = {
        "id": "r-1",
        "type": "retraction",
        "learner_id": "u-17",
        "occurred_at": NOW,
        "retracts": "done-u-17-forklift",
    }
    await house.record(retraction)
    now = await house.reader.get(f"/v1/enrollments/{certified['id']}")
    assert now["status"] == "certified"
    assert "evidence_retracted" in now["flags"]
    (missing,) = (await house.record({**retraction, "id": "r-2", "retracts": None}))["items"]
    assert missing["problem"]["code"] == "retracts_missing"


async def test_credits_add_up(house: House) -> None:
    await house.programme("forklift", definition(path(CREDITS, exam=EXAM)))
    enrolled = await house.enroll()

    def credit(number: int, amount: float) -> Json:
        return {
            "id": f"c-{number}",
            "type": "credits",
            "learner_id": "u-17",
            "occurred_at": NOW,
            "category": "ethics",
            "amount": amount,
        }

    async def state() -> Any:
        found = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
        return found["cycle"]["steps"][0]["state"]

    await house.record(credit(1, 6), credit(2, 5.5))
    assert await state() == "open"
    await house.record(credit(3, 0.5))
    assert await state() == "done"


async def test_a_batch_holds_1_to_1000_items(house: House) -> None:
    await house.record(expect=422)
    many = [course(f"e-{number}", "u-17", NOW) for number in range(1001)]
    await house.record(*many, expect=422)
    answer = await house.record(*many[:1000])
    assert [line["result"] for line in answer["items"]] == ["recorded"] * 1000
