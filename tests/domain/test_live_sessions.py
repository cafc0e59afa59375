"""Live sessions: a cycle that needs a seat waits for one, or goes without (lifecycle, 5).

Which seats are given is decided outside of the rules; here they are simply given."""

from dataclasses import replace
from datetime import datetime

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.commands import Enroll
from certsvc.domain.course import Course
from certsvc.domain.enrollment import Source
from certsvc.domain.events import EventType
from certsvc.domain.lifecycle import forecast
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from certsvc.domain.switch import OFF, Switch
from tests.support.builders import DAY, Life, begun
from tests.support.classroom import ONLY_COURSE, attended, begun_class, with_course
from tests.support.programmes import (
    SESSION,
    Document,
    definition,
    path,
    programme,
    republished,
    utc,
)

TUESDAY = utc("2026-01-06T09:00")


def in_line(life: Life) -> list[tuple[int, str, datetime]]:
    return [(p.cycle, p.course_id, p.since) for p in life.e.places if p.session_id is None]


def types(life: Life) -> list[EventType]:
    return [event.type for event in life.told]


def test_who_needs_a_seat_waits_until_one_is_given() -> None:
    life = Life(attended()).enroll()
    assert (life.status, life.work, life.e.cycle) == (Status.NOT_STARTED, Work.WAITING, None)
    assert in_line(life) == [(1, "C-7", life.now)]
    life.given("S-1").at(life.now)
    assert types(life)[-2:] == [EventType.SESSION_SEAT_TAKEN, EventType.ENROLLMENT_OPENED]
    assert life.told[-2].data == {"course_id": "C-7", "session_id": "S-1"}
    assert (life.work, life.cycle.opened_at) == (Work.NOT_STARTED, life.now)


def test_who_is_given_one_at_once_never_stands_in_line() -> None:
    life = Life(attended()).given("S-1").enroll()
    assert types(life)[-2:] == [EventType.SESSION_SEAT_TAKEN, EventType.ENROLLMENT_OPENED]
    assert EventType.SESSION_WAITING not in types(life)


def test_who_stands_in_line_is_told_so_and_flagged() -> None:
    life = Life(attended()).enroll().at(TUESDAY)
    assert (types(life)[-1], life.flags) == (
        EventType.SESSION_WAITING,
        (Flag.AWAITING_SESSION,),
    )
    life.given("S-1").at(life.now)
    assert (life.cycle.opened_at, life.flags) == (TUESDAY, ())


def test_the_cycle_opens_when_the_seat_was_taken_however_late_that_is_noticed() -> None:
    life = Life(attended()).enroll().given("S-1", since=TUESDAY).at("2026-01-20T00:00")
    assert (life.cycle.opened_at, life.told[-1].effective_at) == (TUESDAY, TUESDAY)


def test_with_overbooking_the_cycle_opens_and_the_learner_stands_on_the_list() -> None:
    life = Life(attended(overbooking=True)).enroll()
    assert (life.work, in_line(life)) == (Work.NOT_STARTED, [(1, "C-7", life.now)])
    assert (life.flags, life.cycle.opened_at) == ((Flag.AWAITING_SESSION,), life.now)
    life.given("S-1", since=TUESDAY).at(TUESDAY)
    assert (life.flags, types(life)[-1]) == ((), EventType.SESSION_SEAT_TAKEN)


def test_turning_overbooking_on_opens_the_cycle_of_who_stands_in_line() -> None:
    life = Life(attended()).enroll().at(TUESDAY)
    with_course(life, "C-7", overbooking=True)
    assert (life.cycle.opened_at, life.flags) == (TUESDAY, (Flag.AWAITING_SESSION,))


def test_a_course_that_the_lms_never_told_of_needs_no_seat() -> None:
    life = Life(programme(definition(path(SESSION, ONLY_COURSE)))).enroll()
    assert (life.work, in_line(life)) == (Work.NOT_STARTED, [])


@pytest.mark.parametrize(
    "other",
    [{"type": "course", "course_id": "C-2"}, {"type": "session", "course_id": "C-8"}],
    ids=["a course", "another class"],
)
def test_where_there_is_another_way_no_seat_is_needed(other: dict[str, str]) -> None:
    step = {"key": "class", "ways": [*SESSION["ways"], other]}
    life = Life(attended(definition(path(step, ONLY_COURSE)))).enroll()
    assert (life.work, in_line(life)) == (Work.NOT_STARTED, [])


def test_a_recertification_that_waits_for_a_seat_keeps_the_headline_of_the_certificate() -> None:
    life = Life(attended(automatic=True)).enroll()
    life.act(Action.CERTIFY, when="always")
    life.at("2026-12-06T00:00")
    assert (life.status, life.work) == (Status.CERTIFIED, Work.WAITING)
    assert in_line(life) == [(1, "C-7", life.now)]
    life.at("2027-01-20T00:00")
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.GRACE)
    assert in_line(life) == [(1, "C-7", utc("2026-12-06T00:00"))]
    life.given("S-1").at(life.now)
    assert life.cycle.kind is CycleKind.RECERTIFICATION


def test_recertify_by_hand_waits_as_well() -> None:
    life = Life(attended()).enroll()
    life.act(Action.CERTIFY, when="always")
    life.at("2026-12-20T09:00").act(Action.RECERTIFY)
    assert (life.work, life.e.cycle) == (Work.WAITING, None)
    assert life.refused(Action.RECERTIFY).reason_code == "cycle_waiting"


def test_who_is_to_start_later_wants_a_seat_from_then_on() -> None:
    life = Life(attended()).enroll(opens_at=TUESDAY)
    assert in_line(life) == []
    life.at(TUESDAY + DAY)
    assert in_line(life) == [(1, "C-7", TUESDAY)]


def test_while_its_course_is_archived_nobody_stands_in_line() -> None:
    life = Life(attended(archived=True)).enroll()
    assert (types(life)[-1], in_line(life)) == (EventType.RECERTIFICATION_BLOCKED, [])
    with_course(life.at(TUESDAY), "C-7", archived=False)
    assert in_line(life) == [(1, "C-7", TUESDAY)]


def test_who_stands_in_line_keeps_the_place_while_the_certification_is_archived() -> None:
    life = Life(attended()).enroll().at(TUESDAY).switch(archived=True).given("S-1")
    life.at(TUESDAY + DAY)
    assert (types(life)[-1], life.work) == (EventType.SESSION_SEAT_TAKEN, Work.WAITING)
    life.switch(archived=False)
    assert life.cycle.opened_at == TUESDAY + DAY


def test_who_has_nobody_to_ask_for_him_wants_no_seat() -> None:
    life = Life(attended()).enroll().unassign()
    assert in_line(life) == []


@pytest.mark.parametrize("action", [Action.CANCEL, Action.MARK_NOT_COMPLETED, Action.REVOKE])
def test_a_seat_is_given_up_with_its_cycle(action: Action) -> None:
    life = Life(attended()).enroll().given("S-1").at(TUESDAY)
    decision = life.act(action)
    assert decision.given_up == ((1, "C-7"),)
    assert types(life)[-1] is EventType.SESSION_SEAT_GIVEN_UP
    assert (life.e.places, life.e.seats) == ((), ())


def test_a_place_in_line_is_given_up_without_a_word() -> None:
    life = Life(attended()).enroll().at(TUESDAY)
    decision = life.act(Action.CANCEL)
    assert decision.given_up == ((1, "C-7"),)
    assert types(life)[-1] is EventType.ENROLLMENT_CANCELLED


def test_the_seat_goes_with_the_last_assignment_and_is_asked_for_anew() -> None:
    life = Life(attended(overbooking=True)).enroll().given("S-1").at(life_begins := TUESDAY)
    life.unassign()
    assert (life.status, types(life)[-1]) == (Status.REMOVED, EventType.SESSION_SEAT_GIVEN_UP)
    life.at(life_begins + DAY).do(Enroll(source=Source.GROUP, group="G1"))
    assert in_line(life) == [(1, "C-7", life_begins + DAY)]


def test_a_suspended_learner_keeps_the_seat() -> None:
    life = Life(attended()).enroll()
    life.act(Action.CERTIFY, when="always")
    life.at("2026-12-20T09:00").act(Action.RECERTIFY)
    life.given("S-1").at("2026-12-21T09:00")
    life.act(Action.SUSPEND)
    assert [place.session_id for place in life.e.places] == ["S-1"]


def test_an_override_gives_the_seat_of_a_session_ahead_to_others() -> None:
    life = begun_class(Life(attended()).enroll().given("S-1", starts_at=TUESDAY + DAY).at(TUESDAY))
    decision = life.act(Action.OVERRIDE_TRAINING)
    assert (life.status, decision.given_up) == (Status.CERTIFIED, ((1, "C-7"),))


@pytest.mark.parametrize(
    "starts_at", [TUESDAY, None], ids=["a session with a date", "a session without one"]
)
def test_a_seat_in_which_somebody_sat_stays_sold(starts_at: object) -> None:
    life = Life(attended()).enroll().given("S-1", starts_at=starts_at).at(TUESDAY + DAY)
    life.record(life.session())
    assert [place.session_id for place in life.e.places] == ["S-1"]
    begun_class(life)
    assert (life.status, life.last.given_up, life.e.places) == (Status.CERTIFIED, (), ())


def test_a_session_that_has_begun_is_not_handed_on() -> None:
    life = Life(attended()).enroll().given("S-1", starts_at=TUESDAY).at(TUESDAY + DAY)
    assert life.act(Action.CANCEL).given_up == ()


def test_a_cancelled_session_puts_its_learners_back_in_line() -> None:
    life = Life(attended()).enroll().given("S-1").at(TUESDAY)
    life.given(None, since=TUESDAY).at(TUESDAY)
    assert (types(life)[-1], life.flags) == (EventType.SESSION_WAITING, (Flag.AWAITING_SESSION,))
    assert life.told[-1].data == {"course_id": "C-7", "session_id": "S-1"}
    assert life.cycle.opened_at == utc("2026-01-05T09:00")


def test_nothing_that_was_told_is_told_again() -> None:
    life = Life(attended()).enroll().given("S-1").at(TUESDAY)
    before = len(life.told)
    life.given("S-1", since=utc("2026-01-05T09:00"), starts_at=TUESDAY + 9 * DAY)
    life.at(TUESDAY + DAY)
    assert len(life.told) == before


def test_two_classes_need_two_seats() -> None:
    second = {"key": "second", "ways": [{"type": "session", "course_id": "C-8"}]}
    certification = attended(definition(path(SESSION, second, ONLY_COURSE)))
    life = Life(certification)
    with_course(life, "C-8", overbooking=False).enroll()
    assert [course for _, course, _ in in_line(life)] == ["C-7", "C-8"]
    life.given("S-1").at(TUESDAY)
    assert life.work is Work.WAITING
    with_course(life, "C-8", overbooking=True)
    assert life.cycle.opened_at == TUESDAY


def test_a_forecast_knows_no_seat_that_is_not_given() -> None:
    life = Life(attended()).enroll(opens_at=TUESDAY)
    (foreseen,) = forecast(life.e, life.c, life.now, utc("2027-01-01T00:00"))
    assert (foreseen.type, foreseen.effective_at) == (EventType.SESSION_WAITING, TUESDAY)


def test_what_was_kept_counts_once_the_seat_is_there() -> None:
    life = Life(attended()).enroll()
    begun(life)
    assert life.e.cycle is None
    life.given("S-1").at(TUESDAY)
    assert life.work is Work.IN_PROGRESS  # a first cycle counts from the assignment


# Versions that ask for other seats


OTHER_CLASS = {"key": "class", "ways": [{"type": "session", "course_id": "C-8"}]}


def another_version(life: Life, *steps: Document) -> Life:
    """A version that is published now, and that new cycles use at once."""
    life.c = republished(life.c, definition(path(*steps)), life.now)
    return life.at(life.now)


def test_who_waits_stands_in_the_line_that_the_newest_version_asks_for_and_in_no_other() -> None:
    life = with_course(Life(attended()), "C-8").enroll().at(TUESDAY)
    another_version(life, OTHER_CLASS, ONLY_COURSE)
    assert in_line(life) == [(1, "C-8", TUESDAY)]
    assert life.last.given_up == ((1, "C-7"),)


def test_a_version_that_needs_no_seat_opens_the_cycle_of_who_stands_in_line() -> None:
    life = Life(attended()).enroll().at(TUESDAY)
    another_version(life, ONLY_COURSE)
    assert (life.cycle.opened_at, life.cycle.version, life.e.places) == (TUESDAY, 2, ())


def test_a_seat_that_was_there_in_time_leads_back_to_no_line_of_an_older_version() -> None:
    second = {"key": "second", "ways": [{"type": "session", "course_id": "C-8"}]}
    third = {"key": "second", "ways": [{"type": "session", "course_id": "C-9"}]}
    life = Life(attended(definition(path(SESSION, second, ONLY_COURSE))))
    with_course(with_course(life, "C-8"), "C-9").enroll().at(TUESDAY + DAY)
    another_version(life, SESSION, third, ONLY_COURSE)
    life.given("S-1", since=TUESDAY).at(life.now)
    assert in_line(life) == [(1, "C-9", TUESDAY + DAY)]
    assert life.last.given_up == ()


def test_a_command_that_says_nothing_gives_nothing_up() -> None:
    life = with_course(Life(attended()), "C-1", archived=True)
    life.c = replace(life.c, courses={"C-7": life.c.courses["C-7"]})
    life.enroll(Source.GROUP, group="G1").at(TUESDAY)
    with_course(life, "C-1", archived=True)
    another_version(life, ONLY_COURSE)  # needs no seat, but cannot be done either
    decision = life.do(Enroll(source=Source.GROUP, group="G1"))
    assert (decision.events, decision.given_up) == ((), ())


def test_the_classes_of_a_path_may_be_overbooked_at_times_of_their_own() -> None:
    second = {"key": "second", "ways": [{"type": "session", "course_id": "C-8"}]}
    life = Life(attended(definition(path(SESSION, second, ONLY_COURSE)))).at(TUESDAY)
    ahead = [(TUESDAY + n * DAY, n % 2 == 1) for n in range(1, 4)]
    courses = {
        "C-7": Course("C-7", overbooking=Switch((*OFF.history, *ahead))),
        "C-8": Course("C-8", overbooking=Switch((*OFF.history, (TUESDAY + 2 * DAY, True)))),
    }
    life.c = replace(life.c, courses=courses)
    life.enroll().at(TUESDAY + 9 * DAY)
    assert life.cycle.opened_at == TUESDAY + 3 * DAY
