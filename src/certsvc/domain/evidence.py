"""Facts that the LMS reports about a learner, as the rules read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from certsvc.domain.frozen import quick


class FactType(StrEnum):
    """What kind of thing happened."""

    COURSE_COMPLETION = "course_completion"
    EXAM_ATTEMPT = "exam_attempt"
    TEST_OUT_ATTEMPT = "test_out_attempt"
    SESSION_ATTENDANCE = "session_attendance"
    PAYMENT = "payment"
    EXTERNAL = "external"
    CREDITS = "credits"
    RETRACTION = "retraction"


class FactOutcome(StrEnum):
    """How it ended."""

    STARTED = "started"
    COMPLETED = "completed"
    PASSED = "passed"
    FAILED = "failed"
    ATTENDED = "attended"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PAID = "paid"
    REFUNDED = "refunded"


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One piece of evidence. `id` is the LMS's; `certification_id` binds payments and external
    work to one certification; `retracts` names the fact that a retraction takes back."""

    id: str
    type: FactType
    occurred_at: datetime
    recorded_at: datetime
    outcome: FactOutcome | None = None
    grade: float | None = None
    course_id: str | None = None
    session_id: str | None = None
    exam_id: str | None = None
    attempt_id: str | None = None
    certification_id: UUID | None = None
    step: str | None = None
    amount: float | None = None
    category: str | None = None
    retracts: str | None = None

    @property
    def ended(self) -> bool:
        """Whether an attempt or course came to its end with this fact."""
        return self.outcome is not FactOutcome.STARTED

    def reaches(self, score: float | None) -> bool:
        """Whether the grade reaches the score; without a grade, or a score, the outcome decides."""
        if self.grade is not None and score is not None:
            return self.ended and self.grade >= score
        return self.outcome is FactOutcome.PASSED


def in_order(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts by the instant they were true; of equal instants the id decides."""
    return tuple(sorted(facts, key=lambda fact: (fact.occurred_at, fact.id)))


def standing_facts(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts that nobody took back, retractions themselves left out, in order."""
    known = tuple(facts)
    retracted = {fact.retracts for fact in known if fact.type is FactType.RETRACTION}
    return in_order(
        fact for fact in known if fact.type is not FactType.RETRACTION and fact.id not in retracted
    )
