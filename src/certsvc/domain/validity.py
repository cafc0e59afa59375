"""How long a certificate is good: anchors, windows, grace and notices (lifecycle, 3, Dates)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from certsvc.domain.definition import Anchor, Policy, Validity
from certsvc.domain.enrollment import Certificate, Cycle
from certsvc.domain.periods import Calendar, Duration, Point


@dataclass(frozen=True, slots=True)
class Terms:
    """The dates of a certificate that follow from its expiry."""

    expires_at: datetime | None
    window_at: datetime | None
    lapses_at: datetime | None


@dataclass(frozen=True, slots=True)
class Completion:
    """What the anchors are judged by: the work, the sign-off, the due date, the past.

    `previous` is the last certificate where it lends an anniversary (not revoked); `first` says
    that the learner never held one."""

    work_completed_at: datetime
    certified_at: datetime
    due_at: datetime | None
    due_follows_expiry: bool
    assigned_at: datetime
    previous: Certificate | None
    first: bool


def completion_of(
    cycle: Cycle, assigned_at: datetime, previous: Certificate | None, first: bool
) -> Completion:
    """The completion of a cycle that is complete."""
    progress = cycle.progress
    assert progress.work_completed_at is not None
    assert progress.completed_at is not None
    return Completion(
        work_completed_at=progress.work_completed_at,
        certified_at=progress.completed_at,
        due_at=cycle.due_at,
        due_follows_expiry=cycle.due_follows_expiry,
        assigned_at=assigned_at,
        previous=previous if previous is not None and previous.revoked_at is None else None,
        first=first,
    )


def expiry(policy: Policy, completion: Completion) -> datetime | None:
    """When a certificate earned by this completion expires; None for never.

    A result that does not lie after `certified_at` gives way to counting from there."""
    validity = policy.validity
    if validity is None:
        return None
    calendar = policy.calendar
    expires_at = calendar.expires_at(_ANCHORS[validity.anchor](policy, validity, completion))
    if expires_at <= completion.certified_at:
        point = calendar.point(completion.certified_at)
        expires_at = calendar.expires_at(calendar.through(point, validity.period))
    return expires_at


def terms(policy: Policy, expires_at: datetime | None, not_before: datetime) -> Terms:
    """Window and end of grace of an expiry; the window never opens before `not_before`."""
    if expires_at is None:
        return Terms(None, None, None)
    calendar = policy.calendar
    through = calendar.through_of(expires_at)
    window_at = lapses_at = None
    if policy.renewal_opens is not None:
        opens = calendar.begins(calendar.minus(through, policy.renewal_opens))
        window_at = max(opens, not_before)
    if policy.grace is not None:
        lapses_at = expires_at
        if not policy.grace.is_zero:
            lapses_at = max(expires_at, calendar.ends(calendar.plus(through, policy.grace)))
    return Terms(expires_at, window_at, lapses_at)


@lru_cache(maxsize=65_536)
def notices_before(
    calendar: Calendar, end: datetime, before: tuple[Duration, ...]
) -> tuple[datetime, ...]:
    """The instants at which notices before an end come due, in order; each is counted from the
    end's own day in one step, and warns at the local midnight that begins its day."""
    if not before:
        return ()
    point = calendar.end_point(end)
    return tuple(sorted({calendar.begins(calendar.minus(point, notice)) for notice in before}))


def next_notice(
    policy: Policy, end: datetime, before: tuple[Duration, ...], told: datetime
) -> datetime | None:
    """The first notice after the one told last, or None."""
    for notice in notices_before(policy.calendar, end, before):
        if notice > told:
            return notice
    return None


def overtaken(
    policy: Policy, end: datetime, before: tuple[Duration, ...], told: datetime, now: datetime
) -> bool:
    """Whether what comes after this notice, the next one or the end, is here as well."""
    following = min(next_notice(policy, end, before, told) or end, end)
    return following <= now if following > told else following < now


# Anchors: each gives the last day (or, exact, the instant) of validity


def _from_completion(policy: Policy, validity: Validity, completion: Completion) -> Point:
    point = policy.calendar.point(completion.work_completed_at)
    return policy.calendar.through(point, validity.period)


def _from_due(policy: Policy, validity: Validity, completion: Completion) -> Point:
    due_at, calendar = completion.due_at, policy.calendar
    if due_at is None or completion.work_completed_at >= due_at:
        return _from_completion(policy, validity, completion)
    if completion.due_follows_expiry and completion.previous is not None:
        return _from_previous(policy, validity, completion.previous)
    return calendar.through(calendar.end_point(due_at), validity.period)


def _from_previous(policy: Policy, validity: Validity, previous: Certificate) -> Point:
    calendar = policy.calendar
    assert previous.extends_from is not None
    base = calendar.anniversary(calendar.through_of(previous.extends_from))
    return calendar.through(base, validity.period)


def _from_previous_expiry(policy: Policy, validity: Validity, completion: Completion) -> Point:
    previous = completion.previous
    if completion.first:
        return _FIRST[validity.first_anchor](policy, validity, completion)
    if previous is not None and previous.extends_from is not None:
        if _keeps_anniversary(policy, previous, completion.work_completed_at):
            return _from_previous(policy, validity, previous)
    return _from_completion(policy, validity, completion)


def _keeps_anniversary(policy: Policy, previous: Certificate, at: datetime) -> bool:
    expires_at, window_at = previous.expires_at, previous.window_at
    if expires_at is None:
        return False
    if at < expires_at:
        return window_at is not None and window_at <= at
    in_grace = previous.lapses_at is None or at < previous.lapses_at
    return policy.keep_anniversary_in_grace and in_grace


def _from_fixed_date(policy: Policy, validity: Validity, completion: Completion) -> Point:
    calendar = policy.calendar
    completed = calendar.point(completion.work_completed_at)
    earliest = calendar.plus(completed, validity.minimum)

    def reaches(through: Point) -> bool:
        return _not_before(calendar.anniversary(through), earliest)

    def scheduled(times: int) -> Point:
        return calendar.fixed_through(calendar.plus(base, validity.period, times))

    base = _schedule(calendar, validity, completion, completed)
    return _first(scheduled, reaches, _periods_between(base, earliest, validity.period))


def _schedule(
    calendar: Calendar, validity: Validity, completion: Completion, completed: Point
) -> Point:
    if validity.fixed_date is not None:
        return calendar.fixed(validity.fixed_date)
    previous = completion.previous
    if previous is not None and previous.extends_from is not None:
        return calendar.anniversary(calendar.through_of(previous.extends_from))
    if completion.due_at is not None:
        return calendar.end_point(completion.due_at)
    return calendar.plus(completed, validity.period)


def _from_assignment(policy: Policy, validity: Validity, completion: Completion) -> Point:
    calendar, previous = policy.calendar, completion.previous
    base = calendar.point(completion.assigned_at)
    after = calendar.point(completion.work_completed_at)
    if previous is not None and previous.expires_at is not None:
        after = calendar.through_of(previous.expires_at)

    def ends_after(through: Point) -> bool:
        return not _not_before(after, through)

    def whole_periods(times: int) -> Point:
        return calendar.through(base, validity.period, times)

    guess = max(1, _periods_between(base, after, validity.period))
    return _first(whole_periods, ends_after, guess)


_ANCHORS: dict[Anchor, Callable[[Policy, Validity, Completion], Point]] = {
    Anchor.COMPLETION: _from_completion,
    Anchor.DUE: _from_due,
    Anchor.PREVIOUS_EXPIRY: _from_previous_expiry,
    Anchor.FIXED_DATE: _from_fixed_date,
    Anchor.ASSIGNMENT: _from_assignment,
}

_FIRST = {Anchor.COMPLETION: _from_completion, Anchor.DUE: _from_due}


def _not_before(one: Point, other: Point) -> bool:
    return one >= other


def _first(candidate: Callable[[int], Point], holds: Callable[[Point], bool], start: int) -> Point:
    """The first candidate from `start` on that holds; `start` is at or before it."""
    times = start
    while True:
        through = candidate(times)
        if holds(through):
            return through
        times += 1


def _periods_between(base: Point, target: Point, period: Duration) -> int:
    """A number of periods from base that surely ends at or before the target, close to it."""
    gap = _span(target, base)
    longest = timedelta(days=period.months * 31 + period.days, seconds=period.seconds + 7200)
    shortest = timedelta(days=period.months * 28 + period.days, seconds=period.seconds)
    if gap >= timedelta(0):
        return gap // longest - 2
    return gap // max(shortest - timedelta(hours=2), timedelta(minutes=1)) - 2


def _span(one: Point, other: Point) -> timedelta:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one - other
    assert not isinstance(one, datetime)
    assert not isinstance(other, datetime)
    return _days(one, other)


def _days(one: date, other: date) -> timedelta:
    return one - other
