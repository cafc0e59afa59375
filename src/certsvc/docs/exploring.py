"""Finds out which status leads to which: asks everything of everybody, and lets time pass.

A walk over the tables themselves: from a blank enrollment every command is decided and time is let
go on to what is due next, until nothing new is met. So the diagram cannot say what the code does
not do.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import groupby
from uuid import UUID

from certsvc.docs.programmes import BEGIN, PROGRAMMES, asked_of
from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment, blank
from certsvc.domain.events import EventType
from certsvc.domain.lifecycle import advance, decide, next_due_at
from certsvc.domain.outcome import Decision
from certsvc.domain.status import Status
from certsvc.domain.timeline import earliest

PAUSE = timedelta(hours=1)
"""Between two things that happen, so that each has an instant of its own."""

PATIENCE = 40
"""How many notices and reminders may pass before time must have changed something."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From one status to another, and by what. `origin` is None for somebody new."""

    origin: Status | None
    goal: Status
    label: str
    by_time: bool


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found: the edges in order, and the keys of the data that each event type carried."""

    edges: tuple[Edge, ...]
    said: Mapping[EventType, frozenset[str]]


@dataclass(slots=True)
class _Walk:
    certification: Certification
    edges: set[Edge] = field(default_factory=set)
    said: dict[EventType, set[str]] = field(default_factory=dict)
    met: set[tuple[object, ...]] = field(default_factory=set)
    ahead: deque[Enrollment] = field(default_factory=deque)

    def meet(self, e: Enrollment) -> None:
        """Go on from here, unless somebody in the same situation was met before."""
        situation = _situation(e)
        if situation not in self.met:
            self.met.add(situation)
            self.ahead.append(e)

    def note(self, before: Enrollment, decision: Decision, label: str) -> None:
        """Keep the edges of a decision, and what its events carried."""
        self.edges.update(_edges(before, decision, self.certification, label))
        for event in decision.events:
            self.said.setdefault(event.type, set()).update(event.data)


@lru_cache(maxsize=1)
def explore() -> Explored:
    """Every edge between two different statuses, and every kind of event on the way."""
    edges: set[Edge] = set()
    said: dict[EventType, frozenset[str]] = {}
    for certification in PROGRAMMES:
        walk = _walked(certification)
        edges |= walk.edges
        for type, keys in walk.said.items():
            said[type] = said.get(type, frozenset()) | keys
    return Explored(tuple(sorted(edges, key=_place)), said)


def _place(edge: Edge) -> tuple[int, int, bool, str]:
    """In the order in which the statuses are declared; time before people."""
    places = {status: place for place, status in enumerate(Status)}
    origin = -1 if edge.origin is None else places[edge.origin]
    return origin, places[edge.goal], not edge.by_time, edge.label


def _walked(certification: Certification) -> _Walk:
    walk = _Walk(certification)
    walk.meet(
        blank(
            id=UUID(int=1),
            certification_id=certification.id,
            learner_id="learner",
            seed="seed",
            at=BEGIN,
        )
    )
    while walk.ahead:
        e = walk.ahead.popleft()
        _let_time_pass(walk, e)
        at = e.updated_at + PAUSE
        for asked in asked_of(e, at):
            decision = decide(e, certification, asked.command, at)
            if decision.refusal is None:
                walk.note(e, decision, asked.label)
                walk.meet(decision.enrollment)
    return walk


def _let_time_pass(walk: _Walk, e: Enrollment) -> None:
    situation = _situation(e)
    for _ in range(PATIENCE):
        at = next_due_at(e, walk.certification)
        if at is None:
            return
        decision = advance(e, walk.certification, at)
        walk.note(e, decision, "time")
        e = decision.enrollment
        if _situation(e) != situation:
            break
    walk.meet(e)


def _situation(e: Enrollment) -> tuple[object, ...]:
    """What makes two enrollments go on alike, as far as the headline is concerned."""
    progress = None if e.cycle is None else e.cycle.progress
    planned = None if e.plan is None else e.plan.opens_at is not None
    return (
        e.status,
        e.standing,
        e.work,
        e.suspended,
        e.assigned,
        e.kind,
        planned,
        e.kept_work,
        e.overtaken is not None,
        None if progress is None else (progress.payment, progress.training_done),
        None if e.certificate is None else e.certificate.window_used,
    )


def _edges(
    before: Enrollment, decision: Decision, certification: Certification, label: str
) -> Iterator[Edge]:
    """The steps of a decision, each from the state before it to the state after it."""
    state = before
    for _, said in groupby(decision.events, key=lambda event: event.revision):
        event = next(said)
        origin, goal = state.status, event.after.status
        if event.by_time:
            label = _timer(state, certification)
        if not state.exists:
            yield Edge(None, goal, label, event.by_time)
        elif origin is not goal:
            yield Edge(origin, goal, label, event.by_time)
        state = event.after


def _timer(state: Enrollment, certification: Certification) -> str:
    found = earliest(state, certification)
    return "evidence" if found is None else found[1].name
