"""Bulk operations over HTTP: one decision over many, followed item by item.

The sandbox starts on Monday, 5 January 2026, 09:00 UTC. There an operation whose time has come is
run before the answer leaves; a later one runs when the clock comes to it.
"""

from typing import Any

import pytest

from tests.api.client import Json
from tests.api.world import House, at, course
from tests.support.programmes import definition

BULK = "/v1/bulk-operations"


async def certified(house: House, number: int, **switches: Any) -> list[Json]:
    """So many people who hold a certificate that expires on 5 January 2027."""
    await house.programme("forklift", definition(), **switches)
    people = [await house.enroll(f"p{one}") for one in range(number)]
    moment = (await house.reader.get("/v1/test-clock"))["now"]
    await house.record(*(course(f"done-{one}", f"p{one}", moment) for one in range(number)))
    return people


async def order(house: House, action: str, selection: Json, **more: Any) -> Json:
    """Order, and see how it stands afterwards."""
    told = await house.admin.post(
        BULK, {"action": action, "selection": selection, **more}, expect=202
    )
    return await house.reader.get(f"{BULK}/{told['id']}")


async def items(house: House, operation: Json, **query: Any) -> list[Json]:
    path = f"{BULK}/{operation['id']}/items"
    found: list[Json] = (await house.reader.get(path, limit=200, **query))["items"]
    return found


async def statuses(house: House) -> dict[str, str]:
    listed = await house.reader.get("/v1/enrollments", limit=200)
    return {one["learner_id"]: one["status"] for one in listed["items"]}


async def test_everybody_who_is_due_is_recertified_at_once(house: House) -> None:
    await certified(house, 5)
    await house.travel("2026-12-20T09:00")
    done = await order(
        house,
        "recertify",
        {"filter": {"flag": ["due_for_recertification"]}},
        reason="Annual roll-out",
        on_behalf_of="u-2",
    )
    assert (done["state"], done["total"], done["done"]) == ("completed", 5, 5)
    assert done["counts"]["succeeded"] == 5
    assert set((await statuses(house)).values()) == {"recertifying"}
    (one,) = (await house.reader.get("/v1/learners/p3/enrollments"))["items"]
    history = await house.reader.get(f"/v1/enrollments/{one['id']}/history", limit=200)
    opened = history["items"][-1]
    assert (opened["type"], opened["bulk_operation_id"]) == ("recertification.opened", done["id"])
    assert (opened["reason"], opened["on_behalf_of"]) == ("Annual roll-out", "u-2")


async def test_each_item_says_what_became_of_it(house: House) -> None:
    people = await certified(house, 2)
    await house.programme("first-aid")
    newcomer = await house.enroll("late", "first-aid")
    nobody = "01900000-0000-7000-8000-000000000000"
    ids = [people[0]["id"], newcomer["id"], nobody, people[0]["id"]]
    done = await order(house, "suspend", {"ids": ids}, reason="Inspection")
    told = await items(house, done)
    assert [(one["number"], one["outcome"], one["code"]) for one in told] == [
        (1, "succeeded", None),
        (2, "refused", "action_not_allowed"),
        (3, "not_found", "enrollment_not_found"),
        (4, "refused", "action_not_allowed"),
    ]
    assert told[1]["reason_code"] == "status_forbids"
    assert await items(house, done, outcome="refused") == [told[1], told[3]]
    assert done["counts"] == {
        "succeeded": 1,
        "unchanged": 0,
        "refused": 2,
        "not_found": 1,
        "failed": 0,
    }


async def test_items_may_bring_parameters_of_their_own(house: House) -> None:
    await certified(house, 3)
    done = await order(
        house,
        "change-dates",
        {
            "items": [
                {"certification": "forklift", "learner_id": "p0"},
                {
                    "certification": "forklift",
                    "learner_id": "p1",
                    "parameters": {"recertification_at": at("2026-09-01T00:00")},
                },
            ]
        },
        parameters={"recertification_at": at("2026-08-01T00:00")},
    )
    assert done["counts"]["succeeded"] == 2
    listed = (await house.reader.get("/v1/enrollments"))["items"]
    dates = {one["learner_id"]: one["recertification_at"] for one in listed}
    assert dates == {
        "p0": at("2026-08-01T00:00"),
        "p1": at("2026-09-01T00:00"),
        "p2": at("2026-12-06T00:00"),
    }


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(house: House) -> None:
    people = await certified(house, 3)
    await house.travel("2026-12-20T09:00")
    await house.act(people[0], "change-next-recertification", next="never")
    before = await house.reader.get("/v1/enrollments")
    told = await house.admin.post(
        BULK, {"action": "recertify", "selection": {"filter": {}}, "dry_run": True}
    )
    assert (told["id"], told["state"], told["complete"]) == (None, "dry_run", True)
    assert (told["counts"], told["by_code"]) == (
        {"succeeded": 2, "refused": 1},
        {"action_not_allowed": 1},
    )
    assert told["by_status"] == {"recertifying": 2, "certified": 1}
    assert {one["status_before"] for one in told["sample"]} == {"certified"}
    assert await house.reader.get("/v1/enrollments") == before
    assert (await house.reader.get(BULK))["items"] == []


async def test_an_operation_for_later_runs_when_its_time_comes(house: House) -> None:
    await certified(house, 3)
    waiting = await order(
        house,
        "change-dates",
        {"filter": {"certification": ["forklift"]}},
        parameters={"expires_at": at("2027-06-30T22:00")},
        start_at=at("2026-03-01T00:00"),
    )
    assert (waiting["state"], waiting["total"]) == ("scheduled", None)
    await house.enroll("late")
    await house.record(course("late-done", "late", at("2026-01-05T09:00")))
    await house.travel("2026-02-28T23:59")
    assert (await house.reader.get(f"{BULK}/{waiting['id']}"))["state"] == "scheduled"
    await house.travel("2026-03-02T00:00")
    done = await house.reader.get(f"{BULK}/{waiting['id']}")
    assert (done["state"], done["counts"]["succeeded"]) == ("completed", 4)
    assert done["started_at"] == at("2026-03-01T00:00")


async def test_what_is_held_for_later_is_not_recertified_by_itself(house: House) -> None:
    await certified(house, 2, automatic_recertification=True)
    held = await order(
        house,
        "recertify",
        {"items": [{"certification": "forklift", "learner_id": "p0"}]},
        start_at=at("2026-12-24T00:00"),
        hold_automation=True,
    )
    await house.travel("2026-12-20T00:00")
    assert await statuses(house) == {"p0": "certified", "p1": "recertifying"}
    await house.travel("2026-12-25T00:00")
    assert await statuses(house) == {"p0": "recertifying", "p1": "recertifying"}
    (one,) = (await house.reader.get("/v1/learners/p0/enrollments"))["items"]
    assert one["cycle"]["opened_at"] == at("2026-12-24T00:00")
    assert (await house.reader.get(f"{BULK}/{held['id']}"))["counts"]["succeeded"] == 1


async def test_a_cancelled_hold_lets_automation_go_on(house: House) -> None:
    await certified(house, 1, automatic_recertification=True)
    held = await order(
        house,
        "recertify",
        {"filter": {}},
        start_at=at("2027-12-24T00:00"),
        hold_automation=True,
    )
    assert held["total"] == 1
    await house.travel("2026-12-20T00:00")
    assert await statuses(house) == {"p0": "certified"}
    cancelled = await house.admin.post(f"{BULK}/{held['id']}/cancel", {"reason": "Too late"})
    assert (cancelled["state"], cancelled["done"]) == ("cancelled", 0)
    await house.travel("2026-12-21T00:00")
    assert await statuses(house) == {"p0": "recertifying"}
    (one,) = (await house.reader.get("/v1/learners/p0/enrollments"))["items"]
    assert one["cycle"]["opened_at"] == at("2026-12-20T00:00")
    again = await house.admin.post(f"{BULK}/{held['id']}/cancel")
    assert again["state"] == "cancelled"


async def test_what_is_over_cannot_be_cancelled(house: House) -> None:
    await certified(house, 1)
    done = await order(house, "remind", {"filter": {}})
    problem = await house.admin.post(f"{BULK}/{done['id']}/cancel", expect=409)
    assert problem["code"] == "bulk_operation_over"


async def test_people_and_the_certificates_that_they_hold_come_in_by_one_operation(
    house: House,
) -> None:
    await house.programme("forklift", definition())
    rows = [
        {
            "certification": "forklift",
            "learner_id": "holder",
            "parameters": {
                "certified_at": at("2025-06-01T12:00"),
                "expires_at": at("2026-06-02T00:00"),
            },
        },
        {"certification": "forklift", "learner_id": "newcomer"},
        {"certification": "unheard-of", "learner_id": "nobody"},
    ]
    for _ in range(2):
        done = await order(house, "enroll", {"items": rows}, parameters={"source": "import"})
    listed = (await house.reader.get("/v1/enrollments"))["items"]
    assert {one["learner_id"]: (one["status"], one["expires_at"]) for one in listed} == {
        "holder": ("certified", at("2026-06-02T00:00")),
        "newcomer": ("not_started", None),
    }
    assert done["counts"]["unchanged"] == 2
    assert done["counts"]["not_found"] == 1
    certificates = await house.reader.get("/v1/certificates")
    assert len(certificates["items"]) == 1


async def test_operations_are_listed_the_newest_first(house: House, neighbour: House) -> None:
    await certified(house, 1)
    told = [await order(house, "remind", {"filter": {}}) for _ in range(3)]
    first = await house.reader.get(BULK, limit=2)
    assert [one["id"] for one in first["items"]] == [told[2]["id"], told[1]["id"]]
    rest = await house.reader.get(BULK, limit=2, cursor=first["next_cursor"])
    assert [one["id"] for one in rest["items"]] == [told[0]["id"]]
    assert (await house.reader.get(BULK, state="running"))["items"] == []
    await neighbour.reader.get(f"{BULK}/{told[0]['id']}", expect=404)
    await neighbour.reader.get(f"{BULK}/{told[0]['id']}/items", expect=404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "fly", "selection": {"filter": {}}},
        {"action": "remind", "selection": {}},
        {"action": "remind", "selection": {"filter": {}, "ids": []}},
        {"action": "remind", "selection": {"filter": {"status": ["asleep"]}}},
        {"action": "remind", "selection": {"filter": {}}, "parameters": {"loud": True}},
        {"action": "change-dates", "selection": {"filter": {}}, "parameters": {"due_at": "soon"}},
        {"action": "revoke", "selection": {"filter": {}}},
        {"action": "enroll", "selection": {"filter": {}}},
        {"action": "remind", "selection": {"items": [{"learner_id": "u-1"}]}},
        {"action": "recertify", "selection": {"items": [{}]}},
        {
            "action": "change-next-recertification",
            "selection": {"filter": {}},
            "parameters": {"next": "nowhere"},
        },
        {"action": "recertify", "selection": {"filter": {}}, "parameters": {"reason": "x"}},
    ],
    ids=str,
)
async def test_an_order_that_makes_no_sense_is_refused_and_leaves_nothing(
    house: House, wrong: Json
) -> None:
    await house.admin.post(BULK, wrong, expect=422)
    assert (await house.reader.get(BULK))["items"] == []


async def test_the_same_order_twice_is_one_operation(house: House) -> None:
    await certified(house, 1)
    body = {"action": "remind", "selection": {"filter": {}}}
    first = await house.admin.post(BULK, body, expect=202, idempotency_key="once")
    again = await house.admin.post(BULK, body, expect=202, idempotency_key="once")
    assert first["id"] == again["id"]
    assert len((await house.reader.get(BULK))["items"]) == 1
