"""Counting the evidence: the open cycle is judged anew, and what follows from it happens.

Begun, progressed, pending approval, completed and certified: all of it is decided here, whether
evidence came, a wait ended, or a person decided something.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from certsvc.domain.enrollment import (
    Certificate,
    Cycle,
    CycleOutcome,
    Enrollment,
    Issued,
    Progress,
)
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact
from certsvc.domain.ids import certificate_code, certificate_number
from certsvc.domain.opening import path_of, policy_of
from certsvc.domain.progress import judge
from certsvc.domain.status import CycleKind, Standing, Work
from certsvc.domain.story import Story
from certsvc.domain.validity import completion_of, expiry, terms

_INSTANT = timedelta(microseconds=1)
NO_CREDIT = datetime(1, 1, 1, tzinfo=UTC)


def assess(story: Story, cycle: Cycle, at: datetime) -> Progress:
    """Where a cycle of this enrollment stands at the instant."""
    e, certification = story.e, story.certification
    credited_before = NO_CREDIT
    if cycle.kind is CycleKind.INITIAL:
        credited_before = min(e.assigned_at, cycle.opened_at)
    calendar = policy_of(certification, cycle.version).calendar
    path = path_of(certification, cycle)
    return judge(cycle, path, calendar, own_facts(e), credited_before, at)


def own_facts(e: Enrollment) -> tuple[Fact, ...]:
    """The facts that may count here: what is bound to another certification does not."""
    return tuple(fact for fact in e.evidence if fact.certification_id in (None, e.certification_id))


def count(story: Story, at: datetime) -> None:
    """Count kept and new evidence: for a cycle that time had closed, then for the open one."""
    revive(story)
    settle(story, at)


def revive(story: Story) -> None:
    """A cycle that time alone closed is completed after all by evidence that, when it was true,
    would have completed it; a cycle that time opened instead closes as cancelled."""
    e, closed = story.e, story.e.overtaken
    if (
        closed is None
        or closed.closed_at is None
        or e.suspended
        or not e.assigned
        or not e.evidence
    ):
        return
    in_time = closed.closed_at - _INSTANT
    if assess(story, closed, in_time).work_completed_at is None:
        return
    if e.cycle is not None:
        story.close_cycle(CycleOutcome.CANCELLED, story.now)
        story.say(EventType.ENROLLMENT_CANCELLED, story.now, by="time")
    story.reopen_cycle(closed)
    story.set(overtaken=None, plan=None, work=work_of(closed.progress))
    story.settled_at = None
    settle(story, in_time)


def settle(story: Story, at: datetime) -> None:
    """Count what is known at the instant, if an open cycle runs; say what changed."""
    if not story.e.running:
        return
    if story.settled_at is not None:
        story.settled_at = max(story.settled_at, at)
    before = story.cycle.progress
    progress = assess(story, story.cycle, at)
    if progress != before:
        story.set_cycle(progress=progress)
        _tell(story, before, progress, at)
    if progress.completed_at is not None:
        issue(story)
        return
    work = work_of(progress)
    if work is Work.PENDING_APPROVAL and story.e.work is not work:
        assert progress.work_completed_at is not None
        awaiting = list(progress.awaiting)
        story.say(EventType.ENROLLMENT_PENDING_APPROVAL, progress.work_completed_at, steps=awaiting)
    elif work is not Work.PENDING_APPROVAL and story.e.work is Work.PENDING_APPROVAL:
        story.set(resumed_at=at)
    if work is not story.e.work:
        story.set(work=work)


def _tell(story: Story, before: Progress, progress: Progress, at: datetime) -> None:
    """Say what changed. A change too small to be named is told all the same, so that no state is
    reached that the history does not hold."""
    if before.begun_at is None and progress.begun_at is not None:
        story.say(EventType.ENROLLMENT_STARTED, progress.begun_at)
    changes = _changes(before, progress)
    if changes or not story.spoken:
        story.say(EventType.ENROLLMENT_PROGRESSED, _latest(progress, at), **changes)


def work_of(progress: Progress) -> Work:
    """The work axis of a cycle that runs and is not complete."""
    if progress.work_completed_at is not None:
        return Work.PENDING_APPROVAL
    return Work.NOT_STARTED if progress.begun_at is None else Work.IN_PROGRESS


def _changes(before: Progress, after: Progress) -> dict[str, Any]:
    """What is told of a progress: steps, exam and payment that are not as they were. Of a cycle
    that is judged for the first time, only what is done already."""
    known = {step.key: step for step in before.steps}
    changes: dict[str, Any] = {}
    steps = [
        {"key": step.key, "state": step.state, "by": step.by, "at": step.at}
        for step in after.steps
        if (before.steps or step.at is not None) and step != known.get(step.key)
    ]
    if steps:
        changes["steps"] = steps
    if after.exam.state is not before.exam.state and (before.steps or after.exam.at is not None):
        changes["exam"] = after.exam.state
    if after.paid_at is not None and after.paid_at != before.paid_at:
        changes["payment"] = after.payment
    return changes


def _latest(progress: Progress, at: datetime) -> datetime:
    """When the newest of what is done was true, at most `at`."""
    moments = [step.at for step in progress.steps if step.at is not None]
    moments += [moment for moment in (progress.exam.at, progress.paid_at) if moment is not None]
    return min(max(moments, default=at), at)


def issue(story: Story) -> None:
    """The complete cycle closes and earns a certificate, which supersedes the one in force."""
    e, cycle = story.e, story.cycle
    policy = policy_of(story.certification, cycle.version)
    completion = completion_of(cycle, e.assigned_at, e.certificate, not e.issued)
    expires_at = expiry(policy, completion)
    story.close_cycle(CycleOutcome.COMPLETED, completion.certified_at)
    certify(
        story,
        version=cycle.version,
        cycle=cycle.number,
        certified_at=completion.certified_at,
        valid_from=completion.certified_at,
        expires_at=expires_at,
        evidence=_used(cycle.progress),
    )


def certify(
    story: Story,
    *,
    version: int,
    cycle: int | None,
    certified_at: datetime,
    valid_from: datetime,
    expires_at: datetime | None,
    evidence: tuple[str, ...] = (),
) -> None:
    """A certificate comes into force; the one that was in force is superseded."""
    certificate = new_certificate(
        story, version, cycle, certified_at, valid_from, expires_at, evidence
    )
    old = story.e.in_force
    if old is not None:
        superseded = story.set_certificate(superseded_at=certified_at)
        story.say(EventType.CERTIFICATE_SUPERSEDED, certified_at, certificate=summary(superseded))
    story.keep_certificate(certificate)
    story.set(
        certificate=certificate,
        issued=(*story.e.issued, Issued(certified_at, expires_at)),
        standing=Standing.VALID,
        work=Work.NONE,
        plan=None,
        overtaken=None,
    )
    story.say(EventType.CERTIFICATE_ISSUED, certified_at, certificate=summary(certificate))


def new_certificate(  # noqa: PLR0917 - a certificate has that many sources
    story: Story,
    version: int,
    cycle: int | None,
    certified_at: datetime,
    valid_from: datetime,
    expires_at: datetime | None,
    evidence: tuple[str, ...],
) -> Certificate:
    """A certificate with the dates of the version it was earned under. Its window never opens
    before it was certified, nor before the enrollment."""
    e = story.e
    ordinal = len(e.issued) + 1
    policy = policy_of(story.certification, version)
    dates = terms(policy, expires_at, max(certified_at, e.enrolled_at))
    return Certificate(
        id=story.id_of(certified_at, "certificate", ordinal),
        ordinal=ordinal,
        number=certificate_number(story.certification.key, e.id, ordinal),
        code=certificate_code(e.seed, ordinal),
        cycle=cycle,
        version=version,
        certified_at=certified_at,
        valid_from=valid_from,
        expires_at=expires_at,
        extends_from=expires_at,
        lapses_at=dates.lapses_at,
        window_at=dates.window_at,
        armed_at=certified_at,
        told_through=certified_at,
        evidence=evidence,
    )


def summary(certificate: Certificate) -> dict[str, Any]:
    """What events tell of a certificate."""
    return {
        "id": certificate.id,
        "number": certificate.number,
        "code": certificate.code,
        "version": certificate.version,
        "certified_at": certificate.certified_at,
        "valid_from": certificate.valid_from,
        "expires_at": certificate.expires_at,
        "lapses_at": certificate.lapses_at,
        "recertification_at": certificate.window_at,
        "superseded_at": certificate.superseded_at,
        "revoked_at": certificate.revoked_at,
    }


def _used(progress: Progress) -> tuple[str, ...]:
    used = [evidence for step in progress.steps for evidence in step.evidence]
    return tuple(dict.fromkeys([*used, *progress.exam.evidence]))


def remaining(story: Story) -> datetime | None:
    """When the next kept fact was true, for a cycle that opened in the past of this story.

    Only a story that catches up meets one: evidence known now, true later than the instant that
    the story has come to."""
    e, settled_at = story.e, story.settled_at
    if settled_at is None or not e.evidence or not e.running:
        return None
    later = (fact.occurred_at for fact in own_facts(e) if fact.occurred_at > settled_at)
    return min(later, default=None)
