"""Turns a history into lines that a person reads: one for each day on which something changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from certsvc.demo.lms import Document, read_instant
from certsvc.demo.programmes import Programme

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MANY_STEPS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """What was heard on a day: its mark, the words, notes beside them, a person's reason, and the
    status from then on (None where it says nothing about that)."""

    day: date
    mark: str
    colour: str
    text: str
    notes: tuple[str, ...] = ()
    reason: str | None = None
    status: str | None = None
    standing: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What the words of one step (one revision of an enrollment) may look at."""

    programme: Programme
    events: tuple[Document, ...]

    @property
    def types(self) -> frozenset[str]:
        """The types of its events."""
        return frozenset(event["type"] for event in self.events)

    @property
    def passed(self) -> bool:
        """Whether an exam came to be passed in it."""
        told = (event["data"].get("exam") for event in self.events)
        return "certificate.issued" in self.types or "passed" in told


@dataclass(frozen=True, slots=True)
class Word:
    """How one type of event is told. The highest rank of a day gives it its mark."""

    rank: int
    mark: str
    colour: str
    phrase: Callable[[Document, Scene], str]


def written_day(day: date) -> str:
    """10 Mar 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def local_day(text: str, programme: Programme) -> date:
    """The day of an instant where the programme lives."""
    return read_instant(text).astimezone(programme.zone).date()


def last_day(expires_at: str, programme: Programme) -> date:
    """The last valid day before an expiry."""
    within = read_instant(expires_at) - timedelta(seconds=1)
    return within.astimezone(programme.zone).date()


def _said(text: str) -> Callable[[Document, Scene], str]:
    return lambda _data, _scene: text


def _issued(data: Document, scene: Scene) -> str:
    expires_at = data["certificate"]["expires_at"]
    if expires_at is None:
        return "certified, for good"
    return f"certified, good through {written_day(last_day(expires_at, scene.programme))}"


def _opened(data: Document, _scene: Scene) -> str:
    return "the way back opens" if data["cycle"]["kind"] == "reinstatement" else "renewal opens"


def _steps(data: Document, scene: Scene) -> str:
    if "enrollment.approved" in scene.types:
        return ""
    done = [one for one in data.get("steps") or () if one["state"] in ("done", "awaiting_approval")]
    if len(done) > MANY_STEPS:
        return f"{len(done)} steps"
    words = []
    for step in done:
        title = scene.programme.step_titles.get(step["key"], step["key"])
        words.append(f"{title} (prior credit)" if step["by"] == "prior_credit" else title)
    return ", ".join(words)


def _attempt(data: Document, scene: Scene) -> str:
    grade = data.get("grade")
    if grade is None:
        return "exam passed" if scene.passed else "exam passed, but does not count"
    if grade < scene.programme.passing_scores.get(data["exam_id"], 0):
        return f"exam failed with {grade:g}"
    return f"exam passed with {grade:g}" + ("" if scene.passed else ", but does not count")


def _changes(data: Document, scene: Scene) -> str:
    change = data["changes"].get("expires_at")
    if change is None:
        return "dates changed"
    return f"now good through {written_day(last_day(change['after'], scene.programme))}"


def _moved(data: Document, _scene: Scene) -> str:
    return f"moved to version {data['to_version']}, progress kept"


def _back(data: Document, scene: Scene) -> str:
    titles = [scene.programme.step_titles.get(key, key) for key in data.get("steps") or ()]
    return "sent back: " + ", ".join([*titles, *(["the exam"] if data.get("exam") else [])])


WORDS: dict[str, Word] = {
    "enrollment.created": Word(1, "o", "blue", _said("enrolled")),
    "enrollment.assigned": Word(1, "o", "blue", _said("assigned again")),
    "enrollment.unassigned": Word(2, "-", "magenta", _said("no longer assigned")),
    "enrollment.progressed": Word(1, "+", "blue", _steps),
    "exam.attempted": Word(1, "+", "blue", _attempt),
    "exam.reset": Word(3, "~", "yellow", _said("attempts reset")),
    "payment.recorded": Word(1, "+", "blue", _said("fee paid")),
    "payment.waived": Word(2, "+", "blue", _said("fee waived")),
    "payment.refunded": Word(2, "-", "yellow", _said("fee refunded")),
    "enrollment.pending_approval": Word(2, "?", "yellow", _said("waits for a sign-off")),
    "enrollment.approved": Word(2, "+", "blue", _said("signed off")),
    "enrollment.rejected": Word(4, "~", "yellow", _back),
    "enrollment.deactivated": Word(3, "‖", "yellow", _said("paused")),
    "enrollment.reactivated": Word(3, "+", "blue", _said("resumed")),
    "enrollment.suspended": Word(5, "‖", "yellow", _said("suspended")),
    "enrollment.lifted": Word(5, "+", "green", _said("suspension lifted")),
    "enrollment.dates_changed": Word(4, "~", "yellow", _changes),
    "enrollment.version_moved": Word(4, "~", "cyan", _moved),
    "recertification.opened": Word(2, "○", "cyan", _opened),
    "recertification.due": Word(2, "○", "cyan", _said("may be renewed")),
    "recertification.stopped": Word(4, "-", "yellow", _said("no further renewal")),
    "recertification.forced": Word(6, "!", "magenta", _said("must recertify now")),
    "enrollment.revoked": Word(6, "x", "magenta", _said("access revoked")),
    "enrollment.disallowed": Word(7, "x", "magenta", _said("barred for good")),
    "enrollment.restored": Word(7, "+", "green", _said("restored")),
    "certificate.flagged": Word(5, "!", "magenta", _said("a result is taken back, flagged")),
    "certificate.revoked": Word(3, "x", "magenta", _said("certificate revoked")),
    "certificate.expired": Word(5, "!", "yellow", _said("expired")),
    "certificate.lapsed": Word(6, "!", "red", _said("lapsed")),
    "certificate.issued": Word(8, "●", "green", _issued),
}
REMINDERS = ("certificate.expiring", "certificate.lapsing", "enrollment.due_soon")
IMPLIED = {
    # Said already by what is beside them on the same day.
    "certificate.issued": {"enrollment.pending_approval"},
    "enrollment.disallowed": {"certificate.revoked"},
    "enrollment.revoked": {"certificate.revoked"},
    "enrollment.created": {"enrollment.assigned"},
    "recertification.forced": {"recertification.opened"},
    "enrollment.restored": {"recertification.opened"},
}
FIRST = {"enrollment.created": -2, "enrollment.assigned": -2, "enrollment.progressed": -1}
"""What a person would say first of one step; the rest stays in the order of the history."""


def lines(history: Sequence[Document], programme: Programme) -> list[Line]:
    """The lines of a life, in the order in which things were heard of."""
    told: list[Line] = []
    reminders = 0
    for day, scenes in groupby(_scenes(history, programme), key=_heard_on):
        together = tuple(scenes)
        reminders += sum(event["type"] in REMINDERS for scene in together for event in scene.events)
        line = _line(day, together, reminders)
        if line is not None:
            told.append(line)
            reminders = 0
    return told


def _scenes(history: Sequence[Document], programme: Programme) -> Iterable[Scene]:
    for _, events in groupby(history, key=lambda event: event["revision"]):
        yield Scene(programme, tuple(events))


def _heard_on(scene: Scene) -> date:
    return local_day(scene.events[0]["recorded_at"], scene.programme)


def _line(day: date, scenes: Sequence[Scene], reminders: int) -> Line | None:
    implied = {name for scene in scenes for type in scene.types for name in IMPLIED.get(type, ())}
    phrases: list[str] = []
    chief, chief_day = None, day
    for scene in scenes:
        for event in sorted(scene.events, key=lambda event: FIRST.get(event["type"], 0)):
            word = WORDS.get(event["type"])
            phrase = "" if word is None else word.phrase(event["data"], scene)
            if word is None or not phrase or event["type"] in implied:
                continue
            phrases.append(phrase)
            if chief is None or word.rank >= chief.rank:
                chief, chief_day = word, local_day(event["effective_at"], scene.programme)
    if chief is None:
        return None
    events = [event for scene in scenes for event in scene.events]
    after = events[-1]["after"] or events[-1]["before"]
    return Line(
        day=day,
        mark=chief.mark,
        colour=chief.colour,
        text=" · ".join(dict.fromkeys(phrases)),
        notes=_notes(day, chief_day, reminders),
        reason=next((event["reason"] for event in events if event["reason"]), None),
        status=after["status"],
        standing=after["standing"],
    )


def _notes(heard: date, true_on: date, reminders: int) -> tuple[str, ...]:
    notes = []
    if true_on < heard:
        notes.append(f"as of {written_day(true_on)}, heard of now")
    if reminders:
        notes.append("after a reminder" if reminders == 1 else f"after {reminders} reminders")
    return tuple(notes)
