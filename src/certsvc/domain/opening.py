"""Opening a cycle: its version, its dates, the evidence that counts, and when it can open."""

from datetime import datetime, timedelta
from typing import Any

from certsvc.domain.certification import Certification, Gate, Version, first_when
from certsvc.domain.definition import Path, Policy, WayType
from certsvc.domain.enrollment import Cycle, Enrollment, Plan
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Work
from certsvc.domain.story import Story

_INSTANT = timedelta(microseconds=1)


def gates(enrollment: Enrollment, certification: Certification) -> tuple[Gate, ...]:
    """What must hold, beside its own date, for a cycle to open by itself.

    A gate that depends on more of the world (a seat, a course that is back) joins here."""

    def assigned(at: datetime) -> datetime | None:
        return at if enrollment.assigned and not enrollment.suspended else None

    return assigned, certification.unarchived, certification.effective


def opening_at(enrollment: Enrollment, certification: Certification) -> datetime | None:
    """When the planned cycle opens; None while that is not foreseen."""
    plan = enrollment.plan
    if plan is None or enrollment.work is not Work.WAITING:
        return None
    at = plan.opens_at or plan.asked_at
    if enrollment.resumed_at is not None:
        at = max(at, enrollment.resumed_at)
    return first_when(at, *gates(enrollment, certification))


def open_or_wait(story: Story, plan: Plan) -> None:
    """The planned cycle opens at its instant if that has come, else it waits."""
    story.set(plan=plan, work=Work.WAITING)
    at = opening_at(story.e, story.certification)
    if at is not None and at <= story.now:
        open_planned(story, at)


def open_planned(story: Story, at: datetime) -> None:
    """The planned cycle opens."""
    plan = story.e.plan
    assert plan is not None
    open_cycle(story, at, plan)


def open_cycle(story: Story, at: datetime, plan: Plan) -> None:
    """A cycle opens at the instant on the version that is the latest then.

    Only opens it: the caller settles kept evidence, after its own lines are said."""
    e, certification = story.e, story.certification
    version = certification.latest(at) or certification.versions[-1]
    kind = e.next_kind
    policy = version.definition.policy
    due_at, follows = _due(e, kind, policy, plan, at)
    counts_from = _counts_from(e, kind, policy, plan, at)
    cycle = Cycle(
        number=e.cycles + 1,
        kind=kind,
        version=version.number,
        opened_at=at,
        counts_from=counts_from,
        test_outs_from=counts_from,
        due_at=due_at,
        due_follows_expiry=follows,
        limit_at=plan.limit_at or limit_of(policy, at, due_at),
        limit_by_hand=plan.limit_at is not None,
        armed_at=at,
        told_through=at,
    )
    story.set(plan=None, work=Work.NOT_STARTED)
    story.open_cycle(cycle)
    if e.certificate is not None and not e.certificate.window_used:
        story.set_certificate(window_used=True)
    if kind is CycleKind.INITIAL:
        story.say(EventType.ENROLLMENT_OPENED, at, cycle=opened(cycle, version))
    else:
        story.say(EventType.RECERTIFICATION_OPENED, at, cycle=opened(cycle, version))


def opened(cycle: Cycle, version: Version) -> dict[str, Any]:
    """What the event of an opening tells: the steps with the LMS's course ids, so that the LMS
    can reset what it owns."""
    path = version.definition.path(cycle.kind)
    return {
        "number": cycle.number,
        "kind": cycle.kind,
        "version": cycle.version,
        "opened_at": cycle.opened_at,
        "counts_from": cycle.counts_from,
        "due_at": cycle.due_at,
        "limit_at": cycle.limit_at,
        "steps": [
            {
                "key": step.key,
                "title": step.title,
                "course_ids": [way.course_id for way in step.ways if way.course_id is not None],
                "exam_ids": [way.exam_id for way in step.ways if way.type is WayType.TEST_OUT],
            }
            for step in path.steps
        ],
        "exam_id": path.exam.exam_id if path.exam is not None else None,
        "payment_required": path.payment_required,
    }


def due_of(policy: Policy, opened_at: datetime) -> datetime | None:
    """The due date that the policy gives a cycle."""
    due, calendar = policy.due, policy.calendar
    if due is None:
        return None
    if due.on is not None:
        return calendar.ends(calendar.fixed(due.on))
    assert due.after is not None
    return calendar.ends(calendar.plus(calendar.point(opened_at), due.after))


def limit_of(policy: Policy, opened_at: datetime, due_at: datetime | None) -> datetime | None:
    """The limit that the policy gives a cycle. From a due date that passed before the opening it
    is counted from the opening, else the cycle would be closed as soon as it opens."""
    limit, calendar = policy.limit, policy.calendar
    if limit is None or (limit.from_due and due_at is None):
        return None
    base = calendar.point(opened_at)
    if limit.from_due and due_at is not None and due_at > opened_at:
        base = calendar.end_point(due_at)
    return calendar.ends(calendar.plus(base, limit.after))


def follows_expiry(enrollment: Enrollment, kind: CycleKind) -> bool:
    """Whether a cycle of this kind is due at the expiry of the certificate in force."""
    certificate = enrollment.in_force
    return (
        kind is CycleKind.RECERTIFICATION
        and certificate is not None
        and certificate.expires_at is not None
    )


def _due(
    e: Enrollment, kind: CycleKind, policy: Policy, plan: Plan, at: datetime
) -> tuple[datetime | None, bool]:
    if plan.due_at is not None:
        return plan.due_at, False
    if follows_expiry(e, kind):
        assert e.certificate is not None
        return e.certificate.expires_at, True
    return due_of(policy, at), False


def _counts_from(
    e: Enrollment, kind: CycleKind, policy: Policy, plan: Plan, at: datetime
) -> datetime:
    """From when on evidence counts (lifecycle, 5, Evidence)."""
    if plan.counts_from is not None:
        return plan.counts_from
    calendar = policy.calendar
    certificate = e.certificate
    counts_from = calendar.begins(calendar.point(at))
    if kind is CycleKind.INITIAL:
        base = calendar.point(min(e.assigned_at, at))
        counts_from = calendar.begins(calendar.minus(base, policy.prior_credit))
    elif (
        kind is CycleKind.RECERTIFICATION
        and certificate is not None
        and certificate.revoked_at is None
    ):
        if policy.recertification_evidence == "certification":
            counts_from = certificate.certified_at
        elif certificate.window_at is not None:
            counts_from = calendar.begins(calendar.point(min(certificate.window_at, at)))
    if e.issued:
        last = max(issued.certified_at for issued in e.issued)
        counts_from = max(counts_from, last + _INSTANT)
    return counts_from


def path_of(certification: Certification, cycle: Cycle) -> Path:
    """The path that a cycle follows."""
    return certification.pinned(cycle.version).definition.path(cycle.kind)


def policy_of(certification: Certification, version: int) -> Policy:
    """The policy of the version that a cycle or certificate is pinned to."""
    return certification.pinned(version).definition.policy
