"""The words that examples are made of: what a field of some name looks like.

They tell one story, so that an example made of them reads as one: Ursula Young, `u-17`, is a
forklift operator since 10 March 2026, for a year.
"""

from hashlib import sha256
from typing import Any

WORDS: dict[str, Any] = {
    "Idempotency-Key": "0198b2d0-7c00-7000-8000-6f6e63650001",
    "If-Match": '"7"',
    "If-None-Match": '"7"',
    "action": "recertify",
    "after": "P30D",
    "actions": ["approve", "reject"],
    "activity_id": "https://lms.example/activities/safety-101",
    "actor": "key:0198b2d0-7c00-7000-8000-6b65790a0b0c",
    "allowed_actions": ["recertify", "revoke"],
    "api_key_id": "0198b2d0-7c00-7000-8000-6b65790a0b0c",
    "attempt_id": "a-1",
    "because": "The certificate is valid and no cycle is open.",
    "category": "safety",
    "certification": "forklift",
    "certification_key": "forklift",
    "code": "K7QD-M2XA-94TB-RWZC",
    "course_id": "C-1",
    "course_ids": ["C-1"],
    "cursor": "eyJhIjoiMDE5OGIyZDAifQ",
    "description": "LMS production",
    "detail": "The window opens later.",
    "effective_from": "2026-01-01",
    "evidence_id": "e-1",
    "exam_id": "X-1",
    "exam_ids": ["X-2"],
    "format": "svg",
    "grace": "P30D",
    "group": "drivers",
    "groups": ["drivers"],
    "header": "If-Match",
    "instructions": "Upload the certificate of the other school.",
    "key": "safety",
    "language": "en",
    "learner_id": "u-17",
    "metadata": {"department": "Warehouse 2"},
    "minimum": "P6M",
    "month": "2026-03",
    "more": "/statements?page=2",
    "name": "LMS production",
    "next": "latest",
    "next_cursor": "eyJhIjoiMDE5OGIyZDAifQ",
    "next_recertification": "latest",
    "on_behalf_of": "u-2",
    "on_lapse": "restart",
    "outcome": "completed",
    "parameter": "limit",
    "period": "P1Y",
    "pointer": "/items/0/occurred_at",
    "prior_credit": "P90D",
    "reason": "Annual roll-out",
    "reason_code": "not_due_for_recertification",
    "renewal_opens": "P30D",
    "request_id": "0198b2d0-7c00-7000-8000-72657175657a",
    "retry_after": "P1D",
    "response": "OK",
    "retracts": "e-1",
    "revision": 7,
    "secret": "whsec_c2lnbmVkLXdpdGgtYS1zZWNyZXQtb2YtMzItYnl0ZXM=",
    "session_id": "S-1",
    "source": "manual",
    "state": "done",
    "status_after": "recertifying",
    "status_before": "certified",
    "step": "safety",
    "steps": ["safety"],
    "story": "The learner holds a valid certificate.",
    "time_zone": "Europe/Berlin",
    "title": "Safety 101",
    "token": "Zm9ya2xpZnQtY2FsZW5kYXI.ics",
    "url": "https://lms.example/hooks/certsvc",
}
"""By the name of the field."""

OF_OWNER: dict[str, Any] = {
    "ActionPossibility.with": ["early"],
    "AdvancedClock.events": 12,
    "ApiKey.key": "certsvc_0198b2d07c00_c2VjcmV0LXNlY3JldC1zZWNyZXQ",
    "Certificate.number": "FORKLIFT-A1B2-C3D4-E5F6-1",
    "CertificateAnswer.number": "FORKLIFT-A1B2-C3D4-E5F6-1",
    "Certification.key": "forklift",
    "ChangedCourse.id": "C-1",
    "ChangedCourse.revision": "2",
    "Course.id": "C-1",
    "Course.revision": "2",
    "CourseRevision.revision": "2",
    "CourseUpdate.revision": "2",
    "EvidenceInput.id": "e-1",
    "EvidenceResult.id": "e-1",
    "ExamAttempt.id": "e-1",
    "ExamAttempt.outcome": "passed",
    "Fault.code": "instant",
    "NewApiKey.key": "certsvc_0198b2d07c00_c2VjcmV0LXNlY3JldC1zZWNyZXQ",
    "Problem.code": "action_not_allowed",
    "Problem.status": 409,
    "Problem.title": "The action is not allowed in this state",
    "Problem.type": "https://certsvc.example/docs/problems/action_not_allowed",
    "RevisionOfCourse.revision": "2",
    "Session.id": "S-1",
    "StatementResult.id": "0198b2d0-7c00-7000-8000-73746174656d",
    "Status": "certified",
    "Standing": "valid",
    "Work": "none",
    "ToldCertificate.number": "FORKLIFT-A1B2-C3D4-E5F6-1",
    "Verification.number": "FORKLIFT-A1B2-C3D4-E5F6-1",
}
"""Where a field of that name is something else in one schema; and named values of their own."""

MOMENTS: dict[str, str] = {
    "enrolled_at": "2026-03-01T08:00:00Z",
    "assigned_at": "2026-03-01T08:00:00Z",
    "created_at": "2026-03-01T08:00:00Z",
    "opens_at": "2026-03-02T08:00:00Z",
    "opened_at": "2026-03-02T08:00:00Z",
    "counts_from": "2026-03-02T08:00:00Z",
    "due_at": "2026-04-01T22:00:00Z",
    "due_after": "2026-03-31T22:00:00Z",
    "due_before": "2026-04-30T22:00:00Z",
    "limit_at": "2026-05-01T22:00:00Z",
    "ends_at": "2026-03-10T12:00:00Z",
    "expires_at": "2027-03-10T23:00:00Z",
    "expires_after": "2027-03-01T00:00:00Z",
    "expires_before": "2027-04-01T00:00:00Z",
    "recertification_at": "2027-02-08T23:00:00Z",
    "lapses_at": "2027-04-09T22:00:00Z",
    "available_at": "2027-02-08T23:00:00Z",
    "until": "2028-03-10T09:00:00Z",
    "to": "2027-03-11T00:00:00Z",
}
"""Instants; every other is MOMENT."""

MOMENT = "2026-03-10T09:00:00Z"
DAY = "2027-03-10"

NUMBERS: dict[str, float] = {
    "amount": 49.5,
    "capacity": 12,
    "days_left": 365,
    "grade": 92,
    "limit": 50,
    "max_attempts": 3,
    "minimum_grade": 80,
    "months": 12,
    "passing_score": 70,
    "rate_per_second": 850.0,
    "remaining_seconds": 12.5,
    "sequence": 9,
    "total": 1200,
}
"""Numbers; every other is the smallest that is allowed, and 1 where any is."""

YES = frozenset(
    {
        *("active", "allowed", "automatic_recertification", "complete", "dry_run", "early"),
        *("keep_anniversary", "in_order", "after_training", "required", "enabled"),
    }
)
"""Switches that are on."""

ABSENT = frozenset(
    {
        *("superseded_at", "revoked_at", "cancelled_at", "ended_at", "archived_at", "exam_at"),
        *("next_attempt_at", "problem", "disabled_at", "deleted_at"),
    }
)
"""What is null in the story, where it may be."""

BODIES: dict[str, Any] = {
    "text/csv": "enrollment_id,certification_key,learner_id,status\n"
    "0198b2d0-7c00-7000-8000-656e726f6c6c,forklift,u-17,certified\n",
    "application/x-ndjson": '{"id": "0198b2d0-7c00-7000-8000-656e726f6c6c", '
    '"certification_key": "forklift", "learner_id": "u-17", "status": "certified"}\n',
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400"/>',
    "text/calendar": "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//certsvc//EN\r\nEND:VCALENDAR\r\n",
}
"""Bodies that are text and no JSON, by media type."""


def identity(noun: str) -> str:
    """An id of ours for a noun: always the same for the same noun."""
    return f"0198b2d0-7c00-7000-8000-{sha256(noun.encode()).hexdigest()[:12]}"
