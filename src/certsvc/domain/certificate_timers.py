"""What time does to a certificate: notices, the renewal window, expiry, lapse, restart.

For each row of TIMERS when it comes due, and what happens then; `timeline.py` has the rows.
"""

from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.cycle_timers import open_now, waited, worked
from certsvc.domain.definition import Policy
from certsvc.domain.enrollment import HELD, CycleOutcome, Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.opening import policy_of, unhindered
from certsvc.domain.periods import Duration
from certsvc.domain.settling import summary
from certsvc.domain.status import CycleKind, Standing
from certsvc.domain.story import Story
from certsvc.domain.validity import next_notice, overtaken

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


def notice_at(e: Enrollment, c: Certification) -> datetime | None:
    """The next notice before the end that is warned of now."""
    found = _notices(e, c)
    if found is None:
        return None
    assert e.certificate is not None
    notice = next_notice(*found, e.certificate.told_through)
    if notice is None:
        return None
    armed_at = max(e.certificate.armed_at, e.certificate.expired_at or e.certificate.armed_at)
    at = waited(e, notice, armed_at)
    return at if at < found[1] else None


def notice(story: Story, at: datetime) -> None:
    """Warn; a notice overtaken by the next, or by the end, is stale."""
    found = _notices(story.e, story.certification)
    assert found is not None
    policy, end, before = found
    told = next_notice(policy, end, before, story.certificate.told_through)
    assert told is not None
    stale = overtaken(policy, end, before, told, story.now)
    certificate = story.set_certificate(told_through=told)
    type = notice_says(story.e, story.certification, at)
    story.say(type, at, stale=stale, certificate=summary(certificate))


def notice_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    """Expiring while valid, lapsing in grace."""
    if e.standing is Standing.VALID:
        return EventType.CERTIFICATE_EXPIRING
    return EventType.CERTIFICATE_LAPSING


# The window opens


def window_at(e: Enrollment, c: Certification) -> datetime | None:
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
    at = waited(e, certificate.window_at, certificate.armed_at)
    if e.standing is Standing.VALID and not certificate.window_told:
        opens = unhindered(e, c, at)
        by_itself = e.next_certification is None and opens is not None and c.automatic.at(opens)
        return _unheld(e, c, opens) if by_itself else opens
    if e.next_certification is not None:
        return None
    if not certificate.window_told and c.automatic.at(at):
        return None
    return _unheld(e, c, unhindered(e, c, at, c.automated))


def _unheld(e: Enrollment, c: Certification, at: datetime | None) -> datetime | None:
    """The first instant at or after this one at which automatic recertification does not keep
    away."""
    if e.held_until is None or at is None or e.held_until <= at:
        return at
    return None if e.held_until >= HELD else unhindered(e, c, e.held_until)


def window(story: Story, at: datetime) -> None:
    """Lead elsewhere, open a cycle, or say that it is due."""
    e, certification = story.e, story.certification
    if e.next_certification is not None:
        _redirect(story, at)
    elif certification.automatic.at(at):
        open_now(story, at)
    else:
        certificate = story.set_certificate(window_told=True)
        story.say(EventType.RECERTIFICATION_DUE, at, certificate=summary(certificate))


def window_says(e: Enrollment, c: Certification, at: datetime) -> EventType:
    """What the window begins with."""
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


def expiry_at(e: Enrollment, _: Certification) -> datetime | None:
    """The expiry of the certificate in force."""
    certificate = e.certificate
    if e.standing is not Standing.VALID or certificate is None or certificate.expires_at is None:
        return None
    return max(certificate.expires_at, certificate.armed_at)


def expire(story: Story, at: datetime) -> None:
    """Grace begins."""
    certificate = story.set_certificate(expired_at=at)
    story.set(standing=Standing.GRACE)
    story.say(EventType.CERTIFICATE_EXPIRED, at, certificate=summary(certificate))


def lapse_at(e: Enrollment, _: Certification) -> datetime | None:
    """The end of grace."""
    certificate = e.certificate
    if e.standing is not Standing.GRACE or certificate is None or certificate.lapses_at is None:
        return None
    return max(certificate.lapses_at, certificate.armed_at)


def lapse(story: Story, at: datetime) -> None:
    """The certificate has lapsed."""
    certificate = story.set_certificate(lapsed_at=at)
    story.set(standing=Standing.LAPSED)
    story.say(EventType.CERTIFICATE_LAPSED, at, certificate=summary(certificate))


def restart_at(e: Enrollment, c: Certification) -> datetime | None:
    """`on_lapse: restart` closes a recertification cycle that the lapse overtook. Where nothing
    more may open for this learner, the cycle goes on."""
    certificate, cycle = e.certificate, worked(e)
    if cycle is None or certificate is None or e.standing is not Standing.LAPSED:
        return None
    if cycle.kind is not CycleKind.RECERTIFICATION or certificate.lapsed_at is None:
        return None
    if e.stopped or e.next_certification is not None:
        return None
    if not policy_of(c, certificate.version).restart_on_lapse:
        return None
    armed_at = max(cycle.opened_at, certificate.armed_at)
    return unhindered(e, c, waited(e, certificate.lapsed_at, armed_at))


def restart(story: Story, at: datetime) -> None:
    """The open cycle closes, and a reinstatement opens."""
    closed = story.close_cycle(CycleOutcome.RESTARTED, at)
    story.set(overtaken=closed)
    story.say(EventType.ENROLLMENT_NOT_COMPLETED, at, by="time", restarts=True)
    open_now(story, at)
