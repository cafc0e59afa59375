"""What a learner has to do next, status by status."""

from dataclasses import replace

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.course import Course
from certsvc.domain.enrollment import Place, Source
from certsvc.domain.status import Status, Work
from certsvc.domain.switch import Switch
from certsvc.domain.to_do import Task, ToDo, to_do
from tests.domain.learning import FAILED, enrolled
from tests.support.builders import MONDAY, Life, begun, certified, done, rich, typical, yearly
from tests.support.programmes import (
    COURSE,
    CREDITS,
    EXAM,
    PRACTICE,
    SESSION,
    definition,
    path,
    programme,
    utc,
)

DUE = utc("2026-02-05T00:00")
LIMIT = utc("2027-01-06T00:00")


def lines(life: Life) -> list[Task]:
    return list(to_do(life.e, life.c, life.now))


def types(life: Life) -> list[ToDo]:
    return [task.type for task in lines(life)]


TYPES: dict[Status, list[ToDo]] = {
    Status.APPLIED: [ToDo.WAIT_FOR_APPROVAL],
    Status.ASSIGNED: [ToDo.ACCEPT],
    Status.NOT_STARTED: [ToDo.PAY],
    Status.IN_PROGRESS: [ToDo.EXAM],
    Status.PENDING_APPROVAL: [ToDo.WAIT_FOR_APPROVAL],
    Status.CERTIFIED: [ToDo.RECERTIFY],
    Status.EXPIRED: [ToDo.RECERTIFY],
    Status.LAPSED: [ToDo.RECERTIFY],
    Status.RECERTIFYING: [ToDo.PAY],
    Status.REVOKED: [],
    Status.DISALLOWED: [],
    Status.SUSPENDED: [],
    Status.INACTIVE: [],
    Status.DECLINED: [],
    Status.NOT_COMPLETED: [],
    Status.CANCELLED: [],
    Status.REMOVED: [],
}


@pytest.mark.parametrize("status", Status)
def test_every_status_says_what_is_next(status: Status) -> None:
    assert types(typical(status)) == TYPES[status]


def test_a_fee_is_all_there_is_to_do_while_it_is_due() -> None:
    life = rich().enroll()
    assert lines(life) == [Task(type=ToDo.PAY, until=DUE)]
    life.record(life.payment())
    assert types(life) == [ToDo.STEP]
    life.record(life.refund())
    assert types(life) == [ToDo.PAY]


def test_a_step_says_all_that_can_complete_it() -> None:
    life = enrolled(COURSE, PRACTICE, CREDITS, SESSION, exam=EXAM)
    assert lines(life) == [
        Task(type=ToDo.STEP, step="safety", title="Safety 101", course_ids=("C-1",), exam_id="X-9"),
        Task(type=ToDo.STEP, step="practice", title="practice", instructions="Show it."),
        Task(type=ToDo.STEP, step="ethics", title="ethics", category="ethics", amount=12),
        Task(type=ToDo.STEP, step="class", title="class", course_ids=("C-7",)),
    ]


def test_what_is_locked_is_not_to_do_yet() -> None:
    life = enrolled(COURSE, PRACTICE, in_order=True, exam=EXAM)
    assert [task.step for task in lines(life)] == ["safety"]
    life.record(life.course())
    assert [task.step for task in lines(life)] == ["practice"]
    life.record(life.external())
    assert lines(life) == [
        Task(type=ToDo.EXAM, exam_id="X-1"),
        Task(type=ToDo.WAIT_FOR_APPROVAL, step="practice", title="practice", since=MONDAY),
    ]


def test_a_test_out_that_failed_is_no_way_any_more() -> None:
    life = enrolled()
    attempt = life.test_out(**FAILED)
    life.record(attempt)
    (task,) = lines(life)
    assert (task.course_ids, task.exam_id) == (("C-1",), None)
    life.record(life.retraction(attempt))
    (task,) = lines(life)
    assert task.exam_id == "X-9"


def test_an_exam_says_from_when_it_may_be_tried_again_and_until_when() -> None:
    life = begun(rich().enroll())
    assert lines(life) == [Task(type=ToDo.EXAM, exam_id="X-1", until=DUE)]
    life.record(life.failed_exam())
    tomorrow = utc("2026-01-06T09:00")
    assert lines(life) == [Task(type=ToDo.EXAM, exam_id="X-1", since=tomorrow, until=DUE)]
    for day in (7, 9):
        life.at(f"2026-01-0{day}T09:00").record(life.failed_exam())
    assert lines(life) == []  # the flag exam_locked says why


def test_without_a_due_date_the_limit_says_until_when() -> None:
    life = Life(yearly(completion_limit={"after": "P1Y"})).enroll()
    assert [task.until for task in lines(life)] == [LIMIT]


def test_what_is_handed_in_and_the_cycle_itself_wait_for_their_sign_off() -> None:
    life = enrolled(PRACTICE, approval_required=True)
    life.record(life.external())
    assert lines(life) == [
        Task(type=ToDo.WAIT_FOR_APPROVAL, step="practice", title="practice", since=MONDAY),
        Task(type=ToDo.WAIT_FOR_APPROVAL, since=MONDAY),
    ]
    life.act(Action.APPROVE, step="practice")
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_APPROVAL, since=MONDAY)]


def test_accepting_has_its_due_date_and_waits_where_it_would_be_refused() -> None:
    life = rich(acceptance_required=True).enroll(due_at=DUE)
    assert lines(life) == [Task(type=ToDo.ACCEPT, since=MONDAY, until=DUE)]
    life.switch(archived=True)
    assert lines(life) == []


def test_recertifying_is_to_do_from_the_window_until_it_expires_then_until_it_lapses() -> None:
    life = certified()
    assert lines(life) == []
    opens, expires, lapses = "2026-12-06T00:00", "2027-01-06T00:00", "2027-02-05T00:00"
    assert lines(life.at("2026-12-05T23:59")) == []
    due = Task(type=ToDo.RECERTIFY, since=utc(opens))
    assert lines(life.at(opens)) == [replace(due, until=utc(expires))]
    assert lines(life.at(expires)) == [replace(due, until=utc(lapses))]
    assert lines(life.at(lapses)) == [due]
    life.act(Action.RECERTIFY)
    assert types(life) == [ToDo.STEP]


def test_without_an_assignment_nothing_is_to_do() -> None:
    assert lines(certified().at("2026-12-20T09:00").unassign()) == []


# Waiting


def test_a_start_that_lies_ahead_is_waited_for() -> None:
    later = utc("2026-03-01T09:00")
    life = Life().enroll(opens_at=later)
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_START, since=later)]
    life.switch(archived=True)
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_START)]


def test_a_version_that_is_not_in_effect_yet_is_waited_for() -> None:
    life = Life(programme(definition(effective_from="2026-04-01"))).enroll()
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_START, since=utc("2026-04-01T00:00"))]


def barred(*steps: dict[str, object]) -> Life:
    courses = {"C-1": Course("C-1", archived=Switch.always(True))}
    return Life(replace(yearly(path(*steps)), courses=courses))


def test_an_archived_course_is_waited_for() -> None:
    life = barred().enroll()
    assert life.work is Work.WAITING
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_COURSE, course_ids=("C-1",))]
    later = utc("2026-03-01T09:00")
    assert types(barred().enroll(opens_at=later)) == [ToDo.WAIT_FOR_START]


def seated(*, overbooking: bool) -> Life:
    course = Course("C-7", overbooking=Switch.always(overbooking))
    return Life(replace(yearly(path(SESSION, COURSE)), courses={"C-7": course}))


def test_a_seat_is_waited_for_before_the_cycle_opens() -> None:
    life = seated(overbooking=False).enroll()
    assert life.work is Work.WAITING
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_SEAT, course_ids=("C-7",))]


def test_a_course_that_is_back_lets_the_learner_wait_for_a_seat() -> None:
    life = seated(overbooking=False)
    archived = Course("C-7", archived=Switch.always(True))
    life.c = replace(life.c, courses={"C-7": archived})
    assert types(life.enroll()) == [ToDo.WAIT_FOR_COURSE]
    back = replace(archived, archived=archived.archived.turned(False, life.now))
    life.c = replace(life.c, courses={"C-7": back})
    assert types(life.at(life.now)) == [ToDo.WAIT_FOR_SEAT]


def test_only_the_seats_that_are_missing_are_waited_for() -> None:
    second = {"key": "second", "ways": [{"type": "session", "course_id": "C-8"}]}
    courses = {id: Course(id) for id in ("C-7", "C-8")}
    life = Life(replace(yearly(path(SESSION, second)), courses=courses)).enroll()
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_SEAT, course_ids=("C-7", "C-8"))]
    life.given("S-1").at(life.now)
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_SEAT, course_ids=("C-8",))]


def test_or_in_the_open_cycle_beside_what_can_be_done() -> None:
    life = seated(overbooking=True).enroll()
    life.e = replace(life.e, places=(Place(1, "C-7", None, MONDAY),))
    assert [(task.type, task.step, task.course_ids) for task in lines(life)] == [
        (ToDo.WAIT_FOR_SEAT, "class", ("C-7",)),
        (ToDo.STEP, "safety", ("C-1",)),
    ]
    life.e = replace(life.e, places=(Place(1, "C-7", "S-1", MONDAY),))
    assert types(life) == [ToDo.STEP, ToDo.STEP]


def test_who_enrolled_alone_waits_for_the_approval_of_the_application() -> None:
    life = rich(self_enrollment="with_approval").enroll(Source.SELF)
    assert lines(life) == [Task(type=ToDo.WAIT_FOR_APPROVAL, since=MONDAY)]
    life.act(Action.DECLINE_APPLICATION)
    assert lines(life) == []


def test_who_is_done_has_nothing_to_do() -> None:
    (life := done(rich().enroll())).act(Action.APPROVE)
    assert life.reads(Status.CERTIFIED)
    assert lines(life) == []
