"""change-dates: dates set by hand, and what follows from them (lifecycle, 5, change-dates)."""

from datetime import datetime
from typing import Any

from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.guards import no, unsound
from certsvc.domain.opening import limit_of, policy_of
from certsvc.domain.outcome import Refusal
from certsvc.domain.status import Standing
from certsvc.domain.story import Story
from certsvc.domain.validity import terms

Changes = dict[str, Any]


def change_dates(story: Story, act: Act) -> Refusal | None:
    """Given instants are taken as they are; they hold for their cycle or certificate."""
    refusal = _refusal(story.e, act)
    if refusal is not None:
        return refusal
    changes: Changes = {}
    if act.expires_at is not None:
        _change_expiry(story, act.expires_at, act.keep_anniversary, changes)
    if act.recertification_at is not None:
        _change_window(story, act.recertification_at, changes)
    if act.due_at is not None:
        _change_due(story, act.due_at, changes)
    if act.limit_at is not None:
        _change_limit(story, act.limit_at, changes)
    story.say(EventType.ENROLLMENT_DATES_CHANGED, story.now, changes=changes)
    return None


def _refusal(e: Enrollment, act: Act) -> Refusal | None:
    of_cycle = act.due_at is not None or act.limit_at is not None
    of_certificate = act.expires_at is not None or act.recertification_at is not None
    if not (of_cycle or of_certificate):
        return unsound("nothing_to_change", "Name at least one date.")
    if of_cycle and e.cycle is None and e.plan is None:
        return no("no_open_cycle", "No cycle is open.")
    certificate = e.in_force
    if of_certificate and certificate is None:
        return no("no_certificate_in_force", "No certificate is in force.")
    if act.expires_at is not None and certificate is not None:
        if act.expires_at <= certificate.certified_at:
            return unsound(
                "expires_before_certified", "An expiry lies after the certification.", "expires_at"
            )
    return None


def _told(before: datetime | None, after: datetime | None) -> dict[str, datetime | None]:
    return {"before": before, "after": after}


def _change_expiry(story: Story, expires_at: datetime, keep: bool, changes: Changes) -> None:
    """Window, notices and grace follow, and arm again; reminders already past are dropped. An
    extension keeps the anniversary, an alignment counts the next period from the new date."""
    e, certificate, now = story.e, story.certificate, story.now
    policy = policy_of(story.certification, certificate.version)
    dates = terms(policy, expires_at, max(certificate.certified_at, e.enrolled_at))
    changes["expires_at"] = _told(certificate.expires_at, expires_at)
    renewing = e.cycle is not None or e.plan is not None
    story.set_certificate(
        expires_at=expires_at,
        extends_from=(certificate.extends_from or expires_at) if keep else expires_at,
        window_at=dates.window_at,
        lapses_at=dates.lapses_at,
        armed_at=now,
        told_through=now,
        window_used=certificate.window_used and renewing,
        window_told=False,
        expired_at=certificate.expired_at if expires_at <= now else None,
    )
    if e.standing is Standing.GRACE and expires_at > now:
        story.set(standing=Standing.VALID)
    if e.cycle is not None and e.cycle.due_follows_expiry:
        _set_due(story, expires_at, changes)


def _change_window(story: Story, at: datetime, changes: Changes) -> None:
    """A recertification date set by hand arms the window again."""
    certificate = story.certificate
    changes["recertification_at"] = _told(certificate.window_at, at)
    story.set_certificate(window_at=at, window_used=False, window_told=False, armed_at=story.now)


def _change_due(story: Story, due_at: datetime, changes: Changes) -> None:
    if story.e.cycle is None:
        plan = story.e.plan
        assert plan is not None
        changes["due_at"] = _told(plan.due_at, due_at)
        story.set_plan(due_at=due_at)
        return
    story.set_cycle(due_follows_expiry=False)
    _set_due(story, due_at, changes)


def _set_due(story: Story, due_at: datetime, changes: Changes) -> None:
    """A limit counted from the due date moves with it."""
    cycle = story.cycle
    policy = policy_of(story.certification, cycle.version)
    changes["due_at"] = _told(cycle.due_at, due_at)
    limit_at = cycle.limit_at
    if policy.limit is not None and policy.limit.from_due and not cycle.limit_by_hand:
        limit_at = limit_of(policy, cycle.opened_at, due_at)
        if limit_at != cycle.limit_at:
            changes["limit_at"] = _told(cycle.limit_at, limit_at)
    story.set_cycle(
        due_at=due_at,
        limit_at=limit_at,
        overdue=False,
        armed_at=story.now,
        told_through=story.now,
    )


def _change_limit(story: Story, limit_at: datetime, changes: Changes) -> None:
    if story.e.cycle is None:
        plan = story.e.plan
        assert plan is not None
        changes["limit_at"] = _told(plan.limit_at, limit_at)
        story.set_plan(limit_at=limit_at)
        return
    changes["limit_at"] = _told(story.cycle.limit_at, limit_at)
    story.set_cycle(limit_at=limit_at, limit_by_hand=True, armed_at=story.now)
