"""change-dates: extensions and alignments, and what follows a date that was set by hand."""

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import Source
from certsvc.domain.events import EventType
from certsvc.domain.status import Flag, Standing, Status
from tests.domain.dating import (
    ANNIVERSARY,
    OWN_SCHEDULE,
    dated,
    lapses,
    renewed,
    through,
    window,
)
from tests.support.builders import Life, certified, yearly
from tests.support.programmes import programme, utc


def test_window_notices_and_grace_follow_a_new_expiry_and_arm_again() -> None:
    life = dated("2026-01-05T09:00").at("2027-01-02T09:00")
    assert len(life.events(EventType.CERTIFICATE_EXPIRING)) == 2
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"))
    assert (window(life), lapses(life)) == ("2027-03-01T00:00", "2027-05-01T00:00")
    assert Flag.DUE_FOR_RECERTIFICATION not in life.flags
    assert Flag.EXPIRING not in life.flags
    life.at("2027-04-01T00:00")
    assert life.diary()[-4:] == [
        ("2027-03-01T00:00", "certificate.expiring"),
        ("2027-03-01T00:00", "recertification.due"),
        ("2027-03-24T00:00", "certificate.expiring"),
        ("2027-04-01T00:00", "certificate.expired"),
    ]


def test_reminders_already_past_are_dropped_by_a_new_date() -> None:
    life = dated("2026-01-05T09:00", expiring_notices=["P90D", "P7D"]).at("2026-06-01T09:00")
    life.act(Action.CHANGE_DATES, expires_at=utc("2026-07-01T00:00"))
    assert Flag.EXPIRING in life.flags
    life.at("2026-07-01T00:00")
    assert life.diary(EventType.CERTIFICATE_EXPIRING) == [
        ("2026-06-23T00:00", "certificate.expiring")
    ]


@pytest.mark.parametrize(("keep", "last_day"), [(True, "2028-01-05"), (False, "2028-03-31")])
def test_an_extension_keeps_the_anniversary_and_an_alignment_moves_it(
    keep: bool, last_day: str
) -> None:
    life = dated("2026-01-05T09:00", validity=ANNIVERSARY)
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"), keep_anniversary=keep)
    renewed(life, "2027-03-05T09:00", "2027-03-15T09:00")  # on time by the new date
    assert through(life) == last_day


@pytest.mark.parametrize(("keep", "last_day"), [(True, "2028-01-05"), (False, "2028-03-31")])
def test_a_schedule_of_ones_own_is_extended_or_aligned_too(keep: bool, last_day: str) -> None:
    life = dated("2026-01-05T09:00", validity=OWN_SCHEDULE)
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"), keep_anniversary=keep)
    renewed(life, "2027-03-05T09:00", "2027-03-15T09:00")
    assert through(life) == last_day


def test_given_instants_are_taken_as_they_are() -> None:
    life = dated("2026-01-05T09:00")
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T12:34:56"))
    assert life.certificate.expires_at == utc("2027-04-01T12:34:56")
    assert through(life) == "2027-04-01"
    assert lapses(life) == "2027-05-02T00:00"  # thirty days after the day on which it expires
    life.at("2027-04-01T12:34:55")
    assert life.reads(Status.CERTIFIED)
    life.at("2027-04-01T12:34:56")
    assert life.reads(Status.EXPIRED)


def test_a_past_expiry_acts_now_and_a_later_one_makes_valid_again() -> None:
    life = dated("2026-01-05T09:00").at("2026-06-01T09:00")
    life.act(Action.CHANGE_DATES, expires_at=utc("2026-05-20T00:00"))
    assert life.reads(Status.EXPIRED)
    assert life.events(EventType.CERTIFICATE_EXPIRED)[-1].effective_at == life.now
    life.act(Action.CHANGE_DATES, expires_at=utc("2026-09-01T00:00"))
    assert (life.status, life.standing) == (Status.CERTIFIED, Standing.VALID)
    life.act(Action.CHANGE_DATES, expires_at=utc("2026-03-01T00:00"))
    assert life.reads(Status.LAPSED)


def test_a_past_due_date_or_limit_acts_now() -> None:
    life = Life(yearly()).enroll().later(days=10)
    life.act(Action.CHANGE_DATES, due_at=utc("2026-01-10T00:00"))
    assert Flag.OVERDUE in life.flags
    assert life.events(EventType.ENROLLMENT_OVERDUE)[-1].effective_at == life.now
    life.act(Action.CHANGE_DATES, limit_at=utc("2026-01-10T00:00"))
    assert life.reads(Status.NOT_COMPLETED)
    assert life.events(EventType.ENROLLMENT_NOT_COMPLETED)[-1].effective_at == life.now


def test_a_new_due_date_arms_its_reminders_and_takes_the_flag_away() -> None:
    life = Life(yearly(due={"after": "P10D"})).enroll().later(days=20)
    assert Flag.OVERDUE in life.flags
    life.act(Action.CHANGE_DATES, due_at=utc("2026-03-01T00:00"))
    assert Flag.OVERDUE not in life.flags
    life.at("2026-03-01T00:00")
    assert life.diary()[-2:] == [
        ("2026-02-21T00:00", "enrollment.due_soon"),
        ("2026-03-01T00:00", "enrollment.overdue"),
    ]


def test_a_limit_from_the_due_date_moves_with_it_and_is_none_without_it() -> None:
    policy = {"completion_limit": {"after": "P10D", "from": "due"}}
    life = Life(yearly(**policy)).enroll()
    assert life.cycle.limit_at is None
    life.act(Action.CHANGE_DATES, due_at=utc("2026-03-01T00:00"))
    assert life.cycle.limit_at == utc("2026-03-11T00:00")  # ten days after 28 February
    life.act(Action.CHANGE_DATES, due_at=utc("2026-04-01T00:00"))
    assert life.cycle.limit_at == utc("2026-04-11T00:00")
    life.act(Action.CHANGE_DATES, limit_at=utc("2026-05-01T00:00"))
    life.act(Action.CHANGE_DATES, due_at=utc("2026-04-15T00:00"))
    assert life.cycle.limit_at == utc("2026-05-01T00:00")  # one set by hand stays


def test_a_recertification_is_due_at_the_new_expiry_when_the_expiry_moves() -> None:
    life = dated("2026-01-05T09:00").at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"))
    assert life.cycle.due_at == utc("2027-04-01T00:00")


def test_a_recertification_date_set_by_hand_opens_the_window_then_and_arms_it_again() -> None:
    life = dated("2026-01-05T09:00").at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.act(Action.CANCEL)
    life.switch(automatic=True)
    assert life.reads(Status.CERTIFIED)  # the window was used up
    life.act(Action.CHANGE_DATES, recertification_at=utc("2026-12-28T00:00"))
    life.at("2026-12-28T00:00")
    assert life.reads(Status.RECERTIFYING)


def test_changed_dates_hold_for_their_cycle_or_certificate_alone() -> None:
    life = dated("2026-01-05T09:00")
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"))
    renewed(life, "2027-03-05T09:00", "2027-03-15T09:00")
    assert (through(life), window(life)) == ("2028-03-15", "2028-02-14T00:00")


def test_an_expiry_may_be_given_to_what_never_expired() -> None:
    life = certified(yearly(validity=None))
    life.act(Action.CHANGE_DATES, expires_at=utc("2026-06-01T00:00"))
    life.at("2026-06-01T00:00")
    assert life.standing is not Standing.VALID


def test_each_changed_date_is_told_with_its_value_before() -> None:
    life = dated("2026-01-05T09:00")
    life.act(Action.CHANGE_DATES, expires_at=utc("2027-04-01T00:00"))
    changes = life.told[-1].data["changes"]
    assert changes["expires_at"] == {
        "before": utc("2027-01-06T00:00"),
        "after": utc("2027-04-01T00:00"),
    }


def test_a_plan_takes_dates_before_its_cycle_opens() -> None:
    life = Life(programme(acceptance_required=True)).enroll()
    life.act(Action.CHANGE_DATES, due_at=utc("2026-02-01T00:00"), limit_at=utc("2026-03-01T00:00"))
    life.act(Action.ACCEPT)
    assert life.cycle.due_at == utc("2026-02-01T00:00")
    assert life.cycle.limit_at == utc("2026-03-01T00:00")


def test_dates_given_on_enrolment_are_those_of_the_cycle() -> None:
    life = Life(yearly(due={"after": "P30D"})).enroll(
        Source.MANUAL, due_at=utc("2026-02-01T12:00"), limit_at=utc("2026-03-01T12:00")
    )
    assert life.cycle.due_at == utc("2026-02-01T12:00")
    assert life.cycle.limit_at == utc("2026-03-01T12:00")
