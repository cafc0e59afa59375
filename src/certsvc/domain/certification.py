"""A certification as the rules see it: its switches with the instants they were set, its versions,
and what the LMS told of the courses that they name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from certsvc.domain.course import Course, Courses, barred, seats_needed
from certsvc.domain.definition import Definition
from certsvc.domain.status import CycleKind
from certsvc.domain.switch import BEGINNING, OFF, Switch

Gate = Callable[[datetime], datetime | None]
"""From an instant, the first one at or after it at which something holds; None for not foreseen."""


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
    """The programme: switches, published versions, and those of their courses that the LMS told
    of."""

    id: UUID
    key: str
    versions: tuple[Version, ...]
    active: bool = True
    hidden: bool = False
    self_enrollment: str = "closed"
    acceptance_required: bool = False
    archived: Switch = OFF
    automatic: Switch = OFF
    courses: Courses = field(default_factory=dict[str, Course])
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
        for version in reversed(self.versions):
            if version.starts_at <= at:
                return version
        return None

    def effective(self, at: datetime) -> datetime | None:
        """The first instant at or after this one at which a version is in effect."""
        if self.latest(at) is not None:
            return at
        starts = [version.starts_at for version in self.versions]
        return min(starts) if starts else None

    def barred(self, kind: CycleKind, at: datetime) -> tuple[str, ...]:
        """The archived courses without which a cycle of this kind cannot open at the instant."""
        if not self.courses:
            return ()
        version = self.latest(at)
        return () if version is None else barred(version.definition.path(kind), self.courses, at)

    def passable(self, kind: CycleKind, at: datetime) -> datetime | None:
        """The first instant at or after this one at which no archived course bars a cycle."""
        return self._first(at, lambda instant: not self.barred(kind, instant))

    def impassable(self, kind: CycleKind, at: datetime) -> datetime | None:
        """The first instant at or after this one at which an archived course bars a cycle."""
        return self._first(at, lambda instant: bool(self.barred(kind, instant)))

    def _first(self, at: datetime, holds: Callable[[datetime], bool]) -> datetime | None:
        """What depends on courses and versions changes only when one of them does."""
        if holds(at):
            return at
        changes = [
            since for course in self.courses.values() for since, _ in course.archived.history
        ]
        changes += [version.starts_at for version in self.versions]
        return next((since for since in sorted(changes) if since > at and holds(since)), None)

    def seats_needed(self, number: int, kind: CycleKind) -> tuple[str, ...]:
        """The courses in whose live sessions a cycle of this version and kind needs a seat."""
        if not self.courses:
            return ()
        return seats_needed(self.pinned(number).definition.path(kind), self.courses)

    @property
    def seated(self) -> bool:
        """Whether some path needs a seat in a live session."""
        return bool(self.courses) and any(
            self.seats_needed(v.number, kind) for v in self.versions for kind in CycleKind
        )

    def opens(self, at: datetime) -> bool:
        """Whether a cycle may open at the instant: not archived, and a version is in effect."""
        return not self.archived.at(at) and self.latest(at) is not None

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
