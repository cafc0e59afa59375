"""A setting that keeps its history, so that a tick that comes late decides each instant by what
held then."""

from dataclasses import dataclass
from datetime import UTC, datetime

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting with its history: (since, value) pairs in order of time, the first from ever."""

    history: tuple[tuple[datetime, bool], ...]

    @classmethod
    def always(cls, value: bool) -> "Switch":
        """A switch that never changed."""
        return cls(((BEGINNING, value),))

    def at(self, instant: datetime) -> bool:
        """The value that held at the instant."""
        value = self.history[0][1]
        for since, then in self.history:
            if since > instant:
                break
            value = then
        return value

    @property
    def now(self) -> bool:
        """The value set last."""
        return self.history[-1][1]

    def first(self, value: bool, instant: datetime) -> datetime | None:
        """The first instant at or after this one at which the switch has the value."""
        if self.at(instant) is value:
            return instant
        for since, then in self.history:
            if since > instant and then is value:
                return since
        return None

    def turned(self, value: bool, at: datetime) -> "Switch":
        """The switch with a new value from this instant on (unchanged where it has it already)."""
        if self.now is value:
            return self
        return Switch((*self.history, (at, value)))


OFF = Switch.always(False)
