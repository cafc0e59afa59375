"""The calendar of a version: durations, and the days and instants they are counted to.

A date that a policy computes is a *point*. Under the day rules it is a whole local day; under
`exact` it is an instant. All counting is done on points, and only `begins` and `ends` turn a point
into the instant at which something happens, so that no date is ever counted from an expiry instant.

Time has two far ends. A result beyond them is the end itself, never an error: `END_OF_TIME` and
`START_OF_TIME` for instants, `LAST_DAY` and `FIRST_DAY` for days. They stand a little inside what
`datetime` can hold, so that every zone can still express them.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

END_OF_TIME: Final = datetime(9999, 12, 30, tzinfo=UTC)
START_OF_TIME: Final = datetime(1, 1, 2, tzinfo=UTC)
LAST_DAY: Final = date(9999, 12, 29)
FIRST_DAY: Final = date(1, 1, 3)

Point: TypeAlias = date | datetime

_FIRST_ORDINAL = FIRST_DAY.toordinal()
_LAST_ORDINAL = LAST_DAY.toordinal()
_LAST_WALL = END_OF_TIME.replace(tzinfo=None)
_FIRST_WALL = START_OF_TIME.replace(tzinfo=None)
_UTC = "UTC"
_TICK = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)

# Parts of nine digits are more than the total allows; the limit keeps absurd numbers from being
# read at all.
_DURATION = re.compile(
    r"P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?"
    r"(T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?",
    re.ASCII,
)
_MONTHS_IN_CYCLE = 400 * 12  # after 400 years the Gregorian calendar repeats to the day
_DAYS_IN_CYCLE = 146_097
_REFERENCE = date(2001, 1, 1)
_LONGEST_YEARS = 1000


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration in whole numbers, not negative: months, then days, then seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        if self.months < 0 or self.days < 0 or self.seconds < 0:
            raise ValueError("a duration may not be negative")

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `PnYnMnWnDTnHnMnS`; a ValueError says in one sentence what is wrong."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError(_why_not_a_duration(text))
        years, months, weeks, days, time, hours, minutes, seconds = match.groups()
        if time == "T" or text == "P":
            raise ValueError(f"{_quoted(text)} is not a duration: a number is missing at its end")
        duration = cls(
            months=int(years or 0) * 12 + int(months or 0),
            days=int(weeks or 0) * 7 + int(days or 0),
            seconds=int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0),
        )
        if _length(duration) >= _length(cls(months=_LONGEST_YEARS * 12)):
            raise ValueError(f"{_quoted(text)} is too long: a duration is below 1000 years")
        return duration

    def __str__(self) -> str:
        minutes, seconds = divmod(self.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        years, months = divmod(self.months, 12)
        day_part = _spelled((years, "Y"), (months, "M"), (self.days, "D"))
        time_part = _spelled((hours, "H"), (minutes, "M"), (seconds, "S"))
        if time_part:
            return f"P{day_part}T{time_part}"
        return f"P{day_part or '0D'}"

    @property
    def is_zero(self) -> bool:
        return not (self.months or self.days or self.seconds)

    @property
    def whole_days(self) -> bool:
        """Whether it counts in days alone; 24 hours are elapsed time, not a day."""
        return self.seconds == 0

    def times(self, k: int) -> "Duration":
        return Duration(self.months * k, self.days * k, self.seconds * k)


def compare(a: Duration, b: Duration) -> int:
    """-1, 0 or 1: which of the two is longer, both counted from 1 January 2001."""
    first, second = _length(a), _length(b)
    return (first > second) - (first < second)


def _length(duration: Duration) -> int:
    """Seconds from 1 January 2001; plain integers, so no duration is too long to be compared."""
    cycles, months = divmod(duration.months, _MONTHS_IN_CYCLE)
    reached = date(_REFERENCE.year + months // 12, months % 12 + 1, 1)
    days = cycles * _DAYS_IN_CYCLE + (reached - _REFERENCE).days + duration.days
    return days * 86_400 + duration.seconds


def _spelled(*parts: tuple[int, str]) -> str:
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def _why_not_a_duration(text: str) -> str:
    if re.match(r"-|P.*-\d", text):
        reason = "it may not be negative"
    elif re.search(r"\d[.,]\d", text):
        reason = "whole numbers only"
    elif re.search(r"\d{10}", text):
        reason = "a number in it is too large"
    else:
        reason = "write it as in P1Y, P6M, P2W, P30D or PT12H"
    return f"{_quoted(text)} is not a duration: {reason}"


class DayRule(StrEnum):
    """What the dates of a version are: whole local days, read in one of three ways, or instants."""

    END_OF_DAY = "end_of_day"
    START_OF_DAY = "start_of_day"
    END_OF_MONTH = "end_of_month"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The zone and the day rule of a version, and every date that is counted under them.

    A local day runs from the first time the zone's clock reaches its midnight to the first time it
    reaches the next. So days never overlap and leave nothing out, even where the clock is set back
    over midnight. A day that a zone skipped is empty: it begins where it ends.
    """

    zone: ZoneInfo
    rule: DayRule

    @staticmethod
    def of(zone_name: str, rule: str | DayRule) -> "Calendar":
        """The calendar of that zone and rule; ValueError where there is no such zone or rule."""
        return _calendar(zone_name, rule)

    def point(self, instant: datetime) -> Point:
        """The local day of the instant; exact: the instant."""
        if self.rule is DayRule.EXACT:
            return _within(instant)
        return _day_of(instant, self.zone)

    def end_point(self, instant: datetime) -> Point:
        """The day that ends at the instant or has it inside; exact: the instant."""
        if self.rule is DayRule.EXACT:
            return _within(instant)
        return _day_of(_within(instant) - _TICK, self.zone)

    def fixed(self, day: date) -> Point:
        """A date of the calendar as a point; exact: its first instant."""
        if self.rule is DayRule.EXACT:
            return _midnight(self.zone, _day(day))
        return _moved(_day(day), 0, 0)

    def begins(self, point: Point) -> datetime:
        """When the point begins: the local midnight that begins its day; exact: itself."""
        if self.rule is DayRule.EXACT:
            return _instant(point)
        return _midnight(self.zone, _day(point))

    def ends(self, point: Point) -> datetime:
        """When the point is over: the local midnight that follows its day; exact: itself."""
        if self.rule is DayRule.EXACT:
            return _instant(point)
        day = _day(point)
        return _midnight(self.zone, day if day == date.max else day + timedelta(days=1))

    def plus(self, point: Point, duration: Duration, times: int = 1) -> Point:
        """The point that many durations on, in one step; a negative number goes backwards.

        Months clamp to the month's end, days come after them, seconds last. Exact: months and days
        are counted on the wall clock of the zone, seconds as time that really passes.
        """
        if self.rule is DayRule.EXACT:
            return self._plus_exact(_instant(point), duration, times)
        if duration.seconds:
            raise ValueError(f"{duration} cannot be counted in whole days")
        return _moved(_day(point), duration.months * times, duration.days * times)

    def minus(self, point: Point, duration: Duration) -> Point:
        return self.plus(point, duration, -1)

    def through(self, base: Point, period: Duration, times: int = 1) -> Point:
        """The last day of a validity of that many periods, counted from the base."""
        return self.fixed_through(self.plus(base, period, times))

    def fixed_through(self, day_point: Point) -> Point:
        """The last day of a validity that a given anniversary, or date of a schedule, stands for.

        start_of_day: the day before, because the date itself is the first day no longer valid;
        end_of_month: the last day of its month; otherwise the date itself.
        """
        if self.rule is DayRule.START_OF_DAY:
            return _moved(_day(day_point), 0, -1)
        if self.rule is DayRule.END_OF_MONTH:
            return _month_end(_day(day_point))
        return day_point

    def anniversary(self, through: Point) -> Point:
        """The point from which the period after that validity is counted."""
        if self.rule is DayRule.START_OF_DAY:
            return _moved(_day(through), 0, 1)
        return through

    def expires_at(self, through: Point) -> datetime:
        """The first instant at which a validity with that last day no longer holds."""
        return self.ends(through)

    def through_of(self, expires_at: datetime) -> Point:
        """The last day of a validity that expires at the instant."""
        return self.end_point(expires_at)

    def day(self, point: Point) -> date:
        """The local date to show for a point."""
        if self.rule is DayRule.EXACT:
            return _day_of(_instant(point), self.zone)
        return _day(point)

    def shown_through(self, through: Point) -> date:
        """The local date to show as the last day of a validity, on which it still held."""
        if self.rule is DayRule.EXACT:
            return _day_of(_within(_instant(through)) - _TICK, self.zone)
        return _day(through)

    def _plus_exact(self, instant: datetime, duration: Duration, times: int) -> datetime:
        # Without months or days the wall clock stays out of it: an instant in the second pass of
        # an ambiguous hour would otherwise come back as the first.
        instant = _within(instant)
        if duration.months or duration.days:
            in_utc = self.zone.key == _UTC
            wall = instant if in_utc else _wall(instant, self.zone)
            day = _moved(wall.date(), duration.months * times, duration.days * times)
            if day == LAST_DAY:
                return END_OF_TIME
            if day == FIRST_DAY:
                return START_OF_TIME
            moved = datetime.combine(day, wall.timetz())
            instant = moved if in_utc else resolve(moved, self.zone)
        try:
            return _within(instant + timedelta(seconds=duration.seconds * times))
        except OverflowError:
            return END_OF_TIME if times > 0 else START_OF_TIME


def resolve(local_naive: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a local time.

    One that does not exist moves forward by the length of the gap; an ambiguous one takes the
    earlier. Both are what `fold=0` means: the offset in force before the clock was changed.
    """
    if local_naive > _LAST_WALL:
        return END_OF_TIME
    if local_naive < _FIRST_WALL:
        return START_OF_TIME
    return _within(local_naive.replace(tzinfo=zone, fold=0))


@lru_cache(maxsize=1024)
def _calendar(zone_name: str, rule: str | DayRule) -> Calendar:
    try:
        day_rule = DayRule(rule)
    except ValueError:
        raise ValueError(f"{_quoted(rule)} is not a day rule") from None
    # These name files beside the zones: the zone of this machine, no zone, and zones whose clock
    # counts leap seconds.
    if zone_name in ("localtime", "posixrules", "Factory") or zone_name.startswith("right/"):
        raise ValueError(f"{_quoted(zone_name)} is not a time zone")
    try:
        return Calendar(ZoneInfo(zone_name), day_rule)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{_quoted(zone_name)} is not a time zone") from None


@lru_cache(maxsize=65_536)
def _midnight(zone: ZoneInfo, day: date) -> datetime:
    """The first instant at which the zone's clock shows the day's midnight or has passed it."""
    midnight = datetime(day.year, day.month, day.day)
    instant = resolve(midnight, zone)
    if instant in (END_OF_TIME, START_OF_TIME) or _wall(instant, zone) == midnight:
        return instant
    # The clock jumped over midnight, at some second between these two readings of it.
    before = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = 0, int((instant - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _wall(before + middle * _SECOND, zone) < midnight:
            low = middle
        else:
            high = middle
    return before + high * _SECOND


def _day_of(instant: datetime, zone: ZoneInfo) -> date:
    local = _within(instant)
    if zone.key != _UTC:
        local = local.astimezone(zone)
    day = local.date()
    # Only a clock set back can show a day again after the next one has begun.
    if local.fold and instant >= _midnight(zone, day + timedelta(days=1)):
        return _moved(day, 0, 1)
    if day > LAST_DAY:
        return LAST_DAY
    return max(day, FIRST_DAY)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _within(instant: datetime) -> datetime:
    # Comparing also refuses an instant without a zone, which would be read as this machine's time.
    if instant > END_OF_TIME:
        return END_OF_TIME
    if instant < START_OF_TIME:
        return START_OF_TIME
    return instant.astimezone(UTC)


def _moved(day: date, months: int, days: int) -> date:
    if months:
        year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
        if year > LAST_DAY.year:
            return LAST_DAY
        if year < FIRST_DAY.year:
            return FIRST_DAY
        # Every month has 28 days; only later ones need to be clamped.
        number = day.day if day.day <= 28 else min(day.day, monthrange(year, month + 1)[1])
        day = date(year, month + 1, number)
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, _FIRST_ORDINAL), _LAST_ORDINAL))


def _month_end(day: date) -> date:
    return min(day.replace(day=monthrange(day.year, day.month)[1]), LAST_DAY)


def _day(point: Point) -> date:
    if isinstance(point, datetime):
        raise TypeError("under a day rule a point is a day, not an instant")
    return point


def _instant(point: Point) -> datetime:
    if isinstance(point, datetime):
        return point
    raise TypeError("under the exact rule a point is an instant, not a day")
