"""Courses of the LMS: archived, revised, and noted by the cycle (lifecycle, 5, Courses)."""

from dataclasses import replace

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.course import Course
from certsvc.domain.describe import describe
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Status, Work
from certsvc.domain.switch import Switch
from tests.support.builders import DAY, Life
from tests.support.classroom import ONLY_COURSE, revised, with_course
from tests.support.programmes import Document, definition, path, programme, republished, utc

WINDOW = utc("2026-12-06T00:00")


def certified(*ways: Document, automatic: bool = True) -> Life:
    """Certified through a step with these ways; the course alone if none is named."""
    step = {"key": "theory", "ways": list(ways) or ONLY_COURSE["ways"]}
    life = Life(programme(definition(path(step), on_lapse="restart"), automatic=automatic)).enroll()
    life.record(life.course())
    assert life.status is Status.CERTIFIED
    return life


def test_while_its_course_is_archived_no_recertification_opens_and_that_is_said() -> None:
    life = with_course(certified().at("2026-03-01T00:00"), "C-1", archived=True)
    life.at("2026-12-20T00:00")
    assert (life.status, life.work) == (Status.CERTIFIED, Work.WAITING)
    blocked = life.told[-1]
    assert (blocked.type, blocked.effective_at) == (EventType.RECERTIFICATION_BLOCKED, WINDOW)
    assert blocked.data == {"course_ids": ["C-1"]}


def test_it_goes_on_with_the_newest_revision() -> None:
    life = with_course(certified().at("2026-03-01T00:00"), "C-1", archived=True)
    back = "2026-12-20T00:00"
    revised(life.at(back), "C-1", "2")
    assert (life.status, life.cycle.opened_at) == (Status.RECERTIFYING, utc(back))
    assert life.cycle.courses == (("C-1", "2"),)
    shown = describe(life.e, life.c, life.now)["cycle"]["courses"]
    assert shown == [{"course_id": "C-1", "revision": "2"}]
    assert life.told[-1].data["cycle"]["courses"] == shown


def test_a_cycle_that_is_open_may_be_finished() -> None:
    life = certified().at("2026-12-20T00:00")
    with_course(life, "C-1", archived=True)
    life.record(life.course())
    assert (life.status, life.certificate.ordinal) == (Status.CERTIFIED, 2)


@pytest.mark.parametrize(
    ("ways", "opens"),
    [
        ([{"type": "course", "course_id": "C-1"}, {"type": "course", "course_id": "C-2"}], True),
        ([{"type": "course", "course_id": "C-1"}, {"type": "external"}], True),
        ([{"type": "course", "course_id": "C-1"}, {"type": "credits", "amount": 5}], True),
        ([{"type": "course", "course_id": "C-1", "minimum_grade": 80}], False),
        (
            [
                {"type": "course", "course_id": "C-1"},
                {"type": "test_out", "exam_id": "X-9", "passing_score": 90},
            ],
            False,
        ),
    ],
    ids=["another course", "external work", "credits", "nothing", "a test-out, final if failed"],
)
def test_only_a_course_that_the_path_cannot_do_without_bars_it(
    ways: list[Document], opens: bool
) -> None:
    life = with_course(certified(*ways).at("2026-03-01T00:00"), "C-1", archived=True)
    life.at(WINDOW)
    assert (life.e.cycle is not None) is opens


def test_a_newcomer_waits_for_the_course_too() -> None:
    life = with_course(Life(programme(definition(path(ONLY_COURSE)))), "C-1", archived=True)
    life.enroll()
    assert (life.status, life.work) == (Status.NOT_STARTED, Work.WAITING)
    assert life.told[-1].type is EventType.RECERTIFICATION_BLOCKED
    with_course(life.at("2026-02-01T00:00"), "C-1", archived=False)
    assert (life.cycle.kind, life.cycle.opened_at) == (CycleKind.INITIAL, life.now)


def test_who_waits_is_told_once_and_not_again_with_each_course() -> None:
    life = with_course(certified().at(WINDOW - DAY), "C-1", archived=True).at(WINDOW + DAY)
    with_course(life, "C-2", archived=True).at(WINDOW + 5 * DAY)
    told = [event.type for event in life.told]
    assert told.count(EventType.RECERTIFICATION_BLOCKED) == 1


def test_a_course_that_comes_back_late_opens_nothing_before_what_was_due_until_then() -> None:
    life = with_course(certified().at("2026-03-01T00:00"), "C-1", archived=True)
    back = Switch((*life.c.courses["C-1"].archived.history, (utc("2027-04-01T00:00"), False)))
    life.c = replace(life.c, courses={"C-1": Course("C-1", archived=back)})
    life.at("2027-05-01T00:00")  # in one go, as after an outage
    told = life.events(
        EventType.RECERTIFICATION_BLOCKED,
        EventType.CERTIFICATE_EXPIRED,
        EventType.CERTIFICATE_LAPSED,
        EventType.RECERTIFICATION_OPENED,
    )
    assert [event.effective_at for event in told] == sorted(event.effective_at for event in told)
    assert told[-1].type is EventType.RECERTIFICATION_OPENED
    assert life.cycle.kind is CycleKind.REINSTATEMENT


def test_late_evidence_revives_a_cycle_whose_restart_waits_for_the_course() -> None:
    signed = path(ONLY_COURSE, approval_required=True)
    document = definition(path(ONLY_COURSE), recertification=signed, on_lapse="restart")
    life = Life(programme(document, automatic=True)).enroll()
    life.record(life.course()).at("2026-12-20T00:00")
    with_course(life, "C-1", archived=True).at("2027-03-01T00:00")
    assert life.work is Work.WAITING
    life.record(life.course("2026-12-21T00:00"))
    assert (life.work, life.cycle.number) == (Work.PENDING_APPROVAL, 2)


def test_without_automatic_recertification_the_window_is_told_and_recertify_waits() -> None:
    life = with_course(certified(automatic=False).at(WINDOW - DAY), "C-1", archived=True)
    life.at(WINDOW)
    assert life.told[-1].type is EventType.RECERTIFICATION_DUE
    life.act(Action.RECERTIFY)
    assert (life.work, life.told[-1].type) == (Work.WAITING, EventType.RECERTIFICATION_BLOCKED)


def test_a_version_that_does_without_the_course_opens_the_cycle() -> None:
    life = with_course(certified().at(WINDOW - DAY), "C-1", archived=True).at(WINDOW + DAY)
    other = {"key": "theory", "ways": [{"type": "course", "course_id": "C-2"}]}
    new = republished(life.c, definition(path(other)), life.now)
    life.c = replace(new, courses=life.c.courses)
    life.at(life.now)
    assert (life.cycle.version, life.cycle.opened_at) == (2, life.now)


def test_a_wait_that_lasts_past_the_lapse_opens_a_reinstatement() -> None:
    life = with_course(certified().at(WINDOW - DAY), "C-1", archived=True).at("2027-04-01T00:00")
    assert life.status is Status.RECERTIFYING
    with_course(life, "C-1", archived=False)
    assert life.cycle.kind is CycleKind.REINSTATEMENT


def test_a_restart_at_the_lapse_waits_for_the_course() -> None:
    life = with_course(certified().at("2026-12-20T00:00"), "C-1", archived=True)
    life.at("2027-04-01T00:00")
    assert (life.work, life.e.cycle) == (Work.WAITING, None)
    assert life.told[-1].type is EventType.RECERTIFICATION_BLOCKED


def test_force_and_restore_wait_for_the_course_and_the_word_of_the_admin_stands() -> None:
    life = with_course(certified().at("2026-03-01T00:00"), "C-1", archived=True)
    life.act(Action.FORCE_RECERTIFICATION)
    assert (life.status, life.work) == (Status.RECERTIFYING, Work.WAITING)
    with_course(life, "C-1", archived=False)
    assert life.cycle.kind is CycleKind.RECERTIFICATION


def test_stopping_recertification_ends_the_wait() -> None:
    life = with_course(certified().at(WINDOW - DAY), "C-1", archived=True).at(WINDOW + DAY)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next="never")
    assert (life.work, life.e.plan) == (Work.NONE, None)
    with_course(life, "C-1", archived=False)
    assert life.e.cycle is None
