"""Which free seats go to whom: in the order of the line, in the first session with room."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.allotment import Allotted, Room, Waiting, allot
from tests.support.builders import DAY, MONDAY

COURSES = ("C-7", "C-8")
LATER = MONDAY + timedelta(seconds=1)
days = st.integers(0, 3).map(lambda number: MONDAY + number * DAY)


def learner(number: int) -> UUID:
    return UUID(int=number)


@st.composite
def rooms(draw: st.DrawFn) -> list[Room]:
    """Sessions of two courses, with few seats, none, or as many as are wanted."""
    free = st.sampled_from((0, 0, 1, 2, 3, None))
    return [
        Room(course, f"S-{number}", draw(free), draw(days))
        for number, course in enumerate(draw(st.lists(st.sampled_from(COURSES), max_size=6)))
    ]


@st.composite
def lines(draw: st.DrawFn) -> list[Waiting]:
    """Those in line, in any order; some since one instant, some for both courses."""
    wanted = draw(st.lists(st.tuples(st.sampled_from(COURSES), days, st.integers(1, 9))))
    found = {
        (course, number): Waiting(course, at, learner(number), 1, at)
        for course, at, number in wanted
    }
    return list(found.values())


def in_order(line: list[Waiting], course: str) -> list[Waiting]:
    waiting = [one for one in line if one.course_id == course]
    return sorted(waiting, key=lambda one: (one.wanted_at, one.enrollment_id))


def capacity(free: list[Room], course: str, line: list[Waiting]) -> int:
    """How many seats the course has; without a limit, one for everybody in line."""
    return sum(
        len(line) if room.free is None else room.free for room in free if room.course_id == course
    )


@given(rooms(), lines())
def test_no_seat_is_given_twice_and_nobody_gets_two(free: list[Room], line: list[Waiting]) -> None:
    allotted = allot(free, line)
    sold = Counter(one.session_id for one in allotted)
    for room in free:
        assert room.free is None or sold[room.session_id] <= room.free
    assert len({(one.to.course_id, one.to.enrollment_id) for one in allotted}) == len(allotted)
    courses = {room.session_id: room.course_id for room in free}
    assert all(courses[one.session_id] == one.to.course_id for one in allotted)


@given(rooms(), lines())
def test_nobody_is_overtaken_and_no_seat_stays_empty_while_somebody_waits(
    free: list[Room], line: list[Waiting]
) -> None:
    allotted = allot(free, line)
    for course in COURSES:
        served = [one.to for one in allotted if one.to.course_id == course]
        waiting = in_order(line, course)
        assert served == waiting[: capacity(free, course, line)]


@given(rooms(), lines())
def test_sessions_are_filled_one_after_the_other(free: list[Room], line: list[Waiting]) -> None:
    allotted = allot(free, line)
    order = [room.session_id for room in free]
    for course in COURSES:
        taken = [order.index(one.session_id) for one in allotted if one.to.course_id == course]
        assert taken == sorted(taken)
        sold = Counter(one.session_id for one in allotted)
        before = [room for room in free if room.course_id == course]
        for room, following in pairwise(before):
            assert sold[following.session_id] == 0 or sold[room.session_id] == room.free


@given(rooms(), lines())
def test_a_seat_is_taken_once_it_is_wanted_and_free(free: list[Room], line: list[Waiting]) -> None:
    freed = {room.session_id: room.freed_at for room in free}
    for one in allot(free, line):
        assert one.since == max(one.to.wanted_at, freed[one.session_id])


def test_a_session_that_takes_everybody_takes_everybody() -> None:
    line = [Waiting("C-7", MONDAY, learner(number), 1, MONDAY) for number in range(500)]
    allotted = allot([Room("C-7", "S-1", None, MONDAY)], line)
    assert [one.to for one in allotted] == line
    assert {one.session_id for one in allotted} == {"S-1"}


def test_of_two_since_one_instant_the_enrollment_decides_and_the_last_goes_without() -> None:
    second, first = (Waiting("C-7", MONDAY, learner(number), 1, MONDAY) for number in (2, 1))
    later = Waiting("C-7", LATER, learner(0), 1, LATER)
    room = Room("C-7", "S-1", 2, MONDAY - DAY)
    assert allot([room], [later, second, first]) == [
        Allotted(first, "S-1", MONDAY),
        Allotted(second, "S-1", MONDAY),
    ]


def test_where_nothing_is_free_nobody_gets_anything() -> None:
    line = [Waiting("C-7", MONDAY, learner(1), 1, MONDAY)]
    assert allot([Room("C-7", "S-1", 0, MONDAY), Room("C-8", "S-2", 5, MONDAY)], line) == []
