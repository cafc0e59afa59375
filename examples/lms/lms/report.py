"""Report what learners did, in batches. Each result is told until the service has confirmed it."""

from collections.abc import Callable
from typing import Any

from certsvc_client import AuthenticatedClient
from certsvc_client.api.evidence import record_evidence
from certsvc_client.models import EvidenceBatch, EvidenceInput, EvidenceResult

from lms.records import Records
from lms.service import answered

Say = Callable[[str], None]
BATCH = 1000
"""The most that a batch holds."""


def report(client: AuthenticatedClient, records: Records, say: Say) -> None:
    """Everything that is still untold. A batch that was told twice is taken once: each result has
    an id of the LMS, under which the service ignores a repeat."""
    while facts := records.untold_results(BATCH):
        batch = EvidenceBatch(items=[EvidenceInput.from_dict(fact) for fact in facts])
        answer = answered(record_evidence.sync(client=client, body=batch))
        records.confirm_results([(one.id, one.result, _why(one)) for one in answer.items])
        say(f"told {len(answer.items)} results, which moved {len(answer.moved)} enrollments")
    for id, why in records.rejected_results().items():
        say(f"  rejected: {id}: {why}")


def _why(result: EvidenceResult) -> str | None:
    return None if result.problem is None else result.problem.detail


def completion(learner: str, course: str, occurred_at: str, grade: int) -> dict[str, Any]:
    """A course taken to its end."""
    return {
        "id": f"{course}:{learner}:{occurred_at[:10]}",
        "type": "course_completion",
        "learner_id": learner,
        "course_id": course,
        "occurred_at": occurred_at,
        "grade": grade,
    }


def attendance(learner: str, course: str, session: str, occurred_at: str) -> dict[str, Any]:
    """Somebody was in a live session."""
    return {
        "id": f"{session}:{learner}",
        "type": "session_attendance",
        "learner_id": learner,
        "course_id": course,
        "session_id": session,
        "occurred_at": occurred_at,
        "outcome": "attended",
    }
