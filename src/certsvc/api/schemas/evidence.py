"""Evidence on the wire: facts that the LMS reports, in batches."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.definition import StepKey
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.problem import Fault
from certsvc.api.schemas.values import (
    Amount,
    Answered,
    Authored,
    Instant,
    Known,
    LmsId,
    Metadata,
    OurId,
    Percent,
    Reference,
    Sent,
    words,
)
from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.domain.status import Standing, Status

FactTypeWord = Annotated[str, Known(*(type_.value for type_ in FactType))]
OutcomeWord = Annotated[str, Known(*(outcome.value for outcome in FactOutcome))]


class EvidenceInput(Sent):
    """One fact. What it needs depends on the type."""

    id: Annotated[LmsId, Field(description="The LMS's own; a repeat is ignored.")]
    type: FactTypeWord
    learner_id: LmsId
    occurred_at: Annotated[
        Instant, Field(description="When it was true. Up to five minutes ahead is taken as now.")
    ]
    course_id: LmsId | None = None
    session_id: LmsId | None = None
    exam_id: LmsId | None = None
    attempt_id: LmsId | None = None
    outcome: OutcomeWord | None = None
    grade: Percent | None = None
    certification: Reference | None = None
    step: StepKey | None = None
    amount: Amount | None = None
    category: LmsId | None = None
    retracts: LmsId | None = None
    metadata: Metadata | None = None


class EvidenceBatch(Authored):
    """Facts, judged as a set by `occurred_at`."""

    items: Annotated[list[EvidenceInput], Field(min_length=1, max_length=1000)]


class EvidenceResult(Answered):
    """What became of one item."""

    id: str
    result: Annotated[str, words("recorded", "duplicate", "rejected")]
    problem: Fault | None = Field(description="Why it was rejected.")


class MovedEnrollment(Answered):
    """An enrollment that the batch moved."""

    id: OurId
    certification_id: OurId
    learner_id: str
    status: Status
    standing: Standing
    revision: int


class EvidenceAnswer(Answered):
    """What became of a batch, item by item in the order sent."""

    items: list[EvidenceResult]
    moved: list[MovedEnrollment]


class ExamAttempt(Answered):
    """What the LMS reported about an exam or test-out of the certification."""

    id: str
    type: Annotated[str, words("exam_attempt", "test_out_attempt")]
    exam_id: str
    attempt_id: str | None
    outcome: str | None
    grade: float | None
    occurred_at: Instant
    recorded_at: Instant
    retracted: bool
    reset: bool = Field(description="Lies before a reset of its cycle: no longer counts.")


class ExamAttemptPage(Page[ExamAttempt]):
    """Exam attempts, in the order in which they occurred."""
