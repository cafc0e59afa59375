"""Frozen values that are made and copied quickly are frozen values all the same."""

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.definition import read_path
from certsvc.domain.enrollment import UNDECIDED, Cycle, Decided, Enrollment, blank
from certsvc.domain.evidence import Fact
from certsvc.domain.frozen import changed, quick
from certsvc.domain.ids import derived_id
from certsvc.domain.periods import Calendar
from certsvc.domain.progress import judge
from certsvc.domain.status import CycleKind
from tests.support.builders import MONDAY
from tests.support.strategies import facts, paths


@quick
@dataclass(frozen=True, slots=True)
class Point:
    """Where, and what it is called."""

    x: int
    y: int = 0
    name: str = field(default="", kw_only=True)


def test_it_takes_what_a_dataclass_takes() -> None:
    assert Point(1) == Point(x=1, y=0, name="")
    assert (Point(1, 2).y, Point(1, name="home").name) == (2, "home")
    assert repr(Point(1, 2)) == "Point(x=1, y=2, name='')"
    for wrong in ((), (1, 2, "name")):
        with pytest.raises(TypeError):
            Point(*wrong)
    with pytest.raises(TypeError):
        Point(1, z=3)  # type: ignore[call-arg]


def test_it_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        changed(point, y=5).x = 2  # type: ignore[misc]
    assert type(point) is type(changed(point)) is Point


def test_a_copy_differs_in_what_was_changed_alone() -> None:
    assert changed(Point(1, 2, name="home"), y=7) == Point(1, 7, name="home")
    assert replace(Point(1, 2), x=3) == Point(3, 2)
    assert {Point(1, 2): "same"}[Point(1, 2)] == "same"
    with pytest.raises(AttributeError):
        changed(Point(1), z=3)


def test_what_needs_a_default_of_its_own_is_not_made_quickly() -> None:
    with pytest.raises(TypeError, match="items"):

        @quick
        @dataclass(frozen=True, slots=True)
        class Heap:
            items: list[int] = field(default_factory=list)


def test_a_whole_enrollment_is_copied_field_by_field() -> None:
    e = blank(
        id=derived_id(MONDAY, "e"),
        certification_id=derived_id(MONDAY, "c"),
        learner_id="u-1",
        seed="s",
        at=MONDAY,
    )
    copy = changed(e, learner_id="u-2")
    for one in fields(Enrollment):
        if one.name != "learner_id":
            assert getattr(copy, one.name) is getattr(e, one.name)


# A cycle in which nothing is true yet is judged by a short way


@st.composite
def known(draw: st.DrawFn, at: datetime) -> tuple[Fact, ...]:
    """Up to five facts around the instant."""
    found: list[Fact] = []
    for number in range(draw(st.integers(0, 5))):
        found.append(draw(facts(at, number, tuple(found))))
    return tuple(found)


@given(
    path=st.one_of(paths("start_of_day", graded=True), paths("exact", graded=False)),
    evidence=known(MONDAY),
    opened=st.timedeltas(timedelta(days=-200), timedelta(days=30)),
    earlier=st.timedeltas(timedelta(0), timedelta(days=60)),
)
def test_the_short_way_says_what_the_long_way_says(
    path: dict[str, object],
    evidence: tuple[Fact, ...],
    opened: timedelta,
    earlier: timedelta,
) -> None:
    since = MONDAY + opened
    cycle = Cycle(
        number=1,
        kind=CycleKind.INITIAL,
        version=1,
        opened_at=since,
        counts_from=since,
        test_outs_from=since - earlier,
        due_at=None,
        limit_at=None,
        armed_at=since,
        told_through=since,
    )
    assert cycle.decided is UNDECIDED
    # Equal, but not the same: that takes the long way.
    long = replace(cycle, decided=Decided())
    given = read_path(path), Calendar.of("Europe/Berlin", "start_of_day"), evidence, since, MONDAY
    assert judge(cycle, *given) == judge(long, *given)
