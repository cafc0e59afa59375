"""Conditions of the grid: each answers None, or the refusal with its reason.

A guard reads the enrollment as it is now, the certification, and the action with what it takes;
it changes nothing. `transitions.py` says which guards stand at which action and status.
"""

from collections.abc import Callable
from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act
from certsvc.domain.definition import Path
from certsvc.domain.enrollment import Enrollment, PaymentState, Source
from certsvc.domain.evidence import FactOutcome, FactType, standing_facts
from certsvc.domain.opening import path_of
from certsvc.domain.outcome import Refusal
from certsvc.domain.settling import own_facts
from certsvc.domain.status import IN_FORCE, Standing, Work

Guard = Callable[[Enrollment, Certification, Act, datetime], Refusal | None]


def no(reason_code: str, detail: str, *, code: str = "action_not_allowed") -> Refusal:
    """The state forbids it."""
    return Refusal(code=code, reason_code=reason_code, detail=detail)


def unsound(reason_code: str, detail: str, parameter: str | None = None) -> Refusal:
    """The request itself is unsound."""
    return Refusal(
        code="invalid_parameter",
        reason_code=reason_code,
        detail=detail,
        invalid=True,
        parameter=parameter,
    )


def _path(e: Enrollment, c: Certification) -> Path | None:
    return None if e.cycle is None else path_of(c, e.cycle)


# What must be there


def cycle_open(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """A cycle must have opened; one that waits has nothing to act on."""
    return None if e.cycle is not None else no("no_open_cycle", "No cycle is open.")


def cycle_open_or_planned(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """A cycle must be open, or planned."""
    if e.cycle is not None or e.plan is not None:
        return None
    return no("no_open_cycle", "No cycle is open.")


def payment_outstanding(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Payment required and not paid (notes 1 and 4)."""
    path = _path(e, c)
    if path is None:
        return no("no_open_cycle", "No cycle is open.")
    if not path.payment_required:
        return no("payment_not_required", "This cycle asks for no payment.")
    assert e.cycle is not None
    if e.cycle.progress.payment is not PaymentState.DUE:
        return no("payment_settled", "The payment is made or waived already.")
    return None


def has_training(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """The path must have training steps."""
    path = _path(e, c)
    if path is None:
        return no("no_open_cycle", "No cycle is open.")
    return None if path.steps else no("no_training", "The path has no training steps.")


def has_exam(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """The path must have an exam."""
    path = _path(e, c)
    if path is None:
        return no("no_open_cycle", "No cycle is open.")
    return None if path.exam is not None else no("no_exam", "The path has no exam.")


def exam_resettable(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Never a test-out: once completed, passed or failed, it is final for its cycle (note 6)."""
    refusal = has_exam(e, c, a, now)
    path = _path(e, c)
    if refusal is not None and path is not None:
        if any(way.passing_score is not None for step in path.steps for way in step.ways):
            return no("test_out_is_final", "A test-out is final for its cycle; it has no reset.")
    return refusal


def no_attempt_open(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Not while an exam attempt is open (note 5)."""
    if e.cycle is not None and e.cycle.progress.exam.open_attempt:
        return no("exam_attempt_open", "An exam attempt is open.")
    return None


# Assignments


def assigned(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Without an assignment nobody opens a cycle; for restore, a membership in a group is one."""
    if e.assigned or a.groups:
        return None
    return no("unassigned", "The learner has no assignment.", code="unassigned")


def manual_only(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Only when every assignment is manual (note 2)."""
    if not e.assignments:
        return no("unassigned", "The learner has no assignment.")
    if all(assignment.source is Source.MANUAL for assignment in e.assignments):
        return None
    return no("not_only_manual", "Assignments that are not manual stand.")


def nothing_invested(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Only when no exam has been started and nothing has been paid (note 3)."""
    cycle = e.cycle
    if cycle is None:
        return None
    if cycle.progress.payment is PaymentState.PAID:
        return no("already_paid", "The cycle has been paid for.")
    path = path_of(c, cycle)
    exams = {way.exam_id for step in path.steps for way in step.ways}
    exams.add(path.exam.exam_id if path.exam is not None else None)
    for fact in standing_facts(own_facts(e)):
        if fact.occurred_at < cycle.counts_from:
            continue
        if fact.type in (FactType.EXAM_ATTEMPT, FactType.TEST_OUT_ATTEMPT):
            if fact.exam_id in exams:
                return no("exam_started", "An exam has been started.")
        if fact.type is FactType.PAYMENT and fact.outcome is FactOutcome.PAID:
            return no("already_paid", "Something has been paid.")
    return None


# The credential


def credential_valid(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """While the credential is good: standing valid (note 8)."""
    if e.standing is Standing.VALID:
        return None
    return no("no_valid_certificate", "No certificate is valid.")


def credential_in_force(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """While the credential is good or in grace (note 8, suspend)."""
    if e.standing in IN_FORCE:
        return None
    return no("no_certificate_in_force", "No certificate is in force.")


# Openings


def may_open(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """All openings are refused on an archived certification and without a published version."""
    archived = not_archived(e, c, a, now)
    if archived is not None:
        return archived
    if not c.versions:
        return no(
            "no_published_version",
            "The certification has no published version.",
            code="no_published_version",
        )
    if c.latest(now) is None:
        starts = c.effective(now)
        return Refusal(
            code="no_published_version",
            reason_code="not_yet_effective",
            detail="No published version is in effect yet.",
            available_at=starts,
        )
    return assigned(e, c, a, now)


def not_archived(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """An archived certification opens no cycle, so nobody is due there."""
    if not c.archived.now:
        return None
    return no(
        "certification_archived",
        "An archived certification opens no cycle.",
        code="certification_archived",
    )


def not_stopped(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Not where recertification was stopped for this learner, or leads elsewhere."""
    if e.stopped:
        return no("recertification_stopped", "Recertification was stopped for this learner.")
    if e.next_certification is not None:
        return no("recertification_redirected", "Recertification leads to another certification.")
    return None


def not_waiting(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Not while a cycle waits: it will open by itself."""
    if e.work is Work.WAITING:
        return no("cycle_waiting", "A cycle waits to open already.")
    return None


def due_for_recertification(
    e: Enrollment, c: Certification, a: Act, now: datetime
) -> Refusal | None:
    """Only when due, otherwise with the date on which it will be (note 7); `early` goes before."""
    certificate = e.in_force
    assert certificate is not None
    if certificate.window_at is None:
        return no("no_renewal", "This certificate has no renewal.")
    if certificate.window_at <= now or a.early:
        return None
    return Refusal(
        reason_code="not_due_for_recertification",
        detail="The recertification window has not opened yet.",
        available_at=certificate.window_at,
    )


# Changes


def version_known(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """The version to move to must be published, and some version in effect."""
    if a.version is not None and c.version(a.version) is None:
        return unsound("version_unknown", "No published version has that number.", "version")
    if a.version is None and c.latest(now) is None:
        return no("no_published_version", "No version is in effect.", code="no_published_version")
    return None


def version_published(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """A certificate is issued by a version."""
    if c.versions:
        return None
    return no(
        "no_published_version",
        "The certification has no published version.",
        code="no_published_version",
    )


def dates_to_change(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Some date must be there to change: of an open or planned cycle, or a certificate in force."""
    if e.cycle is not None or e.plan is not None or e.in_force is not None:
        return None
    return no("no_dates", "Neither a cycle nor a certificate has dates to change.")


def may_begin(e: Enrollment, c: Certification, a: Act, now: datetime) -> Refusal | None:
    """Accepting and approving begin a cycle, at once or on a later date: only an archived
    certification, or one without any version, stands in the way."""
    refusal = may_open(e, c, a, now)
    if refusal is not None and refusal.reason_code == "not_yet_effective":
        return None
    return refusal
