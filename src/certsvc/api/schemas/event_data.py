"""What the `data` of each event says, as schemas made from the catalogue of events.

The catalogue names the keys and their meaning; here stands what kind of value each is.
"""

from typing import Annotated, Any

from pydantic import Field, create_model

from certsvc.api.schemas.enrollment import CourseRevision
from certsvc.api.schemas.values import Answered, Instant, OurId, words
from certsvc.domain.actions import Action
from certsvc.domain.enrollment import DoneBy, ExamState, PaymentState, Source, StepState
from certsvc.domain.events import EVENTS, EventRow, EventType
from certsvc.domain.evidence import FactOutcome
from certsvc.domain.status import CycleKind
from certsvc.store.bulk_tables import BulkState


class ToldStep(Answered):
    """A step of a cycle that opened, with what the LMS owns of it."""

    key: str
    title: str
    course_ids: list[str]
    exam_ids: list[str] = Field(description="Of its test-outs.")


class ToldCycle(Answered):
    """A cycle that opened: what the LMS has to reset."""

    number: int
    kind: CycleKind
    version: int
    opened_at: Instant
    counts_from: Instant | None
    due_at: Instant | None
    limit_at: Instant | None
    steps: list[ToldStep]
    exam_id: str | None
    payment_required: bool
    courses: list[CourseRevision] = Field(description="As far as the LMS told of revisions.")


class ToldCertificate(Answered):
    """A certificate as it was when the event was said."""

    id: OurId
    number: str
    code: str = Field(description="Public: what /v1/verify takes.")
    version: int
    certified_at: Instant
    valid_from: Instant
    expires_at: Instant | None
    lapses_at: Instant | None
    recertification_at: Instant | None
    superseded_at: Instant | None
    revoked_at: Instant | None


class ToldAssignment(Answered):
    """Why the learner is enrolled."""

    id: OurId
    source: Annotated[str, words(*(source.value for source in Source))]
    group: str | None
    assigned_at: Instant


class ToldProgress(Answered):
    """Where a step stands now."""

    key: str
    state: Annotated[str, words(*(state.value for state in StepState))]
    by: Annotated[str | None, words(*(by.value for by in DoneBy))]
    at: Instant | None


class DateChange(Answered):
    """A date before and after."""

    before: Instant | None
    after: Instant | None


class DateChanges(Answered):
    """The dates that were changed; the others are not there."""

    due_at: DateChange | None = None
    limit_at: DateChange | None = None
    recertification_at: DateChange | None = None
    expires_at: DateChange | None = None


class PingData(Answered):
    """What a ping says: it is no event, and stands in no history."""

    id: OurId = Field(description="As `webhook-id`.")
    endpoint_id: OurId


Keys = list[str]
WHO = Annotated[str, words("time", "person")]

KINDS: dict[str, Any] = {
    "cycle": ToldCycle,
    "certificate": ToldCertificate,
    "assignment": ToldAssignment,
    "by": WHO,
    "due_at": Instant,
    "evidence_id": str,
    "exam_id": str,
    "course_id": str,
    "course_ids": Keys,
    "payment": str,
    "session_id": str,
    "what": str,
    "steps": Keys,
    "exam": bool,
    "final": bool,
    "restarts": bool,
    "from_version": int,
    "to_version": int,
    "progress": Annotated[str, words("keep", "restart")],
    "outcome": Annotated[str | None, words(*(outcome.value for outcome in FactOutcome))],
    "grade": float | None,
    "history_only": bool,
    "certification": str,
    "enrolled": bool,
    "version": int,
    "changes": dict[str, Any],
    "action": Annotated[str, words(*(action.value for action in Action), "enroll")],
    "state": Annotated[str, words(*(state.value for state in BulkState))],
    "total": int | None,
    "counts": dict[str, int],
    "endpoint_id": OurId,
    "description": str | None,
    "cause": Annotated[str, words("gone", "failing")],
    "failing_since": Instant | None,
    "failures": int,
}
"""The kind of value of each key."""

_OTHERWISE: dict[tuple[EventType, str], Any] = {
    (EventType.ENROLLMENT_APPROVED, "what"): Annotated[str, words("application", "cycle", "step")],
    (EventType.ENROLLMENT_OVERRIDDEN, "what"): Annotated[str, words("training", "exam")],
    (EventType.ENROLLMENT_PROGRESSED, "steps"): list[ToldProgress],
    (EventType.ENROLLMENT_PROGRESSED, "exam"): Annotated[
        str, words(*(state.value for state in ExamState))
    ],
    (EventType.ENROLLMENT_PROGRESSED, "payment"): Annotated[
        str, words(*(state.value for state in PaymentState))
    ],
    (EventType.ENROLLMENT_DATES_CHANGED, "changes"): DateChanges,
    (EventType.RECERTIFICATION_FORCED, "certificate"): ToldCertificate | None,
    (EventType.SESSION_WAITING, "session_id"): str | None,
}
"""Where the same key is of another kind."""

_SOMETIMES: frozenset[tuple[EventType, str]] = frozenset(
    {
        (EventType.ENROLLMENT_APPROVED, "steps"),
        (EventType.ENROLLMENT_PROGRESSED, "steps"),
        (EventType.ENROLLMENT_PROGRESSED, "exam"),
        (EventType.ENROLLMENT_PROGRESSED, "payment"),
        (EventType.ENROLLMENT_NOT_COMPLETED, "restarts"),
        (EventType.CERTIFICATE_ISSUED, "history_only"),
    }
)
"""Keys that are there only where they have something to say."""


def name_of(type: EventType) -> str:
    """`certificate.issued` as the beginning of a schema's name: CertificateIssued."""
    return "".join(part.capitalize() for part in type.value.replace(".", "_").split("_"))


def _data(row: EventRow) -> type[Answered]:
    fields: dict[str, Any] = {}
    for key, meaning in row.data:
        kind = _OTHERWISE.get((row.type, key)) or KINDS.get(key, Any)
        told = meaning[0].upper() + meaning[1:] + "."
        if (row.type, key) in _SOMETIMES:
            fields[key] = (kind, Field(default=None, description=told))
        else:
            fields[key] = (kind, Field(description=told))
    named = f"{name_of(row.type)}Data"
    return create_model(
        named, __base__=Answered, __doc__=f"What `{row.type.value}` says.", **fields
    )


DATA: dict[EventType, type[Answered]] = {type: _data(row) for type, row in EVENTS.items()}
"""Event type to the schema of its data."""
