"""move-to-version: the open cycle goes on under another version."""

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import ExamState
from certsvc.domain.events import EventType
from certsvc.domain.status import Status
from tests.support.builders import Life, certified
from tests.support.programmes import (
    COURSE,
    CREDITS,
    EXAM,
    PRACTICE,
    definition,
    path,
    programme,
    republished,
    utc,
)

SLOWER = definition(
    path(COURSE, CREDITS, exam=EXAM),
    due={"after": "P60D"},
    completion_limit={"after": "P10D", "from": "due"},
)


def moving() -> Life:
    """On the first version since 5 January; the second is out on the 15th."""
    first = definition(path(COURSE, PRACTICE, exam=EXAM), due={"after": "P30D"})
    life = Life(programme(first)).enroll()
    life.c = republished(life.c, SLOWER, utc("2026-01-15T00:00"))
    return life.at("2026-01-20T09:00")


def test_dates_are_counted_again_from_the_same_opening() -> None:
    life = moving()
    life.act(Action.MOVE_TO_VERSION)
    assert (life.cycle.version, life.cycle.opened_at) == (2, utc("2026-01-05T09:00"))
    assert life.cycle.due_at == utc("2026-03-07T00:00")
    assert life.cycle.limit_at == utc("2026-03-17T00:00")
    assert life.e.cycles == 1


def test_steps_of_the_same_key_and_an_exam_of_the_same_id_are_kept() -> None:
    life = moving()
    life.record(life.course(), life.failed_exam())
    life.act(Action.MOVE_TO_VERSION)
    assert [step.state.value for step in life.cycle.progress.steps] == ["done", "open"]
    life.record(life.credits(12), life.exam("2026-01-20T09:00"))
    assert life.cycle.progress.exam.attempts >= 1


def test_a_step_kept_stays_done_though_the_new_version_asks_for_more() -> None:
    life = moving()
    life.record(life.course())
    strict = {"key": "safety", "ways": [{"type": "course", "course_id": "C-9"}]}
    life.c = republished(life.c, definition(path(strict, exam=EXAM)), life.now)
    life.act(Action.MOVE_TO_VERSION)
    assert life.cycle.progress.steps[0].state == "done"
    assert life.cycle.progress.steps[0].evidence == (life.e.evidence[0].id,)


def test_an_exam_passed_is_kept_under_its_id_only() -> None:
    life = Life(programme(definition(path(COURSE, PRACTICE, exam=EXAM)))).enroll()
    life.record(life.course())
    life.act(Action.OVERRIDE_EXAM)
    same = definition(path(COURSE, CREDITS, exam=EXAM | {"passing_score": 95}))
    life.c = republished(life.c, same, life.now)
    life.act(Action.MOVE_TO_VERSION)
    assert life.cycle.progress.exam.state is ExamState.OVERRIDDEN
    another = definition(path(COURSE, CREDITS, exam=EXAM | {"exam_id": "X-2"}))
    life.c = republished(life.c, another, life.now)
    life.later(hours=1).act(Action.MOVE_TO_VERSION)
    assert life.cycle.progress.exam.state is not ExamState.OVERRIDDEN


def test_an_override_reaches_no_step_that_is_new() -> None:
    life = moving()
    life.record(life.course())
    life.act(Action.OVERRIDE_TRAINING)
    life.act(Action.MOVE_TO_VERSION)
    assert [step.state.value for step in life.cycle.progress.steps] == ["done", "open"]


def test_a_restart_counts_only_work_from_now_on() -> None:
    life = moving()
    life.record(life.course())
    life.later(hours=1).act(Action.MOVE_TO_VERSION, progress="restart")
    assert life.reads(Status.NOT_STARTED)
    assert life.cycle.counts_from == life.now
    life.later(hours=1).record(life.course())
    assert life.cycle.progress.steps[0].state == "done"


def test_a_version_can_be_named_if_it_is_published() -> None:
    life = moving()
    life.act(Action.MOVE_TO_VERSION, version=1)
    assert life.cycle.version == 1
    assert life.refused(Action.MOVE_TO_VERSION, version=3).invalid


def test_a_move_tells_from_where_to_where() -> None:
    life = moving()
    life.act(Action.MOVE_TO_VERSION)
    told = life.events(EventType.ENROLLMENT_VERSION_MOVED)[0].data
    assert told == {"from_version": 1, "to_version": 2, "progress": "keep"}


def test_a_recertification_moved_is_still_due_at_the_expiry() -> None:
    life = certified().at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.c = republished(life.c, definition(due={"after": "P3D"}), life.now)
    life.act(Action.MOVE_TO_VERSION)
    assert life.cycle.due_at == utc("2027-01-06T00:00")
