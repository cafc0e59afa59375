"""The words in which a life is written down: on a day, something is enrolled, reported or done.

What a life says is what an LMS would send; nothing here knows what becomes of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

HOUR = time(15, tzinfo=UTC)
"""When things happen unless a life says otherwise: by day in every zone of the programmes."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The LMS assigns the learner."""

    source: str = "manual"
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The LMS reports a fact; `occurred_on` where it hears of it later."""

    fact: dict[str, Any]
    occurred_on: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A person acts on the enrollment."""

    name: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unassignment:
    """The LMS takes the assignments away."""

    reason: str


Deed = Enrolment | Report | Action | Unassignment


@dataclass(frozen=True, slots=True)
class Dated:
    """A deed and its instant."""

    at: datetime
    deed: Deed


@dataclass(frozen=True, slots=True)
class Life:
    """One learner in one programme: who, what the story is about, and all that is done.

    `shown` lives get a timeline of their own; the others are the crowd around them."""

    programme: str
    learner: str
    role: str
    tale: str
    dated: tuple[Dated, ...]
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Revision:
    """A programme gets a new version on a day: the same definition with courses renamed."""

    programme: str
    at: datetime
    renamed: dict[str, str]


def instant(text: str) -> datetime:
    """`2026-03-10` at the usual hour, or `2026-03-10 09:30` in UTC."""
    if len(text) == len("2026-03-10"):
        return datetime.combine(date.fromisoformat(text), HOUR)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(*entries: tuple[str, *tuple[Deed, ...]]) -> tuple[Dated, ...]:
    """Deeds by their days."""
    return tuple(Dated(instant(day), deed) for day, *deeds in entries for deed in deeds)


def together(*parts: Iterable[Dated]) -> tuple[Dated, ...]:
    """Parts of one life, in order of time."""
    return tuple(sorted((dated for part in parts for dated in part), key=lambda one: one.at))


def enrolled(source: str = "manual", group: str | None = None) -> Enrolment:
    """The LMS assigns the learner."""
    return Enrolment(source, group)


def course(course_id: str, grade: float | None = None, on: str | None = None) -> Report:
    """A course was completed, with the grade if it has one."""
    fact = {"type": "course_completion", "course_id": course_id, "outcome": "passed"}
    return Report(fact if grade is None else {**fact, "grade": grade}, on)


def exam(exam_id: str, grade: float, on: str | None = None, id: str | None = None) -> Report:
    """An exam was taken, with its grade."""
    fact = {"type": "exam_attempt", "exam_id": exam_id, "outcome": "completed", "grade": grade}
    return Report(fact, on, id)


def exam_passed(exam_id: str) -> Report:
    """An exam was passed, by the provider's word."""
    return Report({"type": "exam_attempt", "exam_id": exam_id, "outcome": "passed"})


def handed_in(step: str) -> Report:
    """Work outside the LMS was shown."""
    return Report({"type": "external", "step": step, "outcome": "submitted"})


def credits_earned(amount: float, category: str | None = None, on: str | None = None) -> Report:
    """Continuing education of some kind."""
    fact: dict[str, Any] = {"type": "credits", "amount": amount, "outcome": "completed"}
    return Report(fact if category is None else {**fact, "category": category}, on)


def paid() -> Report:
    """The fee of the open cycle came in."""
    return Report({"type": "payment", "outcome": "paid"})


def taken_back(id: str) -> Report:
    """A fact reported earlier was wrong."""
    return Report({"type": "retraction", "retracts": id})


def act(name: str, reason: str | None = None, **body: Any) -> Action:
    """A person acts, as `.../actions/{name}` takes it."""
    return Action(name, body if reason is None else {**body, "reason": reason})


def unassigned(reason: str) -> Unassignment:
    """The LMS takes the assignments away."""
    return Unassignment(reason)
