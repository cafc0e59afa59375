"""What a statement about an activity of each kind becomes: a type of evidence and its outcome."""

from dataclasses import dataclass
from typing import Final

from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.store.activity_tables import ActivityKind
from certsvc.usecases.xapi.statement import Reason, Statement
from certsvc.usecases.xapi.verbs import Says


@dataclass(frozen=True, slots=True)
class Meaning:
    """The evidence that a kind of activity gives: its type, and the outcome of what is said. What
    is not named means nothing. `judged`: an end counts only with its success or its score."""

    type: FactType
    outcomes: dict[Says, FactOutcome]
    judged: bool = False


_ATTEMPT: Final = {
    Says.BEGUN: FactOutcome.STARTED,
    Says.COMPLETED: FactOutcome.COMPLETED,
    Says.PASSED: FactOutcome.PASSED,
    Says.FAILED: FactOutcome.FAILED,
}

MEANINGS: Final[dict[ActivityKind, Meaning]] = {
    ActivityKind.COURSE: Meaning(
        FactType.COURSE_COMPLETION, {**_ATTEMPT, Says.ATTENDED: FactOutcome.COMPLETED}
    ),
    ActivityKind.SESSION: Meaning(
        FactType.SESSION_ATTENDANCE,
        dict.fromkeys((Says.ATTENDED, Says.COMPLETED, Says.PASSED), FactOutcome.ATTENDED),
    ),
    # Content tells that an exam is over and then how it went. To count the first as well would
    # use up an attempt.
    ActivityKind.EXAM: Meaning(FactType.EXAM_ATTEMPT, _ATTEMPT, judged=True),
    ActivityKind.TEST_OUT: Meaning(FactType.TEST_OUT_ATTEMPT, _ATTEMPT, judged=True),
}


def outcome_of(statement: Statement, meaning: Meaning) -> FactOutcome | Reason:
    """The outcome of what is said, or why it comes to nothing."""
    outcome = meaning.outcomes.get(statement.says)
    if outcome is None:
        return Reason.MEANINGLESS_VERB
    if meaning.judged and outcome is FactOutcome.COMPLETED and statement.grade is None:
        return Reason.NO_RESULT
    return outcome
