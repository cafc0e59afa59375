"""A certification as the rules see it: its switches with the instants they were set, its versions.

A switch keeps its history, so that a tick that comes late decides each instant by what held then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from certsvc.domain.definition import Definition

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

Gate = Callable[[datetime], datetime | None]
"""From an instant, the first one at or after it at which something holds; None for not foreseen."""


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
        return next(
            (since for since, then in self.history if since > instant and then is value), None
        )

    def turned(self, value: bool, at: datetime) -> "Switch":
        """The switch with a new value from this instant on (unchanged where it has it already)."""
        if self.now is value:
            return self
        return Switch((*self.history, (at, value)))


OFF = Switch.always(False)


@dataclass(frozen=True, slots=True)
class Version:
    """A published version. `starts_at` is the instant from which it is the latest."""

    number: int
    definition: Definition
    published_at: datetime
    starts_at: datetime


def published(numbered: tuple[tuple[int, Definition, datetime], ...]) -> tuple[Version, ...]:
    """Published versions in order. The first holds from ever where it names no `effective_from`,
    so that people who came before the service can be enrolled with their old dates; a later one
    starts when it was published, or on its `effective_from` where that is later."""
    versions: list[Version] = []
    for number, definition, at in sorted(numbered, key=lambda row: row[0]):
        effective = definition.policy.effective_from
        if versions:
            starts_at = at if effective is None else max(at, effective)
        else:
            starts_at = BEGINNING if effective is None else effective
        versions.append(Version(number, definition, at, starts_at))
    return tuple(versions)


@dataclass(frozen=True, slots=True)
class Certification:
    """The programme: switches, published versions, and the courses that bar its paths."""

    id: UUID
    key: str
    versions: tuple[Version, ...]
    active: bool = True
    hidden: bool = False
    self_enrollment: str = "closed"
    acceptance_required: bool = False
    archived: Switch = OFF
    automatic: Switch = OFF
    revision: int = 0

    def version(self, number: int) -> Version | None:
        """The published version of that number, or None."""
        # A loop, not an expression: asked dozens of times about every enrollment of a sweep.
        for version in self.versions:
            if version.number == number:
                return version
        return None

    def pinned(self, number: int) -> Version:
        """The version that a cycle or certificate is pinned to; it exists."""
        version = self.version(number)
        if version is None:
            raise LookupError(f"certification {self.key} has no published version {number}")
        return version

    def latest(self, at: datetime) -> Version | None:
        """The version that new cycles use at the instant, or None while none is in effect."""
        return next(
            (version for version in reversed(self.versions) if version.starts_at <= at), None
        )

    def effective(self, at: datetime) -> datetime | None:
        """The first instant at or after this one at which a version is in effect."""
        if self.latest(at) is not None:
            return at
        starts = [version.starts_at for version in self.versions]
        return min(starts) if starts else None

    def unarchived(self, at: datetime) -> datetime | None:
        """The first instant at or after this one at which the certification is not archived."""
        return self.archived.first(False, at)

    def automated(self, at: datetime) -> datetime | None:
        """The first instant at or after this one at which recertification is automatic."""
        return self.automatic.first(True, at)


def first_when(instant: datetime, *gates: Gate) -> datetime | None:
    """The first instant at or after this one at which every gate holds, or None."""
    moved = True
    while moved:
        moved = False
        for gate in gates:
            then = gate(instant)
            if then is None:
                return None
            if then > instant:
                instant, moved = then, True
    return instant
