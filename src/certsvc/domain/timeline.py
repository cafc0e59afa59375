"""What time does: TIMERS, the rows that come due at an instant (lifecycle, 4).

Each row says when it comes due, from the enrollment, its pinned version and the certification's
switches, and what happens then. Rows due at one instant fire in this order. A row answers None
while it cannot come due without somebody acting; it never fires before its instant.
Add a row here; `docs/changing.md` lists what goes red until the rest is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.certification import Certification, first_when
from certsvc.domain.definition import Policy
from certsvc.domain.enrollment import Cycle, CycleOutcome, Enrollment, Plan
from certsvc.domain.events import EventType
from certsvc.domain.opening import gates, open_cycle, open_planned, opening_at, policy_of
from certsvc.domain.periods import Duration
from certsvc.domain.settling import settle, summary
from certsvc.domain.status import CycleKind, Standing, Work
from certsvc.domain.story import Story
from certsvc.domain.validity import next_notice, overtaken


@dataclass(frozen=True, slots=True)
class Timer:
    """One row: when it comes due and what it does; the rest is for the lifecycle page.

    `of` is the part of the enrollment that it concerns: without it the row is not asked.
    `says` are the events that it may begin with (`event` tells which); `due` gives the instant, or
    None."""

    name: str
    of: str
    at: str
    from_: str
    to: str
    says: tuple[EventType, ...]
    due: Callable[[Enrollment, Certification], datetime | None]
    fire: Callable[[Story, datetime], None]
    event: Callable[[Enrollment, Certification, datetime], EventType] | None = None

    def says_at(self, e: Enrollment, c: Certification, at: datetime) -> EventType:
        """The event that it begins with when it fires at the instant."""
        return self.says[0] if self.event is None else self.event(e, c, at)


def _worked(e: Enrollment) -> Cycle | None:
    """The open cycle whose own timers run: not paused, set aside or pending approval."""
    if e.running and e.work is not Work.PENDING_APPROVAL:
        return e.cycle
    return None


def _waited(e: Enrollment, nominal: datetime, armed_at: datetime) -> datetime:
    """A row that waited comes due at the end of the wait; one set by hand not before it was."""
    at = max(nominal, armed_at)
    return at if e.resumed_at is None else max(at, e.resumed_at)


# The cycle opens


def _opens(story: Story, at: datetime) -> None:
    open_planned(story, at)
    settle(story, at)


def _opening_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    if e.next_kind is CycleKind.INITIAL:
        return EventType.ENROLLMENT_OPENED
    return EventType.RECERTIFICATION_OPENED


# Reminders, due date, limit


def _due_soon_at(e: Enrollment, c: Certification) -> datetime | None:
    cycle = _worked(e)
    if cycle is None or cycle.due_at is None or cycle.overdue:
        return None
    policy = policy_of(c, cycle.version)
    notice = next_notice(policy, cycle.due_at, policy.reminders_before_due, cycle.told_through)
    return None if notice is None else _waited(e, notice, cycle.armed_at)


def _due_soon(story: Story, at: datetime) -> None:
    cycle = story.cycle
    assert cycle.due_at is not None
    policy = policy_of(story.certification, cycle.version)
    before = policy.reminders_before_due
    told = next_notice(policy, cycle.due_at, before, cycle.told_through)
    assert told is not None
    stale = overtaken(policy, cycle.due_at, before, told, story.now)
    story.set_cycle(told_through=told)
    story.say(EventType.ENROLLMENT_DUE_SOON, at, stale=stale, due_at=cycle.due_at)


def _overdue_at(e: Enrollment, _: Certification) -> datetime | None:
    cycle = _worked(e)
    if cycle is None or cycle.due_at is None or cycle.overdue:
        return None
    return _waited(e, cycle.due_at, cycle.armed_at)


def _overdue(story: Story, at: datetime) -> None:
    story.set_cycle(overdue=True)
    story.say(EventType.ENROLLMENT_OVERDUE, at, due_at=story.cycle.due_at)


def _limit_at(e: Enrollment, _: Certification) -> datetime | None:
    cycle = _worked(e)
    if cycle is None or cycle.limit_at is None:
        return None
    return _waited(e, cycle.limit_at, cycle.armed_at)


def _limit(story: Story, at: datetime) -> None:
    closed = story.close_cycle(CycleOutcome.NOT_COMPLETED, at)
    story.set(work=Work.NOT_COMPLETED, overtaken=closed)
    story.say(EventType.ENROLLMENT_NOT_COMPLETED, at, by="time")


# Notices of the certificate


def _notices(
    e: Enrollment, c: Certification
) -> tuple[Policy, datetime, tuple[Duration, ...]] | None:
    """The end that is warned of now, and the notices before it."""
    certificate = e.in_force
    if certificate is None or e.suspended:
        return None
    policy = policy_of(c, certificate.version)
    if e.standing is Standing.VALID and certificate.expires_at is not None:
        return policy, certificate.expires_at, policy.expiring_notices
    if e.standing is Standing.GRACE and certificate.lapses_at is not None:
        return policy, certificate.lapses_at, policy.lapsing_notices
    return None


def _notice_at(e: Enrollment, c: Certification) -> datetime | None:
    found = _notices(e, c)
    if found is None:
        return None
    assert e.certificate is not None
    notice = next_notice(*found, e.certificate.told_through)
    if notice is None:
        return None
    armed_at = max(e.certificate.armed_at, e.certificate.expired_at or e.certificate.armed_at)
    at = _waited(e, notice, armed_at)
    return at if at < found[1] else None


def _notice(story: Story, at: datetime) -> None:
    found = _notices(story.e, story.certification)
    assert found is not None
    policy, end, before = found
    told = next_notice(policy, end, before, story.certificate.told_through)
    assert told is not None
    stale = overtaken(policy, end, before, told, story.now)
    certificate = story.set_certificate(told_through=told)
    type = _notice_says(story.e, story.certification, at)
    story.say(type, at, stale=stale, certificate=summary(certificate))


def _notice_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    if e.standing is Standing.VALID:
        return EventType.CERTIFICATE_EXPIRING
    return EventType.CERTIFICATE_LAPSING


# The window opens


def _window_at(e: Enrollment, c: Certification) -> datetime | None:
    """First the window itself; then, told and still unused, the instant at which recertification
    is made automatic (which reaches people in grace as well)."""
    certificate = e.in_force
    if (
        certificate is None
        or certificate.window_at is None
        or certificate.window_used
        or e.cycle is not None
        or e.plan is not None
        or e.stopped
        or e.suspended
    ):
        return None
    at = _waited(e, certificate.window_at, certificate.armed_at)
    if e.standing is Standing.VALID and not certificate.window_told:
        return first_when(at, *gates(e, c))
    if e.next_certification is not None or (not certificate.window_told and c.automatic.at(at)):
        return None
    return first_when(at, *gates(e, c), c.automated)


def _window(story: Story, at: datetime) -> None:
    e, certification = story.e, story.certification
    if e.next_certification is not None:
        _redirect(story, at)
    elif certification.automatic.at(at):
        open_cycle(story, at, Plan(asked_at=at))
        settle(story, at)
    else:
        certificate = story.set_certificate(window_told=True)
        story.say(EventType.RECERTIFICATION_DUE, at, certificate=summary(certificate))


def _window_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    if e.next_certification is not None:
        return EventType.RECERTIFICATION_REDIRECTED
    if c.automatic.at(at):
        return EventType.RECERTIFICATION_OPENED
    return EventType.RECERTIFICATION_DUE


def _redirect(story: Story, at: datetime) -> None:
    target = story.e.next_certification
    assert target is not None
    story.set_certificate(window_used=True, window_told=True)
    story.enroll_elsewhere(target)
    story.say(EventType.RECERTIFICATION_REDIRECTED, at, certification=target, enrolled=True)


# Expiry, lapse, restart


def _expiry_at(e: Enrollment, _: Certification) -> datetime | None:
    certificate = e.certificate
    if e.standing is not Standing.VALID or certificate is None or certificate.expires_at is None:
        return None
    return max(certificate.expires_at, certificate.armed_at)


def _expire(story: Story, at: datetime) -> None:
    certificate = story.set_certificate(expired_at=at)
    story.set(standing=Standing.GRACE)
    story.say(EventType.CERTIFICATE_EXPIRED, at, certificate=summary(certificate))


def _lapse_at(e: Enrollment, _: Certification) -> datetime | None:
    certificate = e.certificate
    if e.standing is not Standing.GRACE or certificate is None or certificate.lapses_at is None:
        return None
    return max(certificate.lapses_at, certificate.armed_at)


def _lapse(story: Story, at: datetime) -> None:
    certificate = story.set_certificate(lapsed_at=at)
    story.set(standing=Standing.LAPSED)
    story.say(EventType.CERTIFICATE_LAPSED, at, certificate=summary(certificate))


def _restart_at(e: Enrollment, c: Certification) -> datetime | None:
    """`on_lapse: restart` closes a recertification cycle that the lapse overtook. Where nothing
    more may open for this learner, the cycle goes on."""
    certificate, cycle = e.certificate, _worked(e)
    if cycle is None or certificate is None or e.standing is not Standing.LAPSED:
        return None
    if cycle.kind is not CycleKind.RECERTIFICATION or certificate.lapsed_at is None:
        return None
    if e.stopped or e.next_certification is not None:
        return None
    if not policy_of(c, certificate.version).restart_on_lapse:
        return None
    armed_at = max(cycle.opened_at, certificate.armed_at)
    return first_when(_waited(e, certificate.lapsed_at, armed_at), *gates(e, c))


def _restart(story: Story, at: datetime) -> None:
    closed = story.close_cycle(CycleOutcome.RESTARTED, at)
    story.set(overtaken=closed)
    story.say(EventType.ENROLLMENT_NOT_COMPLETED, at, by="time", restarts=True)
    open_cycle(story, at, Plan(asked_at=at))
    settle(story, at)


TIMERS: tuple[Timer, ...] = (
    Timer(
        "opening",
        "plan",
        "`opens_at`, `effective_from`, a seat, a course back",
        "waiting",
        "the cycle opens",
        (EventType.ENROLLMENT_OPENED, EventType.RECERTIFICATION_OPENED),
        opening_at,
        _opens,
        _opening_says,
    ),
    Timer(
        "reminder",
        "cycle",
        "each `reminders_before_due`",
        "not_started, in_progress",
        "–",
        (EventType.ENROLLMENT_DUE_SOON,),
        _due_soon_at,
        _due_soon,
    ),
    Timer(
        "due",
        "cycle",
        "the due date",
        "not_started, in_progress",
        "flag overdue",
        (EventType.ENROLLMENT_OVERDUE,),
        _overdue_at,
        _overdue,
    ),
    Timer(
        "limit",
        "cycle",
        "`completion_limit`",
        "not_started, in_progress",
        "initial: not_completed; otherwise the cycle closes and the standing stays",
        (EventType.ENROLLMENT_NOT_COMPLETED,),
        _limit_at,
        _limit,
    ),
    Timer(
        "notice",
        "certificate",
        "each `expiring_notices`, `lapsing_notices`",
        "standing valid; grace",
        "–",
        (EventType.CERTIFICATE_EXPIRING, EventType.CERTIFICATE_LAPSING),
        _notice_at,
        _notice,
        _notice_says,
    ),
    Timer(
        "window",
        "certificate",
        "the window opens",
        "standing valid, no cycle open, assigned",
        "with `automatic_recertification`: a recertification cycle on the latest version; "
        "without: the flag due_for_recertification",
        (
            EventType.RECERTIFICATION_OPENED,
            EventType.RECERTIFICATION_DUE,
            EventType.RECERTIFICATION_REDIRECTED,
        ),
        _window_at,
        _window,
        _window_says,
    ),
    Timer(
        "expiry",
        "certificate",
        "`expires_at`",
        "standing valid",
        "grace",
        (EventType.CERTIFICATE_EXPIRED,),
        _expiry_at,
        _expire,
    ),
    Timer(
        "lapse",
        "certificate",
        "grace ends",
        "standing grace",
        "lapsed",
        (EventType.CERTIFICATE_LAPSED,),
        _lapse_at,
        _lapse,
    ),
    Timer(
        "restart",
        "cycle",
        "grace ended, with `on_lapse: restart`",
        "standing lapsed, a recertification cycle open",
        "the open cycle closes and a reinstatement opens",
        (EventType.ENROLLMENT_NOT_COMPLETED,),
        _restart_at,
        _restart,
    ),
)


def earliest(e: Enrollment, c: Certification) -> tuple[datetime, Timer] | None:
    """The row that comes due first, and when."""
    found: tuple[datetime, Timer] | None = None
    for timer in TIMERS:
        if getattr(e, timer.of) is None:
            continue
        at = timer.due(e, c)
        if at is not None and (found is None or at < found[0]):
            found = at, timer
    return found
