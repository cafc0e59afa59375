"""Opening a cycle: its version, its dates, the evidence that counts, and when it can open."""

from datetime import datetime, timedelta
from typing import Any

from certsvc.domain.certification import Certification, Gate, Version, first_when
from certsvc.domain.course import course_ids
from certsvc.domain.definition import Path, Policy, WayType
from certsvc.domain.enrollment import Cycle, Enrollment, Plan
from certsvc.domain.events import EventType
from certsvc.domain.seating import line_up
from certsvc.domain.status import CycleKind, Work
from certsvc.domain.story import Story

_INSTANT = timedelta(microseconds=1)


def unhindered(e: Enrollment, c: Certification, at: datetime, *more: Gate) -> datetime | None:
    """The first instant at or after this one at which time may do something about a cycle's
    opening: what must hold beside its own date, and more where it is asked for."""
    if not e.assigned or e.suspended:
        return None
    if not more and c.opens(at):  # as a rule; asked of every enrollment of a sweep
        return at
    return first_when(at, *more, c.unarchived, c.effective)


def unbarred(e: Enrollment, c: Certification) -> Gate:
    """No archived course, without which the cycle cannot be completed, keeps it from opening."""
    return lambda at: c.passable(e.next_kind, at)


def seated(e: Enrollment, c: Certification) -> Gate:
    """The cycle has every seat in live sessions that it needs, or it may go without."""
    own = [place for place in e.places if place.cycle == e.cycles + 1]
    held = {place.course_id: place.since for place in own if place.session_id is not None}

    def holds(at: datetime) -> bool:
        version = c.latest(at)
        needed = () if version is None else c.seats_needed(version.number, e.next_kind)
        return all(
            (id in held and held[id] <= at) or c.courses[id].overbooking.at(at) for id in needed
        )

    def gate(at: datetime) -> datetime | None:
        if holds(at):
            return at
        changes = [version.starts_at for version in c.versions]
        changes += [since for one in c.courses.values() for since, _ in one.overbooking.history]
        changes += held.values()
        return next((since for since in sorted(changes) if since > at and holds(since)), None)

    return gate


def starts_at(e: Enrollment) -> datetime:
    """When the planned cycle would open if nothing else kept it; a wait that ended counts."""
    plan = e.plan
    assert plan is not None
    at = plan.opens_at or plan.asked_at
    return at if e.resumed_at is None else max(at, e.resumed_at)


def opening_at(enrollment: Enrollment, certification: Certification) -> datetime | None:
    """When the planned cycle opens; None while that is not foreseen."""
    e, c = enrollment, certification
    if e.plan is None or e.work is not Work.WAITING:
        return None
    more = (unbarred(e, c), seated(e, c)) if c.courses else ()
    return unhindered(e, c, starts_at(e), *more)


def open_or_wait(story: Story, plan: Plan) -> None:
    """The planned cycle opens at its instant if nothing keeps it then, else it waits. What ends
    the wait is left to time, even if it is over by now: other rows may be due before."""
    story.set(plan=plan, work=Work.WAITING)
    e, c = story.e, story.certification
    at = unhindered(e, c, starts_at(e))
    if at is None or at > story.now:
        return
    if c.courses:
        _make_ready(story, at)
    if not c.courses or opening_at(story.e, c) == at:
        open_planned(story, at)


def _make_ready(story: Story, at: datetime) -> None:
    """Say what keeps a cycle that would open at the instant: an archived course, or a missing
    seat."""
    if story.certification.barred(story.e.next_kind, at):
        block(story, at)
    else:
        line_up(story, at)


def block(story: Story, at: datetime) -> None:
    """An archived course keeps the planned cycle from opening; told once."""
    courses = story.certification.barred(story.e.next_kind, at)
    story.set_plan(blocked=True)
    story.say(EventType.RECERTIFICATION_BLOCKED, at, course_ids=list(courses))


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
        courses=_revisions(certification, version, kind, at),
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
        "courses": [{"course_id": id, "revision": revision} for id, revision in cycle.courses],
    }


def _revisions(
    c: Certification, version: Version, kind: CycleKind, at: datetime
) -> tuple[tuple[str, str], ...]:
    """The revisions of the path's courses that are current at the instant, where they are known."""
    if not c.courses:
        return ()
    named = course_ids(version.definition.path(kind))
    known = ((id, c.courses[id].revision(at)) for id in named if id in c.courses)
    return tuple((id, revision) for id, revision in known if revision is not None)


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
