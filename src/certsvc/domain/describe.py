"""An enrollment as the outside sees it: flags, dates, and the whole object of the interface."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from certsvc.domain.certification import Certification
from certsvc.domain.definition import Path
from certsvc.domain.enrollment import (
    Certificate,
    Cycle,
    Enrollment,
    ExamState,
    PaymentState,
    Place,
    Progress,
    StepState,
)
from certsvc.domain.lifecycle import allowed_now, next_due
from certsvc.domain.opening import opening_at, path_of, policy_of
from certsvc.domain.periods import Calendar
from certsvc.domain.status import Flag, Standing, Work
from certsvc.domain.validity import notices_before

Described = dict[str, Any]


def flags(e: Enrollment, c: Certification, now: datetime) -> tuple[Flag, ...]:
    """The marks that hold at the instant, in the order of their declaration."""
    return tuple(
        [flag for flag, (of, holds) in _FLAGS.items() if getattr(e, of) and holds(e, c, now)]
    )


def _expiring(e: Enrollment, c: Certification, now: datetime) -> bool:
    certificate = e.certificate
    if e.standing is not Standing.VALID or certificate is None or certificate.expires_at is None:
        return False
    policy = policy_of(c, certificate.version)
    notices = notices_before(policy.calendar, certificate.expires_at, policy.expiring_notices)
    return bool(notices) and notices[0] <= now


def _due(e: Enrollment, c: Certification, now: datetime) -> bool:
    certificate = e.certificate
    if e.cycle is not None or e.plan is not None or certificate is None:
        return False
    if c.archived.at(now) or e.stopped or e.next_certification is not None:
        return False
    if certificate.window_at is None:
        return False
    if e.standing is Standing.VALID:
        return certificate.window_at <= now
    return e.standing in (Standing.GRACE, Standing.LAPSED)


def _overdue(e: Enrollment, c: Certification, now: datetime) -> bool:
    return e.cycle is not None and e.cycle.overdue


def _awaiting_payment(e: Enrollment, c: Certification, now: datetime) -> bool:
    return e.cycle is not None and e.cycle.progress.payment is PaymentState.DUE


def _awaiting_session(e: Enrollment, c: Certification, now: datetime) -> bool:
    return any(place.session_id is None for place in e.places)


def _exam_locked(e: Enrollment, c: Certification, now: datetime) -> bool:
    return e.cycle is not None and e.cycle.progress.exam.state is ExamState.EXHAUSTED


def _unassigned(e: Enrollment, c: Certification, now: datetime) -> bool:
    return not e.assigned


def _retracted(e: Enrollment, c: Certification, now: datetime) -> bool:
    return e.certificate is not None and e.certificate.retracted


_FLAGS = {
    Flag.EXPIRING: ("certificate", _expiring),
    Flag.DUE_FOR_RECERTIFICATION: ("certificate", _due),
    Flag.OVERDUE: ("cycle", _overdue),
    Flag.AWAITING_PAYMENT: ("cycle", _awaiting_payment),
    Flag.AWAITING_SESSION: ("places", _awaiting_session),
    Flag.EXAM_LOCKED: ("cycle", _exam_locked),
    Flag.UNASSIGNED: ("id", _unassigned),
    Flag.EVIDENCE_RETRACTED: ("certificate", _retracted),
}
"""Each with the part of the enrollment without which it does not hold."""

SHOWN = (Standing.VALID, Standing.GRACE, Standing.LAPSED)
"""Standings in which a certificate and its dates are shown."""


def shown_certificate(e: Enrollment) -> Certificate | None:
    """The certificate that an enrollment shows: in force, or lapsed; never a revoked one."""
    return e.certificate if e.standing in SHOWN else None


def describe(e: Enrollment, c: Certification, now: datetime) -> Described:
    """The enrollment of the interface, as it is at the instant (already advanced to it)."""
    certificate = shown_certificate(e)
    due = next_due(e, c)
    cycle = None if e.cycle is None else describe_cycle(e.cycle, c)
    if cycle is None and e.work is Work.WAITING:
        cycle = _planned(e, c)
    return {
        "id": e.id,
        "certification_id": e.certification_id,
        "certification_key": c.key,
        "learner_id": e.learner_id,
        "status": e.status,
        "standing": e.standing,
        "work": e.work,
        "suspended": e.suspended,
        "flags": flags(e, c, now),
        "revision": e.revision,
        "enrolled_at": e.enrolled_at,
        "updated_at": e.updated_at,
        "assignments": [
            {"id": a.id, "source": a.source, "group": a.group, "assigned_at": a.assigned_at}
            for a in e.assignments
        ],
        "cycle": cycle,
        "seats": [_seat(place) for place in e.places],
        "certificate": None if certificate is None else describe_certificate(certificate, c, now),
        "certified_at": None if certificate is None else certificate.certified_at,
        "expires_at": None if certificate is None else certificate.expires_at,
        "lapses_at": None if certificate is None else certificate.lapses_at,
        "recertification_at": None if certificate is None else certificate.window_at,
        "due_at": due_at(e),
        "next_recertification": _next(e),
        "next": None if due is None else {"at": due[0], "event": due[1].says_at(e, c, due[0])},
        "allowed_actions": allowed_now(e, c, now),
    }


def _seat(place: Place) -> Described:
    """A seat in a live session; without a session, a place in line for one."""
    return {
        "course_id": place.course_id,
        "session_id": place.session_id,
        "starts_at": place.starts_at,
        "since": place.since,
    }


def due_at(e: Enrollment) -> datetime | None:
    """The due date of the open or planned cycle."""
    if e.cycle is not None:
        return e.cycle.due_at
    return None if e.plan is None else e.plan.due_at


def _next(e: Enrollment) -> str:
    if e.stopped:
        return "never"
    return "latest" if e.next_certification is None else str(e.next_certification)


def describe_cycle(cycle: Cycle, c: Certification) -> Described:
    """A cycle with its payment, steps and exam."""
    path = path_of(c, cycle)
    progress = cycle.progress
    return {
        "number": cycle.number,
        "kind": cycle.kind,
        "version": cycle.version,
        "opens_at": None,
        "opened_at": cycle.opened_at,
        "counts_from": cycle.counts_from,
        "due_at": cycle.due_at,
        "limit_at": cycle.limit_at,
        "closed_at": cycle.closed_at,
        "outcome": cycle.outcome,
        "payment": progress.payment,
        "steps": _steps(path, progress),
        "exam": _exam(progress),
        "approval_required": path.approval_required,
        "approved_at": cycle.decided.approved_at,
        "courses": [{"course_id": id, "revision": revision} for id, revision in cycle.courses],
    }


def _steps(path: Path, progress: Progress) -> list[Described]:
    known = {step.key: step for step in progress.steps}
    shown = []
    for step in path.steps:
        at = known.get(step.key)
        shown.append(
            {
                "key": step.key,
                "title": step.title,
                "state": StepState.LOCKED if at is None else at.state,
                "by": None if at is None else at.by,
                "at": None if at is None else at.at,
            }
        )
    return shown


def _exam(progress: Progress) -> Described:
    exam = progress.exam
    return {
        "state": exam.state,
        "attempts": exam.attempts,
        "attempts_left": exam.attempts_left,
        "next_attempt_at": exam.next_attempt_at,
    }


def _planned(e: Enrollment, c: Certification) -> Described:
    """The cycle that waits: it has no version and no steps before it opens."""
    plan = e.plan
    assert plan is not None
    return {
        "number": e.cycles + 1,
        "kind": e.next_kind,
        "version": None,
        "opens_at": opening_at(e, c) or plan.opens_at,
        "opened_at": None,
        "counts_from": plan.counts_from,
        "due_at": plan.due_at,
        "limit_at": plan.limit_at,
        "closed_at": None,
        "outcome": None,
        "payment": PaymentState.NOT_REQUIRED,
        "steps": [],
        "exam": _exam(Progress()),
        "approval_required": False,
        "approved_at": None,
        "courses": [],
    }


@lru_cache(maxsize=64)
def _today(calendar: Calendar, now: datetime) -> date:
    """The local day: of all who are described at once it is the same."""
    return calendar.day(calendar.point(now))


def describe_certificate(certificate: Certificate, c: Certification, now: datetime) -> Described:
    """A certificate. `days_left` counts local days from today through the last valid one."""
    calendar = policy_of(c, certificate.version).calendar
    valid_through = days_left = None
    if certificate.expires_at is not None:
        valid_through = calendar.shown_through(calendar.through_of(certificate.expires_at))
        days_left = max(0, (valid_through - _today(calendar, now)).days)
    return {
        "id": certificate.id,
        "number": certificate.number,
        "code": certificate.code,
        "cycle": certificate.cycle,
        "version": certificate.version,
        "issued_at": certificate.certified_at,
        "certified_at": certificate.certified_at,
        "valid_from": certificate.valid_from,
        "valid_through": valid_through,
        "expires_at": certificate.expires_at,
        "lapses_at": certificate.lapses_at,
        "recertification_at": certificate.window_at,
        "days_left": days_left,
        "superseded_at": certificate.superseded_at,
        "revoked_at": certificate.revoked_at,
        "evidence_retracted": certificate.retracted,
    }
