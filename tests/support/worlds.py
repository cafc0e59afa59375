"""Random worlds around a learner: programmes that need classes and courses, what the LMS told of
those courses, and the sessions whose seats are handed out.

The rules are given seats and switches; here somebody gives them, as the service would.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from certsvc.domain.allotment import Room, Waiting, allot
from certsvc.domain.course import Course
from certsvc.domain.enrollment import Enrollment, Place
from certsvc.domain.outcome import Decision
from certsvc.domain.publication import reasons
from certsvc.domain.seating import Key
from certsvc.domain.switch import BEGINNING, OFF, Switch
from tests.support.builders import ENROLLMENT
from tests.support.programmes import Document
from tests.support.strategies import publishable

CLASSES = ("C-7", "C-8")
COURSES = ("C-1", "C-2", *CLASSES)
_SOME_DAY = datetime.max.replace(tzinfo=UTC)

# Programmes

ONLY_WAYS: tuple[Document | None, ...] = (
    {"type": "session", "course_id": "C-7"},
    {"type": "session", "course_id": "C-8"},
    {"type": "course", "course_id": "C-1", "minimum_grade": 80},
    None,
)


@st.composite
def _taught(draw: st.DrawFn) -> Document:
    document = dict(draw(publishable))
    for name in ("initial", "recertification", "reinstatement"):
        path = document[name]
        if path is None:
            continue
        ways = [draw(st.sampled_from(ONLY_WAYS)) for _ in path["steps"][:2]]
        steps = list(path["steps"])
        for place, way in enumerate(ways):
            if way is not None:
                steps[place] = {"key": steps[place]["key"], "ways": [way]}
        document[name] = path | {"steps": steps}
    return document


taught = _taught().filter(lambda document: not reasons(document))
"""Definitions whose steps are mostly done in one class, or by one course, and not otherwise."""


# What the LMS told of courses


@st.composite
def switches(draw: st.DrawFn, at: datetime, first: bool = False) -> Switch:
    """A switch that is turned a few times, before the instant and after."""
    days = draw(st.lists(st.integers(-30, 700), max_size=3, unique=True).map(sorted))
    value, history = first, [(BEGINNING, first)]
    for day in days:
        value = not value
        history.append((at + timedelta(days=day), value))
    return Switch(tuple(history))


@st.composite
def courses(draw: st.DrawFn, at: datetime) -> Mapping[str, Course]:
    """What the LMS told of some courses, and what it will have told by the end."""
    others = draw(st.lists(st.sampled_from(COURSES), unique=True))
    known = dict.fromkeys((CLASSES[0], *others))
    return {
        id: Course(
            id,
            archived=draw(st.one_of(st.just(OFF), switches(at))),
            overbooking=draw(st.one_of(st.just(OFF), switches(at))),
        )
        for id in known
    }


def turned(switch: Switch, value: bool, at: datetime) -> Switch:
    """The switch turned at the instant, whatever it would have been turned to later."""
    return Switch(tuple(pair for pair in switch.history if pair[0] <= at)).turned(value, at)


def told_of(
    course: Course, at: datetime, *, archived: bool, overbooking: bool, revision: str | None
) -> Course:
    """The course as the LMS tells of it now."""
    known = {revision for _, revision in course.revisions}
    new = () if revision is None or revision in known else ((at, revision),)
    return replace(
        course,
        archived=turned(course.archived, archived, at),
        overbooking=turned(course.overbooking, overbooking, at),
        revisions=(*course.revisions, *new),
    )


# Seats


@dataclass(frozen=True, slots=True)
class Session:
    """A live session with its free seats (None for as many as are wanted)."""

    course_id: str
    id: str
    free: int | None
    freed_at: datetime
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """A seat of the learner, or a place in line."""

    wanted_at: datetime
    session_id: str | None
    since: datetime


@dataclass(slots=True)
class Hall:
    """The sessions, and where the one learner sits or stands in line in them."""

    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    rows: dict[Key, Row] = field(default_factory=dict[Key, Row])

    @property
    def seats(self) -> tuple[Place, ...]:
        """What the enrollment is given."""
        return tuple(
            Place(*key, row.session_id, row.since, self._starts_at(row))
            for key, row in self.rows.items()
        )

    def seats_of(self, asked: Enrollment, decision: Decision) -> tuple[Place, ...]:
        """What it is given to decide the same again: what it gave up in that very decision it had
        until then."""
        gone = set(decision.given_up)
        had = tuple(seat for seat in asked.seats if seat.key in gone)
        kept = {seat.key for seat in had}
        return (*had, *(seat for seat in self.seats if seat.key not in kept))

    def _starts_at(self, row: Row) -> datetime | None:
        session = self.sessions.get(row.session_id or "")
        return None if session is None else session.starts_at

    def serve(self, asked: Enrollment, decision: Decision, now: datetime) -> bool:
        """Take back what is given up, note who stands in line, hand out; whether that would have
        changed the decision. Who gives a seat up and needs one again is told of it afterwards."""
        gone = set(decision.given_up)
        self._give_up(gone, now)
        known = {seat.key for seat in asked.seats} - gone
        for place in decision.enrollment.places:
            if place.session_id is None and place.key not in known:
                self.rows.setdefault(place.key, Row(place.since, None, place.since))
        return not self.hand_out(now) <= gone

    def _give_up(self, keys: Iterable[Key], now: datetime) -> None:
        for key in keys:
            row = self.rows.pop(key, None)
            session = None if row is None else self.sessions.get(row.session_id or "")
            if session is not None:
                self._free(session, 1, now)

    def _free(self, session: Session, by: int, now: datetime) -> None:
        free = None if session.free is None else max(0, session.free + by)
        freed_at = max(session.freed_at, now) if by > 0 else session.freed_at
        self.sessions[session.id] = replace(session, free=free, freed_at=freed_at)

    def hand_out(self, now: datetime) -> set[Key]:
        """Give what is free to the learner, where in line; what was given."""
        line = [
            Waiting(course, row.wanted_at, ENROLLMENT, cycle, row.since)
            for (cycle, course), row in self.rows.items()
            if row.session_id is None
        ]
        given = allot(self.rooms(now), line)
        for one in given:
            key = one.to.cycle, one.to.course_id
            self.rows[key] = Row(one.to.wanted_at, one.session_id, one.since)
            self._free(self.sessions[one.session_id], -1, now)
        return {(one.to.cycle, one.to.course_id) for one in given}

    def rooms(self, now: datetime) -> list[Room]:
        """The sessions with room, in the order in which they are filled."""
        found = [
            session
            for session in self.sessions.values()
            if session.free != 0 and (session.starts_at is None or session.starts_at > now)
        ]
        found.sort(key=lambda one: (one.course_id, one.starts_at or _SOME_DAY, one.id))
        return [Room(one.course_id, one.id, one.free, one.freed_at) for one in found]

    def others(self, id: str, by: int, now: datetime) -> None:
        """Other learners take seats in the session, or leave them."""
        self._free(self.sessions[id], by, now)

    def postpone(self, id: str, starts_at: datetime | None) -> None:
        """The session has another date."""
        self.sessions[id] = replace(self.sessions[id], starts_at=starts_at)

    def cancel(self, id: str, e: Enrollment, now: datetime) -> None:
        """Who has a seat in the session stands in line again, at the old place."""
        del self.sessions[id]
        for place in e.places:
            row = self.rows.get(place.key)
            if row is not None and row.session_id == id:
                self.rows[place.key] = replace(row, session_id=None, since=now)


def sessions(id: str, now: datetime) -> st.SearchStrategy[Session]:
    """A session that is told of, with its room from now on, or from soon."""
    ahead = st.timedeltas(timedelta(hours=1), timedelta(days=200)).map(lambda by: now + by)
    return st.builds(
        Session,
        course_id=st.sampled_from(CLASSES),
        id=st.just(id),
        free=st.sampled_from((None, 0, 1, 1, 2)),
        freed_at=st.one_of(st.just(now), st.just(now), ahead),
        starts_at=st.one_of(st.none(), ahead),
    )
