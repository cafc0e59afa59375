"""Examples for the contract, one request or answer each. A test validates them by their schema."""

from typing import Any

EXAMPLES: dict[str, Any] = {
    "CertificationDraft": {
        "key": "forklift",
        "title": {"en": "Forklift operator", "de": "Gabelstaplerfahrer"},
        "automatic_recertification": True,
    },
    "CertificationPatch": {"hidden": True, "reason": "Being rewritten"},
    "VersionDraft": {
        "initial": {
            "steps": [
                {
                    "key": "safety",
                    "title": "Safety 101",
                    "ways": [{"type": "course", "course_id": "C-1", "minimum_grade": 80}],
                }
            ],
            "exam": {"exam_id": "X-1", "passing_score": 70, "max_attempts": 3},
        },
        "policy": {
            "time_zone": "Europe/Berlin",
            "validity": {"period": "P1Y", "anchor": "previous_expiry"},
            "renewal_opens": "P30D",
            "grace": "P30D",
        },
    },
    "EnrollmentRequest": {
        "certification": "forklift",
        "learner_id": "u-17",
        "source": "manual",
        "due_at": "2027-01-31T00:00:00Z",
    },
    "EvidenceBatch": {
        "items": [
            {
                "id": "e-1",
                "type": "course_completion",
                "learner_id": "u-17",
                "occurred_at": "2026-03-10T09:00:00Z",
                "course_id": "C-1",
                "outcome": "completed",
                "grade": 92,
            }
        ]
    },
    "MemberList": {"learner_ids": ["u-17", "u-18"], "reason": "Nightly sync"},
    "CourseUpdate": {
        "title": "Safety 101",
        "state": "published",
        "revision": "2",
        "groups": ["drivers"],
        "overbooking": True,
    },
    "SessionInput": {
        "title": "First aid, Monday morning",
        "starts_at": "2026-03-16T08:00:00Z",
        "ends_at": "2026-03-16T12:00:00Z",
        "capacity": 12,
    },
    "BulkOrder": {
        "action": "recertify",
        "selection": {"filter": {"flag": ["due_for_recertification"]}},
        "reason": "Annual roll-out",
        "dry_run": True,
    },
    "ChangeDatesBody": {"expires_at": "2027-03-10T23:00:00Z", "reason": "Parental leave"},
    "RevokeBody": {"reason": "Unsafe driving", "on_behalf_of": "u-2"},
    "ApiKeyRequest": {"name": "LMS production", "role": "lms"},
    "ClockAdvance": {"to": "2027-03-11T00:00:00Z"},
    "Problem": {
        "type": "https://certsvc.example/docs/problems/action_not_allowed",
        "title": "The action is not allowed in this state",
        "status": 409,
        "detail": "The window opens later.",
        "code": "action_not_allowed",
        "errors": [],
        "request_id": "0190a1b2-0000-7000-8000-000000000000",
        "retryable": False,
        "reason_code": "not_due_for_recertification",
        "available_at": "2027-02-08T00:00:00Z",
        "allowed_actions": ["revoke"],
    },
}
