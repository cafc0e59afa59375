"""The article "Managing Learners in the Certification Process", sentence by sentence.

Every status, what the details of a learner show, and the grid of actions with its notes. The
sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from typing import Any

import pytest

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.article import step
from tests.stories.screens import (
    actions,
    exam,
    held,
    listed,
    members,
    passed,
    payment,
    publish,
    seen,
    switch,
    target,
    told,
    unassign,
)
from tests.support.programmes import COURSE, EXAM, definition, path

SIGNED = path(COURSE, exam=EXAM, approval_required=True)
PAID = path(COURSE, exam=EXAM, payment_required=True)
NS, IP, PA, RC = "not_started", "in_progress", "pending_approval", "recertifying"

STATUSES = {
    "assigned": "Assigned by an admin but the learner has not yet enrolled",
    "not_started": "Assigned/enrolled but not started",
    "in_progress": "Working on steps",
    "pending_approval": "Awaiting admin/manager sign-off",
    "certified": "Completed, certification valid",
    "expired": "Past expiration date, within grace period",
    "lapsed": "Past grace period, must recertify",
    "recertifying": "Working on recertification cycle",
    "revoked": "Admin revoked, can recertify with latest version",
    "disallowed": "Admin revoked, permanently barred",
}

GRID = {
    "assigned": {"remove"},
    "not_started": {"revoke", "remove"},
    "in_progress": {"override-training", "override-exam", "revoke", "remove"},
    "pending_approval": {"override-training", "override-exam", "revoke"},
    "certified": {"force-recertification", "permanent-revoke"},
    "expired": {"revoke", "force-recertification"},
    "lapsed": {"revoke", "force-recertification"},
    "recertifying": {"override-training", "override-exam", "revoke"},
    "revoked": {"restore"},
    "disallowed": {"restore"},
}
"""The article's actions by status, where there is no fee: nothing to override."""

ACTIONS = {"override-payment"}.union(*GRID.values())


async def work(house: House, learner: str, moment: str) -> Json:
    """A learner who has passed the course and the exam; a sign-off is left."""
    enrolled = await house.enroll(learner)
    await house.record(passed(learner, moment), exam(learner, moment, 80))
    return enrolled


async def certify(house: House, learner: str, moment: str) -> Json:
    """A learner with a certificate, signed off now."""
    return await house.act(await work(house, learner, moment), "approve")


async def crowd(house: House) -> dict[str, Json]:
    """One learner in each of the ten statuses, on 20 February 2027."""
    await house.programme("forklift", definition(SIGNED))
    one = {name: await certify(house, name, "2026-01-05T09:00") for name in ("lapsed", RC)}
    await house.travel("2026-02-10T09:00")
    for name in ("expired", "revoked"):
        one[name] = await certify(house, name, "2026-02-10T09:00")
    await house.travel("2026-06-01T09:00")
    for name in ("certified", "disallowed"):
        one[name] = await certify(house, name, "2026-06-01T09:00")
    await house.travel("2027-02-20T09:00")
    await house.act(one[RC], "recertify")
    await house.act(one["revoked"], "revoke", reason="Unsafe")
    await house.act(one["disallowed"], "permanent-revoke", reason="Falsified records")
    one[NS], one[IP] = await house.enroll(NS), await house.enroll(IP)
    await house.record(passed(IP, "2027-02-20T09:00"))
    one[PA] = await work(house, PA, "2027-02-20T09:00")
    await switch(house, acceptance_required=True)
    one["assigned"] = await house.enroll("assigned")
    return {name: await seen(house, enrolled) for name, enrolled in one.items()}


async def possible(house: House, enrolled: Json) -> set[str]:
    """The actions of the article that are possible now."""
    return ACTIONS & set((await seen(house, enrolled))["allowed_actions"])


async def test_the_learners_tab(house: House) -> None:
    one = await crowd(house)
    with step("monitor and manage learner progress on Certifications"):
        detail = await house.reader.get(f"/v1/enrollments/{one[IP]['id']}/explain")
        assert [need["what"] for need in detail["needs"]] == ["exam", "approval"]
    with step("see the status of learners and take actions necessary to manage them"):
        page = await house.reader.get("/v1/enrollments", certification="forklift")
        assert {line["status"] for line in page["items"]} == set(STATUSES)
        assert all(line["allowed_actions"] for line in page["items"])
    with step("learners who are assigned to or enrolled in the Certification"):
        assert {line["learner_id"] for line in page["items"]} == set(one)
    with step("their enrollment date, and their status"):
        dates = {line["learner_id"]: line["enrolled_at"] for line in page["items"]}
        assert (dates["lapsed"], dates[NS]) == (at("2026-01-05T09:00"), at("2027-02-20T09:00"))
    for status, sentence in STATUSES.items():
        with step(sentence):
            assert await listed(house, certification="forklift", status=status) == [status]


async def test_what_the_statuses_say(house: House) -> None:
    one = await crowd(house)
    with step("the learner has not yet enrolled"):
        assert (await house.act(one["assigned"], "accept"))["status"] == NS
    with step("certification valid"):
        assert one["certified"]["certificate"]["days_left"] > 0
    with step("within grace period"):
        assert one["expired"]["expires_at"] == at("2027-02-11T00:00")
        assert one["expired"]["lapses_at"] == at("2027-03-13T00:00")
    with step("must recertify"):
        assert one["lapsed"]["flags"] == ["due_for_recertification"]
    with step("recertification cycle"):
        assert one[RC]["cycle"]["number"] == 2
    with step("can recertify with latest version"):
        await publish(house, definition(path(COURSE, exam=EXAM)))
        again = await house.act(one["revoked"], "recertify")
        assert (again["status"], again["cycle"]["version"]) == (RC, 2)
    with step("permanently barred"):
        refused = await house.enroll("disallowed", expect=409)
        assert refused["code"] == "disallowed"


async def test_additional_detail_for_that_learner(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, exam=EXAM)))
    enrolled = await house.enroll()
    await house.travel("2026-01-07T09:00")
    await target(house, "drivers")
    await members(house, "drivers", "u-17")
    shown = f"/v1/enrollments/{enrolled['id']}"
    with step("shows additional detail for that learner"):
        assert (await house.reader.get(shown))["cycle"]["number"] == 1
    with step("how the learner was assigned to the Certification"):
        sources = (await house.reader.get(f"{shown}/assignments"))["items"]
        assert [(a["source"], a["group"]) for a in sources] == [
            ("manual", None),
            ("group", "drivers"),
        ]
    with step("shows the assignment date"):
        dates = [a["assigned_at"] for a in sources]
        assert dates == [at("2026-01-05T09:00"), at("2026-01-07T09:00")]
    with step("provides the option to unassign the learner"):
        left = await unassign(house, enrolled, sources[1])
        assert [a["source"] for a in left["assignments"]] == ["manual"]
        left = await unassign(house, enrolled, sources[0])
        assert (left["status"], left["assignments"]) == ("removed", [])


async def test_exam_history_and_history(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, exam=EXAM)))
    enrolled = await house.enroll()
    await house.travel("2026-01-10T09:00")
    tested_out = exam("u-17", "2026-01-06T09:00", 40, type="test_out_attempt", exam_id="X-9")
    await house.record(tested_out, passed("u-17", "2026-01-06T10:00"))
    await house.record(exam("u-17", "2026-01-07T09:00", 60), exam("u-17", "2026-01-09T09:00", 75))
    with step("all exams the learner has attempted"):
        page = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/exam-attempts")
        assert [(line["exam_id"], line["grade"]) for line in page["items"]] == [
            ("X-9", 40),
            ("X-1", 60),
            ("X-1", 75),
        ]
    with step("actions related to the learner’s certification"):
        body: dict[str, Any] = {"reason": "Falsified records", "on_behalf_of": "boss"}
        await house.act(enrolled, "permanent-revoke", **body)
        lines = await told(house, enrolled)
        types = [line["type"] for line in lines]
        assert types[0] == "enrollment.created"
        assert types[-2:] == ["enrollment.disallowed", "certificate.revoked"]
        assert types.count("exam.attempted") == 2
        assert (lines[-1]["reason"], lines[-1]["on_behalf_of"]) == ("Falsified records", "boss")


@pytest.mark.parametrize("recorded", [False, True], ids=["before any work", "after the course"])
async def test_override_payment(house: House, recorded: bool) -> None:
    await house.programme("forklift", definition(PAID))
    enrolled = await house.enroll()
    if recorded:
        await house.record(passed("u-17", "2026-01-05T09:00"))
    with step("grant a learner access without requiring a purchase"):
        assert (await seen(house, enrolled))["flags"] == ["awaiting_payment"]
        waived = await house.act(enrolled, "override-payment", reason="Apprentice")
    with step("waives the payment requirement for that learner"):
        assert waived["flags"] == []
        assert [line["reason"] for line in await told(house, enrolled, "payment.waived")] == [
            "Apprentice"
        ]
    with step("initializes their progress so they can begin immediately"):
        assert waived["status"] == (IP if recorded else NS)
        assert waived["cycle"]["steps"][0]["state"] == ("done" if recorded else "open")
        to_do = (await held(house, view="learner"))["forklift"]["to_do"]
        assert [task["type"] for task in to_do] == ["exam" if recorded else "step"]
    with step("a Payment waived by your administrator indicator"):
        assert waived["cycle"]["payment"] == "waived"


async def test_override_payment_has_its_statuses(house: House) -> None:
    await house.programme("forklift", definition(PAID))
    enrolled = await house.enroll()
    await house.travel("2026-01-08T09:00")
    with step("while the learner is in Not Started, In Progress, or Recertifying status"):
        assert "override-payment" in enrolled["allowed_actions"]
        await house.record(payment("u-17", "2026-01-05T09:00"), passed("u-17", "2026-01-06T09:00"))
        assert "override-payment" not in await possible(house, enrolled)
        await house.record(payment("u-17", "2026-01-07T09:00", "refunded"))
        refunded = await seen(house, enrolled)
        assert (refunded["status"], refunded["flags"]) == (IP, ["awaiting_payment"])
        assert "override-payment" in refunded["allowed_actions"]
        await house.act(enrolled, "override-payment")
    await house.record(exam("u-17", "2026-01-08T09:00", 80))
    with step("It cannot be applied once the learner is certified"):
        refused = await house.act(enrolled, "override-payment", expect=409)
        assert refused["enrollment"]["status"] == "certified"
        assert refused["reason_code"] == "status_forbids"
    with step("If recert payment & not paid"):
        await house.travel("2026-12-20T09:00")
        due = await house.act(enrolled, "recertify")
        assert (due["status"], due["flags"]) == (RC, ["expiring", "awaiting_payment"])
        assert (await house.act(enrolled, "override-payment"))["cycle"]["payment"] == "waived"
        assert "override-payment" not in await possible(house, enrolled)


async def test_override_training_and_override_exam(house: House) -> None:
    second = {"key": "loads", "ways": [{"type": "course", "course_id": "C-2"}]}
    await house.programme("forklift", definition(path(COURSE, second, exam=EXAM)))
    enrolled = await house.enroll()
    await house.record(passed("u-17", "2026-01-05T09:00"))
    with step("mark all training steps as complete for a learner"):
        trained = await house.act(enrolled, "override-training")
        assert [(s["state"], s["by"]) for s in trained["cycle"]["steps"]] == [
            ("done", "evidence"),
            ("done", "override"),
        ]
    with step("bypassing the need for them to complete the training content"):
        assert (trained["status"], trained["cycle"]["exam"]["state"]) == (IP, "open")
        assert "enrollment.overridden" in [line["type"] for line in await told(house, enrolled)]
    with step("mark the exam step as passed for a learner without them taking the exam"):
        examined = await house.act(enrolled, "override-exam")
        assert (examined["cycle"], examined["status"]) == (None, "certified")
        taken = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/exam-attempts")
        assert taken["items"] == []


async def test_overrides_have_their_statuses(house: House) -> None:
    one = await crowd(house)
    with step("available while the learner is In Progress, Pending Approval, or Recertifying"):
        for action in ("override-training", "override-exam"):
            for status in (IP, PA, RC):
                assert (await house.act(one[status], action))["status"] in (IP, PA, RC)
        assert await listed(house, status=PA) == sorted((IP, PA, RC))
        for status in (NS, "certified", "expired", "lapsed", "revoked", "disallowed"):
            for action in ("override-training", "override-exam"):
                refused = await house.act(one[status], action, expect=409)
                assert refused["reason_code"] == "status_forbids"


async def test_revoke_access(house: House) -> None:
    one = await crowd(house)
    with step("end a learner's active enrollment"):
        ended = await house.act(one[IP], "revoke", reason="Left the company")
        assert (ended["status"], ended["cycle"]) == ("revoked", None)
    with step("without permanently barring them"):
        again = await house.enroll(IP, expect=200)
        assert again["status"] == "assigned"
    with step("Not Started, In Progress, Pending Approval, Expired, Lapsed, or Recertifying"):
        for status in (NS, PA, "expired", "lapsed", RC):
            ended = await house.act(one[status], "revoke", reason="Left the company")
            assert ended["status"] == "revoked"


@pytest.mark.parametrize("status", ["certified", "expired", "lapsed"])
async def test_force_recertification_cycle(house: House, status: str) -> None:
    enrolled = (await crowd(house))[status]
    await publish(house, definition(path(COURSE, exam=EXAM)))
    with step("available for learners who are Certified, Expired, or Lapsed"):
        forced = await house.act(enrolled, "force-recertification", reason="New machines")
    with step("using the latest published version, regardless of their current expiration date"):
        assert (forced["status"], forced["cycle"]["version"]) == (RC, 2)
    with step("current certificate is revoked and they must recertify"):
        assert (forced["standing"], forced["certificate"]) == ("revoked", None)
        past = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/certificates")
        assert [line["state"] for line in past["items"]] == ["revoked"]
        await house.record(passed(status, "2027-02-20T09:00"), exam(status, "2027-02-20T09:00", 80))
        assert (await seen(house, enrolled))["status"] == "certified"


async def test_permanent_revoke_and_restore_access(house: House) -> None:
    one = await crowd(house)
    barred = one["disallowed"]
    with step("permanently bar a learner from this Certification"):
        await members(house, "drivers", "disallowed")
        await target(house, "drivers")
        assert (await seen(house, barred))["status"] == "disallowed"
    with step("only available for learners who are currently Certified"):
        refused = await house.act(one["expired"], "permanent-revoke", reason="Unsafe", expect=409)
        assert refused["reason_code"] == "status_forbids"
    with step("the learner cannot start a new cycle unless an admin restores access"):
        refused = await house.act(barred, "recertify", expect=409)
        assert refused["allowed_actions"] == ["restore"]
    with step("who has been permanently revoked or administratively blocked"):
        restored = [await house.act(one[name], "restore") for name in ("disallowed", "revoked")]
    with step("the learner can begin a new recertification cycle"):
        assert [now["status"] for now in restored] == [RC, RC]
        await house.record(passed("disallowed", "2027-02-20T09:00"))
        assert (await seen(house, barred))["work"] == IP


async def test_remove(house: House) -> None:
    one = await crowd(house)
    with step("Removes the assignment"):
        for name in ("assigned", NS, IP):
            gone = await house.act(one[name], "remove")
            assert (gone["status"], gone["assignments"]) == ("removed", [])
            assert gone["flags"] == ["unassigned"]


async def test_the_grid(house: House) -> None:
    one = await crowd(house)
    with step("The available actions depend on the status of the learner"):
        assert {name: await possible(house, enrolled) for name, enrolled in one.items()} == GRID
    with step("reveals actions that can be taken"):
        lines = await actions(house, one["certified"])
        assert set(lines) >= ACTIONS
        assert {name for name in ACTIONS if lines[name]["allowed"]} == GRID["certified"]
    with step("the table below shows when each action is available"):
        for enrolled in one.values():
            grid = (await actions(house, enrolled)).values()
            assert all(line["allowed"] is (line["reason_code"] is None) for line in grid)


async def test_the_notes_of_the_grid(house: House) -> None:
    await house.programme("forklift", definition(PAID))
    one = {name: await house.enroll(name) for name in ("paid", "examined", "grouped", "manual")}
    await house.record(payment("paid", "2026-01-05T09:00"))
    await house.record(exam("examined", "2026-01-05T09:00", None))
    await target(house, "drivers")
    await members(house, "drivers", "grouped")
    reasons = {name: (await actions(house, enrolled)) for name, enrolled in one.items()}
    with step("If payment required & not paid"):
        assert reasons["manual"]["override-payment"]["allowed"]
        assert reasons["paid"]["override-payment"]["reason_code"] == "payment_settled"
    with step("Manual only"):
        assert reasons["manual"]["remove"]["allowed"]
        assert reasons["grouped"]["remove"]["reason_code"] == "not_only_manual"
    with step("If exam has not been started nor paid for"):
        assert reasons["paid"]["remove"]["reason_code"] == "already_paid"
        assert reasons["examined"]["remove"]["reason_code"] == "exam_started"


async def test_the_caution_on_test_outs(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, exam=EXAM)))
    enrolled = await house.enroll()
    tested = {"type": "test_out_attempt", "exam_id": "X-9"}
    await house.record(exam("u-17", "2026-01-05T09:00", 40, **tested))
    with step("A Test out Exam cannot be reset"):
        await house.act(enrolled, "reset-exam", reason="Second chance")
        page = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/exam-attempts")
        assert [line["reset"] for line in page["items"]] == [False]
    with step("Once a learner has completed it, it is permanent"):
        await house.travel("2026-01-06T09:00")
        await house.record(exam("u-17", "2026-01-06T09:00", 100, **tested))
        now = await seen(house, enrolled)
        assert [line["state"] for line in now["cycle"]["steps"]] == ["open"]
        (task,) = (await held(house, view="learner"))["forklift"]["to_do"]
        assert (task["course_ids"], task["exam_id"]) == (["C-1"], None)
