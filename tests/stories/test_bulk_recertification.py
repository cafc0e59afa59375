"""The article "How do I recertify all of my Learners at the same time? Bulk Recertification",
sentence by sentence.

Seven people completed the course on seven days of January 2026, and their organisation wants all
of them recertified in November. The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.article import step
from tests.stories.screens import held, listed, passed, publish, seen, switch, told
from tests.support.programmes import EXAM, definition, path

PEOPLE = [f"p{number}" for number in range(7)]
DUE: Json = {"certification": "forklift", "flag": "due_for_recertification"}
SEVERAL = {"certification", "status", "flag"}
ROLL_OUT = "2026-11-02T08:00"
YEARLY: Json = {"validity": {"period": "P1Y"}, "renewal_opens": "P30D", "grace": "P30D"}
Each = Callable[[Json], Awaitable[None]]


async def in_bulk(house: House, action: str, filters: Json, **parameters: Any) -> list[str]:
    """Act on all whom a filter finds, by one bulk operation; with whom it succeeded."""
    reason = {"reason": parameters.pop("reason")} if "reason" in parameters else {}
    order = {"action": action, "selection": selected(filters), "parameters": parameters, **reason}
    ordered = await house.admin.post("/v1/bulk-operations", order, expect=202)
    operation = f"/v1/bulk-operations/{ordered['id']}"
    done = await house.reader.get(operation)
    assert (done["state"], done["done"]) == ("completed", done["total"])
    page = await house.reader.get(f"{operation}/items", limit=200, outcome="succeeded")
    assert len(page["items"]) == done["counts"]["succeeded"]
    people = (await house.reader.get("/v1/enrollments", limit=200))["items"]
    names = {enrolled["id"]: enrolled["learner_id"] for enrolled in people}
    return sorted(names[item["enrollment_id"]] for item in page["items"])


def selected(filters: Json) -> Json:
    """Select all: everybody whom the list shows under these filters."""
    one_or_more = {
        name: [value] if isinstance(value, str) and name in SEVERAL else value
        for name, value in filters.items()
    }
    return {"filter": one_or_more}


async def trained(house: House, **switches: Any) -> dict[str, Json]:
    """Seven people who completed the course, each on another day; it is 15 January then."""
    await house.programme("forklift", definition(**YEARLY), **switches)
    people = {}
    for day, name in enumerate(PEOPLE, start=5):
        await house.travel(f"2026-01-{day:02}T10:00")
        people[name] = await house.enroll(name)
        await house.record(passed(name, f"2026-01-{day:02}T10:00"))
    await house.travel("2026-01-15T08:00")
    return {name: await seen(house, enrolled) for name, enrolled in people.items()}


async def test_dates_that_vary_are_brought_to_one(house: House) -> None:
    people = await trained(house)
    with step("based on the day they completed the course in relation to the Recertification"):
        dates = [enrolled["recertification_at"] for enrolled in people.values()]
        assert dates == [at(f"2026-12-{day:02}T00:00") for day in range(6, 13)]
    with step("Since Learner completion dates are likely to vary, adjustments will need"):
        assert len(set(dates)) == len(PEOPLE)
    with step("roll out training annually for all Learners at the same time"):
        filters = {"certification": "forklift", "status": "certified"}
        when = {"recertification_at": at(ROLL_OUT), "reason": "One roll-out for all"}
        assert await in_bulk(house, "change-dates", filters, **when) == PEOPLE
    with step("bulk update the Learners' Recertification Dates"):
        now = [await seen(house, enrolled) for enrolled in people.values()]
        assert {enrolled["recertification_at"] for enrolled in now} == {at(ROLL_OUT)}
        assert [enrolled["expires_at"] for enrolled in now] == [
            enrolled["expires_at"] for enrolled in people.values()
        ]


async def test_make_sure_everyone_has_completed_the_course(house: House) -> None:
    await trained(house)
    late = await house.enroll("late", due_at=at("2026-01-31T00:00"))
    unfinished: Json = {"certification": "forklift", "status": ["not_started", "in_progress"]}
    with step("Make sure everyone has completed the course"):
        assert await listed(house, **unfinished) == ["late"]
        await house.travel("2026-02-02T00:00")
        assert await listed(house, **unfinished, flag="overdue") == ["late"]
    with step("you can change their Due Date and re-notify them rather than recertifying them"):
        due = {"due_at": at("2026-02-28T00:00")}
        assert await in_bulk(house, "change-dates", unfinished, **due) == ["late"]
        assert await in_bulk(house, "remind", unfinished) == ["late"]
        now = await seen(house, late)
        assert (now["due_at"], now["flags"], now["cycle"]["number"]) == (due["due_at"], [], 1)
        assert (await told(house, late))[-1]["type"] == "enrollment.reminder"
    with step("Due Dates and Reminders"):
        assert await listed(house, **unfinished, due_before=at("2026-03-01T00:00")) == ["late"]


async def test_what_people_are_recertified_on(house: House) -> None:
    people = await trained(house)
    await house.programme("forklift-2", definition(**YEARLY))
    with step("recertified based on the course they took previously"):
        again = await house.act(people["p0"], "recertify", early=True)
        (opened,) = await told(house, people["p0"], "recertification.opened")
        assert [s["course_ids"] for s in opened["data"]["cycle"]["steps"]] == [["C-1"]]
        assert again["cycle"]["steps"][0]["state"] == "open"
    with step("simply assign the new course to the Learner immediately"):
        moved = await house.act(
            people["p1"], "change-next-recertification", next="forklift-2", now=True
        )
        assert (await held(house, "p1"))["forklift-2"]["status"] == "not_started"
    with step("replace the recertification date for the previous version"):
        assert (
            moved["next_recertification"]
            == (await held(house, "p1"))["forklift-2"]["certification_id"]
        )
        await house.travel("2026-12-20T00:00")
        assert "p1" not in await listed(house, **DUE)
    with step("or you can change the Recertification course"):
        await house.act(people["p2"], "change-next-recertification", next="forklift-2")
        assert (await held(house, "p2"))["forklift-2"]["status"] == "not_started"
        await publish(house, definition(path(exam=EXAM), **YEARLY))
        newest = await house.act(people["p3"], "recertify")
        assert newest["cycle"]["version"] == 2
    with step("How can I change the next Recertification course for a Learner?"):
        stopped = await house.act(people["p4"], "change-next-recertification", next="never")
        assert stopped["next_recertification"] == "never"


async def rolled_out(house: House, **switches: Any) -> dict[str, Json]:
    """It is the day of the roll-out."""
    people = await trained(house, **switches)
    await in_bulk(
        house, "change-dates", {"certification": "forklift"}, recertification_at=at(ROLL_OUT)
    )
    await house.travel(ROLL_OUT)
    return people


async def test_the_due_are_listed_selected_and_recertified(house: House) -> None:
    people = await rolled_out(house)
    with step('the Learners should be in "Due for Recertification" status'):
        now = await seen(house, people["p0"])
        assert (now["status"], now["flags"]) == ("certified", ["due_for_recertification"])
        assert "recertify" in now["allowed_actions"]
    with step('the "Due for Recertification" filter button'):
        assert await listed(house, **DUE) == PEOPLE
    with step("Review the list to assure that everything is correct"):
        page = await house.reader.get("/v1/enrollments", **DUE)
        assert {line["recertification_at"] for line in page["items"]} == {at(ROLL_OUT)}
        assert {line["certificate"]["valid_through"] for line in page["items"]} == {
            f"2027-01-{day:02}" for day in range(5, 12)
        }
        tried = {"action": "recertify", "selection": selected(DUE), "dry_run": True}
        foreseen = await house.admin.post("/v1/bulk-operations", tried)
        assert (foreseen["counts"], foreseen["by_status"]) == (
            {"succeeded": len(PEOPLE)},
            {"recertifying": len(PEOPLE)},
        )
    with step("You can only check boxes on one page at a time"):
        first = await house.reader.get("/v1/enrollments", limit=3, **DUE)
        assert (len(first["items"]), first["next_cursor"] is None) == (3, False)
    with step("Check the boxes to select the Learners"):
        assert [line["learner_id"] for line in first["items"]] == ["p0", "p1", "p2"]
    with step("Once the Learners have been selected, the purple Action bar"):
        assert all("recertify" in line["allowed_actions"] for line in first["items"])
    with step('Click "More" and choose "Recertify:"'):
        await house.act(first["items"][0], "recertify", reason="Roll-out of 2026")
        assert await listed(house, **DUE) == PEOPLE[1:]
    with step("one page at a time or use the Select All function"):
        assert await in_bulk(house, "recertify", DUE, reason="Roll-out of 2026") == PEOPLE[1:]
    with step('Click "Recertify" to confirm'):
        assert await listed(house, **DUE) == []
        assert await in_bulk(house, "recertify", DUE) == []  # a second click does nothing


async def test_the_courses_are_assigned_and_the_learners_notified(house: House) -> None:
    people = await rolled_out(house)
    await in_bulk(house, "recertify", DUE, reason="Roll-out of 2026")
    with step("The recertification courses will be assigned"):
        for name in PEOPLE:
            (task,) = (await held(house, name, view="learner"))["forklift"]["to_do"]
            assert (task["type"], task["course_ids"]) == ("step", ["C-1"])
    with step("your Learners will be notified!"):
        decisions = set()
        for enrolled in people.values():
            (line,) = await told(house, enrolled, "recertification.opened")
            assert (line["effective_at"], line["reason"]) == (at(ROLL_OUT), "Roll-out of 2026")
            decisions.add(line["bulk_operation_id"])
        assert len(decisions) == 1  # one decision over all of them
    with step("Recertification Date and Due Date -what's the difference?"):
        now = await seen(house, people["p0"])
        assert (now["recertification_at"], now["due_at"]) == (at(ROLL_OUT), now["expires_at"])
    await house.record(*(passed(name, ROLL_OUT) for name in PEOPLE))
    assert await listed(house, certification="forklift", status="certified") == PEOPLE
    renewed = [await seen(house, enrolled) for enrolled in people.values()]
    assert {now["certificate"]["valid_through"] for now in renewed} == {"2027-11-02"}


async def test_turning_off_automatic_recertification(house: House) -> None:
    people = await trained(house, automatic_recertification=True)
    with step("It may be best to turn off Automatic Recertification"):
        tried = await switch(house, automatic_recertification=False, dry_run=True)
        assert (tried["automatic_recertification"], tried["effect"]["concerned"]) == (False, 7)
        done = await switch(house, automatic_recertification=False)
        assert done["effect"]["concerned"] == 7
    with step("assure the course isn't sent to Learners before you're ready!"):
        await house.travel("2026-12-20T00:00")
        assert await listed(house, **DUE) == PEOPLE
        for enrolled in people.values():
            assert await told(house, enrolled, "recertification.opened") == []
            assert len(await told(house, enrolled, "recertification.due")) == 1
