"""The article "Tracking Certifications", sentence by sentence: every quick filter is a filter of
the list of enrollments. The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.article import step
from tests.stories.screens import listed, passed, seen, told
from tests.support.programmes import definition, path

WORKING: Json = {"status": ["not_started", "in_progress"]}
START = "2026-01-05T09:00"
FAR = "2031-01-05T09:00"
WITHOUT_LIMIT: Json = {"validity": {"period": "never"}, "completion_limit": "never"}


async def types(house: House, enrolled: Json) -> list[str]:
    """What was told of an enrollment."""
    return [line["type"] for line in await told(house, enrolled)]


async def actors(house: House, enrolled: Json, type: str) -> list[str]:
    """Who did it: a key, or time."""
    return [line["actor"].partition(":")[0] for line in await told(house, enrolled, type)]


async def test_in_progress(house: House) -> None:
    await house.programme(self_enrollment="open")
    with step("Contacts currently working towards a certification"):
        await house.enroll("staff-added")
        await house.certified("finished")
        assert await listed(house, **WORKING) == ["staff-added"]
    with step("automatically set when a contact applies to the certification program"):
        own = await house.enroll("own", source="self")
        assert own["status"] == "not_started"
        assert await listed(house, **WORKING) == ["own", "staff-added"]
    with step("participation in the certification program does not Require Approval"):
        assert await listed(house, status="applied") == []
    with step("manually set when staff adds a contact to a certification program"):
        assert await listed(house, **WORKING, source="manual") == ["staff-added"]


async def test_applied_and_declined(house: House) -> None:
    await house.programme("asked", self_enrollment="with_approval")
    await house.programme("open", self_enrollment="open")
    people = {
        name: await house.enroll(name, "asked", source="self") for name in ("ann", "bob", "eve")
    }
    with step("applied for a certification, but have not yet been approved"):
        assert people["ann"]["cycle"] is None
        assert await listed(house, status="applied") == ["ann", "bob", "eve"]
        queue = await house.reader.get("/v1/review-queue", kind="application")
        assert len(queue["items"]) == 3
        await house.act(people["eve"], "approve-application")
        assert await listed(house, status="applied") == ["ann", "bob"]
        assert await listed(house, **WORKING) == ["eve"]
    with step("Only those certifications set to Require Approval will be included"):
        await house.enroll("ann", "open", source="self")
        page = await house.reader.get("/v1/enrollments", status="applied")
        assert {line["certification_key"] for line in page["items"]} == {"asked"}
    with step("the status will automatically be set to In progress"):
        assert await listed(house, certification="open", **WORKING) == ["ann"]
    with step("applied for a certification, but the application was denied"):
        await house.act(people["bob"], "decline-application", reason="Not a driver")
        assert await listed(house, status="declined") == ["bob"]
    with step("This would be manually set by staff"):
        assert await actors(house, people["bob"], "enrollment.declined") == ["key"]
        await house.travel(FAR)
        assert await listed(house, status="declined") == ["bob"]
        assert await listed(house, status="applied") == ["ann"]


async def test_active(house: House) -> None:
    await house.programme("plain")
    await house.programme("signed", definition(path(approval_required=True)))
    plain = await house.enroll("ann", "plain")
    signed = await house.enroll("bob", "signed")
    await house.record(passed("ann", START), passed("bob", START))
    with step("automatically set when a certification has been completed"):
        assert await listed(house, status="certified") == ["ann"]
    with step("all components of a certification have been completed"):
        assert (await types(house, plain))[-1] == "certificate.issued"
    with step("manually by staff if the certification completion requires approval"):
        await house.act(signed, "approve")
        assert await actors(house, signed, "certificate.issued") == ["key"]
    with step("Contacts you have active certifications"):
        assert await listed(house, standing="valid") == ["ann", "bob"]


async def test_inactive(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll("idle")
    with step("may be manually set by staff"):
        paused = await house.act(enrolled, "deactivate", reason="Not seen since January")
        assert (paused["status"], paused["work"]) == ("inactive", "inactive")
    with step("signed up for a certification program, but has not been working towards"):
        assert await listed(house, status="inactive") == ["idle"]
        assert await listed(house, **WORKING) == []
        back = await house.act(enrolled, "reactivate")
        assert (back["status"], back["assignments"]) == ("not_started", paused["assignments"])


async def test_expired(house: House) -> None:
    months: Json = {"validity": {"period": "P6M"}, "grace": "P0D"}
    await house.programme("half", definition(**months))
    await house.programme("year", definition(grace="P30D"))
    for key in ("half", "year"):
        await house.enroll("ann", key)
    await house.record(passed("ann", START))
    with step("Expiration dates for certifications are configured at the certification program"):
        page = await house.reader.get("/v1/enrollments")
        assert {line["certification_key"]: line["expires_at"] for line in page["items"]} == {
            "half": at("2026-07-06T00:00"),
            "year": at("2027-01-06T00:00"),
        }
    with step("Contacts whose certifications have expired"):
        expired: Json = {"status": ["expired", "lapsed"]}
        assert await listed(house, **expired) == []
        await house.travel("2026-07-06T00:00")
        assert await listed(house, **expired, certification="half") == ["ann"]
        await house.travel("2027-01-06T00:00")
        assert await listed(house, **expired) == ["ann", "ann"]


async def test_not_completed_and_cancelled(house: House) -> None:
    await house.programme("forklift", definition(**WITHOUT_LIMIT, due={"after": "P30D"}))
    late, gone = await house.enroll("late"), await house.enroll("gone")
    await house.travel(FAR)
    with step("did not complete the necessary certification work in the time allotted"):
        assert await listed(house, **WORKING, flag="overdue") == ["gone", "late"]
        await house.act(late, "mark-not-completed", reason="Time is up")
        assert await listed(house, status="not_completed") == ["late"]
    with step("there is no automated logic behind this status"):
        assert await actors(house, late, "enrollment.not_completed") == ["key"]
        assert "enrollment.not_completed" not in await types(house, gone)
    with step("Contacts whose certification has been cancelled"):
        await house.act(gone, "cancel", reason="Left the association")
        assert await listed(house, status="cancelled") == ["gone"]
        assert await actors(house, gone, "enrollment.cancelled") == ["key"]


async def test_admin_review(house: House) -> None:
    await house.programme("forklift", definition(path(approval_required=True)))
    enrolled = await house.enroll("ann")
    await house.enroll("bob")
    await house.record(passed("ann", START))
    with step("completed the necessary work"):
        assert [line["state"] for line in (await seen(house, enrolled))["cycle"]["steps"]] == [
            "done"
        ]
        assert await listed(house, status="pending_approval") == ["ann"]
    with step("whose certification must be approved by an administrator"):
        (waiting,) = (await house.reader.get("/v1/review-queue"))["items"]
        assert (waiting["kind"], waiting["learner_id"]) == ("approval", "ann")
        assert waiting["actions"] == ["approve", "reject"]
        await house.act(enrolled, "approve")
        assert (await house.reader.get("/v1/review-queue"))["items"] == []


async def test_expiring(house: House) -> None:
    await house.programme("forklift", definition(expiring_notices=["P45D"]))
    enrolled = await house.certified("ann")
    with step("Contacts whose certification is nearing expiration"):
        await house.travel("2026-11-20T23:59")
        assert await listed(house, flag="expiring") == []
        await house.travel("2026-11-21T00:00")
        assert await listed(house, flag="expiring") == ["ann"]
        assert await listed(house, expires_before=at("2027-02-01T00:00")) == ["ann"]
    with step("Send 'Certification Expiring' Emails n Days Before Expiration"):
        (line,) = await told(house, enrolled, "certificate.expiring")
        assert (line["effective_at"], line["stale"]) == (at("2026-11-21T00:00"), False)
        version = await house.reader.get("/v1/certifications/forklift/versions/1")
        assert version["policy"]["expiring_notices"] == ["P45D"]


async def test_a_specific_certification_and_further_criteria(house: House) -> None:
    for key in ("forklift", "crane", "first-aid"):
        await house.programme(key, definition(path(approval_required=True)))
    await house.enroll("ann")
    await house.enroll("ann", "crane", source="group", group="drivers")
    await house.enroll("bob", "crane", due_at=at("2026-03-01T00:00"))
    with step("You can track contacts certifications on the Tracking tab"):
        assert await listed(house) == ["ann", "ann", "bob"]
    with step("A list of all of your certifications will be available for selection"):
        page = await house.reader.get("/v1/certifications")
        assert {line["key"] for line in page["items"]} == {"forklift", "crane", "first-aid"}
    with step("Or a specific certification"):
        assert await listed(house, certification="crane") == ["ann", "bob"]
        assert await listed(house, certification="first-aid") == []
    with step("Additional filtering criteria may be added"):
        crane: dict[str, Any] = {"certification": "crane", **WORKING}
        assert await listed(house, **crane, group="drivers") == ["ann"]
        assert await listed(house, **crane, due_before=at("2026-04-01T00:00")) == ["bob"]
        assert await listed(house, **crane, learner_id=["ann", "bob"], source="manual") == ["bob"]
        both = {"certification": ["crane", "forklift"], "learner_id": "ann"}
        assert await listed(house, **both) == ["ann", "ann"]
    with step("filtered by the following criteria"):
        refused = await house.reader.get("/v1/enrollments", status="sleeping", expect=422)
        assert refused["code"] == "invalid_request"
