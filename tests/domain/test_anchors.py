"""Anchors: what the validity of a certificate is counted from, with dates computed by hand."""

from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.definition import NEVER
from certsvc.domain.describe import describe_certificate
from certsvc.domain.status import Status
from tests.domain.dating import (
    ANNIVERSARY,
    BERLIN,
    OWN_SCHEDULE,
    dated,
    expires,
    renewed,
    through,
    worked,
)
from tests.support.builders import Life, yearly
from tests.support.programmes import COURSE, path, utc

# Anchors


def test_validity_counts_from_the_work_not_from_the_sign_off() -> None:
    life = Life(yearly(path(COURSE, approval_required=True))).enroll()
    life.record(life.course())
    assert life.reads(Status.PENDING_APPROVAL)
    life.at("2026-01-20T09:00").act(Action.APPROVE)
    assert life.certificate.certified_at == utc("2026-01-20T09:00")
    assert through(life) == "2027-01-05"
    told = describe_certificate(life.certificate, life.c, life.now)
    assert told["issued_at"] == told["certified_at"] == utc("2026-01-20T09:00")


DUE: dict[str, Any] = {"due": {"after": "P30D"}, "validity": {"period": "P1Y", "anchor": "due"}}


@pytest.mark.parametrize(
    ("completed", "last_day"),
    [
        ("2026-01-20T09:00", "2027-02-04"),
        ("2026-02-04T23:59", "2027-02-04"),
        ("2026-02-05T00:00", "2027-02-05"),
        ("2026-02-10T09:00", "2027-02-10"),
    ],
)
def test_due_counts_from_the_due_date_when_it_was_met(completed: str, last_day: str) -> None:
    assert through(worked(DUE, "2026-01-05T09:00", completed)) == last_day


def test_due_counts_from_completion_where_nothing_is_due() -> None:
    life = worked(DUE | {"due": NEVER}, "2026-01-05T09:00", "2026-03-01T09:00")
    assert through(life) == "2027-03-01"


def test_a_recertification_is_due_at_the_expiry_of_the_certificate_in_force() -> None:
    life = worked(DUE, "2026-01-05T09:00", "2026-01-20T09:00")
    life.at("2027-01-10T09:00").act(Action.RECERTIFY)
    assert life.cycle.due_at == life.certificate.expires_at == utc("2027-02-05T00:00")
    life.at("2027-01-15T09:00").record(life.course())
    assert through(life) == "2028-02-04"


def test_a_date_given_as_due_is_a_day_of_the_zone() -> None:
    life = Life(yearly(due={"date": "2027-01-31"}, **BERLIN)).enroll()
    assert life.cycle.due_at == utc("2027-01-31T23:00")


def test_a_due_date_that_was_changed_by_hand_is_the_one_that_counts() -> None:
    life = Life(yearly(**DUE)).enroll()
    life.act(Action.CHANGE_DATES, due_at=utc("2026-04-01T00:00"))
    life.at("2026-03-15T09:00").record(life.course())
    assert through(life) == "2027-03-31"


@pytest.mark.parametrize(
    ("keep", "opened", "completed", "last_day"),
    [
        (False, "2026-12-06T00:00", "2026-12-06T00:00", "2028-01-05"),
        (False, "2026-12-10T09:00", "2026-12-20T09:00", "2028-01-05"),
        (False, "2026-12-10T09:00", "2027-01-05T23:59", "2028-01-05"),
        (False, "2026-12-10T09:00", "2027-01-06T00:00", "2028-01-06"),
        (False, "2026-12-10T09:00", "2027-01-20T09:00", "2028-01-20"),
        (True, "2026-12-10T09:00", "2027-01-20T09:00", "2028-01-05"),
        (True, "2026-12-10T09:00", "2027-02-04T23:59", "2028-01-05"),
        (True, "2026-12-10T09:00", "2027-02-05T00:00", "2028-02-05"),
        (True, "2027-03-01T09:00", "2027-03-10T09:00", "2028-03-10"),
    ],
)
def test_previous_expiry_keeps_the_anniversary_of_who_is_on_time(
    keep: bool, opened: str, completed: str, last_day: str
) -> None:
    life = dated("2026-01-05T09:00", validity=ANNIVERSARY, keep_anniversary_in_grace=keep)
    assert through(renewed(life, opened, completed)) == last_day


def test_work_completed_before_the_window_counts_from_completion() -> None:
    life = dated("2026-01-05T09:00", validity=ANNIVERSARY)
    renewed(life, "2026-11-01T09:00", "2026-11-15T09:00", early=True)
    assert through(life) == "2027-11-15"


def test_who_never_lapses_can_keep_the_anniversary_for_ever() -> None:
    life = dated(
        "2026-01-05T09:00", validity=ANNIVERSARY, grace=NEVER, keep_anniversary_in_grace=True
    )
    life.at("2027-10-01T09:00")
    assert life.reads(Status.EXPIRED)
    assert life.due is None
    assert through(renewed(life, "2027-10-01T09:00", "2027-10-05T09:00")) == "2028-01-05"


def test_being_on_time_is_judged_by_the_work_not_by_the_sign_off() -> None:
    life = Life(
        yearly(
            path(COURSE, approval_required=True),
            validity={"period": "P1Y", "anchor": "previous_expiry"},
        )
    ).enroll()
    life.record(life.course())
    life.act(Action.APPROVE)
    renewed(life, "2026-12-10T09:00", "2026-12-20T09:00")
    life.at("2027-01-20T09:00").act(Action.APPROVE)
    assert life.certificate.certified_at == utc("2027-01-20T09:00")
    assert through(life) == "2028-01-05"


@pytest.mark.parametrize(
    ("completed", "last_day"),
    [("2026-01-20T09:00", "2027-02-04"), ("2026-02-10T09:00", "2027-02-10")],
)
def test_with_previous_expiry_the_first_certificate_may_count_from_the_due_date(
    completed: str, last_day: str
) -> None:
    validity = {"period": "P1Y", "anchor": "previous_expiry", "first_anchor": "due"}
    policy: dict[str, Any] = {"due": {"after": "P30D"}, "validity": validity}
    assert through(worked(policy, "2026-01-05T09:00", completed)) == last_day


@pytest.mark.parametrize(
    ("completed", "last_day"),
    [
        ("2024-03-01T09:00", "2024-12-31"),  # every whole period around the date, before it too
        ("2026-06-01T09:00", "2026-12-31"),
        ("2026-11-01T09:00", "2026-12-31"),  # sixty days: the shortest validity worth issuing
        ("2026-11-02T09:00", "2027-12-31"),
        ("2026-12-31T09:00", "2027-12-31"),
        ("2030-02-01T09:00", "2030-12-31"),
    ],
)
def test_a_fixed_date_takes_the_first_date_that_is_far_enough(
    completed: str, last_day: str
) -> None:
    schedule = {"anchor": "fixed_date", "fixed_date": "2026-12-31", "minimum": "P60D"}
    assert through(dated(completed, validity=schedule)) == last_day


def test_the_minimum_is_as_long_as_the_window_where_none_is_given() -> None:
    schedule = {"anchor": "fixed_date", "fixed_date": "2026-12-31"}
    assert through(dated("2026-12-01T09:00", validity=schedule)) == "2026-12-31"
    assert through(dated("2026-12-02T09:00", validity=schedule)) == "2027-12-31"


def test_a_fixed_date_under_start_of_day_is_the_first_day_no_longer_valid() -> None:
    schedule = {"anchor": "fixed_date", "fixed_date": "2026-12-31"}
    life = dated("2026-06-01T09:00", validity=schedule, day_rule="start_of_day")
    assert (through(life), expires(life)) == ("2026-12-30", "2026-12-31T00:00")


def test_without_a_date_the_schedule_starts_one_period_after_completion() -> None:
    assert through(dated("2026-01-05T09:00", validity=OWN_SCHEDULE)) == "2027-01-05"


def test_without_a_date_the_schedule_goes_on_from_the_last_expiry() -> None:
    life = dated("2026-01-05T09:00", validity=OWN_SCHEDULE)
    renewed(life, "2026-12-10T09:00", "2026-12-20T09:00")
    assert through(life) == "2028-01-05"
    renewed(life, "2028-03-01T09:00", "2028-03-10T09:00")  # reinstated, a month after the lapse
    assert through(life) == "2029-01-05"


@pytest.mark.parametrize(
    ("completed", "last_day"),
    [("2026-01-20T09:00", "2026-03-06"), ("2026-02-20T09:00", "2027-03-06")],
)
def test_without_a_date_or_an_expiry_the_schedule_goes_by_the_due_date(
    completed: str, last_day: str
) -> None:
    policy: dict[str, Any] = {
        "due": {"after": "P60D"},
        "validity": {"period": "P1Y", "anchor": "fixed_date"},
    }
    assert through(worked(policy, "2026-01-05T09:00", completed)) == last_day


BY_ASSIGNMENT: dict[str, Any] = {"validity": {"period": "P1Y", "anchor": "assignment"}}


@pytest.mark.parametrize(
    ("completed", "last_day"),
    [("2026-05-01T09:00", "2027-01-05"), ("2027-06-01T09:00", "2028-01-05")],
)
def test_assignment_counts_whole_periods_from_the_assignment(completed: str, last_day: str) -> None:
    assert through(worked(BY_ASSIGNMENT, "2026-01-05T09:00", completed)) == last_day


@pytest.mark.parametrize("completed", ["2026-12-20T09:00", "2027-01-20T09:00"])
def test_a_later_whole_period_ends_after_the_old_expiry(completed: str) -> None:
    life = worked(BY_ASSIGNMENT, "2026-01-05T09:00", "2026-05-01T09:00")
    assert through(renewed(life, "2026-12-10T09:00", completed)) == "2028-01-05"


def test_a_result_that_is_over_already_gives_way_to_counting_from_the_certification() -> None:
    life = worked(BY_ASSIGNMENT, "2026-01-05T09:00", "2026-05-01T09:00")
    renewed(life, "2028-05-01T09:00", "2028-06-01T09:00")
    assert through(life) == "2029-06-01"  # the first period after the old expiry ended in January
    slow = Life(yearly(path(COURSE, approval_required=True))).enroll()
    slow.record(slow.course())
    slow.at("2027-02-01T09:00").act(Action.APPROVE)
    assert through(slow) == "2028-02-01"


def test_a_revoked_certificate_lends_no_anniversary() -> None:
    life = dated("2026-01-05T09:00", validity=ANNIVERSARY, keep_anniversary_in_grace=True)
    life.at("2026-12-20T09:00").act(Action.FORCE_RECERTIFICATION)
    life.at("2026-12-28T09:00").record(life.course())
    assert through(life) == "2027-12-28"
