"""The catalogue of events: one line of history each.

A new event gets a row in EVENTS; the events page, the contract and the tests follow from it.
"""

from dataclasses import dataclass
from enum import StrEnum


class EventType(StrEnum):
    """`noun.verb`, as they stand in the history and in webhooks."""

    ENROLLMENT_CREATED = "enrollment.created"
    ENROLLMENT_ASSIGNED = "enrollment.assigned"
    ENROLLMENT_UNASSIGNED = "enrollment.unassigned"
    ENROLLMENT_REMOVED = "enrollment.removed"
    ENROLLMENT_APPLIED = "enrollment.applied"
    ENROLLMENT_APPROVED = "enrollment.approved"
    ENROLLMENT_DECLINED = "enrollment.declined"
    ENROLLMENT_ACCEPTED = "enrollment.accepted"
    ENROLLMENT_OPENED = "enrollment.opened"
    ENROLLMENT_STARTED = "enrollment.started"
    ENROLLMENT_PROGRESSED = "enrollment.progressed"
    ENROLLMENT_PENDING_APPROVAL = "enrollment.pending_approval"
    ENROLLMENT_REJECTED = "enrollment.rejected"
    ENROLLMENT_DUE_SOON = "enrollment.due_soon"
    ENROLLMENT_OVERDUE = "enrollment.overdue"
    ENROLLMENT_REMINDER = "enrollment.reminder"
    ENROLLMENT_NOT_COMPLETED = "enrollment.not_completed"
    ENROLLMENT_DEACTIVATED = "enrollment.deactivated"
    ENROLLMENT_REACTIVATED = "enrollment.reactivated"
    ENROLLMENT_CANCELLED = "enrollment.cancelled"
    ENROLLMENT_SUSPENDED = "enrollment.suspended"
    ENROLLMENT_LIFTED = "enrollment.lifted"
    ENROLLMENT_REVOKED = "enrollment.revoked"
    ENROLLMENT_DISALLOWED = "enrollment.disallowed"
    ENROLLMENT_RESTORED = "enrollment.restored"
    ENROLLMENT_OVERRIDDEN = "enrollment.overridden"
    ENROLLMENT_DATES_CHANGED = "enrollment.dates_changed"
    ENROLLMENT_VERSION_MOVED = "enrollment.version_moved"
    EXAM_ATTEMPTED = "exam.attempted"
    EXAM_RESET = "exam.reset"
    PAYMENT_RECORDED = "payment.recorded"
    PAYMENT_WAIVED = "payment.waived"
    PAYMENT_REFUNDED = "payment.refunded"
    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_SUPERSEDED = "certificate.superseded"
    CERTIFICATE_EXPIRING = "certificate.expiring"
    CERTIFICATE_EXPIRED = "certificate.expired"
    CERTIFICATE_LAPSING = "certificate.lapsing"
    CERTIFICATE_LAPSED = "certificate.lapsed"
    CERTIFICATE_REVOKED = "certificate.revoked"
    CERTIFICATE_FLAGGED = "certificate.flagged"
    RECERTIFICATION_DUE = "recertification.due"
    RECERTIFICATION_OPENED = "recertification.opened"
    RECERTIFICATION_FORCED = "recertification.forced"
    RECERTIFICATION_BLOCKED = "recertification.blocked"
    RECERTIFICATION_REDIRECTED = "recertification.redirected"
    RECERTIFICATION_STOPPED = "recertification.stopped"
    SESSION_SEAT_TAKEN = "session.seat_taken"
    SESSION_WAITING = "session.waiting"
    SESSION_SEAT_GIVEN_UP = "session.seat_given_up"
    CERTIFICATION_PUBLISHED = "certification.published"
    CERTIFICATION_ARCHIVED = "certification.archived"
    CERTIFICATION_UNARCHIVED = "certification.unarchived"
    CERTIFICATION_CHANGED = "certification.changed"
    BULK_OPERATION_COMPLETED = "bulk_operation.completed"
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint.disabled"


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event type: what it tells, and the keys of its `data` with their meaning."""

    type: EventType
    summary: str
    data: tuple[tuple[str, str], ...] = ()


_CYCLE = (("cycle", "number, kind, version and steps of the cycle, with the LMS's course ids"),)
_CERTIFICATE = (("certificate", "the certificate: id, number, code and dates"),)
_ASSIGNMENT = (("assignment", "the assignment: id, source, group, assigned_at"),)
_BY = (("by", "time or person"),)
_DUE = (("due_at", "the due date"),)
_EVIDENCE = (("evidence_id", "the LMS's id of the fact"),)

EVENTS: dict[EventType, EventRow] = {
    row.type: row
    for row in (
        EventRow(EventType.ENROLLMENT_CREATED, "A learner was enrolled for the first time."),
        EventRow(EventType.ENROLLMENT_ASSIGNED, "An assignment was added.", _ASSIGNMENT),
        EventRow(EventType.ENROLLMENT_UNASSIGNED, "An assignment was taken away.", _ASSIGNMENT),
        EventRow(EventType.ENROLLMENT_REMOVED, "The last assignment is gone."),
        EventRow(EventType.ENROLLMENT_APPLIED, "The learner applied; a person must approve."),
        EventRow(
            EventType.ENROLLMENT_APPROVED,
            "An application, the cycle, or a step was approved.",
            (("what", "application, cycle or step"), ("steps", "the keys that were signed off")),
        ),
        EventRow(EventType.ENROLLMENT_DECLINED, "The application was declined."),
        EventRow(EventType.ENROLLMENT_ACCEPTED, "The learner accepted the assignment."),
        EventRow(EventType.ENROLLMENT_OPENED, "The initial cycle opened.", _CYCLE),
        EventRow(EventType.ENROLLMENT_STARTED, "The learner began to work on the cycle."),
        EventRow(
            EventType.ENROLLMENT_PROGRESSED,
            "Steps, the exam or the payment changed their state.",
            (
                ("steps", "steps that changed: key, state, by, at"),
                ("exam", "the exam's state"),
                ("payment", "the payment's state"),
            ),
        ),
        EventRow(
            EventType.ENROLLMENT_PENDING_APPROVAL,
            "Everything is done but a sign-off.",
            (("steps", "the keys that await approval"),),
        ),
        EventRow(
            EventType.ENROLLMENT_REJECTED,
            "A sign-off was refused.",
            (
                ("steps", "the keys to do again"),
                ("exam", "whether the exam is to be done again"),
                ("final", "whether the cycle ends with it"),
            ),
        ),
        EventRow(EventType.ENROLLMENT_DUE_SOON, "The due date comes near.", _DUE),
        EventRow(EventType.ENROLLMENT_OVERDUE, "The due date has passed.", _DUE),
        EventRow(EventType.ENROLLMENT_REMINDER, "A person asked to remind the learner."),
        EventRow(
            EventType.ENROLLMENT_NOT_COMPLETED,
            "The cycle ended without being completed.",
            (*_BY, ("restarts", "whether a reinstatement opens instead")),
        ),
        EventRow(EventType.ENROLLMENT_DEACTIVATED, "The cycle was paused by an admin."),
        EventRow(EventType.ENROLLMENT_REACTIVATED, "The paused cycle resumed."),
        EventRow(EventType.ENROLLMENT_CANCELLED, "The cycle was cancelled.", _BY),
        EventRow(EventType.ENROLLMENT_SUSPENDED, "The enrollment was suspended."),
        EventRow(EventType.ENROLLMENT_LIFTED, "The suspension ended."),
        EventRow(EventType.ENROLLMENT_REVOKED, "Access was revoked; not barred."),
        EventRow(EventType.ENROLLMENT_DISALLOWED, "The learner is barred for good."),
        EventRow(EventType.ENROLLMENT_RESTORED, "The bar or revocation was lifted."),
        EventRow(
            EventType.ENROLLMENT_OVERRIDDEN,
            "An admin counted training or exam as done.",
            (("what", "training or exam"),),
        ),
        EventRow(
            EventType.ENROLLMENT_DATES_CHANGED,
            "Dates were set by hand.",
            (("changes", "date name to its value before and after"),),
        ),
        EventRow(
            EventType.ENROLLMENT_VERSION_MOVED,
            "The open cycle moved to another version.",
            (
                ("from_version", "version before"),
                ("to_version", "version after"),
                ("progress", "keep or restart"),
            ),
        ),
        EventRow(
            EventType.EXAM_ATTEMPTED,
            "An exam attempt was reported.",
            (
                *_EVIDENCE,
                ("exam_id", "the exam"),
                ("outcome", "as reported"),
                ("grade", "0 to 100"),
            ),
        ),
        EventRow(EventType.EXAM_RESET, "The attempts so far no longer count."),
        EventRow(EventType.PAYMENT_RECORDED, "A payment was reported.", _EVIDENCE),
        EventRow(EventType.PAYMENT_WAIVED, "The payment was waived by an administrator."),
        EventRow(EventType.PAYMENT_REFUNDED, "A refund was reported.", _EVIDENCE),
        EventRow(
            EventType.CERTIFICATE_ISSUED,
            "A certificate was issued.",
            (*_CERTIFICATE, ("history_only", "whether it only joined the history")),
        ),
        EventRow(
            EventType.CERTIFICATE_SUPERSEDED, "A newer certificate took its place.", _CERTIFICATE
        ),
        EventRow(EventType.CERTIFICATE_EXPIRING, "The expiry comes near.", _CERTIFICATE),
        EventRow(
            EventType.CERTIFICATE_EXPIRED, "The certificate expired; grace runs.", _CERTIFICATE
        ),
        EventRow(EventType.CERTIFICATE_LAPSING, "The end of grace comes near.", _CERTIFICATE),
        EventRow(EventType.CERTIFICATE_LAPSED, "Grace ended.", _CERTIFICATE),
        EventRow(EventType.CERTIFICATE_REVOKED, "The certificate was revoked.", _CERTIFICATE),
        EventRow(
            EventType.CERTIFICATE_FLAGGED,
            "Evidence behind the certificate was retracted; the certificate stands.",
            (*_CERTIFICATE, *_EVIDENCE),
        ),
        EventRow(
            EventType.RECERTIFICATION_DUE,
            "The window opened; somebody may recertify.",
            _CERTIFICATE,
        ),
        EventRow(EventType.RECERTIFICATION_OPENED, "A later cycle opened.", _CYCLE),
        EventRow(
            EventType.RECERTIFICATION_FORCED, "An admin requires recertification now.", _CERTIFICATE
        ),
        EventRow(
            EventType.RECERTIFICATION_BLOCKED,
            "No cycle can open: a course that the path needs is archived.",
            (("course_ids", "the archived courses"),),
        ),
        EventRow(
            EventType.RECERTIFICATION_REDIRECTED,
            "The next recertification leads to another certification.",
            (
                ("certification", "the certification that follows, or latest"),
                ("enrolled", "whether the learner was enrolled there now"),
            ),
        ),
        EventRow(EventType.RECERTIFICATION_STOPPED, "No further cycle opens for this learner."),
        EventRow(
            EventType.SESSION_SEAT_TAKEN,
            "A seat in a live session was taken.",
            (("course_id", "the course"), ("session_id", "the session")),
        ),
        EventRow(
            EventType.SESSION_WAITING,
            "The learner waits for a seat.",
            (("course_id", "the course"), ("session_id", "the cancelled session, where one was")),
        ),
        EventRow(
            EventType.SESSION_SEAT_GIVEN_UP,
            "A seat in a live session is not needed any more; it goes to the next in line.",
            (("course_id", "the course"), ("session_id", "the session")),
        ),
        EventRow(
            EventType.CERTIFICATION_PUBLISHED,
            "A version was published.",
            (("version", "its number"),),
        ),
        EventRow(EventType.CERTIFICATION_ARCHIVED, "The certification was retired."),
        EventRow(EventType.CERTIFICATION_UNARCHIVED, "The certification is back."),
        EventRow(
            EventType.CERTIFICATION_CHANGED,
            "Switches or texts changed.",
            (("changes", "field to its value after"),),
        ),
        EventRow(
            EventType.BULK_OPERATION_COMPLETED,
            "A bulk operation ended.",
            (
                ("action", "what was ordered"),
                ("state", "completed or cancelled"),
                ("total", "how many items there were"),
                ("counts", "how many items had which outcome"),
            ),
        ),
        EventRow(
            EventType.WEBHOOK_ENDPOINT_DISABLED,
            "A webhook endpoint was disabled by itself; it gets nothing until it is enabled again.",
            (
                ("endpoint_id", "the endpoint"),
                ("description", "what it is for, as whoever made it said"),
                ("cause", "gone (it answered 410) or failing"),
                ("failing_since", "when the first attempt after its last success failed"),
                ("failures", "attempts that failed since then"),
            ),
        ),
    )
}
