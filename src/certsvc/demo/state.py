"""What a learner's credential was worth over time, read from the history as it is known now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby, pairwise

from certsvc.demo.lms import Document, read_instant


class Worth(Enum):
    """What a stretch of time looks like on the strip: rank, mark, colour, and what it means.

    Where several fall into one cell the highest rank is shown, so that no gap goes unseen."""

    NOTHING = (0, " ", "default", "nothing")
    GOOD = (1, "█", "green", "certified")
    RENEWING = (2, "▓", "cyan", "renewing, still good")
    WORKING = (3, "░", "blue", "working on it")
    SUSPENDED = (4, "‖", "yellow", "suspended")
    GRACE = (5, "▒", "yellow", "expired, in grace")
    TAKEN = (6, "x", "magenta", "revoked")
    LAPSED = (7, "·", "red", "lapsed")

    @property
    def rank(self) -> int:
        """What wins within one cell."""
        return self.value[0]

    @property
    def mark(self) -> str:
        """How it is drawn."""
        return self.value[1]

    @property
    def colour(self) -> str:
        """And in what colour."""
        return self.value[2]

    @property
    def meaning(self) -> str:
        """What it means."""
        return self.value[3]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From an instant on, until the next stretch, something held."""

    since: datetime
    worth: Worth
    standing: str


def stretches(history: Sequence[Document]) -> list[Stretch]:
    """The stretches of a life. What was heard late is put where it was true: it takes the place
    of what had been believed from then on."""
    known: list[Stretch] = []
    for _, step in groupby(history, key=lambda event: event["revision"]):
        events = list(step)
        after = events[-1]["after"]
        since = _true_since(events)
        while known and known[-1].since >= since:
            known.pop()
        known.append(Stretch(since, _worth(after["status"], after["standing"]), after["standing"]))
    return known


def _true_since(events: Sequence[Document]) -> datetime:
    """From when the state after a step held: from its certificate, or from its last event."""
    issued = [event for event in events if event["type"] == "certificate.issued"]
    return max(read_instant(event["effective_at"]) for event in issued or events)


def _worth(status: str, standing: str) -> Worth:
    if status == "suspended":
        return Worth.SUSPENDED
    if standing == "valid":
        return Worth.GOOD if status == "certified" else Worth.RENEWING
    if standing == "grace":
        return Worth.GRACE
    if standing == "lapsed":
        return Worth.LAPSED
    if standing in ("revoked", "disallowed"):
        return Worth.TAKEN
    return (
        Worth.WORKING
        if status in ("not_started", "in_progress", "pending_approval", "recertifying", "inactive")
        else Worth.NOTHING
    )


def standing_at(known: Sequence[Stretch], at: datetime) -> str:
    """The standing at an instant."""
    standing = "none"
    for stretch in known:
        if stretch.since > at:
            break
        standing = stretch.standing
    return standing


def cells(known: Sequence[Stretch], borders: Sequence[datetime], end: datetime) -> list[Worth]:
    """One worth for each cell between two borders."""
    drawn = []
    for begins, ends in pairwise(borders):
        held = Worth.NOTHING
        for number, stretch in enumerate(known):
            until = known[number + 1].since if number + 1 < len(known) else end
            if stretch.since < ends and until > begins and stretch.worth.rank > held.rank:
                held = stretch.worth
        drawn.append(held)
    return drawn


@dataclass(frozen=True, slots=True)
class Cover:
    """How many days of a life had a valid certificate, of those since the first one."""

    days: int
    of: int


def cover(known: Sequence[Stretch], end: datetime) -> Cover:
    """How well a life was covered."""
    valid = total = timedelta(0)
    for number, stretch in enumerate(known):
        until = known[number + 1].since if number + 1 < len(known) else end
        if total or stretch.standing == "valid":
            total += until - stretch.since
            valid += until - stretch.since if stretch.standing == "valid" else timedelta(0)
    return Cover(round(valid / timedelta(days=1)), round(total / timedelta(days=1)))
