"""Time: catching up, openings, windows, and cycles in time."""

from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import CycleOutcome
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from tests.support.builders import Life, certified, rich, typical, yearly
from tests.support.programmes import (
    COURSE,
    definition,
    path,
    programme,
    republished,
    utc,
)

BEFORE_THE_WINDOW = "2026-12-05T09:00"
IN_THE_WINDOW = "2026-12-20T09:00"
IN_GRACE = "2027-01-20T09:00"
LAPSED = "2027-04-01T09:00"


def recertifying(certification: Any = None) -> Life:
    life = certified(certification).at(IN_THE_WINDOW)
    life.act(Action.RECERTIFY)
    return life


# Each transition carries the instant at which it was due


def test_after_an_outage_the_history_reads_as_if_there_had_been_none() -> None:
    policy: dict[str, Any] = {"lapsing_notices": ["P7D"]}
    steady = certified(yearly(**policy))
    while steady.due is not None:
        steady.at(steady.due)
    caught_up = certified(yearly(**policy)).at("2030-01-01T00:00")
    assert caught_up.diary() == steady.diary()
    assert caught_up.diary()[4:] == [
        ("2026-01-05T09:00", "enrollment.progressed"),
        ("2026-01-05T09:00", "certificate.issued"),
        ("2026-12-06T00:00", "certificate.expiring"),
        ("2026-12-06T00:00", "recertification.due"),
        ("2026-12-29T00:00", "certificate.expiring"),
        ("2027-01-06T00:00", "certificate.expired"),
        ("2027-01-28T00:00", "certificate.lapsing"),
        ("2027-02-05T00:00", "certificate.lapsed"),
    ]
    assert not any(event.stale for event in steady.told)


def test_a_reminder_already_overtaken_is_stale_and_the_latest_is_not() -> None:
    life = certified().at("2027-01-02T09:00")
    told = [(e.effective_at, e.stale) for e in life.events(EventType.CERTIFICATE_EXPIRING)]
    assert told == [(utc("2026-12-06T00:00"), True), (utc("2026-12-29T00:00"), False)]
    life = certified().at("2027-01-06T00:00")
    assert [e.stale for e in life.events(EventType.CERTIFICATE_EXPIRING)] == [True, True]
    due = Life(yearly(due={"after": "P30D"}, reminders_before_due=["P10D", "P3D"])).enroll()
    due.at("2026-02-03T09:00")
    assert [e.stale for e in due.events(EventType.ENROLLMENT_DUE_SOON)] == [True, False]


def test_a_reminder_at_the_very_instant_of_the_end_is_not_stale_then() -> None:
    policy: dict[str, Any] = {
        "day_rule": "exact",
        "due": {"after": "P30D"},
        "reminders_before_due": ["P0D"],
    }
    life = Life(yearly(**policy)).enroll().at("2026-02-04T09:00")
    assert [e.stale for e in life.events(EventType.ENROLLMENT_DUE_SOON)] == [False]
    life = Life(yearly(**policy)).enroll().at("2026-02-04T09:01")
    assert [e.stale for e in life.events(EventType.ENROLLMENT_DUE_SOON)] == [True]


def test_every_command_first_brings_the_enrollment_up_to_now() -> None:
    life = certified()
    life.now = utc(IN_GRACE)  # and no scheduler ran
    life.act(Action.RECERTIFY)
    assert life.standing is Standing.GRACE
    assert life.diary()[-3:] == [
        ("2027-01-06T00:00", "certificate.expired"),
        ("2027-01-20T09:00", "recertification.opened"),
        ("2027-01-20T09:00", "enrollment.overdue"),  # it was due at the expiry
    ]


def test_a_clock_behind_what_was_recorded_takes_the_later_instant() -> None:
    life = certified().at(IN_GRACE)
    life.act(Action.REMIND)
    life.now = utc(IN_THE_WINDOW)
    life.act(Action.RECERTIFY)
    assert life.cycle.opened_at == utc(IN_GRACE)


# What waits opens when it may


def test_a_cycle_waits_for_its_start_and_for_a_version_in_effect() -> None:
    life = Life(yearly(effective_from="2026-02-01", time_zone="Europe/Berlin")).enroll()
    assert (life.status, life.work) == (Status.NOT_STARTED, Work.WAITING)
    life.at("2026-01-31T23:00")
    assert life.says == [EventType.ENROLLMENT_OPENED]
    later = Life(yearly(effective_from="2026-02-01")).enroll(opens_at=utc("2026-03-01T00:00"))
    assert later.due == utc("2026-03-01T00:00")


def test_a_cycle_that_was_asked_for_waits_while_the_certification_is_archived() -> None:
    life = rich().enroll(opens_at=utc("2026-02-01T00:00")).switch(archived=True)
    life.at("2026-03-01T00:00")
    assert (life.work, life.due) == (Work.WAITING, None)
    life.switch(archived=False)
    assert life.cycle.opened_at == utc("2026-03-01T00:00")


def test_a_new_cycle_uses_the_latest_version_in_effect() -> None:
    life = certified()
    life.c = republished(life.c, definition(effective_from="2027-01-01"), life.now)
    life.at(IN_THE_WINDOW).act(Action.RECERTIFY)
    assert life.cycle.version == 1
    life.act(Action.CANCEL)
    life.at("2027-01-02T09:00").act(Action.RECERTIFY)
    assert life.cycle.version == 2


# The window


def test_with_automatic_recertification_a_cycle_opens_at_the_window() -> None:
    life = certified(programme(automatic=True)).at("2026-12-08T00:00")
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.VALID)
    assert life.cycle.opened_at == utc("2026-12-06T00:00")
    assert life.diary()[-1] == ("2026-12-06T00:00", "recertification.opened")


def test_without_it_the_learner_is_told_once_and_flagged() -> None:
    life = certified().at("2027-01-05T09:00")
    assert life.reads(Status.CERTIFIED)
    assert len(life.events(EventType.RECERTIFICATION_DUE)) == 1
    assert Flag.DUE_FOR_RECERTIFICATION in life.flags
    for later in (IN_GRACE, LAPSED):
        life.at(later)
        assert Flag.DUE_FOR_RECERTIFICATION in life.flags


@pytest.mark.parametrize("end", [Action.CANCEL, Action.MARK_NOT_COMPLETED])
def test_any_cycle_opened_on_its_account_uses_the_window_up(end: Action) -> None:
    life = certified(programme(automatic=True)).at("2026-06-01T09:00")
    life.act(Action.RECERTIFY, early=True)
    life.act(end)
    life.at("2027-01-01T09:00")
    assert (life.status, life.e.cycles) == (Status.CERTIFIED, 2)
    assert not life.events(EventType.RECERTIFICATION_DUE)


def test_every_certificate_has_its_own_window() -> None:
    life = certified(programme(automatic=True)).at(IN_THE_WINDOW)
    life.record(life.course())
    life.at("2027-12-01T09:00")
    assert (life.status, life.e.cycles) == (Status.RECERTIFYING, 3)


# Cycles in time


def test_a_cycle_in_pending_approval_is_never_closed_by_time() -> None:
    policy = {"completion_limit": {"after": "P10D"}, "due": {"after": "P5D"}}
    life = Life(yearly(path(COURSE, approval_required=True), **policy)).enroll()
    life.record(life.course())
    life.at("2028-01-01T00:00")
    assert life.reads(Status.PENDING_APPROVAL)
    assert not life.events(EventType.ENROLLMENT_OVERDUE)
    life.act(Action.APPROVE)
    assert life.reads(Status.CERTIFIED)


def test_pending_approval_sees_the_credential_expire_and_lapse() -> None:
    certification = yearly(path(COURSE, approval_required=True), on_lapse="restart")
    life = Life(certification).enroll()
    life.record(life.course())
    life.act(Action.APPROVE)
    life.at(IN_THE_WINDOW).act(Action.RECERTIFY)
    life.record(life.course())
    life.at(LAPSED)
    assert (life.status, life.standing) == (Status.PENDING_APPROVAL, Standing.LAPSED)
    life.act(Action.REJECT, steps=("safety",))  # the row that waited comes due at the end of it
    assert (life.cycle.kind, life.cycle.opened_at) == (CycleKind.REINSTATEMENT, life.now)


def test_the_limit_ends_a_first_cycle_as_not_completed() -> None:
    life = Life(yearly(completion_limit={"after": "P10D"})).enroll().at("2026-03-01T09:00")
    assert (life.status, life.work) == (Status.NOT_COMPLETED, Work.NOT_COMPLETED)
    assert life.diary()[-1] == ("2026-01-16T00:00", "enrollment.not_completed")


def test_a_recertification_that_time_closed_is_reopened_by_a_person_only() -> None:
    certification = programme(definition(completion_limit={"after": "P7D"}), automatic=True)
    life = certified(certification).at("2026-12-14T00:00")
    assert (life.status, life.standing) == (Status.CERTIFIED, Standing.VALID)
    assert (life.work, life.due) == (Work.NOT_COMPLETED, utc("2026-12-29T00:00"))
    life.at("2027-01-04T00:00")
    assert life.e.cycles == 2
    assert Flag.DUE_FOR_RECERTIFICATION in life.flags
    life.act(Action.RECERTIFY)
    assert life.reads(Status.RECERTIFYING)


def test_on_lapse_restart_closes_the_recertification_and_opens_a_reinstatement() -> None:
    life = recertifying(yearly(on_lapse="restart")).at(LAPSED)
    assert life.diary()[-3:] == [
        ("2027-02-05T00:00", "certificate.lapsed"),
        ("2027-02-05T00:00", "enrollment.not_completed"),
        ("2027-02-05T00:00", "recertification.opened"),
    ]
    assert [(c.number, c.outcome) for c in life.last.cycles] == [
        (2, CycleOutcome.RESTARTED),
        (3, None),
    ]
    assert life.cycle.kind is CycleKind.REINSTATEMENT
    assert life.cycle.counts_from == utc("2027-02-05T00:00")


def test_on_lapse_keep_progress_lets_it_go_on() -> None:
    life = recertifying().at(LAPSED)
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.LAPSED)
    assert life.cycle.kind is CycleKind.RECERTIFICATION


def test_on_lapse_restart_opens_nothing_where_no_cycle_was_open() -> None:
    life = certified(yearly(on_lapse="restart")).at(LAPSED)
    assert (life.status, life.e.cycles) == (Status.LAPSED, 1)


def test_a_cycle_is_due_after_its_opening_and_a_recertification_at_the_expiry() -> None:
    life = certified(yearly(due={"after": "P10D"})).at(IN_THE_WINDOW)
    life.act(Action.RECERTIFY)
    assert life.cycle.due_at == utc("2027-01-06T00:00")
    life.act(Action.CANCEL)
    life.at(LAPSED).act(Action.RECERTIFY)
    assert life.cycle.due_at == utc("2027-04-12T00:00")


def test_a_due_date_is_only_advice() -> None:
    life = Life(yearly(due={"after": "P10D"})).enroll().at("2026-06-01T09:00")
    assert life.reads(Status.NOT_STARTED)
    assert Flag.OVERDUE in life.flags
    life.record(life.course())
    assert life.reads(Status.CERTIFIED)


# The headline


def test_waiting_reads_recertifying_only_while_no_credential_is_good() -> None:
    life = typical(Status.REVOKED).enroll(opens_at=utc("2028-01-01T00:00"))
    assert (life.status, life.work) == (Status.RECERTIFYING, Work.WAITING)
    first = rich().enroll(opens_at=utc("2028-01-01T00:00"))
    assert (first.status, first.work) == (Status.NOT_STARTED, Work.WAITING)


def test_the_expiring_flag_stands_from_the_first_notice_to_the_expiry() -> None:
    life = certified().at("2026-12-05T23:59")
    assert Flag.EXPIRING not in life.flags
    assert Flag.EXPIRING in life.at("2026-12-06T00:00").flags
    assert Flag.EXPIRING not in life.at("2027-01-06T00:00").flags
