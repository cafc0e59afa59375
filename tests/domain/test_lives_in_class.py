"""Lives in programmes that need classes and courses: courses are archived, revised and overbooked,
sessions come and go, seats are given and lost; all laws are asked after each."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from certsvc.domain.commands import Enroll, Leave
from certsvc.domain.course import Course
from certsvc.domain.enrollment import Source
from certsvc.domain.seating import missing, news
from certsvc.domain.status import Work
from certsvc.domain.to_do import ToDo, to_do
from tests.domain.history import History
from tests.domain.test_lives import Lives
from tests.support.builders import MONDAY
from tests.support.programmes import Document
from tests.support.strategies import acts, moments
from tests.support.worlds import COURSES, courses, sessions, taught, told_of

GROUPS = ("G1", "G2")


class LivesInClass(Lives):
    """Everything that can happen to a learner who needs seats in live sessions."""

    @initialize(
        document=taught,
        following=taught,
        known=courses(MONDAY),
        session=st.one_of(st.none(), sessions("S-0", MONDAY)),
        automatic=st.booleans(),
        self_enrollment=st.sampled_from(("closed", "open", "open", "with_approval")),
        acceptance_required=st.sampled_from((False, False, False, True)),
    )
    def begin(self, document: Document, following: Document, **switches: Any) -> None:
        known, session = switches.pop("known"), switches.pop("session")
        self.h = History([document, following], courses=known, **switches)
        if session is not None:
            self.h.hall.sessions[session.id] = session
        self.h.do(Enroll(source=Source.MANUAL))

    # What the LMS tells

    @rule(
        id=st.sampled_from(COURSES),
        archived=st.sampled_from((False, False, True)),
        overbooking=st.booleans(),
        revision=st.sampled_from((None, "1", "2")),
        first_advanced=st.booleans(),
    )
    def tell_of_a_course(self, id: str, first_advanced: bool, **told: Any) -> None:
        h = self.h
        if first_advanced:
            h.catch_up()
        course = told_of(h.c.courses.get(id, Course(id)), h.now, **told)
        h.change(courses={**h.c.courses, id: course})

    @rule(data=st.data())
    def tell_of_a_session(self, data: st.DataObject) -> None:
        h = self.h
        h.numbers += 1
        session = data.draw(sessions(f"S-{h.numbers}", h.now))
        h.hall.sessions[session.id] = session
        h.seats_changed()

    @precondition(lambda self: self.h.hall.sessions)
    @rule(data=st.data(), by=st.sampled_from((-1, 1, 1)))
    def others_take_seats_and_leave_them(self, data: st.DataObject, by: int) -> None:
        self.h.hall.others(self.session(data), by, self.h.now)
        self.h.seats_changed()

    @precondition(lambda self: self.h.hall.sessions)
    @rule(data=st.data(), by=st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=90))))
    def postpone_a_session(self, data: st.DataObject, by: timedelta | None) -> None:
        starts_at = None if by is None else self.h.now + by
        self.h.hall.postpone(self.session(data), starts_at)
        self.h.seats_changed()

    @precondition(lambda self: self.h.hall.sessions)
    @rule(data=st.data())
    def cancel_a_session(self, data: st.DataObject) -> None:
        self.h.hall.cancel(self.session(data), self.h.e, self.h.now)
        self.h.seats_changed()

    def session(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.h.hall.sessions)))

    # What comes late

    @rule(data=st.data(), by=moments)
    def act_after_an_outage(self, data: st.DataObject, by: timedelta) -> None:
        self.h.now += by
        self.h.do(data.draw(acts(self.h.e, self.h.now)))

    @rule(data=st.data(), by=moments)
    def give_seats_after_an_outage(self, data: st.DataObject, by: timedelta) -> None:
        self.h.now += by
        self.tell_of_a_session(data)

    # What groups do

    @rule(group=st.sampled_from(GROUPS))
    def join_a_group(self, group: str) -> None:
        self.h.do(Enroll(source=Source.GROUP, group=group))

    @rule(group=st.sampled_from(GROUPS))
    def leave_a_group(self, group: str) -> None:
        self.h.do(Leave(group))

    # What holds after each

    @invariant()
    def what_is_told_of_seats_is_what_was_given(self) -> None:
        h = self.h
        seat = news(h.e)
        assert seat is None or seat.since > h.now
        assert len({place.key for place in h.e.places}) == len(h.e.places)
        assert {place.key for place in h.e.places} <= h.hall.rows.keys()

    @invariant()
    def nobody_stands_in_line_who_needs_no_seat_or_while_there_is_room(self) -> None:
        h = self.h
        line = {key for key, row in h.hall.rows.items() if row.session_id is None}
        assert line <= {place.key for place in h.e.places}
        assert not {course for _, course in line} & {room.course_id for room in h.hall.rooms(h.now)}

    @invariant()
    def who_works_on_a_cycle_lacks_no_place(self) -> None:
        h = self.h
        assert not h.e.running or not missing(h.e, h.c, h.now)

    @invariant()
    def what_is_to_do_agrees_with_what_is_waited_for(self) -> None:
        h = self.h
        types = {task.type for task in to_do(h.e, h.c, h.now)}
        if h.e.work is Work.WAITING and h.e.assigned and not h.e.suspended:
            assert types & {ToDo.WAIT_FOR_START, ToDo.WAIT_FOR_COURSE, ToDo.WAIT_FOR_SEAT}


def test_the_laws_hold_given_seats_and_courses() -> None:
    run_state_machine_as_test(
        LivesInClass, settings=settings(max_examples=40, stateful_step_count=35)
    )
