"""Groups over the API: the LMS syncs its members, and people are enrolled by the same rules."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store.db import driver, transaction
from certsvc.usecases import group_work
from tests.api.client import Json
from tests.api.world import House, course
from tests.support.programmes import definition

G1 = "/v1/groups/G1/members"
FORKLIFT = "/v1/certifications/forklift"


async def put(house: House, group: str, *learners: str) -> Json:
    """The LMS says who is in a group."""
    path = f"/v1/groups/{group}/members"
    return await house.lms.call("PUT", path, json={"learner_ids": learners})


async def target(house: House, *groups: str, certification: str = "forklift") -> None:
    for group in groups:
        await house.lms.call("PUT", f"/v1/certifications/{certification}/groups/{group}")


async def enrolled(house: House, learner: str = "u-17") -> Json:
    """The learner's only enrollment."""
    (found,) = (await house.reader.get(f"/v1/learners/{learner}/enrollments"))["items"]
    return found


async def history(house: House, enrollment: Json) -> list[str]:
    found = await house.reader.get(f"/v1/enrollments/{enrollment['id']}/history", limit=200)
    return [event["type"] for event in found["items"]]


async def test_a_group_is_synced_and_listed(house: House) -> None:
    told = await put(house, "G1", "ann", "bob", "ann")
    assert told == {"group": "G1", "member_count": 2, "added": 2, "removed": 0, "pending": 0}
    more = await house.lms.post(G1, {"learner_ids": ["bob", "eve"], "on_behalf_of": "u-2"})
    assert (more["member_count"], more["added"], more["removed"]) == (3, 1, 0)
    for _ in range(2):
        fewer = await house.lms.call("DELETE", f"{G1}/bob", params={"reason": "Moved away"})
        assert fewer["member_count"] == 2
    first = await house.reader.get(G1, limit=1)
    assert [item["learner_id"] for item in first["items"]] == ["ann"]
    assert (first["member_count"], first["pending"]) == (2, 0)
    second = await house.reader.get(G1, limit=1, cursor=first["next_cursor"])
    assert [item["learner_id"] for item in second["items"]] == ["eve"]
    assert second["next_cursor"] is None
    assert (await put(house, "G1"))["removed"] == 2


async def test_a_group_nobody_told_of_is_empty_and_may_be_targeted(house: House) -> None:
    await house.programme()
    nothing = await house.reader.get("/v1/groups/G9/members")
    assert (nothing["items"], nothing["member_count"]) == ([], 0)
    await target(house, "G9")
    await put(house, "G9", "u-17")
    assert (await enrolled(house))["assignments"][0]["group"] == "G9"


async def test_the_groups_of_a_learner_are_listed(house: House) -> None:
    for group in ("G2", "G1", "G3"):
        await put(house, group, "u-17")
    first = await house.reader.get("/v1/learners/u-17/groups", limit=2)
    assert [item["group"] for item in first["items"]] == ["G1", "G2"]
    rest = await house.reader.get("/v1/learners/u-17/groups", cursor=first["next_cursor"])
    assert [item["group"] for item in rest["items"]] == ["G3"]
    assert (await house.reader.get("/v1/learners/u-18/groups"))["items"] == []


async def test_targets_are_told_and_listed(house: House) -> None:
    made = await house.programme()
    await put(house, "G1", "u-17", "u-18")
    told = await house.lms.call("PUT", f"{FORKLIFT}/groups/G1", json={"reason": "New hires"})
    assert told == {
        "certification_id": made["id"],
        "certification_key": "forklift",
        "group": "G1",
        "targeted_at": "2026-01-05T09:00:00Z",
        "member_count": 2,
        "pending": 0,
    }
    await house.travel("2026-01-06T09:00")
    assert await house.lms.call("PUT", f"{FORKLIFT}/groups/G1") == told
    await target(house, "G2")
    page = await house.reader.get(f"{FORKLIFT}/groups", limit=1)
    assert [(item["group"], item["member_count"]) for item in page["items"]] == [("G1", 2)]
    rest = await house.reader.get(f"{FORKLIFT}/groups", cursor=page["next_cursor"])
    assert [item["group"] for item in rest["items"]] == ["G2"]
    gone = await house.lms.call("DELETE", f"{FORKLIFT}/groups/G1", params={"reason": "Done"})
    assert gone["targeted_at"] is None
    assert (await enrolled(house))["status"] == "removed"
    assert await house.lms.call("DELETE", f"{FORKLIFT}/groups/G1") == gone


async def test_an_unknown_certification_targets_nothing(house: House) -> None:
    for method in ("PUT", "DELETE"):
        problem = await house.lms.call(method, "/v1/certifications/no/groups/G1", expect=404)
        assert problem["code"] == "certification_not_found"
    await house.reader.get("/v1/certifications/no/groups", expect=404)


async def test_a_group_to_which_a_course_is_closed_is_refused_with_the_courses(
    house: House,
) -> None:
    await house.programme()
    await house.lms.call("PUT", "/v1/courses/C-1", json={"state": "published", "groups": ["G2"]})
    await target(house, "G2")
    problem = await house.lms.call("PUT", f"{FORKLIFT}/groups/G1", expect=409)
    assert problem["code"] == "course_closed_to_group"
    assert ["C-1" in fault["detail"] for fault in problem["errors"]] == [True]
    assert len((await house.reader.get(f"{FORKLIFT}/groups"))["items"]) == 1


@pytest.mark.parametrize(
    "learner_ids", [["u 17"], [""], ["x" * 129], [17], "u-17", None, ["u-17"] * 200_001]
)
async def test_a_list_that_is_unsound_changes_nothing(house: House, learner_ids: Json) -> None:
    await put(house, "G1", "ann")
    for method in ("PUT", "POST"):
        expected = 413 if len(str(learner_ids)) > 1_000_000 else 422
        await house.lms.call(method, G1, expect=expected, json={"learner_ids": learner_ids})
    assert (await house.reader.get(G1))["member_count"] == 1


async def test_a_cursor_of_something_else_is_refused(house: House) -> None:
    await put(house, "G1", "ann", "bob")
    await put(house, "G2", "ann", "bob")
    cursor = (await house.reader.get(G1, limit=1))["next_cursor"]
    await house.reader.get("/v1/groups/G2/members", expect=400, cursor=cursor)


async def test_two_groups_and_a_person_assign_side_by_side_each_with_its_date(
    house: House,
) -> None:
    await house.programme()
    await target(house, "G1", "G2")
    await put(house, "G1", "u-17")
    await house.travel("2026-01-06T09:00")
    await put(house, "G2", "u-17")
    await house.travel("2026-01-07T09:00")
    await house.enroll(expect=200)
    found = await enrolled(house)
    assert [(a["source"], a["group"], a["assigned_at"][:10]) for a in found["assignments"]] == [
        ("group", "G1", "2026-01-05"),
        ("group", "G2", "2026-01-06"),
        ("manual", None, "2026-01-07"),
    ]
    # Each is taken away by itself, whoever made it.
    first, second, by_hand = (assignment["id"] for assignment in found["assignments"])
    path = f"/v1/enrollments/{found['id']}/assignments"
    for id, status in ((first, "not_started"), (by_hand, "not_started"), (second, "removed")):
        left = await house.lms.call("DELETE", f"{path}/{id}")
        assert (left["status"], id in str(left["assignments"])) == (status, False)


async def test_who_was_unassigned_by_hand_is_not_brought_back_by_the_nightly_sync(
    house: House,
) -> None:
    await house.programme()
    await target(house, "G1")
    await put(house, "G1", "u-17")
    found = await enrolled(house)
    (assignment,) = found["assignments"]
    await house.lms.call("DELETE", f"/v1/enrollments/{found['id']}/assignments/{assignment['id']}")
    await house.travel("2026-01-06T03:00")
    await put(house, "G1", "u-17")
    assert (await enrolled(house))["status"] == "removed"
    await put(house, "G1")
    await put(house, "G1", "u-17")
    assert (await enrolled(house))["status"] == "not_started"


async def test_leaving_takes_one_assignment_and_joining_again_brings_the_progress_back(
    house: House,
) -> None:
    steps = [
        {"key": "theory", "ways": [{"type": "course", "course_id": "C-1", "minimum_grade": 80}]},
        {"key": "practice", "ways": [{"type": "course", "course_id": "C-2", "minimum_grade": 80}]},
    ]
    await house.programme("forklift", definition({"steps": steps}))
    await target(house, "G1", "G2")
    await put(house, "G1", "u-17")
    await put(house, "G2", "u-17")
    await house.record(course("e-1", "u-17", "2026-01-05T09:00:00Z"))
    started = await enrolled(house)
    assert started["status"] == "in_progress"

    await house.travel("2026-01-08T09:00")
    await put(house, "G1")
    still = await enrolled(house)
    assert still["status"] == "in_progress"
    assert [a["group"] for a in still["assignments"]] == ["G2"]

    await house.travel("2026-01-09T09:00")
    await put(house, "G2")
    assert (await enrolled(house))["status"] == "removed"

    await house.travel("2026-02-01T09:00")
    await put(house, "G1", "u-17")
    back = await enrolled(house)
    assert back["status"] == "in_progress"
    assert back["cycle"]["number"] == 1
    assert back["cycle"]["opened_at"] == started["cycle"]["opened_at"]
    assert [step["state"] for step in back["cycle"]["steps"]] == ["done", "open"]
    assert [a["assigned_at"][:10] for a in back["assignments"]] == ["2026-02-01"]


async def test_members_are_asked_to_accept_where_that_is_required(house: House) -> None:
    await house.programme(acceptance_required=True)
    await target(house, "G1")
    await put(house, "G1", "u-17")
    assert (await enrolled(house))["status"] == "assigned"


async def test_a_certificate_runs_on_when_its_holder_leaves_the_group(house: House) -> None:
    await house.programme()
    await target(house, "G1")
    await put(house, "G1", "u-17")
    await house.record(course("e-1", "u-17", "2026-01-05T09:00:00Z"))
    await put(house, "G1")
    left = await enrolled(house)
    assert left["status"] == "certified"
    assert "unassigned" in left["flags"]


async def test_a_nightly_sync_of_the_same_members_changes_nothing(house: House) -> None:
    await house.programme()
    await target(house, "G1")
    await put(house, "G1", "u-17", "u-18")
    before = await enrolled(house)
    told = await history(house, before)
    for night in ("2026-01-06T03:00", "2026-01-07T03:00"):
        await house.travel(night)
        again = await put(house, "G1", "u-18", "u-17")
        assert (again["added"], again["removed"], again["member_count"]) == (0, 0, 2)
        await target(house, "G1")
    after = await enrolled(house)
    assert after["revision"] == before["revision"]
    assert after["assignments"] == before["assignments"]
    assert await history(house, after) == told


async def test_a_barred_learner_stays_out_whatever_group_they_join_until_restored(
    house: House,
) -> None:
    await house.programme()
    certified = await house.certified()
    await house.act(certified, "permanent-revoke", reason="Fraud")
    await target(house, "G1", "G2")
    for group in ("G1", "G2", "G3"):
        told = await put(house, group, "u-17", "u-18")
        assert told["pending"] == 0
    barred = await enrolled(house)
    assert barred["status"] == "disallowed"
    assert [a["source"] for a in barred["assignments"]] == ["manual"]
    assert (await enrolled(house, "u-18"))["status"] == "not_started"

    await house.travel("2026-03-01T09:00")
    restored = await house.act(certified, "restore", reason="Cleared")
    assert restored["standing"] == "none"
    assert [(a["source"], a["group"]) for a in restored["assignments"]] == [
        ("manual", None),
        ("group", "G1"),
        ("group", "G2"),
    ]


async def test_restore_needs_no_other_assignment_where_a_membership_is_found(
    house: House,
) -> None:
    await house.programme()
    certified = await house.certified()
    await house.act(certified, "permanent-revoke", reason="Fraud")
    (assignment,) = certified["assignments"]
    path = f"/v1/enrollments/{certified['id']}/assignments/{assignment['id']}"
    await house.lms.call("DELETE", path)
    problem = await house.act(certified, "restore", expect=409)
    assert problem["reason_code"] == "unassigned"
    await target(house, "G1")
    await put(house, "G1", "u-17")
    restored = await house.act(certified, "restore")
    assert [a["group"] for a in restored["assignments"]] == ["G1"]


async def test_groups_take_effect_at_the_first_publication(house: House) -> None:
    await house.certification()
    await target(house, "G1")
    await put(house, "G1", "u-17")
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    await house.admin.post(f"{FORKLIFT}/versions", definition(), expect=201)
    await house.travel("2026-01-06T09:00")
    await house.admin.post(f"{FORKLIFT}/versions/1/publish", {"dry_run": True})
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    await house.admin.post(f"{FORKLIFT}/versions/1/publish", {"reason": "Ready"})
    found = await enrolled(house)
    assert found["status"] == "not_started"
    assert found["assignments"][0]["assigned_at"] == "2026-01-06T09:00:00Z"


async def test_groups_take_effect_when_active_is_turned_on(house: House) -> None:
    await house.programme(active=False)
    await target(house, "G1")
    await put(house, "G1", "u-17")
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    dry = {"active": True, "dry_run": True}
    await house.admin.call("PATCH", FORKLIFT, json=dry)
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    await house.admin.call("PATCH", FORKLIFT, json={"active": True})
    assert (await enrolled(house))["status"] == "not_started"


async def test_groups_take_effect_when_the_certification_is_back(house: House) -> None:
    await house.programme()
    await house.admin.post(f"{FORKLIFT}/archive")
    await target(house, "G1")
    await put(house, "G1", "u-17")
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    await house.admin.post(f"{FORKLIFT}/unarchive")
    assert (await enrolled(house))["status"] == "not_started"


async def test_adding_under_the_same_key_is_answered_the_same(house: House) -> None:
    await house.programme()
    await target(house, "G1")
    body = {"learner_ids": ["u-17"]}
    first = await house.lms.post(G1, body, idempotency_key="night-1")
    again = await house.lms.post(G1, body, idempotency_key="night-1")
    assert first == again
    assert first["added"] == 1
    other = {"learner_ids": ["u-18"]}
    await house.lms.post(G1, other, expect=422, idempotency_key="night-1")


async def test_five_thousand_members_are_enrolled_by_one_request(house: House) -> None:
    await house.programme()
    await target(house, "G1")
    learners = [f"u-{number:04}" for number in range(5000)]
    told = await put(house, "G1", *learners)
    assert (told["added"], told["member_count"], told["pending"]) == (5000, 5000, 0)
    for learner in ("u-0000", "u-2500", "u-4999"):
        assert (await enrolled(house, learner))["status"] == "not_started"
    told = await put(house, "G1", *learners[3:])
    assert (told["added"], told["removed"], told["pending"]) == (0, 3, 0)
    assert (await enrolled(house, "u-0002"))["status"] == "removed"


async def test_what_a_live_request_has_no_time_for_is_told_and_done_by_the_scheduler(
    live_house: House, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live_house.programme()
    await target(live_house, "G1")
    monkeypatch.setattr(group_work, "REQUEST_SECONDS", -1)
    assert (await put(live_house, "G1", "u-17"))["pending"] == 1
    assert (await live_house.reader.get(G1))["pending"] == 1
    assert await group_work.do_all(engine) == 1
    assert (await enrolled(live_house))["status"] == "not_started"
    assert (await live_house.reader.get(G1))["pending"] == 0


async def test_syncs_at_once_end_as_one_of_them_said(live_house: House) -> None:
    await live_house.programme()
    await target(live_house, "G1")
    told = await asyncio.gather(*(put(live_house, "G1", "ann", "bob") for _ in range(4)))
    assert sum(one["added"] for one in told) == 2
    await asyncio.gather(put(live_house, "G1", "ann"), put(live_house, "G1", "bob"))
    (member,) = (await live_house.reader.get(G1))["items"]
    for learner in ("ann", "bob"):
        expected = "not_started" if learner == member["learner_id"] else "removed"
        assert (await enrolled(live_house, learner))["status"] == expected


async def test_neighbours_have_groups_of_the_same_name(house: House, neighbour: House) -> None:
    for one in (house, neighbour):
        await one.programme()
        await target(one, "G1")
    await put(house, "G1", "u-17")
    assert (await neighbour.reader.get(G1))["items"] == []
    assert (await neighbour.reader.get("/v1/learners/u-17/groups"))["items"] == []
    assert (await neighbour.reader.get("/v1/enrollments"))["items"] == []


async def test_targeting_is_in_the_history_once(house: House, engine: AsyncEngine) -> None:
    await house.programme()
    await target(house, "G1", "G1")
    for _ in range(2):
        await house.lms.call("DELETE", f"{FORKLIFT}/groups/G1", params={"reason": "Done"})
    async with transaction(engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT data, reason FROM events WHERE type = 'certification.changed' ORDER BY reason"
        )
    assert [(row["data"]["changes"]["groups"], row["reason"]) for row in rows] == [
        ({"G1": False}, "Done"),
        ({"G1": True}, None),
    ]


async def test_a_dry_run_says_how_many_members_would_be_enrolled(house: House) -> None:
    await put(house, "G1", "ann", "bob")
    await put(house, "G2", "bob", "eve")
    await house.certification(active=False)
    await target(house, "G1", "G2")
    await house.admin.post(f"{FORKLIFT}/versions", definition(), expect=201)
    switched = await house.admin.call("PATCH", FORKLIFT, json={"active": True, "dry_run": True})
    assert switched["effect"]["members_to_enroll"] == 3
    await house.admin.call("PATCH", FORKLIFT, json={"active": True})
    dry = await house.admin.post(f"{FORKLIFT}/versions/1/publish", {"dry_run": True})
    assert dry["effect"]["members_to_enroll"] == 3
    assert (await house.reader.get("/v1/enrollments"))["items"] == []
    done = await house.admin.post(f"{FORKLIFT}/versions/1/publish")
    assert done["effect"]["members_to_enroll"] == 3
    assert len((await house.reader.get("/v1/enrollments"))["items"]) == 3
    again = await house.admin.call("PATCH", FORKLIFT, json={"active": False})
    assert again["effect"]["members_to_enroll"] == 0
