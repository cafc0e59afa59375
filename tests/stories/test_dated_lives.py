"""Lives told with their dates, through the API, with the test clock.

Every date here was counted by hand from a calendar. The sandbox starts on Monday, 5 January 2026,
09:00 UTC.
"""

from typing import Any

import pytest

from tests.api.world import House, at, course
from tests.support.programmes import COURSE, EXAM, PRACTICE, definition, path

Json = Any


async def seen(house: House, enrolled: Json, **query: Any) -> Json:
    """The enrollment as it is now, or as it was at an instant."""
    return await house.reader.get(f"/v1/enrollments/{enrolled['id']}", **query)


async def told(house: House, enrolled: Json) -> list[tuple[str, str]]:
    """The history: day and type of every event, oldest first."""
    path = f"/v1/enrollments/{enrolled['id']}/history"
    lines = (await house.reader.get(path, limit=200))["items"]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    return [(line["effective_at"], line["type"]) for line in lines]


def exam(id: str, moment: str, grade: int, learner: str = "u-17") -> Json:
    """An exam attempt."""
    return {
        "id": id,
        "type": "exam_attempt",
        "learner_id": learner,
        "occurred_at": at(moment),
        "exam_id": "X-1",
        "grade": grade,
    }


def payment(id: str, moment: str, outcome: str = "paid") -> Json:
    """The fee, paid or given back."""
    return {
        "id": id,
        "type": "payment",
        "learner_id": "u-17",
        "occurred_at": at(moment),
        "certification": "forklift",
        "outcome": outcome,
    }


async def test_a_year_goes_by_and_nobody_does_anything(house: House) -> None:
    await house.programme("forklift", definition(grace="P30D"), automatic_recertification=True)
    enrolled = await house.certified()
    await house.travel("2027-03-01T00:00")
    story = await told(house, enrolled)
    assert story[-7:] == [
        ("2026-12-06T00:00:00Z", "certificate.expiring"),
        ("2026-12-06T00:00:00Z", "recertification.opened"),
        ("2026-12-29T00:00:00Z", "enrollment.due_soon"),
        ("2026-12-29T00:00:00Z", "certificate.expiring"),
        ("2027-01-06T00:00:00Z", "enrollment.overdue"),
        ("2027-01-06T00:00:00Z", "certificate.expired"),
        ("2027-02-05T00:00:00Z", "certificate.lapsed"),
    ]
    now = await seen(house, enrolled)
    assert (now["status"], now["standing"], now["cycle"]["number"]) == ("recertifying", "lapsed", 2)


async def test_a_forecast_is_what_then_happens(house: House) -> None:
    await house.programme("forklift", definition(), automatic_recertification=True)
    enrolled = await house.certified()
    foreseen = await house.reader.get(
        f"/v1/enrollments/{enrolled['id']}/forecast", until=at("2027-03-01T00:00")
    )
    before = len(await told(house, enrolled))
    await house.travel("2027-03-01T00:00")
    happened = (await told(house, enrolled))[before:]
    assert [(line["effective_at"], line["type"]) for line in foreseen["items"]] == happened


async def test_the_state_of_a_past_day_is_what_was_true_then(house: House) -> None:
    await house.programme("forklift", definition())
    enrolled = await house.certified()
    await house.travel("2027-06-01T00:00")
    await house.act(enrolled, "recertify", reason="Back at work")
    statuses = {
        moment: (await seen(house, enrolled, at=at(moment)))["status"]
        for moment in (
            "2026-06-01T00:00",
            "2027-01-05T23:59",
            "2027-01-06T00:00",
            "2027-02-05T00:00",
            "2027-06-01T00:00",
        )
    }
    assert list(statuses.values()) == [
        "certified",
        "certified",
        "expired",
        "lapsed",
        "recertifying",
    ]


async def test_the_end_of_a_month_stays_the_end_of_a_month(house: House) -> None:
    document = definition(
        day_rule="end_of_month", validity={"period": "P2Y", "anchor": "previous_expiry"}
    )
    await house.programme("forklift", document)
    enrolled = await house.certified()
    assert (await seen(house, enrolled))["certificate"]["valid_through"] == "2028-01-31"
    await house.travel("2028-01-10T08:00")
    await house.act(enrolled, "recertify")
    await house.record(course("again", "u-17", at("2028-01-10T08:00")))
    renewed = await seen(house, enrolled)
    assert renewed["certificate"]["valid_through"] == "2030-01-31"
    assert renewed["expires_at"] == at("2030-02-01T00:00")


async def test_a_leap_day_falls_back_once_and_does_not_drift(house: House) -> None:
    document = definition(
        validity={"period": "P1Y", "anchor": "previous_expiry"}, renewal_opens="P60D"
    )
    await house.programme("forklift", document)
    await house.travel("2028-02-29T10:00")
    enrolled = await house.certified()
    assert (await seen(house, enrolled))["certificate"]["valid_through"] == "2029-02-28"


@pytest.mark.parametrize(
    ("zone", "expires_at"),
    [
        ("America/New_York", "2026-07-06T04:00:00Z"),
        ("Europe/Berlin", "2026-07-05T22:00:00Z"),
        ("Asia/Kathmandu", "2026-07-05T18:15:00Z"),
        ("Pacific/Auckland", "2026-07-05T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-07-05T13:30:00Z"),
    ],
    ids=[
        "New York, five hours behind in January and four in July",
        "Berlin, one hour ahead in January and two in July",
        "Kathmandu, five and three quarters ahead",
        "Auckland, thirteen ahead in January and twelve in July",
        "Lord Howe, eleven ahead in January and ten and a half in July",
    ],
)
async def test_a_validity_ends_at_the_midnight_of_its_own_zone(
    house: House, zone: str, expires_at: str
) -> None:
    document = definition(time_zone=zone, validity={"period": "P6M"})
    await house.programme("forklift", document)
    enrolled = await house.certified()
    now = await seen(house, enrolled)
    assert (now["certificate"]["valid_through"], now["expires_at"]) == ("2026-07-05", expires_at)


async def test_everyone_is_due_on_one_fixed_date(house: House) -> None:
    document = definition(
        validity={
            "period": "P1Y",
            "anchor": "fixed_date",
            "fixed_date": "2026-12-31",
            "minimum": "P60D",
        }
    )
    await house.programme("forklift", document)
    early = await house.certified("early")
    await house.travel("2026-11-20T12:00")
    late = await house.certified("late")
    through = [(await seen(house, one))["certificate"]["valid_through"] for one in (early, late)]
    assert through == ["2026-12-31", "2027-12-31"]


async def test_three_failed_exams_lock_until_an_admin_resets_them(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, exam=EXAM)))
    enrolled = await house.enroll()
    await house.record(course("c", "u-17", at("2026-01-05T09:00")))
    await house.travel("2026-02-01T00:00")
    await house.record(
        exam("x1", "2026-01-06T10:00", 60),
        exam("too-soon", "2026-01-07T09:59", 99),
        exam("x2", "2026-01-07T10:00", 61),
        exam("x3", "2026-01-08T10:00", 62),
        exam("one-too-many", "2026-01-20T10:00", 99),
    )
    locked = await seen(house, enrolled)
    assert (locked["status"], locked["flags"]) == ("in_progress", ["exam_locked"])
    assert locked["cycle"]["exam"]["attempts_left"] == 0
    fresh = await house.act(enrolled, "reset-exam", reason="Went through it with the trainer")
    assert fresh["cycle"]["exam"]["attempts_left"] == 3
    await house.travel("2026-02-02T10:00")
    await house.record(exam("x4", "2026-02-02T09:00", 88))
    assert (await seen(house, enrolled))["certified_at"] == at("2026-02-02T09:00")
    attempts = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/exam-attempts")
    assert len(attempts["items"]) == 6


async def test_work_before_the_fee_is_kept_and_counts_with_it(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, payment_required=True)))
    enrolled = await house.enroll()
    await house.travel("2026-01-10T09:00")
    await house.record(course("c", "u-17", at("2026-01-06T09:00")))
    waiting = await seen(house, enrolled)
    assert (waiting["status"], waiting["flags"]) == ("not_started", ["awaiting_payment"])
    await house.record(payment("p", "2026-01-09T12:00"))
    certified = await seen(house, enrolled)
    assert certified["certified_at"] == at("2026-01-09T12:00")
    assert certified["certificate"]["valid_through"] == "2027-01-09"


async def test_a_waived_fee_lets_the_learner_begin(house: House) -> None:
    await house.programme("forklift", definition(path(COURSE, payment_required=True)))
    enrolled = await house.enroll()
    waived = await house.act(enrolled, "override-payment", reason="Scholarship")
    assert (waived["cycle"]["payment"], waived["status"]) == ("waived", "not_started")
    again = await house.act(enrolled, "override-payment", expect=409)
    assert (again["code"], again["reason_code"]) == ("action_not_allowed", "payment_settled")


async def test_a_sign_off_is_awaited_as_long_as_it_takes(house: House) -> None:
    document = definition(
        path(COURSE, PRACTICE), completion_limit={"after": "P30D", "from": "opening"}
    )
    await house.programme("forklift", document)
    enrolled = await house.enroll()
    handed_in = {
        "id": "x",
        "type": "external",
        "learner_id": "u-17",
        "occurred_at": at("2026-01-05T09:00"),
        "certification": "forklift",
        "step": "practice",
        "outcome": "submitted",
    }
    await house.record(course("c", "u-17", at("2026-01-05T09:00")), handed_in)
    await house.travel("2026-06-01T00:00")
    assert (await seen(house, enrolled))["status"] == "pending_approval"
    signed = await house.act(enrolled, "approve", step="practice")
    assert (signed["status"], signed["certified_at"]) == ("certified", at("2026-06-01T00:00"))
    assert signed["certificate"]["valid_through"] == "2027-01-05"


async def test_suspension_does_not_stop_the_clock_of_the_certificate(house: House) -> None:
    await house.programme("forklift", definition(), automatic_recertification=True)
    enrolled = await house.certified()
    await house.act(enrolled, "suspend", reason="Investigation")
    await house.travel("2027-01-20T00:00")
    suspended = await seen(house, enrolled)
    assert (suspended["status"], suspended["standing"]) == ("suspended", "grace")
    lifted = await house.act(enrolled, "lift", reason="Cleared")
    assert (lifted["status"], lifted["flags"]) == ("expired", ["due_for_recertification"])


async def test_evidence_that_comes_late_completes_what_only_time_had_closed(house: House) -> None:
    document = definition(completion_limit={"after": "P10D", "from": "opening"})
    await house.programme("forklift", document)
    enrolled = await house.enroll()
    await house.travel("2026-02-01T00:00")
    assert (await seen(house, enrolled))["status"] == "not_completed"
    await house.record(course("late", "u-17", at("2026-01-14T16:00")))
    after_all = await seen(house, enrolled)
    assert (after_all["status"], after_all["certified_at"]) == ("certified", at("2026-01-14T16:00"))


async def test_what_a_person_decided_stands_when_evidence_comes_late(house: House) -> None:
    document = definition(completion_limit={"after": "P10D", "from": "opening"})
    await house.programme("forklift", document)
    enrolled = await house.enroll()
    await house.act(enrolled, "mark-not-completed", reason="Never came")
    await house.travel("2026-02-01T00:00")
    await house.record(course("late", "u-17", at("2026-01-05T08:00")))
    assert (await seen(house, enrolled))["status"] == "not_completed"


async def test_a_lapse_with_restart_asks_for_reinstatement(house: House) -> None:
    document = definition(
        reinstatement=path({**COURSE, "key": "refresher"}, exam={**EXAM, "after_training": False}),
        on_lapse="restart",
    )
    await house.programme("forklift", document, automatic_recertification=True)
    enrolled = await house.certified()
    await house.travel("2027-02-05T00:00")
    lapsed = await seen(house, enrolled)
    assert (lapsed["cycle"]["kind"], lapsed["cycle"]["number"]) == ("reinstatement", 3)
    assert [step["key"] for step in lapsed["cycle"]["steps"]] == ["refresher"]
    await house.travel("2027-02-10T12:00")
    await house.record(
        course("r", "u-17", at("2027-02-08T12:00")), exam("x", "2027-02-09T12:00", 75)
    )
    assert (await seen(house, enrolled))["certificate"]["valid_through"] == "2028-02-09"


async def test_an_extension_keeps_the_anniversary_and_an_alignment_moves_it(house: House) -> None:
    document = definition(validity={"period": "P1Y", "anchor": "previous_expiry"})
    await house.programme("forklift", document)
    kept, moved = await house.certified("kept"), await house.certified("moved")
    extended: Json = {"expires_at": at("2027-04-01T00:00"), "reason": "Plant closed"}
    await house.act(kept, "change-dates", **extended)
    await house.act(moved, "change-dates", keep_anniversary=False, **extended)
    await house.travel("2027-03-20T09:00")
    through = []
    for learner, enrolled in (("kept", kept), ("moved", moved)):
        await house.act(enrolled, "recertify")
        await house.record(course(f"again-{learner}", learner, at("2027-03-20T09:00")))
        through.append((await seen(house, enrolled))["certificate"]["valid_through"])
    assert through == ["2028-01-05", "2028-03-31"]


async def test_recertification_can_lead_to_another_certification(house: House) -> None:
    await house.programme("forklift", definition())
    await house.programme("crane", definition())
    enrolled = await house.certified()
    await house.act(enrolled, "change-next-recertification", next="crane", reason="New machines")
    refused = await house.act(enrolled, "recertify", early=True, expect=409)
    assert refused["reason_code"] == "recertification_redirected"
    await house.travel("2026-12-06T00:00")
    held = await house.reader.get("/v1/learners/u-17/enrollments")
    assert {one["certification_key"]: one["status"] for one in held["items"]} == {
        "forklift": "certified",
        "crane": "not_started",
    }


async def test_recertifying_too_early_says_from_when_it_is_possible(house: House) -> None:
    await house.programme("forklift", definition())
    enrolled = await house.certified()
    refused = await house.act(enrolled, "recertify", expect=409)
    assert refused["code"] == "action_not_allowed"
    assert refused["reason_code"] == "not_due_for_recertification"
    assert refused["available_at"] == at("2026-12-06T00:00")
    assert "recertify" not in refused["allowed_actions"]
    early = await house.act(enrolled, "recertify", early=True, reason="Long leave ahead")
    assert (early["status"], early["standing"]) == ("recertifying", "valid")


async def test_who_is_barred_stays_out_until_restored(house: House) -> None:
    await house.programme("forklift", definition())
    enrolled = await house.certified()
    barred = await house.act(enrolled, "permanent-revoke", reason="Falsified records")
    assert (barred["status"], barred["certificate"]) == ("disallowed", None)
    refused = await house.enroll(expect=409)
    assert refused["code"] == "disallowed"
    restored = await house.act(enrolled, "restore", reason="Appeal granted")
    assert (restored["status"], restored["standing"]) == ("recertifying", "none")
    kept = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/certificates")
    assert [line["state"] for line in kept["items"]] == ["revoked"]


async def test_leaving_pauses_and_coming_back_resumes_with_progress_and_dates(house: House) -> None:
    document = definition(path(COURSE, PRACTICE), due={"after": "P60D"})
    await house.programme("forklift", document)
    enrolled = await house.enroll(source="manual")
    await house.record(course("c", "u-17", at("2026-01-05T09:00")))
    before = await seen(house, enrolled)
    (assignment,) = before["assignments"]
    where = f"/v1/enrollments/{enrolled['id']}/assignments/{assignment['id']}"
    await house.admin.call("DELETE", where, expect=200)
    gone = await seen(house, enrolled)
    assert (gone["status"], gone["flags"]) == ("removed", ["unassigned"])
    await house.travel("2026-02-01T09:00")
    back = await house.enroll(expect=200)
    assert (back["status"], back["due_at"]) == ("in_progress", before["due_at"])
    assert back["cycle"]["steps"][0]["state"] == "done"


async def test_an_enrolment_ahead_waits_and_opens_on_its_day(house: House) -> None:
    await house.programme("forklift", definition(due={"after": "P30D"}))
    enrolled = await house.enroll(opens_at=at("2026-03-01T08:00"))
    assert (enrolled["status"], enrolled["work"]) == ("not_started", "waiting")
    await house.travel("2026-03-01T08:00")
    opened = await seen(house, enrolled)
    assert (opened["work"], opened["due_at"]) == ("not_started", at("2026-04-01T00:00"))


async def test_a_new_version_is_for_new_cycles_only(house: House) -> None:
    await house.programme("forklift", definition(), automatic_recertification=True)
    enrolled = await house.certified()
    versions = "/v1/certifications/forklift/versions"
    await house.admin.post(versions, definition(path(COURSE, exam=EXAM)), expect=201)
    await house.admin.post(f"{versions}/2/publish")
    assert (await seen(house, enrolled))["certificate"]["version"] == 1
    await house.travel("2026-12-06T00:00")
    assert (await seen(house, enrolled))["cycle"]["version"] == 2
