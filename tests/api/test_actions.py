"""Actions: allowed, refused with reasons, written with author and reason."""

import pytest

from certsvc.domain.actions import ACTIONS, Action
from tests.api.samples import NOBODY
from tests.api.world import House, at, course
from tests.support.programmes import EXAM, PRACTICE, definition, path


async def test_every_action_is_listed_with_whether_it_is_allowed(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    listed = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/actions")
    assert [line["action"] for line in listed["items"]] == [action.value for action in Action]
    allowed = [line["action"] for line in listed["items"] if line["allowed"]]
    assert allowed == enrolled["allowed_actions"]
    for line in listed["items"]:
        assert (line["reason_code"] is None) is line["allowed"]
        assert (line["detail"] is None) is line["allowed"]


async def test_recertify_says_from_when_and_with_what_it_is_allowed(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    listed = await house.reader.get(f"/v1/enrollments/{certified['id']}/actions")
    line = next(line for line in listed["items"] if line["action"] == "recertify")
    assert line["allowed"] is False
    assert line["available_at"] == certified["recertification_at"]
    assert line["with"] == ["early"]


@pytest.mark.parametrize("action", Action)
async def test_what_is_allowed_is_accepted_and_what_is_not_is_refused(
    house: House, action: Action
) -> None:
    await house.programme()
    enrolled = await house.enroll()
    body = {"reason": "Because"}
    if action is Action.CHANGE_NEXT_RECERTIFICATION:
        body["next"] = "never"
    if action is Action.CHANGE_DATES:
        body["due_at"] = at("2026-03-01T00:00")
    allowed = action.value in enrolled["allowed_actions"]
    if action in (Action.CERTIFY, Action.MOVE_TO_VERSION):
        return  # What else they need is the rules' own tests' matter.
    answer = await house.act(enrolled, action.value, expect=200 if allowed else 409, **body)
    if allowed:
        assert answer["revision"] == enrolled["revision"] + 1
        return
    assert answer["code"] == "action_not_allowed"
    assert answer["reason_code"]
    assert answer["allowed_actions"] == enrolled["allowed_actions"]
    assert answer["enrollment"] == {
        name: enrolled[name] for name in ("id", "status", "standing", "work", "revision")
    }
    url = f"/v1/enrollments/{enrolled['id']}"
    assert await house.reader.get(url) == enrolled


async def test_a_refusal_says_when_the_same_will_be_allowed(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    problem = await house.act(certified, "recertify", expect=409)
    assert problem["reason_code"] == "not_due_for_recertification"
    assert problem["available_at"] == certified["recertification_at"]
    await house.travel("2026-12-20T00:00")
    assert (await house.act(certified, "recertify"))["status"] == "recertifying"


@pytest.mark.parametrize("action", [a.value for a in Action if ACTIONS[a].reason_required])
async def test_some_actions_need_a_reason(house: House, action: str) -> None:
    await house.programme()
    certified = await house.certified()
    for body in ({}, {"reason": None}, {"reason": ""}, {"reason": "   "}):
        problem = await house.act(certified, action, expect=422, **body)
        assert problem["errors"][0]["pointer"] == "/reason"


async def test_reason_and_person_are_written_into_the_history(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    await house.act(certified, "permanent-revoke", reason="Unsafe", on_behalf_of="boss@acme")
    history = await house.reader.get(f"/v1/enrollments/{certified['id']}/history")
    told = next(line for line in history["items"] if line["type"] == "enrollment.disallowed")
    assert (told["reason"], told["on_behalf_of"]) == ("Unsafe", "boss@acme")
    assert told["actor"].startswith("key:")
    assert told["before"] == {"status": "certified", "standing": "valid"}
    assert told["after"] == {"status": "disallowed", "standing": "disallowed"}


async def test_an_unknown_action_is_not_found(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    problem = await house.act(enrolled, "promote", expect=404)
    assert problem["code"] == "unknown_action"


async def test_an_enrollment_that_is_not_there_is_not_found(house: House) -> None:
    problem = await house.act({"id": NOBODY}, "remind", expect=404)
    assert problem["code"] == "enrollment_not_found"
    await house.reader.get(f"/v1/enrollments/{NOBODY}/actions", expect=404)


async def test_an_action_without_a_body_is_fine_where_nothing_is_needed(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    url = f"/v1/enrollments/{enrolled['id']}/actions"
    response = await house.admin.send("POST", f"{url}/remind")
    assert response.status_code == 200
    response = await house.admin.send("POST", f"{url}/revoke")
    assert response.status_code == 422


async def test_dates_change(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    changed = await house.act(certified, "change-dates", expires_at=at("2027-06-30T22:00"))
    assert changed["expires_at"] == at("2027-06-30T22:00")
    assert changed["recertification_at"] > certified["recertification_at"]


async def test_a_sign_off_of_one_step(house: House) -> None:
    await house.programme("forklift", definition(path(PRACTICE, exam=EXAM)))
    enrolled = await house.enroll()
    await house.record(
        {
            "id": "e-1",
            "type": "external",
            "learner_id": "u-17",
            "occurred_at": at("2026-01-05T09:00"),
            "certification": "forklift",
            "step": "practice",
            "outcome": "submitted",
        },
        {
            "id": "e-2",
            "type": "exam_attempt",
            "learner_id": "u-17",
            "occurred_at": at("2026-01-05T09:00"),
            "exam_id": "X-1",
            "grade": 90,
        },
    )
    waiting = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    assert waiting["status"] == "pending_approval"
    problem = await house.act(enrolled, "approve", step="other", expect=422)
    assert problem["errors"][0]["pointer"] == "/step"
    sent_back = await house.act(enrolled, "reject", steps=["practice"])
    assert sent_back["status"] == "in_progress"
    await house.record(
        {
            "id": "e-3",
            "type": "external",
            "learner_id": "u-17",
            "occurred_at": at("2026-01-05T09:05"),
            "certification": "forklift",
            "step": "practice",
            "outcome": "submitted",
        }
    )
    await house.travel("2026-01-05T09:30")


async def test_certifying_by_hand(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    done = await house.act(
        enrolled,
        "certify",
        reason="Paper certificate",
        certified_at=at("2025-06-01T00:00"),
        expires_at=at("2027-06-01T00:00"),
    )
    assert done["status"] == "certified"
    assert done["certified_at"] == at("2025-06-01T00:00")
    assert done["expires_at"] == at("2027-06-01T00:00")


async def test_recertification_leads_elsewhere_or_nowhere(house: House) -> None:
    await house.programme()
    await house.programme("crane")
    certified = await house.certified()
    led = await house.act(certified, "change-next-recertification", next="crane", now=True)
    assert led["next_recertification"] not in ("latest", "never")
    there = await house.reader.get("/v1/enrollments", certification="crane")
    assert [line["learner_id"] for line in there["items"]] == ["u-17"]
    stopped = await house.act(certified, "change-next-recertification", next="never")
    assert stopped["next_recertification"] == "never"
    problem = await house.act(certified, "change-next-recertification", next="nothing", expect=422)
    assert problem["code"] == "unknown_certification"


async def test_evidence_before_an_action_counts_first(house: House) -> None:
    await house.programme("forklift", definition(path(payment_required=True)))
    enrolled = await house.enroll()
    await house.record(course("e-1", "u-17", at("2026-01-05T09:00")))
    waived = await house.act(enrolled, "override-payment")
    assert waived["status"] == "certified"
    cycles = (await house.reader.get(f"/v1/enrollments/{enrolled['id']}/cycles"))["items"]
    assert [(line["payment"], line["outcome"]) for line in cycles] == [("waived", "completed")]
