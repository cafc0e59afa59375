"""Examples for the contract, one request or answer each. A test validates them by their schema."""

from typing import Any

ENROLLMENT: dict[str, Any] = {
    "id": "0198b2d0-7c00-7000-8000-2791bd4394ef",
    "certification_id": "0198b2d0-7c00-7000-8000-b00a6c108553",
    "certification_key": "forklift",
    "learner_id": "u-17",
    "status": "recertifying",
    "standing": "valid",
    "work": "in_progress",
    "suspended": False,
    "flags": ["expiring"],
    "revision": 7,
    "enrolled_at": "2026-03-01T08:00:00Z",
    "updated_at": "2027-02-20T09:00:00Z",
    "assignments": [
        {
            "id": "0198b2d0-7c00-7000-8000-ce7a7c10b0df",
            "source": "group",
            "group": "drivers",
            "assigned_at": "2026-03-01T08:00:00Z",
        }
    ],
    "cycle": {
        "number": 2,
        "kind": "recertification",
        "version": 3,
        "opens_at": None,
        "opened_at": "2027-02-08T23:00:00Z",
        "counts_from": "2027-02-08T23:00:00Z",
        "due_at": "2027-03-10T23:00:00Z",
        "limit_at": None,
        "closed_at": None,
        "outcome": None,
        "payment": "not_required",
        "steps": [
            {
                "key": "safety",
                "title": "Safety 101",
                "state": "done",
                "by": "evidence",
                "at": "2027-02-20T09:00:00Z",
            }
        ],
        "exam": {
            "state": "open",
            "attempts": 1,
            "attempts_left": 2,
            "next_attempt_at": None,
        },
        "approval_required": False,
        "approved_at": None,
        "courses": [{"course_id": "C-1", "revision": "2"}],
    },
    "seats": [],
    "certificate": {
        "id": "0198b2d0-7c00-7000-8000-03d66dd08835",
        "number": "FORKLIFT-A1B2-C3D4-E5F6-1",
        "code": "K7QD-M2XA-94TB-RWZC",
        "cycle": 1,
        "version": 3,
        "issued_at": "2026-03-10T09:00:00Z",
        "certified_at": "2026-03-10T09:00:00Z",
        "valid_from": "2026-03-10T09:00:00Z",
        "valid_through": "2027-03-10",
        "expires_at": "2027-03-10T23:00:00Z",
        "lapses_at": "2027-04-09T22:00:00Z",
        "recertification_at": "2027-02-08T23:00:00Z",
        "days_left": 18,
        "superseded_at": None,
        "revoked_at": None,
        "evidence_retracted": False,
    },
    "certified_at": "2026-03-10T09:00:00Z",
    "expires_at": "2027-03-10T23:00:00Z",
    "lapses_at": "2027-04-09T22:00:00Z",
    "recertification_at": "2027-02-08T23:00:00Z",
    "due_at": "2027-03-10T23:00:00Z",
    "next_recertification": "latest",
    "next": {"at": "2027-03-10T23:00:00Z", "event": "certificate.expired"},
    "allowed_actions": ["override-exam", "suspend", "revoke"],
}

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
    "Enrollment": ENROLLMENT,
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
    "StatementBatch": {
        "statements": [
            {
                "id": "fd41c918-b88b-4b20-a0a5-a4c32391aaa0",
                "actor": {"account": {"homePage": "https://lms.example", "name": "u-17"}},
                "verb": {"id": "http://adlnet.gov/expapi/verbs/passed"},
                "object": {"id": "https://lms.example/activities/safety-101"},
                "result": {"score": {"scaled": 0.92}, "success": True, "duration": "PT40M"},
                "timestamp": "2026-03-10T09:00:00Z",
            }
        ]
    },
    "ActivityBatch": {
        "items": [
            {
                "activity_id": "https://lms.example/activities/safety-101",
                "kind": "course",
                "course_id": "C-1",
            }
        ]
    },
    "CalendarRequest": {"learner_id": "u-17", "language": "de"},
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
    "WebhookEndpointRequest": {
        "url": "https://lms.example/hooks/certsvc",
        "description": "LMS production",
        "types": ["certificate.issued", "certificate.expired"],
    },
    "SecretRotation": {"keep_old_for": "PT24H"},
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
