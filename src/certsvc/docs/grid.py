"""The grid of statuses and actions, and who may call what, from the tables of the domain."""

import re
from collections.abc import Iterable

from certsvc.api.schemas.actions import BODIES, ActionBody
from certsvc.docs.markdown import code, listed, table
from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.guards import Guard
from certsvc.domain.status import Status
from certsvc.domain.transitions import GRID

COLUMNS: dict[Status, str] = {
    Status.APPLIED: "AP",
    Status.ASSIGNED: "AS",
    Status.NOT_STARTED: "NS",
    Status.IN_PROGRESS: "IP",
    Status.PENDING_APPROVAL: "PA",
    Status.CERTIFIED: "CE",
    Status.EXPIRED: "EX",
    Status.LAPSED: "LA",
    Status.RECERTIFYING: "RC",
    Status.REVOKED: "RV",
    Status.DISALLOWED: "DI",
    Status.SUSPENDED: "SU",
    Status.INACTIVE: "IN",
    Status.DECLINED: "DE",
    Status.NOT_COMPLETED: "NC",
    Status.CANCELLED: "CA",
    Status.REMOVED: "RE",
}
"""Every status has a column; a new one gets its two letters here."""

_REFERENCE = re.compile(r" \(notes? [^)]*\)")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class _Notes:
    """The conditions in the order in which the grid first names them."""

    def __init__(self) -> None:
        self._known: dict[Guard, int] = {}

    def marks(self, guards: Iterable[Guard]) -> str:
        """The numbers of these conditions, raised; a dot lies between two."""
        numbers = [self._known.setdefault(guard, len(self._known) + 1) for guard in guards]
        return "·".join(str(number).translate(_RAISED) for number in numbers)

    def lines(self) -> str:
        """A line for each condition: its number, its name, and what its docstring says."""
        return "\n".join(
            f"{number}. {code(guard.__name__)}: {condition(guard)}"
            for guard, number in self._known.items()
        )


def condition(guard: Guard) -> str:
    """What a condition asks: its docstring on one line, without its references."""
    return _REFERENCE.sub("", " ".join((guard.__doc__ or "").split()))


def grid() -> str:
    """The letters, the grid, and its conditions."""
    notes = _Notes()
    rows = []
    for action, row in GRID.items():
        name = f"{action} {notes.marks(row.always)}".strip()
        cells = (
            "Y" + notes.marks(row.cells[status]) if status in row.cells else ""
            for status in COLUMNS
        )
        rows.append([name, *cells])
    letters = ", ".join(f"{letters} {code(status)}" for status, letters in COLUMNS.items())
    return "\n\n".join(
        [
            f"Columns: {letters}.",
            table(["action", *COLUMNS.values()], rows),
            "Conditions; beside the action they hold in every column:",
            notes.lines(),
        ]
    )


def actions() -> str:
    """What each action does, takes, and asks of the caller."""
    return table(["action", "what it does", "takes", "role", "reason"], map(_action, Action))


def _action(action: Action) -> tuple[str, ...]:
    row = ACTIONS[action]
    own = [name for name in BODIES[action].model_fields if name not in ActionBody.model_fields]
    return (
        code(action),
        row.summary,
        listed(own),
        "lms" if row.lms else "admin",
        "required" if row.reason_required else "",
    )
