"""What happened, what will happen, and why things are as they are."""

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import EXAM, definition, path


async def test_the_history_has_no_gaps_and_names_who_did_what(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    await house.travel("2027-03-01T00:00")
    lines = (await house.reader.get(f"/v1/enrollments/{certified['id']}/history"))["items"]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    by_time = {line["type"] for line in lines if line["actor"] == "time"}
    assert {"certificate.expired", "certificate.lapsed", "recertification.due"} <= by_time
    for line in lines:
        assert line["effective_at"] <= line["recorded_at"]
        assert line["after"] is not None


async def test_each_happens_at_its_own_instant(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    await house.travel("2027-03-01T00:00")
    lines = (await house.reader.get(f"/v1/enrollments/{certified['id']}/history"))["items"]
    expired = next(line for line in lines if line["type"] == "certificate.expired")
    assert expired["effective_at"] == expired["recorded_at"] == certified["expires_at"]


async def test_the_forecast_is_what_then_happens(house: House) -> None:
    await house.programme(automatic_recertification=True)
    certified = await house.certified()
    url = f"/v1/enrollments/{certified['id']}"
    foretold = await house.reader.get(f"{url}/forecast", until=at("2027-03-01T00:00"))
    assert foretold["truncated"] is False
    known = len((await house.reader.get(f"{url}/history"))["items"])
    await house.travel("2027-03-01T00:00")
    happened = (await house.reader.get(f"{url}/history"))["items"][known:]

    def told(lines: list[Json]) -> list[Json]:
        return [(line["type"], line["effective_at"], line["after"]) for line in lines]

    assert told(foretold["items"]) == told(happened)
    assert len(happened) > 4


async def test_a_forecast_is_bounded(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    url = f"/v1/enrollments/{certified['id']}/forecast"
    year = await house.reader.get(url)
    assert year["until"] == at("2027-01-06T09:00")
    short = await house.reader.get(url, limit=1)
    assert (len(short["items"]), short["truncated"]) == (1, True)
    for until in ("2026-01-05T08:59", "2046-02-01T00:00"):
        problem = await house.reader.get(url, until=at(until), expect=422)
        assert problem["errors"][0]["parameter"] == "until"


async def test_an_explanation_says_what_is_missing_and_why_actions_are_refused(
    house: House,
) -> None:
    fee = definition(path(exam=EXAM, payment_required=True, approval_required=True))
    await house.programme("forklift", fee)
    enrolled = await house.enroll()
    why = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/explain")
    assert [need["what"] for need in why["needs"]] == ["payment", "step", "exam", "approval"]
    assert why["status"] == "not_started"
    assert why["because"]
    assert why["story"]
    refused = {line["action"] for line in why["blocked"]}
    assert refused.isdisjoint(enrolled["allowed_actions"])
    certified = await house.act(enrolled, "certify", reason="By hand")
    why = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/explain")
    assert (why["needs"], why["next"]) == ([], certified["next"])


async def test_cycles_are_listed_open_and_closed(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    await house.travel("2026-12-20T00:00")
    opened = await house.act(certified, "recertify")
    lines = (await house.reader.get(f"/v1/enrollments/{certified['id']}/cycles"))["items"]
    assert [(line["number"], line["kind"], line["outcome"]) for line in lines] == [
        (1, "initial", "completed"),
        (2, "recertification", None),
    ]
    assert lines[0]["closed_at"] is not None
    assert lines[0]["steps"][0]["state"] == "done"
    assert lines[1] == opened["cycle"]


def attempt(number: int, occurred_at: str, **more: object) -> Json:
    return {
        "id": f"x-{number}",
        "type": "exam_attempt",
        "learner_id": "u-17",
        "occurred_at": occurred_at,
        "exam_id": "X-1",
        **more,
    }


async def test_exam_attempts_stay_after_a_reset(house: House) -> None:
    await house.programme("forklift", definition(path(exam=EXAM)))
    enrolled = await house.enroll()
    await house.record(
        course("e-1", "u-17", at("2026-01-05T09:00")),
        attempt(1, at("2026-01-05T09:01"), grade=10),
        attempt(2, at("2026-01-05T09:02"), exam_id="another", grade=90),
        {
            **attempt(3, at("2026-01-05T09:00"), grade=20),
            "exam_id": "X-9",
            "type": "test_out_attempt",
        },
    )
    await house.travel("2026-01-07T00:00")
    await house.act(enrolled, "reset-exam")
    await house.travel("2026-01-07T00:01")
    await house.record(
        attempt(4, at("2026-01-07T00:01"), grade=95),
        {**attempt(5, at("2026-01-07T00:01")), "type": "retraction", "retracts": "x-1"},
    )
    url = f"/v1/enrollments/{enrolled['id']}/exam-attempts"
    lines = (await house.reader.get(url))["items"]
    assert [line["id"] for line in lines] == ["x-1", "x-3", "x-4"]
    assert [line["grade"] for line in lines] == [10, 20, 95]
    assert [line["retracted"] for line in lines] == [True, False, False]
    assert [line["reset"] for line in lines] == [True, False, False]
