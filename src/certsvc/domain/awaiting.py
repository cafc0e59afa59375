"""What of an enrollment waits for a person: since when, and for the sign-off of which steps."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Cycle, Enrollment, StepState
from certsvc.domain.opening import path_of
from certsvc.domain.status import OPEN_WORK, Work
from certsvc.domain.transitions import allowed


class AwaitingKind(StrEnum):
    """What a person is asked for."""

    APPLICATION = "application"
    APPROVAL = "approval"
    EXTERNAL_EVIDENCE = "external_evidence"


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What waits, since when, and the keys of the steps that await their sign-off."""

    kind: AwaitingKind
    since: datetime
    steps: tuple[str, ...] = ()


ANSWERS = (
    Action.APPROVE_APPLICATION,
    Action.DECLINE_APPLICATION,
    Action.APPROVE,
    Action.REJECT,
)
"""The actions by which a person answers."""


def awaiting(e: Enrollment, c: Certification) -> Awaiting | None:
    """What waits for a person; None where nothing does, or where it is set aside."""
    if e.suspended:
        return None
    if e.work is Work.APPLIED and e.plan is not None:
        return Awaiting(AwaitingKind.APPLICATION, e.plan.asked_at)
    if e.cycle is None or e.work not in OPEN_WORK:
        return None
    progress = e.cycle.progress
    if e.work is Work.PENDING_APPROVAL and _whole_cycle(e.cycle, c):
        assert progress.work_completed_at is not None
        return Awaiting(AwaitingKind.APPROVAL, progress.work_completed_at, progress.awaiting)
    # Handed in is handed in: people see it coming, whether or not the rest is done.
    handed_in = [
        step.at
        for step in progress.steps
        if step.state is StepState.AWAITING_APPROVAL and step.at is not None
    ]
    if not handed_in:
        return None
    return Awaiting(AwaitingKind.EXTERNAL_EVIDENCE, min(handed_in), progress.awaiting)


def _whole_cycle(cycle: Cycle, c: Certification) -> bool:
    """Whether more than steps is left to sign off."""
    return path_of(c, cycle).approval_required and cycle.decided.approved_at is None


def answers(e: Enrollment, c: Certification, now: datetime) -> list[Action]:
    """The actions that answer what waits, as far as they are allowed by now."""
    return [action for action in allowed(e, c, now) if action in ANSWERS]
