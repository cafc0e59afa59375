"""The calendar: durations are read, and dates are counted, as the specification says."""

# A wall-clock reading has no zone, and that an instant without one is refused is tested here.
# ruff: noqa: DTZ001, DTZ901

import calendar as almanac
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.periods import (
    END_OF_TIME,
    FIRST_DAY,
    LAST_DAY,
    START_OF_TIME,
    Calendar,
    DayRule,
    Duration,
    compare,
    resolve,
)

# Ordinary zones, half and quarter hours, and every odd thing a zone has done to a midnight: gaps
# at and across it, clocks set back over it, a half hour of summer time, skipped and repeated days.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Toronto",
    "America/Havana",
    "America/Juneau",
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Manila",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
]
DAY_RULES = [DayRule.END_OF_DAY, DayRule.START_OF_DAY, DayRule.END_OF_MONTH]

zone_names = st.sampled_from(ZONES)
day_rules = st.sampled_from(DAY_RULES)
days = st.dates(date(1840, 1, 1), date(2200, 12, 31))
instants = st.datetimes(datetime(1840, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC))
day_durations = st.builds(Duration, months=st.integers(0, 600), days=st.integers(0, 4000))
durations = st.builds(
    Duration,
    months=st.integers(0, 600),
    days=st.integers(0, 4000),
    seconds=st.integers(0, 10_000_000),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_zone(name: str, rule: str = "end_of_day") -> Calendar:
    return Calendar.of(name, rule)


# Durations


@pytest.mark.parametrize(
    ("text", "duration", "canonical"),
    [
        ("P1Y", Duration(months=12), "P1Y"),
        ("P12M", Duration(months=12), "P1Y"),
        ("P18M", Duration(months=18), "P1Y6M"),
        ("P7D", Duration(days=7), "P7D"),
        ("P2W", Duration(days=14), "P14D"),
        ("P1W3D", Duration(days=10), "P10D"),
        ("P0D", Duration(), "P0D"),
        ("PT0S", Duration(), "P0D"),
        ("PT36H", Duration(seconds=129_600), "PT36H"),
        ("PT90M", Duration(seconds=5_400), "PT1H30M"),
        ("PT61S", Duration(seconds=61), "PT1M1S"),
        ("P1Y2M3DT4H5M6S", Duration(14, 3, 14_706), "P1Y2M3DT4H5M6S"),
        ("P36500D", Duration(days=36_500), "P36500D"),
        ("P999Y", Duration(months=11_988), "P999Y"),
    ],
)
def test_a_duration_is_read_and_written_canonically(
    text: str, duration: Duration, canonical: str
) -> None:
    assert Duration.parse(text) == duration
    assert str(duration) == canonical


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "write it as in P1Y"),
        ("P", "a number is missing"),
        ("PT", "a number is missing"),
        ("P1DT", "a number is missing"),
        ("-P1D", "may not be negative"),
        ("P-1D", "may not be negative"),
        ("P1.5D", "whole numbers only"),
        ("PT0,5H", "whole numbers only"),
        ("P9999999999D", "too large"),
        ("P1000Y", "below 1000 years"),
        ("P999Y12M", "below 1000 years"),
        ("P999999999D", "below 1000 years"),
        ("P1H", "write it as in P1Y"),
        ("P1D1Y", "write it as in P1Y"),
        ("1Y", "write it as in P1Y"),
        ("p1y", "write it as in P1Y"),
        ("P1D\n", "write it as in P1Y"),
        (" P1D", "write it as in P1Y"),
        ("P\u0661D", "write it as in P1Y"),
        ("never", "write it as in P1Y"),
        ("2027-01-31", "write it as in P1Y"),
    ],
)
def test_what_is_not_a_duration_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Duration.parse(text)


def test_a_refusal_quotes_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(ValueError, match="not a duration") as refusal:
        Duration.parse("P" + "1" * 100_000)
    assert len(str(refusal.value)) < 120


@given(durations)
def test_a_duration_survives_being_written_and_read(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


@given(st.text("PT0123456789YMWDHS-.", max_size=14))
def test_any_text_is_a_duration_that_reads_back_the_same_or_a_value_error(text: str) -> None:
    try:
        duration = Duration.parse(text)
    except ValueError:
        return
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize("parts", [(-1, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_no_part_of_a_duration_is_negative(parts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="may not be negative"):
        Duration(*parts)


def test_a_duration_knows_whether_it_is_zero_and_whether_it_is_in_whole_days() -> None:
    assert Duration().is_zero
    assert not Duration(seconds=1).is_zero
    assert Duration(months=1, days=1).whole_days
    assert not Duration.parse("PT24H").whole_days


def test_a_duration_is_taken_several_times_part_by_part() -> None:
    assert Duration(1, 2, 3).times(4) == Duration(4, 8, 12)
    assert Duration(1, 2, 3).times(0).is_zero


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ("P1M", "P31D", 0),
        ("P1M", "P30D", 1),
        ("P2M", "P59D", 0),
        ("P1Y", "P365D", 0),
        ("P1Y", "P366D", -1),
        ("P4Y", "P1461D", 0),
        ("P1D", "PT24H", 0),
        ("PT23H", "P1D", -1),
        ("P400Y", "P146097D", 0),
        ("P12M", "P1Y", 0),
    ],
)
def test_durations_are_compared_as_counted_from_1_january_2001(a: str, b: str, order: int) -> None:
    assert compare(Duration.parse(a), Duration.parse(b)) == order
    assert compare(Duration.parse(b), Duration.parse(a)) == -order


@given(day_durations, day_durations)
def test_comparing_agrees_with_counting_both_from_1_january_2001(a: Duration, b: Duration) -> None:
    start = date(2001, 1, 1)
    first, second = (start + relativedelta(months=d.months, days=d.days) for d in (a, b))
    assert compare(a, b) == (first > second) - (first < second)


def test_durations_beyond_any_calendar_are_still_compared() -> None:
    assert compare(Duration(months=10**9), Duration(months=10**9 + 1)) == -1


# Local times


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("UTC", "2026-03-29T02:30", "2026-03-29T02:30"),
        ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30"),  # gap: reads 03:30
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # twice: the earlier
        ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30"),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
        ("Asia/Kathmandu", "2026-06-01T00:00", "2026-05-31T18:15"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45"),  # half an hour: 02:45
        ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45"),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00"),  # the day after, at noon
    ],
)
def test_a_missing_local_time_moves_forward_and_an_ambiguous_one_takes_the_earlier(
    zone: str, local: str, instant: str
) -> None:
    assert resolve(datetime.fromisoformat(local), ZoneInfo(zone)) == utc(instant)


def test_the_second_pass_of_an_ambiguous_time_cannot_be_asked_for() -> None:
    twice = datetime(2026, 10, 25, 2, 30, fold=1)
    assert resolve(twice, ZoneInfo("Europe/Berlin")) == utc("2026-10-25T00:30")


def test_a_local_time_that_carries_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        resolve(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin"))


@given(st.datetimes(datetime(1840, 1, 1), datetime(2200, 1, 1)), zone_names)
def test_a_local_time_never_moves_back(local: datetime, zone: str) -> None:
    instant = resolve(local, ZoneInfo(zone))
    assert instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) >= local


# Days


@pytest.mark.parametrize(
    ("zone", "day", "begins", "ends"),
    [
        ("UTC", "2026-12-31", "2026-12-31T00:00", "2027-01-01T00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # 23 hours
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),  # 25 hours
        ("Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15", "2026-06-01T18:15"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", "2026-10-04T13:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", "2018-11-05T02:00"),  # from 01:00
        ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00", "2018-02-18T03:00"),  # 23:00 twice
        ("Asia/Beirut", "2022-03-27", "2022-03-26T22:00", "2022-03-27T21:00"),  # from 01:00
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00", "2024-04-26T21:00"),  # from 01:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00", "2025-11-03T05:00"),  # midnight twice
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30", "1919-04-01T04:00"),  # from 00:30
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00"),  # skipped
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00"),
    ],
)
def test_a_day_runs_from_its_first_instant_to_the_first_instant_of_the_next(
    zone: str, day: str, begins: str, ends: str
) -> None:
    point = date.fromisoformat(day)
    assert in_zone(zone).begins(point) == utc(begins)
    assert in_zone(zone).ends(point) == utc(ends)


def test_a_day_that_was_shown_again_after_the_next_had_begun_stays_over() -> None:
    # At 00:01 on 7 November 2010 the clock went back to 23:01 on the 6th.
    st_johns = in_zone("America/St_Johns")
    shown_again = utc("2010-11-07T03:15")
    assert shown_again.astimezone(st_johns.zone).date() == date(2010, 11, 6)
    assert st_johns.point(shown_again) == date(2010, 11, 7)
    assert st_johns.ends(date(2010, 11, 6)) == utc("2010-11-07T02:30")
    assert st_johns.point(utc("2010-11-07T02:29:59")) == date(2010, 11, 6)
    assert st_johns.point(utc("2010-11-07T02:30")) == date(2010, 11, 7)


@given(zone_names, day_rules, days)
def test_a_day_ends_as_the_next_begins(zone: str, rule: DayRule, day: date) -> None:
    calendar = Calendar.of(zone, rule)
    assert calendar.ends(day) == calendar.begins(day + timedelta(days=1))


@given(zone_names, days, days)
def test_a_later_day_never_begins_earlier(zone: str, one: date, other: date) -> None:
    calendar = in_zone(zone)
    earlier, later = sorted((one, other))
    assert calendar.begins(earlier) <= calendar.begins(later)


@given(zone_names, instants)
def test_every_instant_lies_in_exactly_its_day(zone: str, instant: datetime) -> None:
    calendar = in_zone(zone)
    point = calendar.point(instant)
    assert calendar.begins(point) <= instant < calendar.ends(point)


@given(zone_names, instants)
def test_the_day_an_instant_ends_lies_before_it(zone: str, instant: datetime) -> None:
    calendar = in_zone(zone)
    point = calendar.end_point(instant)
    assert calendar.begins(point) < instant <= calendar.ends(point)


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "UTC"])
def test_days_are_whole_and_in_order_through_every_change_of_the_clock(zone: str) -> None:
    calendar = in_zone(zone)
    for year in (1844, 1867, 1919, 1969, 1993, 2010, 2011, 2018, 2022, 2024, 2026):
        for number in range(366):
            day = date(year, 1, 1) + timedelta(days=number)
            begins, ends = calendar.begins(day), calendar.ends(day)
            assert begins <= ends
            if begins < ends:
                assert calendar.point(begins) == day
                assert calendar.end_point(ends) == day
                last_tick = ends - timedelta(microseconds=1)
                assert calendar.point(last_tick) == day


def test_an_instant_is_understood_whatever_its_offset() -> None:
    evening = datetime(2026, 1, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert in_zone("UTC").point(evening) == date(2026, 1, 2)
    exact = in_zone("UTC", "exact").point(evening)
    assert exact == evening
    assert isinstance(exact, datetime)
    assert exact.tzinfo is UTC


@pytest.mark.parametrize("rule", list(DayRule))
def test_an_instant_without_a_zone_is_refused(rule: DayRule) -> None:
    with pytest.raises(TypeError):
        Calendar.of("Europe/Berlin", rule).point(datetime(2026, 1, 1))


def test_days_and_instants_are_never_mixed_up() -> None:
    with pytest.raises(TypeError, match="a point is a day"):
        in_zone("UTC").ends(utc("2026-01-01T12:00"))
    with pytest.raises(TypeError, match="a point is an instant"):
        in_zone("UTC", "exact").ends(date(2026, 1, 1))


# Counting


@pytest.mark.parametrize(
    ("base", "duration", "times", "result"),
    [
        ("2026-01-31", "P1M", 1, "2026-02-28"),
        ("2026-01-31", "P1M", 2, "2026-03-31"),  # from the base in one step, not from 28 February
        ("2024-01-31", "P1M", 1, "2024-02-29"),
        ("2024-02-29", "P1Y", 1, "2025-02-28"),
        ("2024-02-29", "P1Y", 4, "2028-02-29"),
        ("2024-02-29", "P4Y", 1, "2028-02-29"),
        ("2025-02-28", "P1Y", 3, "2028-02-28"),
        ("2026-08-31", "P6M", 1, "2027-02-28"),
        ("2026-01-31", "P1M1D", 1, "2026-03-01"),
        ("2026-12-31", "P2M", 1, "2027-02-28"),
        ("2026-12-15", "P1M", 1, "2027-01-15"),
        ("2026-03-31", "P1M", -1, "2026-02-28"),
        ("2026-01-15", "P1M", -1, "2025-12-15"),
        ("2026-03-01", "P30D", -1, "2026-01-30"),
        ("2026-03-31", "P1M1D", -1, "2026-02-27"),
        ("2026-03-31", "P1M", 0, "2026-03-31"),
    ],
)
def test_days_are_counted_months_first_and_clamped_to_the_end_of_the_month(
    base: str, duration: str, times: int, result: str
) -> None:
    reached = in_zone("Asia/Kathmandu").plus(
        date.fromisoformat(base), Duration.parse(duration), times
    )
    assert reached == date.fromisoformat(result)


@given(days, day_durations, st.integers(-5, 5))
def test_counting_days_agrees_with_an_independent_calendar(
    base: date, duration: Duration, times: int
) -> None:
    expected = base + relativedelta(months=duration.months * times, days=duration.days * times)
    assert in_zone("Europe/Berlin").plus(base, duration, times) == expected


@given(instants, durations, st.integers(-5, 5))
def test_counting_instants_in_utc_agrees_with_an_independent_calendar(
    base: datetime, duration: Duration, times: int
) -> None:
    expected = base + relativedelta(
        months=duration.months * times,
        days=duration.days * times,
        seconds=duration.seconds * times,
    )
    assert in_zone("UTC", "exact").plus(base, duration, times) == expected


@given(zone_names, instants, day_durations, st.integers(-5, 5))
def test_counting_instants_keeps_the_local_time_of_day_where_it_exists(
    zone: str, base: datetime, duration: Duration, times: int
) -> None:
    calendar = in_zone(zone, "exact")
    reached = calendar.plus(base, duration, times)
    assert isinstance(reached, datetime)
    if duration.is_zero:
        assert reached == base
        return
    local = base.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    wanted = local + relativedelta(months=duration.months * times, days=duration.days * times)
    assert reached == resolve(wanted, ZoneInfo(zone))


@given(days, days, day_durations, st.integers(-5, 5))
def test_counting_from_a_later_day_never_reaches_an_earlier_one(
    one: date, other: date, duration: Duration, times: int
) -> None:
    calendar = in_zone("UTC")
    earlier, later = sorted((one, other))
    assert calendar.plus(earlier, duration, times) <= calendar.plus(later, duration, times)


@given(days, st.integers(0, 4000))
def test_what_is_counted_in_days_is_counted_back(base: date, number: int) -> None:
    calendar = in_zone("UTC")
    assert calendar.minus(calendar.plus(base, Duration(days=number)), Duration(days=number)) == base


@pytest.mark.parametrize(
    ("base", "duration", "result"),
    [
        ("2026-03-28T01:30", "P1D", "2026-03-29T01:30"),  # 02:30 is in the gap: 03:30
        ("2026-03-28T01:30", "PT24H", "2026-03-29T01:30"),
        ("2026-03-28T12:00", "P1D", "2026-03-29T11:00"),  # noon to noon is 23 hours
        ("2026-03-28T12:00", "PT24H", "2026-03-29T12:00"),
        ("2026-10-24T00:30", "P1D", "2026-10-25T00:30"),  # 02:30 comes twice: the earlier
        ("2026-10-24T12:00", "P1D", "2026-10-25T13:00"),
        ("2026-10-25T00:30", "PT1H", "2026-10-25T01:30"),
        ("2026-10-25T01:30", "P0D", "2026-10-25T01:30"),  # the second 02:30 stays the second
        ("2026-01-31T22:59:59.999999", "P1M", "2026-02-28T22:59:59.999999"),
        ("2026-01-31T23:00", "P1M", "2026-02-28T23:00"),  # already 1 February there
        ("2026-01-15T12:00", "P6M", "2026-07-15T11:00"),
        ("2026-01-31T12:00", "P1MT36H", "2026-03-02T00:00"),
    ],
)
def test_instants_are_counted_on_the_wall_clock_and_hours_as_they_pass(
    base: str, duration: str, result: str
) -> None:
    calendar = in_zone("Europe/Berlin", "exact")
    assert calendar.plus(utc(base), Duration.parse(duration)) == utc(result)


def test_hours_pass_evenly_even_for_an_instant_that_carries_a_zone() -> None:
    before_the_gap = datetime(2026, 3, 29, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    reached = in_zone("Europe/Berlin", "exact").plus(before_the_gap, Duration(seconds=7200))
    assert reached == utc("2026-03-29T02:30")


@pytest.mark.parametrize("rule", DAY_RULES)
def test_hours_cannot_be_counted_in_whole_days(rule: DayRule) -> None:
    with pytest.raises(ValueError, match="PT1H cannot be counted in whole days"):
        Calendar.of("UTC", rule).plus(date(2026, 1, 1), Duration(seconds=3600))


# Validities


@pytest.mark.parametrize(
    ("rule", "base", "through", "expires_at", "next_base"),
    [
        ("end_of_day", "2026-03-10", "2027-03-10", "2027-03-10T23:00", "2027-03-10"),
        ("start_of_day", "2026-03-10", "2027-03-09", "2027-03-09T23:00", "2027-03-10"),
        ("end_of_month", "2026-03-10", "2027-03-31", "2027-03-31T22:00", "2027-03-31"),
        ("end_of_day", "2024-02-29", "2025-02-28", "2025-02-28T23:00", "2025-02-28"),
        ("start_of_day", "2024-02-29", "2025-02-27", "2025-02-27T23:00", "2025-02-28"),
        ("end_of_month", "2027-02-28", "2028-02-29", "2028-02-29T23:00", "2028-02-29"),
        ("start_of_day", "2026-01-01", "2026-12-31", "2026-12-31T23:00", "2027-01-01"),
    ],
)
def test_a_year_of_validity_under_each_day_rule(
    rule: str, base: str, through: str, expires_at: str, next_base: str
) -> None:
    calendar = in_zone("Europe/Berlin", rule)
    last_day = calendar.through(date.fromisoformat(base), Duration.parse("P1Y"))
    assert last_day == date.fromisoformat(through)
    assert calendar.expires_at(last_day) == utc(expires_at)
    assert calendar.through_of(utc(expires_at)) == last_day
    assert calendar.anniversary(last_day) == date.fromisoformat(next_base)
    assert calendar.shown_through(last_day) == last_day
    assert calendar.day(last_day) == last_day


def test_an_exact_year_of_validity_ends_at_the_same_local_time() -> None:
    calendar = in_zone("Europe/Berlin", "exact")
    through = calendar.through(utc("2026-03-28T12:00"), Duration.parse("P1Y"))
    assert through == utc("2027-03-28T11:00")
    assert calendar.expires_at(through) == through
    assert calendar.through_of(utc("2027-03-28T11:00")) == through
    assert calendar.anniversary(through) == through
    assert calendar.begins(through) == calendar.ends(through) == through


def test_an_exact_expiry_at_midnight_is_shown_as_the_day_it_still_held() -> None:
    calendar = in_zone("Europe/Berlin", "exact")
    midnight = utc("2026-12-31T23:00")
    assert calendar.shown_through(midnight) == date(2026, 12, 31)
    assert calendar.day(midnight) == date(2027, 1, 1)


def test_several_periods_are_counted_in_one_step() -> None:
    month = Duration.parse("P1M")
    assert in_zone("UTC").through(date(2026, 1, 31), month, 2) == date(2026, 3, 31)
    assert in_zone("UTC", "start_of_day").through(date(2026, 1, 31), month, 2) == date(2026, 3, 30)
    assert in_zone("UTC", "end_of_month").through(date(2026, 1, 30), month, -2) == date(
        2025, 11, 30
    )


@pytest.mark.parametrize(
    ("rule", "through", "expires_at"),
    [
        ("end_of_day", date(2026, 12, 15), "2026-12-15T23:00"),
        ("start_of_day", date(2026, 12, 14), "2026-12-14T23:00"),
        ("end_of_month", date(2026, 12, 31), "2026-12-31T23:00"),
        ("exact", utc("2026-12-14T23:00"), "2026-12-14T23:00"),
    ],
)
def test_a_date_of_a_schedule_means_an_expiry_under_each_day_rule(
    rule: str, through: date, expires_at: str
) -> None:
    calendar = in_zone("Europe/Berlin", rule)
    meant = calendar.fixed_through(calendar.fixed(date(2026, 12, 15)))
    assert meant == through
    assert calendar.expires_at(meant) == utc(expires_at)


def test_the_first_instant_of_a_fixed_date_is_found_where_it_has_no_midnight() -> None:
    calendar = in_zone("Asia/Beirut", "exact")
    assert calendar.fixed(date(2022, 3, 27)) == utc("2022-03-26T22:00")


@given(zone_names, day_rules, days, day_durations)
def test_an_expiry_is_the_instant_from_which_its_last_day_is_found_again(
    zone: str, rule: DayRule, base: date, period: Duration
) -> None:
    calendar = Calendar.of(zone, rule)
    through = calendar.through(base, period)
    expires_at = calendar.expires_at(through)
    if calendar.begins(through) < expires_at:  # not a day that the zone skipped
        assert calendar.through_of(expires_at) == through


@given(day_rules, days, day_durations)
def test_a_validity_is_the_one_a_schedule_with_its_anniversary_means(
    rule: DayRule, base: date, period: Duration
) -> None:
    calendar = Calendar.of("Europe/Berlin", rule)
    through = calendar.through(base, period)
    assert calendar.fixed_through(calendar.anniversary(through)) == through
    assert calendar.anniversary(through) >= through


@given(days, day_durations)
def test_the_anniversary_of_a_validity_is_its_base_and_its_period(
    base: date, period: Duration
) -> None:
    for rule in (DayRule.END_OF_DAY, DayRule.START_OF_DAY):
        calendar = Calendar.of("UTC", rule)
        through = calendar.through(base, period)
        assert calendar.anniversary(through) == calendar.plus(base, period)


@given(days, day_durations)
def test_under_end_of_month_a_validity_ends_with_a_month(base: date, period: Duration) -> None:
    calendar = in_zone("UTC", "end_of_month")
    through = calendar.through(base, period)
    assert through.day == almanac.monthrange(through.year, through.month)[1]
    assert through >= calendar.plus(base, period)


# Calendars


def test_a_calendar_is_made_once() -> None:
    assert in_zone("Europe/Berlin") is in_zone("Europe/Berlin")
    assert Calendar.of("UTC", "exact") is Calendar.of("UTC", DayRule.EXACT)


@pytest.mark.parametrize(
    "zone_name",
    [
        "",
        "Mars/Olympus",
        "Europe",
        "../UTC",
        "/etc/localtime",
        "localtime",
        "posixrules",
        "Factory",
        "right/UTC",
        "zone.tab",
        "UTC\x00",
        "\ud800",
        "x" * 5000,
    ],
)
def test_an_unknown_zone_is_refused(zone_name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        Calendar.of(zone_name, DayRule.END_OF_DAY)


def test_an_unknown_day_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="'noon' is not a day rule"):
        Calendar.of("UTC", "noon")


# The far ends of time


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("rule", list(DayRule))
def test_what_lies_beyond_the_end_of_time_is_the_end(zone: str, rule: DayRule) -> None:
    calendar = Calendar.of(zone, rule)
    exact = rule is DayRule.EXACT
    first, last = (START_OF_TIME, END_OF_TIME) if exact else (FIRST_DAY, LAST_DAY)
    today = calendar.point(utc("2026-01-01T12:00"))
    for far in (Duration(months=10**6), Duration(days=10**7), Duration(months=10**6, days=10**12)):
        assert calendar.plus(today, far) == last
        assert calendar.minus(today, far) == first
        assert calendar.through(today, far) <= last
    ages = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    assert [calendar.point(age) for age in ages] == [last, first]
    for age in ages:
        for point in (calendar.point(age), calendar.end_point(age)):
            assert START_OF_TIME <= calendar.begins(point) <= calendar.ends(point) <= END_OF_TIME
            assert FIRST_DAY <= calendar.day(point) <= LAST_DAY
            assert FIRST_DAY <= calendar.shown_through(point) <= LAST_DAY
    for day in (date.min, date.max):
        point = calendar.fixed(day)
        assert START_OF_TIME <= calendar.ends(calendar.fixed_through(point)) <= END_OF_TIME


@pytest.mark.parametrize("zone", ZONES)
def test_the_last_days_of_time_are_in_order_too(zone: str) -> None:
    calendar = in_zone(zone)
    assert calendar.begins(LAST_DAY) < calendar.ends(LAST_DAY)
    assert calendar.through_of(calendar.expires_at(LAST_DAY)) == LAST_DAY
    for edge in (date.min, date.max - timedelta(days=9)):
        begins = [calendar.begins(edge + timedelta(days=n)) for n in range(10)]
        assert begins == sorted(begins)
    assert calendar.ends(date.max) == END_OF_TIME


def test_elapsed_time_beyond_the_end_of_time_is_the_end() -> None:
    calendar = in_zone("UTC", "exact")
    assert calendar.plus(utc("2026-01-01"), Duration(seconds=10**20)) == END_OF_TIME
    assert calendar.minus(utc("2026-01-01"), Duration(seconds=10**20)) == START_OF_TIME
    assert calendar.minus(utc("2026-01-01"), Duration(seconds=10**12)) == START_OF_TIME


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_time_beyond_the_end_of_time_is_the_end(zone: str) -> None:
    assert resolve(datetime.max, ZoneInfo(zone)) == END_OF_TIME
    assert resolve(datetime.combine(date.min, time.min), ZoneInfo(zone)) == START_OF_TIME
