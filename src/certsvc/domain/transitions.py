"""The grid: which action is allowed in which status, under which conditions, and what it does.

GRID is read by `decide` and `allowed_actions` alike, so they cannot disagree. A status that does
not stand in a row is refused. Add an action here; `docs/changing.md` lists what goes red until the
rest is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from certsvc.domain import effects, guards
from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.certifying import certify_by_hand
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.guards import Guard
from certsvc.domain.moving import move_to_version
from certsvc.domain.outcome import Refusal
from certsvc.domain.redating import change_dates
from certsvc.domain.status import Status
from certsvc.domain.story import Story

Effect = Callable[[Story, Act], Refusal | None]
Cells = Mapping[Status, tuple[Guard, ...]]

AP, AS = Status.APPLIED, Status.ASSIGNED
NS, IP, PA = Status.NOT_STARTED, Status.IN_PROGRESS, Status.PENDING_APPROVAL
CE, EX, LA, RC = Status.CERTIFIED, Status.EXPIRED, Status.LAPSED, Status.RECERTIFYING
RV, DI, SU = Status.REVOKED, Status.DISALLOWED, Status.SUSPENDED


@dataclass(frozen=True, slots=True)
class Row:
    """One action: the statuses that allow it, each with its own conditions, the conditions that
    hold in all of them, and the effect."""

    cells: Cells
    effect: Effect
    always: tuple[Guard, ...] = ()


def _in(*statuses: Status, also: Cells | None = None) -> dict[Status, tuple[Guard, ...]]:
    return dict.fromkeys(statuses, ()) | dict(also or {})


EVERYWHERE = tuple(status for status in Status if status not in (DI, SU))

GRID: dict[Action, Row] = {
    Action.APPROVE_APPLICATION: Row(_in(AP), effects.approve_application, (guards.may_begin,)),
    Action.DECLINE_APPLICATION: Row(_in(AP), effects.decline_application),
    Action.ACCEPT: Row(_in(AS), effects.accept, (guards.may_begin,)),
    Action.OVERRIDE_PAYMENT: Row(
        _in(NS, IP, RC), effects.override_payment, (guards.payment_outstanding,)
    ),
    Action.OVERRIDE_TRAINING: Row(
        _in(IP, PA, RC), effects.override_training, (guards.has_training,)
    ),
    Action.OVERRIDE_EXAM: Row(
        _in(PA, also={IP: (guards.no_attempt_open,), RC: (guards.no_attempt_open,)}),
        effects.override_exam,
        (guards.has_exam,),
    ),
    Action.RESET_EXAM: Row(_in(IP, RC), effects.reset_exam, (guards.exam_resettable,)),
    Action.APPROVE: Row(_in(PA), effects.approve),
    Action.REJECT: Row(_in(PA), effects.reject),
    Action.REVOKE: Row(_in(NS, IP, PA, EX, LA, RC, SU), effects.revoke),
    Action.FORCE_RECERTIFICATION: Row(
        _in(CE, EX, LA), effects.force_recertification, (guards.may_open,)
    ),
    Action.RECERTIFY: Row(
        _in(EX, LA, RV, also={CE: (guards.due_for_recertification,)}),
        effects.recertify,
        (guards.not_stopped, guards.not_waiting, guards.may_open),
    ),
    Action.PERMANENT_REVOKE: Row(
        _in(PA, CE, RC, SU), effects.permanent_revoke, (guards.credential_valid,)
    ),
    Action.RESTORE: Row(_in(RV, DI), effects.restore, (guards.may_open,)),
    Action.REMOVE: Row(
        _in(AS, also={NS: (guards.nothing_invested,), IP: (guards.nothing_invested,)}),
        effects.remove,
        (guards.manual_only,),
    ),
    Action.SUSPEND: Row(_in(PA, CE, EX, RC), effects.suspend, (guards.credential_in_force,)),
    Action.LIFT: Row(_in(SU), effects.lift),
    Action.DEACTIVATE: Row(_in(AS, NS, IP), effects.deactivate),
    Action.REACTIVATE: Row(_in(Status.INACTIVE), effects.reactivate),
    Action.MARK_NOT_COMPLETED: Row(
        _in(NS, IP, PA, RC), effects.mark_not_completed, (guards.cycle_open_or_planned,)
    ),
    Action.CANCEL: Row(
        _in(AP, AS, NS, IP, PA, RC), effects.cancel, (guards.cycle_open_or_planned,)
    ),
    Action.CHANGE_DATES: Row(
        _in(AS, NS, IP, PA, CE, EX, RC), change_dates, (guards.dates_to_change,)
    ),
    Action.CHANGE_NEXT_RECERTIFICATION: Row(
        _in(CE, EX, LA, RC), effects.change_next_recertification
    ),
    Action.MOVE_TO_VERSION: Row(
        _in(NS, IP, RC), move_to_version, (guards.cycle_open, guards.version_known)
    ),
    Action.REMIND: Row(
        _in(
            *(AS, NS, IP, EX, LA, RC),
            also={
                CE: (
                    guards.due_for_recertification,
                    guards.not_stopped,
                    guards.not_waiting,
                    guards.not_archived,
                )
            },
        ),
        effects.remind,
    ),
    Action.CERTIFY: Row(_in(*EVERYWHERE), certify_by_hand, (guards.version_published,)),
}


BY_STATUS: dict[Status, tuple[Action, ...]] = {
    status: tuple(action for action in Action if status in GRID[action].cells) for status in Status
}
"""The actions that a status allows at all, in the order of their declaration."""


def _conditions(action: Action, status: Status) -> tuple[Guard, ...]:
    row = GRID[action]
    return (*row.cells[status], *row.always)


PLAIN = {action: Act(action=action) for action in Action}
"""Every action without any parameter."""

_ANY = next(iter(PLAIN.values()))

_UNDER: dict[Status, tuple[tuple[Guard, frozenset[Action]], ...]] = {
    status: tuple(
        (guard, frozenset(action for action in actions if guard in _conditions(action, status)))
        for guard in dict.fromkeys(
            guard for action in actions for guard in _conditions(action, status)
        )
    )
    for status, actions in BY_STATUS.items()
}
"""The conditions of a status, each once, with the actions that it is for."""


def allowed(e: Enrollment, c: Certification, now: datetime) -> list[Action]:
    """The actions that are allowed now, without the reasons of the others."""
    status = e.status
    # Without parameters a condition says the same of every action that it is for.
    forbidden = [actions for guard, actions in _UNDER[status] if guard(e, c, _ANY, now) is not None]
    return list(_others(status, *forbidden))


@lru_cache(maxsize=4096)
def _others(status: Status, *forbidden: frozenset[Action]) -> tuple[Action, ...]:
    """The actions of a status but these."""
    none = frozenset[Action]().union(*forbidden)
    return tuple(action for action in BY_STATUS[status] if action not in none)


def asks_for_evidence(e: Enrollment) -> bool:
    """Whether evidence decides what is allowed now: of all conditions only one reads it."""
    return e.cycle is not None and e.status in _INVESTED


_INVESTED = frozenset(
    status
    for status, rows in _UNDER.items()
    if any(guard is guards.nothing_invested for guard, _ in rows)
)


def check(e: Enrollment, c: Certification, act: Act, now: datetime) -> Refusal | None:
    """Whether the grid and its conditions allow the action now; None for yes."""
    row = GRID[act.action]
    status = e.status
    conditions = row.cells.get(status)
    if conditions is None:
        return guards.no(
            "status_forbids", f"{act.action} is not possible while the status is {status}."
        )
    for guard in (*conditions, *row.always):
        refusal = guard(e, c, act, now)
        if refusal is not None:
            return refusal
    return None
