"""The article "Re-enroll your learners before their certificates expire", sentence by sentence.

A certificate is good for a year; who earned it on 5 January 2026 is enrolled again on 6 December.
The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from typing import Any

import pytest

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.article import step
from tests.stories.screens import (
    attended,
    held,
    listed,
    passed,
    publish,
    seen,
    session,
    switch,
    told,
    unregistered,
)
from tests.support.programmes import SESSION, definition, path

START = "2026-01-05T09:00"
WINDOW = "2026-12-06T00:00"
C1 = "/v1/courses/C-1"
CLASS = "/v1/courses/C-7"
RENEWING: Json = {"automatic_recertification": True}


def training(course_id: str = "C-1", **way: Any) -> Json:
    """A step that only the course completes."""
    rule = way or {"minimum_grade": 80}
    return {
        "key": course_id.lower(),
        "ways": [{"type": "course", "course_id": course_id, **rule}],
    }


def yearly(*steps: Json, **policy: Any) -> Json:
    """A definition: the course is taken, and taken again every year."""
    return definition(path(*steps or (training(),)), **policy)


async def certified(house: House, *learners: str) -> list[Json]:
    """They pass the course at once."""
    people = [await house.enroll(name) for name in learners]
    await house.record(*(passed(name, START) for name in learners))
    return [await seen(house, enrolled) for enrolled in people]


async def openings(house: House, enrolled: Json) -> list[str]:
    """When recertification opened."""
    return [line["effective_at"] for line in await told(house, enrolled, "recertification.opened")]


async def test_overview(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    await house.programme("crane", yearly(validity={"period": "P90D"}, renewal_opens="P14D"))
    (ann,) = await certified(house, "ann")
    crane = await house.enroll("ann", "crane", counts_from=at(START))
    with step("re-enroll learners onto courses at intervals you set"):
        dates = [now["recertification_at"] for now in (await held(house, "ann")).values()]
        assert sorted(dates) == [at("2026-03-22T00:00"), at(WINDOW)]
    with step("The interval is up to you, and depends on your business needs"):
        assert crane["recertification_at"] == at("2026-03-22T00:00")
    with step("Automatically re-enroll learners in required courses"):
        await house.travel(WINDOW)
        assert (await seen(house, ann))["status"] == "recertifying"
        assert await openings(house, ann) == [at(WINDOW)]
    with step("LearnUpon re-enrolls learners automatically to the same course"):
        (task,) = (await held(house, "ann", view="learner"))["forklift"]["to_do"]
        assert (task["type"], task["course_ids"]) == ("step", ["C-1"])
    with step("so that learners can maintain their certification"):
        await house.record(passed("ann", WINDOW))
        assert (await seen(house, ann))["certificate"]["valid_through"] == "2027-12-06"
    with step("optionally leave it turned off (disabled) until you're ready to enroll learners"):
        assert await openings(house, crane) == []
        tried = await switch(house, "crane", automatic_recertification=True, dry_run=True)
        assert tried["effect"]["recertifications_opened"] == 0  # the long lapsed are left alone


async def test_turned_on_when_ready(house: House) -> None:
    await house.programme("forklift", yearly())
    (ann,) = await certified(house, "ann")
    with step("leave it turned off (disabled)"):
        await house.travel("2026-12-20T00:00")
        assert (await seen(house, ann))["flags"] == ["expiring", "due_for_recertification"]
    with step("until you're ready to enroll learners"):
        tried = await switch(house, automatic_recertification=True, dry_run=True)
        assert (tried["effect"]["recertifications_opened"], await openings(house, ann)) == (1, [])
        await switch(house, automatic_recertification=True)
        assert await openings(house, ann) == [at("2026-12-20T00:00")]


async def test_learners_must_pass(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    enrolled = await house.enroll("ann")
    await house.record(passed("ann", START, grade=79))
    with step("Learners must pass their course to start the recertification process"):
        now = await seen(house, enrolled)
        assert (now["status"], now["recertification_at"]) == ("in_progress", None)
    with step("When learners do not pass their course, they do not receive their first"):
        assert (now["certificate"], now["standing"]) == (None, "none")
    with step('don\'t start "countdown" interval for their re-enrollment'):
        assert now["next"] is None
        await house.travel("2030-01-01T00:00")
        assert await openings(house, enrolled) == []


async def test_due_dates_valid_periods_and_certificate_dates(house: House) -> None:
    await house.programme("advised", yearly(due={"after": "P10D"}))
    limit = {"after": "P10D", "from": "opening"}
    await house.programme("limited", yearly(completion_limit=limit))
    advised, limited = [await house.enroll("ann", key) for key in ("advised", "limited")]
    await house.travel("2026-01-20T09:00")
    with step("A due date sets an advisory date for a user to complete a course"):
        assert (advised["due_at"], advised["cycle"]["limit_at"]) == (at("2026-01-16T00:00"), None)
        assert (await seen(house, advised))["flags"] == ["overdue"]
    with step("After the due date passes, users can still access the course"):
        await house.record(passed("ann", "2026-01-20T09:00"))
        assert (await seen(house, advised))["status"] == "certified"
    with step("a definite date for when a user must complete a course"):
        assert (limited["due_at"], limited["cycle"]["limit_at"]) == (None, at("2026-01-16T00:00"))
    with step("After the valid period expires, users cannot access the course"):
        assert (await seen(house, limited))["status"] == "not_completed"
        assert (await held(house, "ann", view="learner"))["limited"]["to_do"] == []
    with step("Certificate expiry dates are separate features"):
        assert (await seen(house, advised))["due_at"] is None
    with step("The terms are similar but the functions are not linked"):
        assert (await seen(house, advised))["expires_at"] == at("2027-01-21T00:00")


async def test_certificate_expiry_is_optional(house: House) -> None:
    never: Json = {"validity": {"period": "never"}}
    await house.programme("once", yearly(**never), **RENEWING)
    await house.programme("forklift", yearly(), **RENEWING)
    once = await house.enroll("ann", "once")
    (ann,) = await certified(house, "ann")
    with step("Certificate expiry dates apply to optional certificates"):
        now = await seen(house, once)
        assert (now["status"], now["expires_at"], now["next"]) == ("certified", None, None)
    with step("you can use them to trigger re-enrolling learners on a course"):
        assert ann["expires_at"] == at("2027-01-06T00:00")
        assert ann["next"]["at"] == at(WINDOW)


async def test_new_versions_of_a_course(house: House) -> None:
    await house.lms.put(C1, {"revision": 1})
    expiring = {"validity": {"period": "P365D"}, "day_rule": "exact", "renewal_opens": "P0D"}
    with step("recertification is set up on version 1 of a course"):
        await house.programme("forklift", yearly(**expiring), **RENEWING)
    with step("learner completes version 1 of the course"):
        (ann,) = await certified(house, "ann")
        cycles = await house.reader.get(f"/v1/enrollments/{ann['id']}/cycles")
        noted = [cycle["courses"] for cycle in cycles["items"]]
        assert noted == [[{"course_id": "C-1", "revision": "1"}]]
    with step("version 2 of the course is created"):
        await house.travel("2026-06-01T09:00")
        newest = await house.lms.put(C1, {"revision": 2})
        assert [line["key"] for line in newest["certifications"]] == ["forklift"]
    with step("which automatically archives version 1"):
        replaced = await house.lms.put(C1, {"revision": 1, "state": "archived"})
        assert (replaced["state"], replaced["revision"]) == ("published", "2")
    with step("triggers the recertification process"):
        await house.travel("2027-01-05T09:00")
        now = await seen(house, ann)
        assert (now["standing"], now["expires_at"]) == ("grace", at("2027-01-05T09:00"))
        assert await openings(house, ann) == [at("2027-01-05T09:00")]
    with step("LearnUpon enrolls the learner on version 2 as version 1 is archived"):
        assert now["cycle"]["courses"] == [{"course_id": "C-1", "revision": "2"}]
        (opened,) = await told(house, ann, "recertification.opened")
        assert opened["data"]["cycle"]["courses"] == now["cycle"]["courses"]
    with step("the application re-enrolls the learner on the latest version of the course"):
        assert now["cycle"]["number"] == 2


async def classes(house: House, *, overbooking: bool) -> list[Json]:
    """Three people, to be recertified in a live class."""
    await house.lms.put(CLASS, {"title": "First aid", "overbooking": overbooking})
    document = definition(path(training()), recertification=path(SESSION))
    await house.programme("forklift", document, **RENEWING)
    return await certified(house, "ann", "bob", "eve")


async def test_live_learning_with_future_sessions(house: House) -> None:
    people = await classes(house, overbooking=False)
    with step("create future Live Learning sessions to provide capacity"):
        await session(house, "C-7", "S-1", 2, "2026-12-15T09:00")
        await session(house, "C-7", "S-2", 5, "2026-12-18T09:00")
    with step("LearnUpon can add learners to sessions available"):
        await house.travel(WINDOW)
        seats = [(await seen(house, enrolled))["seats"] for enrolled in people]
        assert [seat[0]["session_id"] for seat in seats] == ["S-1", "S-1", "S-2"]
        page = await house.reader.get(f"{CLASS}/sessions")
        assert [(line["id"], line["seats_free"]) for line in page["items"]] == [
            ("S-1", 0),
            ("S-2", 4),
        ]
        assert await unregistered(house, "C-7") == []
    with step("courses that include Live Learning sessions"):
        await house.travel("2026-12-15T12:00")
        await house.record(attended("ann", "2026-12-15T11:00", "C-7", "S-1"))
        assert (await seen(house, people[0]))["certificate"]["valid_through"] == "2027-12-15"


async def test_live_learning_with_overbooking(house: House) -> None:
    people = await classes(house, overbooking=True)
    with step("turn on Training overbook in the Live Learning event"):
        assert (await house.reader.get(CLASS))["overbooking"]
    with step("to enroll learners before you create the sessions for them"):
        await house.travel(WINDOW)
        now = [await seen(house, enrolled) for enrolled in people]
        assert {one["status"] for one in now} == {"recertifying"}
        assert {one["work"] for one in now} == {"not_started"}
    with step("If no sessions are available"):
        assert await listed(house, flag="awaiting_session") == ["ann", "bob", "eve"]
    with step("The learner appears on the Unregistered learners list in Live Learning"):
        assert await unregistered(house, "C-7") == ["ann", "bob", "eve"]
    with step("to wait for new sessions"):
        await session(house, "C-7", "S-1", 2, "2026-12-20T09:00")
        assert await unregistered(house, "C-7") == ["eve"]
        assert len(await told(house, people[0], "session.seat_taken")) == 1
        await session(house, "C-7", "S-2", 2, "2026-12-27T09:00")
        assert await unregistered(house, "C-7") == []


async def test_live_learning_without_either(house: House) -> None:
    people = await classes(house, overbooking=False)
    with step("using 1 of 2 approaches"):
        await house.travel(WINDOW)
        now = [await seen(house, enrolled) for enrolled in people]
        assert {(one["work"], one["cycle"]["opened_at"]) for one in now} == {("waiting", None)}
        assert await unregistered(house, "C-7") == ["ann", "bob", "eve"]
        await session(house, "C-7", "S-1", 2, "2026-12-20T09:00")
        works = [(await seen(house, enrolled))["work"] for enrolled in people]
        assert works == ["not_started", "not_started", "waiting"]


async def archived(house: House) -> Json:
    """A learner whose course is archived when the window opens."""
    await house.lms.put(C1, {"revision": 1})
    await house.programme("forklift", yearly(), **RENEWING)
    (ann,) = await certified(house, "ann")
    await house.travel("2026-06-01T09:00")
    gone = await house.lms.put(C1, {"state": "archived"})
    assert [(c["key"], c["blocked"]) for c in gone["certifications"]] == [("forklift", True)]
    await house.travel("2026-12-20T00:00")
    return ann


async def test_archiving_a_course(house: House) -> None:
    ann = await archived(house)
    with step("which ends the course's recertification workflow"):
        assert await openings(house, ann) == []
        (blocked,) = await told(house, ann, "recertification.blocked")
        assert (blocked["effective_at"], blocked["data"]) == (at(WINDOW), {"course_ids": ["C-1"]})
    with step("if you archive a course through the Archive feature"):
        now = await seen(house, ann)
        assert (now["status"], now["work"]) == ("certified", "waiting")
        assert now["cycle"]["opened_at"] is None
        (task,) = (await held(house, "ann", view="learner"))["forklift"]["to_do"]
        assert task["type"] == "wait_for_course"
    with step("Typically you're finished with the course and don't need it"):
        await house.travel("2028-01-01T00:00")
        assert (await seen(house, ann))["standing"] == "lapsed"
        assert await openings(house, ann) == []


@pytest.mark.parametrize("instead", ["a new version of the course", "a new course"])
async def test_what_keeps_certifications_up_to_date(house: House, instead: str) -> None:
    ann = await archived(house)
    if instead == "a new course":
        with step("or set up a new course with certificates instead"):
            published = await publish(house, yearly(training("C-2")))
            assert published["effect"]["opened"] == 1
            assert (await seen(house, ann))["cycle"]["steps"][0]["key"] == "c-2"
        return
    with step("make sure you either create a new version of the course"):
        back = await house.lms.put(C1, {"revision": 2})
        assert (back["state"], back["effect"]["opened"]) == ("published", 1)
    with step("typically you're continuing to offer the course to learners"):
        assert [one["revision"] for one in back["revisions"]] == ["1", "2"]
    with step("maintains the recertification workflow on the new version of the course"):
        assert (await seen(house, ann))["status"] == "recertifying"
        assert await openings(house, ann) == [at("2026-12-20T00:00")]


async def test_when_certificates_are_no_longer_required(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    (ann,) = await certified(house, "ann")
    with step("turn off the certificates in the newest version"):
        await publish(house, yearly(validity={"period": "never"}))
        await house.travel(WINDOW)
        await house.record(passed("ann", WINDOW))
        now = await seen(house, ann)
        assert (now["status"], now["expires_at"], now["next"]) == ("certified", None, None)


async def test_one_chain_only(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    imported = await house.enroll("ann", source="import")
    await house.record(passed("ann", START))
    await house.travel("2026-06-01T09:00")
    with step("manually enrolling the user in the same course ahead of the recertification"):
        again = await house.enroll("ann", source="manual", expect=200)
        assert (again["id"], again["cycle"]) == (imported["id"], None)
        assert [(a["source"], a["assigned_at"]) for a in again["assignments"]] == [
            ("import", at(START)),
            ("manual", at("2026-06-01T09:00")),
        ]
    with step("creates 2 separate chains of re-certification"):
        await house.record(passed("ann", "2026-06-01T09:00"))
        assert await listed(house, learner_id="ann") == ["ann"]
        assert (await seen(house, again))["recertification_at"] == at(WINDOW)
    with step("let the automated recertification process work"):
        await house.travel(WINDOW)
        await house.enroll("ann", source="manual", expect=200)
        assert await openings(house, again) == [at(WINDOW)]
    with step("re-enrolls the learner for both completions of the course"):
        await house.travel("2027-07-01T00:00")
        assert await openings(house, again) == [at(WINDOW)]
        cycles = await house.reader.get(f"/v1/enrollments/{again['id']}/cycles")
        assert len(cycles["items"]) == 2


async def test_the_catalog_starts_no_second_chain_either(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    (ann,) = await certified(house, "ann")
    with step("Remove recertification courses from the catalog where possible"):
        made = await house.reader.get("/v1/certifications/forklift")
        assert made["self_enrollment"] == "closed"
    with step("to prevent learners re-enrolling themselves manually in the course"):
        refused = await house.enroll("ann", source="self", expect=409)
        assert refused["code"] == "self_enrollment_closed"
    with step("and creating 2 or more chains of re-certification"):
        await switch(house, self_enrollment="open")
        again = await house.enroll("ann", source="self", expect=200)
        assert (again["id"], again["status"], again["cycle"]) == (ann["id"], "certified", None)
        await house.travel("2027-07-01T00:00")
        assert await openings(house, ann) == [at(WINDOW)]


async def test_setting_up_recertification(house: House) -> None:
    with step("create the courses for training"):
        for id in ("C-1", "C-2"):
            await house.lms.put(f"/v1/courses/{id}", {"title": id, "revision": 1})
    days: Json = {"validity": {"period": "P400D"}, "renewal_opens": "P45D"}
    with step("Assign a certificate to the course in Award Certificate (Pass or Completion)"):
        for word in ("passed", "completed"):
            steps = training(), training("C-2", counts_on=word)
            await house.programme(word, yearly(*steps, **days))
            await house.enroll("ann", word)
        sat = {**passed("ann", START, "C-2"), "grade": None, "outcome": "completed"}
        await house.record(passed("ann", START), sat)
        mine = await held(house, "ann")
        assert [mine[word]["status"] for word in ("passed", "completed")] == [
            "in_progress",
            "certified",
        ]
    ann = mine["completed"]
    with step("associate certificates with courses, and set the recertification interval"):
        version = await house.reader.get("/v1/certifications/completed/versions/1")
        policy = version["policy"]
        assert (policy["validity"]["period"], policy["renewal_opens"]) == ("P400D", "P45D")
    with step("create certificates to recognize completion of courses"):
        page = await house.reader.get(f"/v1/enrollments/{ann['id']}/certificates")
        assert [line["state"] for line in page["items"]] == ["valid"]
    with step("enter a number of days that the certificate is valid, after which it expires"):
        assert ann["certificate"]["valid_through"] == "2027-02-09"
    with step("enter a number of days before certificate expiry"):
        assert ann["recertification_at"] == at("2026-12-26T00:00")
    with step("select Enabled to activate the automatic re-enrollment function"):
        on = await switch(house, "completed", automatic_recertification=True)
        assert (on["automatic_recertification"], on["effect"]["concerned"]) == (True, 1)
        await house.travel("2026-12-26T00:00")
        assert await openings(house, ann) == [at("2026-12-26T00:00")]


async def test_turning_recertification_off(house: House) -> None:
    await house.programme("forklift", yearly(), **RENEWING)
    (ann,) = await certified(house, "ann")
    with step("From Auto re-enroll learner select Disabled"):
        off = await switch(house, automatic_recertification=False)
        assert (off["automatic_recertification"], off["effect"]["concerned"]) == (False, 1)
    with step("Turn off recertification for a course"):
        await house.travel("2026-12-20T00:00")
        assert await openings(house, ann) == []
        assert await listed(house, flag="due_for_recertification") == ["ann"]
