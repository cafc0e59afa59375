"""The working copy of one enrollment while it is decided: it changes, and says what happened.

A story is told in steps, one a timer or a command. A step that says nothing leaves no trace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from certsvc.domain.certification import Certification, Version
from certsvc.domain.enrollment import (
    Assignment,
    Certificate,
    Cycle,
    CycleOutcome,
    Enrollment,
    Place,
)
from certsvc.domain.events import EventType
from certsvc.domain.frozen import changed, quick
from certsvc.domain.ids import derived_id
from certsvc.domain.outcome import Decision, EnrollElsewhere, Event, Refusal


@quick
@dataclass(frozen=True, slots=True)
class Line:
    """What a step says, before it is known how the step ends."""

    type: EventType
    at: datetime
    stale: bool
    data: Mapping[str, Any]


class Story:
    """One enrollment, its certification, and the events so far.

    `now` is when this is recorded. `settled_at` is how far evidence has been counted in a cycle
    that this story opened; None where everything known is counted."""

    __slots__ = (
        "_assigned",
        "_certificates",
        "_changes",
        "_cycles",
        "_e",
        "_elsewhere",
        "_events",
        "_given_up",
        "_lines",
        "_unassigned",
        "by_time",
        "certification",
        "next_due_at",
        "now",
        "settled_at",
    )

    def __init__(self, enrollment: Enrollment, certification: Certification, now: datetime) -> None:
        self._e = enrollment
        self._changes: dict[str, Any] = {}
        self.certification = certification
        self.now = max(now, enrollment.updated_at)
        self.by_time = False
        self.next_due_at: datetime | None = None
        self.settled_at: datetime | None = None
        self._events: list[Event] = []
        self._lines: list[Line] = []
        self._elsewhere: list[EnrollElsewhere] = []
        self._cycles: dict[int, Cycle] = {}
        self._certificates: dict[UUID, Certificate] = {}
        self._assigned: list[Assignment] = []
        self._unassigned: list[tuple[UUID, datetime]] = []
        self._given_up: list[tuple[int, str]] = []

    def say(self, type: EventType, at: datetime, *, stale: bool = False, **data: Any) -> None:
        """One line of history, true at `at`."""
        self._lines.append(Line(type, min(at, self.now), stale, data))

    @property
    def spoken(self) -> bool:
        """Whether this step has said anything yet."""
        return bool(self._lines)

    @property
    def e(self) -> Enrollment:
        """The enrollment as it is by now. Changes are gathered until somebody looks, because each
        look costs a copy of the whole state."""
        if self._changes:
            self._e = changed(self._e, **self._changes)
            self._changes.clear()
        return self._e

    def set(self, **changes: Any) -> None:
        """Change fields of the enrollment."""
        self._changes.update(changes)

    @property
    def cycle(self) -> Cycle:
        """The open cycle; rows and guards have made sure that there is one."""
        cycle: Cycle | None = self._changes.get("cycle", self._e.cycle)
        assert cycle is not None
        return cycle

    @property
    def certificate(self) -> Certificate:
        """The last certificate; rows and guards have made sure that there is one."""
        certificate: Certificate | None = self._changes.get("certificate", self._e.certificate)
        assert certificate is not None
        return certificate

    @property
    def version(self) -> Version:
        """The version that the open cycle is pinned to."""
        return self.certification.pinned(self.cycle.version)

    def set_cycle(self, **changes: Any) -> None:
        """Change fields of the open cycle."""
        self.set(cycle=changed(self.cycle, **changes))

    def set_plan(self, **changes: Any) -> None:
        """Change fields of the planned cycle."""
        assert self.e.plan is not None
        self.set(plan=changed(self.e.plan, **changes))

    def open_cycle(self, cycle: Cycle) -> None:
        """The cycle is open from here on; no evidence is counted in it yet."""
        self.settled_at = cycle.opened_at
        self._cycles[cycle.number] = cycle
        self.set(cycle=cycle, cycles=cycle.number)

    def close_cycle(self, outcome: CycleOutcome, at: datetime) -> Cycle:
        """The open cycle ends; what it earned is for the caller to say."""
        closed = changed(self.cycle, closed_at=at, outcome=outcome)
        self._cycles[closed.number] = closed
        self.set(cycle=None)
        return closed

    def reopen_cycle(self, cycle: Cycle) -> None:
        """A cycle that time had closed is open again."""
        cycle = changed(cycle, closed_at=None, outcome=None)
        self._cycles[cycle.number] = cycle
        self.set(cycle=cycle)

    def set_certificate(self, **changes: Any) -> Certificate:
        """Change fields of the last certificate."""
        certificate = changed(self.certificate, **changes)
        self.keep_certificate(certificate)
        self.set(certificate=certificate)
        return certificate

    def keep_certificate(self, certificate: Certificate) -> None:
        """A certificate was issued or changed; it need not be the last one."""
        self._certificates[certificate.id] = certificate

    def assign(self, assignment: Assignment) -> None:
        """One more reason to be enrolled."""
        self._assigned.append(assignment)
        self.set(assignments=(*self.e.assignments, assignment))

    def unassign(self, assignment: Assignment) -> None:
        """One reason less."""
        self._unassigned.append((assignment.id, self.now))
        self.set(assignments=tuple(a for a in self.e.assignments if a.id != assignment.id))

    def cycle_numbered(self, number: int) -> Cycle | None:
        """The open cycle, or one that opened or closed in this story."""
        cycle = self.e.cycle
        return cycle if cycle is not None and cycle.number == number else self._cycles.get(number)

    def forget_place(self, place: Place, *, given_up: bool) -> None:
        """The enrollment has to do with a seat no more; given up, it is free for others."""
        e = self.e
        self.set(
            places=tuple(kept for kept in e.places if kept.key != place.key),
            seats=tuple(kept for kept in e.seats if kept.key != place.key),
        )
        if given_up:
            self._given_up.append(place.key)

    def enroll_elsewhere(self, certification_id: UUID) -> None:
        """The learner goes on in another certification."""
        self._elsewhere.append(EnrollElsewhere(certification_id, self.e.learner_id))

    def id_of(self, at: datetime, *parts: object) -> UUID:
        """An id that follows from the enrollment and its present revision."""
        return derived_id(at, self.e.id, self.e.revision, *parts)

    def end_step(self, before: Enrollment) -> None:
        """Close the step that began at `before`: number its lines and fix the state after it.

        A step without a line must have changed nothing that is told, and keeps its revision."""
        if not self._lines:
            return
        revision = before.revision + 1
        first = before.sequence + 1
        self.set(
            revision=revision,
            sequence=before.sequence + len(self._lines),
            updated_at=self.now,
        )
        status = before.status
        for index, line in enumerate(self._lines):
            self._events.append(
                Event(
                    id=derived_id(line.at, before.id, revision, index),
                    type=line.type,
                    sequence=first + index,
                    revision=revision,
                    index=index,
                    effective_at=line.at,
                    stale=line.stale,
                    by_time=self.by_time,
                    data=line.data,
                    before_status=status,
                    before_standing=before.standing,
                    after=self.e,
                )
            )
        self._lines.clear()

    def decision(self, refusal: Refusal | None = None) -> Decision:
        """All that came of it."""
        return Decision(
            enrollment=self.e,
            next_due_at=self.next_due_at,
            events=tuple(self._events),
            cycles=tuple(self._cycles.values()),
            certificates=tuple(self._certificates.values()),
            assigned=tuple(self._assigned),
            unassigned=tuple(self._unassigned),
            elsewhere=tuple(self._elsewhere),
            given_up=tuple(self._given_up),
            refusal=refusal,
        )
