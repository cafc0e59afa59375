"""The certifications whose lives are explored for the state diagram, and what can be asked there.

Between them they have everything that leads from one status to another: payment, approval,
acceptance, a limit, a window with and without automatic recertification, grace, and a restart.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification, published
from certsvc.domain.commands import Act, Command, Enroll, Record, Unassign
from certsvc.domain.definition import Definition
from certsvc.domain.enrollment import Enrollment, Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.switch import Switch
from certsvc.domain.transitions import BY_STATUS

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
EARLY = timedelta(minutes=1)
LATER = timedelta(days=14)
LONG = timedelta(days=900)
IN_GRACE = timedelta(days=380)

STILL = frozenset({Action.REMIND, Action.CHANGE_NEXT_RECERTIFICATION})
"""Actions that lead nowhere: they tell something, or keep a later cycle from opening."""

_POLICY: dict[str, Any] = {
    "completion_limit": {"after": "P90D"},
    "validity": {"period": "P1Y"},
}
_TRAINING: dict[str, Any] = {
    "steps": [{"key": "training", "ways": [{"type": "course", "course_id": "C"}]}],
    "exam": {"exam_id": "X", "passing_score": 70},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and the word for it on an arrow of the diagram."""

    label: str
    command: Command


def _certification(number: int, document: dict[str, Any], **switches: Any) -> Certification:
    definition = Definition.read(document)
    return Certification(
        id=UUID(int=number),
        key=f"programme-{number}",
        versions=published(((1, definition, BEGIN),)),
        **switches,
    )


PROGRAMMES: tuple[Certification, ...] = (
    _certification(
        1,
        {"initial": _TRAINING, "policy": {**_POLICY, "on_lapse": "restart"}},
        automatic=Switch.always(True),
    ),
    _certification(
        2,
        {
            "initial": {**_TRAINING, "payment_required": True, "approval_required": True},
            "policy": _POLICY,
        },
        acceptance_required=True,
        self_enrollment="with_approval",
    ),
    _certification(
        3,
        {"initial": _TRAINING, "policy": _POLICY},
        automatic=Switch.always(False).turned(True, BEGIN + IN_GRACE),
    ),
)


def asked_of(e: Enrollment, at: datetime) -> tuple[Asked, ...]:
    """Everything that is tried on an enrollment at an instant."""
    tried = [Asked("assigned", Enroll(source=Source.MANUAL))]
    tried.append(Asked("self-enrolled", Enroll(source=Source.SELF)))
    tried.append(Asked("assigned", Enroll(source=Source.MANUAL, opens_at=at + LATER)))
    tried += [Asked("unassigned", Unassign(assignment.id)) for assignment in e.assignments]
    if e.exists:
        tried += [Asked("evidence", Record(facts)) for facts in _facts(e, at)]
        possible = [action for action in BY_STATUS[e.status] if action not in STILL]
        tried += [Asked(act.action, act) for action in possible for act in _acts(action, at)]
    return tuple(tried)


def _facts(e: Enrollment, at: datetime) -> tuple[tuple[Fact, ...], ...]:
    """Work begun, all work done, the fee paid, and the fee paid back; late where a cycle that
    time closed may still be completed."""
    true_at = at if e.overtaken is None else e.overtaken.opened_at + EARLY

    def fact(type: FactType, outcome: FactOutcome, **more: Any) -> Fact:
        id = f"{type}-{outcome}-{e.revision}"
        return Fact(id=id, type=type, occurred_at=true_at, recorded_at=at, outcome=outcome, **more)

    course = fact(FactType.COURSE_COMPLETION, FactOutcome.PASSED, course_id="C")
    exam = fact(FactType.EXAM_ATTEMPT, FactOutcome.PASSED, exam_id="X", grade=90.0)
    own = e.certification_id
    paid = fact(FactType.PAYMENT, FactOutcome.PAID, certification_id=own)
    refunded = fact(FactType.PAYMENT, FactOutcome.REFUNDED, certification_id=own)
    if e.overtaken is not None:
        return ((course, exam, paid),)
    return (course,), (course, exam), (paid,), (refunded,)


def _acts(action: Action, at: datetime) -> tuple[Act, ...]:
    """The action as it is usually asked, and in the variants that lead elsewhere."""
    if action is Action.REJECT:
        sent_back = Act(action=action, steps=("training",), limit_at=at + LATER)
        return sent_back, Act(action=action, final=True)
    if action is Action.RECERTIFY:
        return Act(action=action), Act(action=action, early=True)
    if action is Action.CHANGE_DATES:
        longer = Act(action=action, expires_at=at + LONG)
        return longer, Act(action=action, expires_at=at), Act(action=action, limit_at=at)
    return (Act(action=action),)
