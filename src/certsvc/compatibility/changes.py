"""The kinds of change a contract can undergo, and which of them break a client: a table.

What a client sends and what it is answered are judged the other way round: a service may take
more than before and say less, but not take less or say what nobody expects. "Client" means the
program on the wire and the generated code beside it, so names are part of the contract.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """Which way a part of the contract travels."""

    SENT = "sent"
    ANSWERED = "answered"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A kind of change: whether it breaks who sends, and who is answered."""

    kind: str
    sent: bool
    answered: bool
    says: str


CHANGES: dict[str, ChangeRow] = {
    row.kind: row
    for row in (
        ChangeRow("operation_removed", True, True, "the operation is gone"),
        ChangeRow("operation_added", False, False, "a new operation"),
        ChangeRow("operation_renamed", True, True, "another operation id: clients call it by that"),
        ChangeRow("operation_moved", True, True, "another tag: clients find it under that"),
        ChangeRow("role_raised", True, True, "a greater role is needed"),
        ChangeRow("role_lowered", False, False, "a smaller role is enough"),
        ChangeRow("webhook_removed", True, True, "it is sent no more"),
        ChangeRow("webhook_added", False, False, "something new is sent"),
        ChangeRow("parameter_removed", True, True, "the parameter is refused now"),
        ChangeRow("parameter_added", False, False, "a new parameter that may be left out"),
        ChangeRow("parameter_required", True, False, "the parameter must be given now"),
        ChangeRow("parameter_optional", False, True, "the parameter may be left out now"),
        ChangeRow("body_removed", True, True, "no body is taken any more"),
        ChangeRow("body_added", False, False, "a body that may be left out"),
        ChangeRow("body_required", True, False, "the body must be sent now"),
        ChangeRow("body_optional", False, True, "the body may be left out now"),
        ChangeRow("media_type_removed", True, True, "the media type is gone"),
        ChangeRow("media_type_added", False, False, "one more media type"),
        ChangeRow("success_removed", True, True, "the status is answered no more"),
        ChangeRow("success_added", True, True, "a success that clients do not know"),
        ChangeRow("failure_removed", True, True, "what was answered so is answered otherwise"),
        ChangeRow("failure_added", False, False, "one more way to fail: a problem like the others"),
        ChangeRow("header_removed", True, True, "the header is gone"),
        ChangeRow("header_added", False, False, "one more header"),
        ChangeRow("schema_renamed", True, True, "another name: generated code calls it by that"),
        ChangeRow("type_changed", True, True, "another type"),
        ChangeRow("type_narrowed", True, False, "fewer types than before"),
        ChangeRow("type_widened", False, True, "more types than before"),
        ChangeRow("format_changed", True, True, "another format"),
        ChangeRow("property_removed", True, True, "the property is gone"),
        ChangeRow("property_added", False, False, "a new property"),
        ChangeRow("property_required", True, False, "the property must be there now"),
        ChangeRow("property_optional", False, True, "the property may be missing now"),
        ChangeRow("others_refused", True, False, "unknown properties are refused now"),
        ChangeRow("others_allowed", False, False, "unknown properties are tolerated now"),
        ChangeRow("enum_value_removed", True, True, "a value of a closed list is gone"),
        ChangeRow("enum_value_added", False, True, "a closed list has another value"),
        ChangeRow("enum_closed", True, False, "only listed values are left"),
        ChangeRow("enum_opened", False, True, "any value may come where a list was closed"),
        ChangeRow("known_value_removed", True, True, "a known value of an open list is gone"),
        ChangeRow("known_value_added", False, False, "an open list has another known value"),
        ChangeRow("bound_tightened", True, False, "less is taken than before"),
        ChangeRow("bound_loosened", False, False, "more is taken than before"),
        ChangeRow("pattern_changed", True, False, "another pattern"),
        ChangeRow("default_changed", True, False, "to leave it out means something else"),
        ChangeRow("text_changed", False, False, "described otherwise"),
    )
}


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of a contract, and where."""

    place: str
    kind: str
    way: Way
    detail: str = ""

    @property
    def breaking(self) -> bool:
        """Whether a client breaks."""
        row = CHANGES[self.kind]
        judged = {Way.SENT: row.sent, Way.ANSWERED: row.answered}
        return judged.get(self.way, row.sent or row.answered)

    @property
    def name(self) -> str:
        """What an accepted change is called by: no words that may be put better."""
        return " ".join(filter(None, (self.kind, self.place, self.way, self.detail)))

    def __str__(self) -> str:
        return f"{self.name} - {CHANGES[self.kind].says}"


def split(changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Those that break, and those that do not, each once and in order."""
    found = sorted(set(changes))
    return [one for one in found if one.breaking], [one for one in found if not one.breaking]
