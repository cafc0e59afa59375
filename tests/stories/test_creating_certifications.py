"""The article "Creating Certifications", sentence by sentence.

What it does with buttons and lists is done here with requests; what it shows to a learner is the
learner's view. The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.article import step
from tests.stories.screens import held, listed, members, passed, publish, seen, target, told
from tests.support.programmes import definition, path

SALES = "/v1/certifications/sales"
NO_RENEWAL: Json = {"validity": {"period": "never"}}


def courses(*ids: str, grade: int | None = 80) -> Json:
    """A path of these courses, each a step."""
    return path(
        *(
            {"key": id.lower(), "ways": [{"type": "course", "course_id": id} | _grade(grade)]}
            for id in ids
        )
    )


def _grade(grade: int | None) -> Json:
    return {} if grade is None else {"minimum_grade": grade}


async def mine(house: House, learner: str = "bob") -> dict[str, Json]:
    """What the learner sees in the profile."""
    return await held(house, learner, view="learner")


async def drafted(house: House, document: Json) -> None:
    """A certification whose first version is a draft."""
    await house.certification("sales")
    await house.admin.post(f"{SALES}/versions", document, expect=201)


async def refused(house: House) -> list[tuple[str, str]]:
    """Why the draft cannot be published."""
    problem = await house.admin.post(f"{SALES}/versions/1/publish", expect=422)
    assert problem["code"] == "not_publishable"
    return [(fault["code"], fault["pointer"]) for fault in problem["errors"]]


async def test_certification_details(house: House) -> None:
    with step("Group Courses together with Certifications and assign them with ease!"):
        titles = {"title": {"en": "Sales 101"}, "description": {"en": "All about selling."}}
        await house.programme("sales", definition(courses("C-1", "C-2")), **titles)
        bob = await house.enroll("bob", "sales")
    with step("appears in learner's profile page once assigned"):
        assert (await mine(house))["sales"]["certification_title"] == {"en": "Sales 101"}
        assert await mine(house, "ann") == {}
    with step("should summarize the Courses you plan to include"):
        assert (await house.reader.get(SALES))["title"] == {"en": "Sales 101"}
        assert [line["key"] for line in bob["cycle"]["steps"]] == ["c-1", "c-2"]
    with step("more details on what the Certification entails"):
        shown = (await mine(house))["sales"]
        assert shown["certification_description"] == {"en": "All about selling."}


async def test_certifications_are_made_and_assigned_again(house: House) -> None:
    with step('SELECT "Certifications" in the submenu'):
        assert (await house.reader.get("/v1/certifications"))["items"] == []
    with step('SELECT the blue circle (upper right) with the "+" sign'):
        made = await house.certification("sales")
        assert (await house.reader.get(SALES))["id"] == made["id"]
        await publish(house, definition(courses("C-1")), "sales")
    with step("Assign and re-assign collected Courses with ease!"):
        bob = await house.enroll("bob", "sales")
        await house.act(bob, "cancel", reason="Wrong person")
        again = await house.enroll("bob", "sales", expect=200)
        assert (again["id"], again["status"]) == (bob["id"], "not_started")


async def test_make_this_certification_invisible(house: House) -> None:
    with step("Make this certification invisible"):
        made = await house.programme("sales", definition(courses("C-1", "C-2")), hidden=True)
        assert made["hidden"]
    with step("learners can be assigned Certifications that they won't see or be aware of"):
        bob = await house.enroll("bob", "sales")
        assert await mine(house) == {}
    with step('"invisibly" collect data and/or track learners\' progress'):
        await house.record(passed("bob", "2026-01-05T09:00"))
        assert (await held(house, "bob"))["sales"]["status"] == "in_progress"
        assert [line["state"] for line in (await seen(house, bob))["cycle"]["steps"]] == [
            "done",
            "open",
        ]
        assert await listed(house, certification="sales", status="in_progress") == ["bob"]


async def test_timing(house: House) -> None:
    with step('specify a date the Certification officially "starts"'):
        starts = definition(courses("C-1"), effective_from="2026-01-20")
        await house.programme("sales", starts)
        bob = await house.enroll("bob", "sales")
        assert (bob["status"], bob["work"]) == ("not_started", "waiting")
        assert bob["next"] == {"at": at("2026-01-20T00:00"), "event": "enrollment.opened"}
    with step("specify a date the Certification must be completed by"):
        document = definition(courses("C-1"), due={"date": "2026-01-31"}, **NO_RENEWAL)
        await house.programme("once", document)
        once = await house.enroll("bob", "once")
        assert once["due_at"] == at("2026-02-01T00:00")
        await house.travel("2026-02-01T00:00")
        assert (await seen(house, once))["flags"] == ["overdue"]
        assert await listed(house, certification="once", flag="overdue") == ["bob"]
        assert len(await told(house, once, "enrollment.overdue")) == 1
    with step("Effective From"):
        opened = await seen(house, bob)
        assert (opened["work"], opened["cycle"]["opened_at"]) == (
            "not_started",
            at("2026-01-20T00:00"),
        )


async def test_grace_period(house: House) -> None:
    await house.programme("none", definition(courses("C-1"), prior_credit="P0D"))
    await house.programme("five", definition(courses("C-1"), prior_credit="P5D"))
    with step('Bob completes "Safety 101" Course'):
        await house.lms.put("/v1/courses/C-1", {"title": "Safety 101"})
        await house.record(
            passed("bob", "2026-01-05T09:00", grade=92), passed("bob", "2026-01-05T10:00", grade=60)
        )
    with step("Five days later, a Certification is assigned to him that includes this Course"):
        await house.travel("2026-01-10T09:00")
        without = await house.enroll("bob", "none")
        graced = await house.enroll("bob", "five")
    with step("0-day grace period, he'll have to complete it again for it to count"):
        assert (without["status"], without["cycle"]["steps"][0]["state"]) == ("not_started", "open")
        await house.record(passed("bob", "2026-01-10T09:00"))
        assert (await seen(house, without))["status"] == "certified"
    with step("the best grade he achieved five days prior will count toward it"):
        assert (graced["status"], graced["certified_at"]) == ("certified", at("2026-01-05T09:00"))
        cycles = await house.reader.get(f"/v1/enrollments/{graced['id']}/cycles")
        assert [line["by"] for line in cycles["items"][0]["steps"]] == ["prior_credit"]
    with step('up to "x" days before the Certification began'):
        await house.record(passed("eve", "2026-01-04T23:00"))
        eve = await house.enroll("eve", "five")
        assert eve["cycle"]["counts_from"] == at("2026-01-05T00:00")
        assert eve["status"] == "not_started"


async def test_future_grace_period_changes(house: House) -> None:
    await house.programme("sales", definition(courses("C-1")))
    await house.record(passed("bob", "2026-01-02T09:00"), passed("ann", "2026-01-02T09:00"))
    bob = await house.enroll("bob", "sales")
    with step("those learners will be exempt from future grace period changes"):
        await publish(house, definition(courses("C-1"), prior_credit="P5D"), "sales")
        still = await seen(house, bob)
        assert (still["status"], still["cycle"]["version"]) == ("not_started", 1)
        assert still["cycle"]["counts_from"] == bob["cycle"]["counts_from"]
    with step("decide on the timeframe before implementing your Certification!"):
        assert (await house.enroll("ann", "sales"))["status"] == "certified"


async def test_renewal(house: House) -> None:
    await house.programme("once", definition(courses("C-1"), **NO_RENEWAL))
    periods = {"P1M": "2026-02-05", "P3M": "2026-04-05", "P6M": "2026-07-05", "P1Y": "2027-01-05"}
    for period in periods:
        policy: Json = {"validity": {"period": period}, "renewal_opens": "P7D"}
        document = definition(courses("C-1"), **policy)
        await house.programme(period.lower(), document, automatic_recertification=True)
    people = {key: await house.enroll("bob", key) for key in ("once", *map(str.lower, periods))}
    await house.record(passed("bob", "2026-01-05T09:00"))
    with step("leave blank for a one-time completion requirement"):
        once = await seen(house, people["once"])
        assert (once["status"], once["expires_at"], once["next"]) == ("certified", None, None)
    with step("every month; every three months; every six months; every year"):
        for period, day in periods.items():
            now = await seen(house, people[period.lower()])
            assert now["certificate"]["valid_through"] == day
    with step("they will have to replay Courses and Steps periodically"):
        for month, (opens, replayed) in enumerate(
            (("2026-01-29", "2026-02-01"), ("2026-02-22", "2026-02-24")), start=2
        ):
            await house.travel(f"{opens}T00:00")
            again = await seen(house, people["p1m"])
            assert (again["status"], again["cycle"]["number"]) == ("recertifying", month)
            assert [line["state"] for line in again["cycle"]["steps"]] == ["open"]
            await house.travel(f"{replayed}T09:00")
            await house.record(passed("bob", f"{replayed}T09:00"))
            assert (await seen(house, people["p1m"]))["status"] == "certified"


async def test_course_requirements(house: House) -> None:
    with step("add Courses to the Certification here"):
        await drafted(house, definition(courses("C-1", "C-2", "C-3", grade=75)))
    with step("all Courses currently included will be listed here"):
        draft = await house.reader.get(f"{SALES}/versions/1")
        ways = [line["ways"][0]["course_id"] for line in draft["initial"]["steps"]]
        assert ways == ["C-1", "C-2", "C-3"]
    with step("remove the ones you don't want anymore"):
        fewer = definition(courses("C-1", "C-2", grade=75))
        kept = await house.admin.put(f"{SALES}/versions/1", fewer)
        assert [line["key"] for line in kept["initial"]["steps"]] == ["c-1", "c-2"]
        await house.admin.post(f"{SALES}/versions/1/publish")
    with step("a percentage grade learners must achieve in each Course's graded Steps"):
        bob = await house.enroll("bob", "sales")
        await house.record(passed("bob", "2026-01-05T09:00", "C-1", grade=75))
        await house.record(passed("bob", "2026-01-05T09:00", "C-2", grade=74))
        states = [line["state"] for line in (await seen(house, bob))["cycle"]["steps"]]
        assert states == ["done", "open"]
        await house.record(passed("bob", "2026-01-05T09:00", "C-2", grade=76) | {"id": "again"})
        assert (await seen(house, bob))["status"] == "certified"


async def test_targeted_groups(house: House) -> None:
    await house.programme("sales", definition(courses("C-1", "C-2")), self_enrollment="open")
    await house.programme("quiet", definition(courses("C-1")))
    await members(house, "A", "ann")
    with step("available for any learner to trigger"):
        assert (await house.reader.get(f"{SALES}/groups"))["items"] == []
        assert (await house.enroll("bob", "sales", source="self"))["status"] == "not_started"
    with step("solely add learners via their profile card, leave this field empty!"):
        problem = await house.enroll("bob", "quiet", source="self", expect=409)
        assert problem["code"] == "self_enrollment_closed"
        assert (await house.enroll("bob", "quiet"))["assignments"][0]["source"] == "manual"
    with step("add Groups to the Certification here"):
        assert (await target(house, "A", "sales"))["member_count"] == 1
    with step("immediately assign the Certification"):
        ann = (await held(house, "ann"))["sales"]
        assert [(a["source"], a["group"]) for a in ann["assignments"]] == [("group", "A")]
    with step("(along with all Courses included in the Certification)"):
        to_do = (await mine(house, "ann"))["sales"]["to_do"]
        assert [task["course_ids"] for task in to_do] == [["C-1"], ["C-2"]]
    with step("all Groups currently assigned this Certification will be listed here"):
        page = await house.reader.get(f"{SALES}/groups")
        assert [line["group"] for line in page["items"]] == ["A"]
        assert await listed(house, certification="sales", group="A") == ["ann"]
    with step('SELECT the "-" sign beside their names'):
        await house.lms.delete(f"{SALES}/groups/A")
        assert (await seen(house, ann))["status"] == "removed"
        assert (await house.reader.get(f"{SALES}/groups"))["items"] == []


async def test_individual_user_enrollment(house: House) -> None:
    with step("Learners can also/instead be individually enrolled"):
        await drafted(house, definition(courses("C-1")))
        await target(house, "A", "sales")
    with step("FINISH creating the Certification"):
        await house.admin.post(f"{SALES}/versions/1/publish")
    with step("FIND AND EDIT the learner through"):
        assert (await house.reader.get("/v1/learners/bob/groups"))["items"] == []
    with step('OPEN "Certifications Enrollment" page'):
        assert await held(house, "bob") == {}
    with step("FIND Certification in the list"):
        page = await house.reader.get("/v1/certifications", archived=False)
        assert [line["key"] for line in page["items"]] == ["sales"]
    with step('ADD Certification by selecting the "+" sign beside it'):
        await house.enroll("bob", "sales", source="manual")
    with step('(under "Certifications added individually")'):
        assert await listed(house, learner_id="bob", source="manual") == ["bob"]
    with step("SAVE the learner's profile card"):
        assert set(await mine(house)) == {"sales"}


async def test_what_a_certification_must_include(house: House) -> None:
    with step("at least one Course with one graded Step must be included"):
        await drafted(house, definition(courses("C-1", grade=None)))
        assert [code for code, _ in await refused(house)] == ["no_graded_requirement"]
        await house.admin.put(f"{SALES}/versions/1", definition(courses("C-1")))
    with step("Course must be published for it to be included"):
        await house.lms.put("/v1/courses/C-1", {"state": "unpublished"})
        place = "/initial/steps/0/ways/0/course_id"
        assert await refused(house) == [("course_unpublished", place)]
        await house.lms.put("/v1/courses/C-1", {"state": "published"})
        await house.admin.post(f"{SALES}/versions/1/publish")
    with step("individual learners can be enrolled through their profile cards"):
        await house.enroll("bob", "sales")
        assert set(await mine(house)) == {"sales"}


async def test_groups_must_be_part_of_all_included_courses(house: House) -> None:
    ids = ["C-1", "C-2", "C-3", "C-4"]
    for id in ids:
        await house.lms.put(f"/v1/courses/{id}", {"groups": ["A", "B"] if id != "C-3" else ["B"]})
    await drafted(house, definition(courses(*ids)))
    with step("Groups must be part of all included Courses to be selectable"):
        await target(house, "A", "sales")
        place = "/initial/steps/2/ways/0/course_id"
        assert await refused(house) == [("course_closed_to_group", place)]
        await house.lms.delete(f"{SALES}/groups/A")
        await target(house, "B", "sales")
        await house.admin.post(f"{SALES}/versions/1/publish")
    with step('"Group A" must already be assigned to all 4 Courses'):
        problem = await house.lms.call("PUT", f"{SALES}/groups/A", expect=409)
        assert problem["code"] == "course_closed_to_group"
        assert ["C-3" in fault["detail"] for fault in problem["errors"]] == [True]
        await house.lms.put("/v1/courses/C-3", {"groups": ["A", "B"]})
        await target(house, "A", "sales")


async def test_published_and_retired(house: House) -> None:
    await members(house, "A", "ann", "bob")
    with step("ensure the Certification is published"):
        await drafted(house, definition(courses("C-1")))
        await target(house, "A", "sales")
        problem = await house.enroll("bob", "sales", expect=409)
        assert problem["code"] == "no_published_version"
    with step("no one will see it if it isn't!"):
        assert (await mine(house), await mine(house, "ann")) == ({}, {})
    with step("immediately appear in learners' profile panel once it's published/assigned"):
        await house.admin.post(f"{SALES}/versions/1/publish")
        assert set(await mine(house)) == set(await mine(house, "ann")) == {"sales"}
    with step("won't remove it from a learner's profile if they've completed it"):
        await house.record(passed("bob", "2026-01-05T09:00"))
        archived = await house.admin.post(f"{SALES}/archive", {"reason": "Retired"})
        assert (archived["archived"], archived["effect"]["concerned"]) == (True, 2)
        kept = (await mine(house))["sales"]
        assert (kept["status"], kept["certificate"]["valid_through"]) == ("certified", "2027-01-05")
        await house.travel("2027-06-01T09:00")
        assert (await mine(house))["sales"]["status"] == "lapsed"
