"""Dates: every sentence of the page on calendars, day rules and versions, with dates by hand."""

from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.definition import NEVER
from certsvc.domain.events import EventType
from certsvc.domain.status import Status
from tests.domain.dating import (
    BERLIN,
    dated,
    expires,
    lapses,
    renewed,
    through,
    window,
)
from tests.support.builders import Life, certified, yearly
from tests.support.programmes import COURSE, definition, path, programme, republished, utc

# Calendar arithmetic in the version's zone


def test_months_clamp_to_the_end_of_the_month() -> None:
    assert through(dated("2024-02-29T12:00")) == "2025-02-28"
    assert through(dated("2026-01-31T12:00", "P1M", renewal_opens="P7D")) == "2026-02-28"
    assert through(dated("2026-08-31T12:00", "P6M")) == "2027-02-28"


def test_a_schedule_is_counted_in_one_step_so_leap_days_come_back() -> None:
    leap: dict[str, Any] = {"validity": {"anchor": "fixed_date", "fixed_date": "2024-02-29"}}
    assert through(dated("2026-06-01T12:00", **leap)) == "2027-02-28"
    assert through(dated("2027-06-01T12:00", **leap)) == "2028-02-29"


def test_notices_are_counted_from_the_expiry_in_one_step_each() -> None:
    life = dated("2026-03-31T12:00", expiring_notices=["P1M", "P2M", "P13M"])
    life.at("2027-04-01T00:00")
    assert life.diary(EventType.CERTIFICATE_EXPIRING) == [
        ("2027-01-31T00:00", "certificate.expiring"),
        ("2027-02-28T00:00", "certificate.expiring"),
    ]  # the one thirteen months before came before the certificate


def test_previous_expiry_alone_goes_from_expiry_to_expiry() -> None:
    life = dated("2023-02-28T12:00", validity={"anchor": "previous_expiry"})
    life = dated("2024-02-29T12:00", validity={"anchor": "previous_expiry"})
    for year, last in ((2025, "2026-02-28"), (2026, "2027-02-28"), (2027, "2028-02-28")):
        renewed(life, f"{year}-02-10T09:00", f"{year}-02-15T09:00")
        assert through(life) == last  # once clamped, the leap day does not come back


def test_a_local_time_that_does_not_exist_moves_forward() -> None:
    life = dated("2026-03-28T01:30", "P1D", day_rule="exact", renewal_opens=NEVER, **BERLIN)
    assert expires(life) == "2026-03-29T01:30"  # 02:30 local moves to 03:30, in summer time


def test_an_ambiguous_local_time_takes_the_earlier() -> None:
    life = dated("2026-10-24T00:30", "P1D", day_rule="exact", renewal_opens=NEVER, **BERLIN)
    assert expires(life) == "2026-10-25T00:30"  # 02:30 local, still in summer time


def test_an_instant_at_the_expiry_is_expired_and_one_before_is_not() -> None:
    life = dated("2026-01-05T09:00")
    assert life.at("2027-01-05T23:59:59.999999").status is Status.CERTIFIED
    assert life.at("2027-01-06T00:00").status is Status.EXPIRED


# Day rules


def test_end_of_day_counts_whole_local_days() -> None:
    life = Life(
        yearly(due={"after": "P30D"}, completion_limit={"after": "P90D"}, prior_credit="P10D")
    ).enroll()
    assert life.cycle.counts_from == utc("2025-12-26T00:00")
    assert life.cycle.due_at == utc("2026-02-05T00:00")  # 4 February is the last day
    assert life.cycle.limit_at == utc("2026-04-06T00:00")
    life.record(life.course())
    assert through(life) == "2027-01-05"
    assert expires(life) == "2027-01-06T00:00"
    assert window(life) == "2026-12-06T00:00"
    assert lapses(life) == "2027-02-05T00:00"
    life.at("2027-01-05T00:00")
    assert life.diary(EventType.CERTIFICATE_EXPIRING) == [
        ("2026-12-06T00:00", "certificate.expiring"),
        ("2026-12-29T00:00", "certificate.expiring"),
    ]


def test_start_of_day_counts_from_the_first_day_no_longer_valid() -> None:
    life = dated(
        "2026-01-05T09:00", validity={"anchor": "previous_expiry"}, day_rule="start_of_day"
    )
    assert through(life) == "2027-01-04"
    assert expires(life) == "2027-01-05T00:00"
    assert window(life) == "2026-12-05T00:00"  # counted from the last valid day
    assert lapses(life) == "2027-02-04T00:00"
    renewed(life, "2026-12-10T09:00", "2026-12-20T09:00")
    assert through(life) == "2028-01-04"  # counted from the anniversary


def test_end_of_month_moves_an_expiry_to_the_last_day_of_its_month() -> None:
    life = dated(
        "2026-01-05T09:00", validity={"anchor": "previous_expiry"}, day_rule="end_of_month"
    )
    assert through(life) == "2027-01-31"
    assert expires(life) == "2027-02-01T00:00"
    assert window(life) == "2027-01-01T00:00"
    assert lapses(life) == "2027-03-03T00:00"
    renewed(life, "2027-01-10T09:00", "2027-01-15T09:00")
    assert through(life) == "2028-01-31"


def test_end_of_month_moves_before_anything_is_compared() -> None:
    schedule = {"anchor": "fixed_date", "fixed_date": "2026-12-15", "minimum": "P30D"}
    life = dated("2026-11-20T09:00", validity=schedule, day_rule="end_of_month")
    assert through(life) == "2026-12-31"  # 25 days to the 15th, but 41 to the 31st
    life = dated("2026-11-20T09:00", validity=schedule)
    assert through(life) == "2027-12-15"


def test_exact_is_the_same_arithmetic_on_instants() -> None:
    life = Life(
        yearly(day_rule="exact", due={"after": "P1DT12H"}, completion_limit={"after": "PT48H"})
    ).enroll()
    assert life.cycle.counts_from == utc("2026-01-05T09:00")
    assert life.cycle.due_at == utc("2026-01-06T21:00")
    assert life.cycle.limit_at == utc("2026-01-07T09:00")
    life.record(life.course())
    assert expires(life) == "2027-01-05T09:00"
    assert window(life) == "2026-12-06T09:00"
    assert lapses(life) == "2027-02-04T09:00"


def test_under_exact_a_fixed_date_is_its_first_instant() -> None:
    schedule = {"anchor": "fixed_date", "fixed_date": "2026-12-31"}
    life = dated("2026-06-01T09:00", validity=schedule, day_rule="exact", **BERLIN)
    assert expires(life) == "2026-12-30T23:00"


@pytest.mark.parametrize(
    ("zone", "completed", "last_day", "expires_at"),
    [
        # 15 minutes into the sixth of January, in Kathmandu
        ("Asia/Kathmandu", "2026-01-05T18:30", "2027-01-06", "2027-01-06T18:15"),
        ("Asia/Kathmandu", "2026-01-05T18:14", "2027-01-05", "2027-01-05T18:15"),
        # the clock goes forward over the midnight of 24 April 2026 in Cairo
        ("Africa/Cairo", "2025-04-23T09:00", "2026-04-23", "2026-04-23T22:00"),
        # Samoa left out 30 December 2011: a validity through that day ends with the day before
        ("Pacific/Apia", "2010-12-30T20:00", "2011-12-30", "2011-12-30T10:00"),
        ("Pacific/Apia", "2010-12-31T20:00", "2011-12-31", "2011-12-31T10:00"),
        # summer time in one half of the year only
        ("Europe/Berlin", "2026-07-01T09:00", "2027-07-01", "2027-07-01T22:00"),
        ("America/New_York", "2025-11-01T12:00", "2026-11-01", "2026-11-02T05:00"),
        ("America/St_Johns", "2026-01-05T12:00", "2027-01-05", "2027-01-06T03:30"),
        ("Australia/Lord_Howe", "2026-01-05T12:00", "2027-01-05", "2027-01-05T13:00"),
    ],
)
def test_days_are_those_of_the_zone(
    zone: str, completed: str, last_day: str, expires_at: str
) -> None:
    life = dated(completed, time_zone=zone)
    assert expires(life) == expires_at
    if last_day != "2011-12-30":  # a day that never was cannot be shown
        assert through(life) == last_day


def test_a_window_in_winter_time_opens_before_an_expiry_in_summer_time() -> None:
    life = dated("2026-07-01T09:00", renewal_opens="P6M", **BERLIN)
    assert window(life) == "2026-12-31T23:00"


# Defaults and versions


def test_an_empty_policy_is_once_and_for_ever() -> None:
    life = certified(programme({"initial": path(), "policy": {}}))
    assert life.certificate.expires_at is None
    assert life.certificate.window_at is None
    assert life.certificate.lapses_at is None
    assert life.due is None


def test_grace_of_nothing_lapses_at_the_expiry() -> None:
    life = dated("2026-01-05T09:00", grace="P0D").at("2027-01-06T00:00")
    assert life.reads(Status.LAPSED)
    assert life.diary()[-2:] == [
        ("2027-01-06T00:00", "certificate.expired"),
        ("2027-01-06T00:00", "certificate.lapsed"),
    ]


def test_a_window_of_nothing_opens_with_the_last_valid_day() -> None:
    assert window(dated("2026-01-05T09:00", renewal_opens="P0D")) == "2027-01-05T00:00"


def test_a_window_never_opens_before_the_certification() -> None:
    life = Life(yearly(path(COURSE, approval_required=True))).enroll()
    life.record(life.course())
    life.at("2026-12-20T09:00").act(Action.APPROVE)
    assert (through(life), window(life)) == ("2027-01-05", "2026-12-20T09:00")


def test_a_certificate_follows_the_version_it_was_earned_under() -> None:
    life = dated("2026-01-05T09:00")
    life.c = republished(life.c, definition(grace="P90D", renewal_opens="P60D"), life.now)
    life.at("2027-02-05T00:00")
    assert life.reads(Status.LAPSED)
    assert life.diary(EventType.RECERTIFICATION_DUE) == [
        ("2026-12-06T00:00", "recertification.due")
    ]


def test_open_cycles_stay_on_their_version_and_new_ones_use_the_latest() -> None:
    life = Life(yearly()).enroll()
    life.c = republished(life.c, definition(grace="P90D"), life.now)
    life.later(days=1).record(life.course())
    assert (life.certificate.version, lapses(life)) == (1, "2027-02-06T00:00")
    renewed(life, "2026-12-20T09:00", "2026-12-21T09:00")
    assert life.certificate.version == 2
