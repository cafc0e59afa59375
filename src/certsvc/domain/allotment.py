"""Which free seats in live sessions go to whom.

Seats go in the order of the instants at which they were due, then of enrollment (lifecycle, 5,
Live sessions); everybody gets one in the first session of the course with room.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Room:
    """A session with free seats; None of them counted means as many as are wanted. `freed_at` is
    when it last had more of them than before."""

    course_id: str
    session_id: str
    free: int | None
    freed_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody in line for a seat in a course, by the instant at which it was due; `since` is
    later where a seat was lost."""

    course_id: str
    wanted_at: datetime
    enrollment_id: UUID
    cycle: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Allotted:
    """A seat that somebody gets, since when it was there and due."""

    to: Waiting
    session_id: str
    since: datetime


def allot(rooms: Iterable[Room], line: Iterable[Waiting]) -> list[Allotted]:
    """The seats that those in line get. `rooms` are in the order in which sessions are filled."""
    left: dict[str, list[tuple[Room, int | None]]] = {}
    for room in rooms:
        if room.free is None or room.free > 0:
            left.setdefault(room.course_id, []).append((room, room.free))
    allotted = []
    for waiting in sorted(line, key=lambda one: (one.wanted_at, one.enrollment_id)):
        rooms_left = left.get(waiting.course_id)
        if not rooms_left:
            continue
        room, free = rooms_left[0]
        since = max(waiting.since, room.freed_at)
        allotted.append(Allotted(waiting, room.session_id, since))
        if free == 1:
            rooms_left.pop(0)
        elif free is not None:
            rooms_left[0] = room, free - 1
    return allotted
