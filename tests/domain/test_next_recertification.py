"""change-next-recertification: never, the latest version, or another certification."""

from typing import Any

from certsvc.domain.actions import Action
from certsvc.domain.definition import NEVER
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Flag, Standing, Status
from tests.support.builders import Life, certified, typical, yearly
from tests.support.programmes import (
    ELSEWHERE,
    definition,
    programme,
    utc,
)


def test_never_means_no_further_cycle_for_this_learner() -> None:
    life = certified(programme(definition(on_lapse="restart"), automatic=True))
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    assert life.says == [EventType.RECERTIFICATION_STOPPED]
    life.at("2027-06-01T09:00")
    assert life.reads(Status.LAPSED)
    assert life.e.cycles == 1
    assert Flag.DUE_FOR_RECERTIFICATION not in life.flags


def test_never_lets_an_open_cycle_go_on_past_the_lapse() -> None:
    life = certified(yearly(on_lapse="restart")).at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    life.at("2027-06-01T09:00")
    assert (life.standing, life.cycle.kind) == (Standing.LAPSED, CycleKind.RECERTIFICATION)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next="latest")
    assert (life.cycle.kind, life.cycle.opened_at) == (CycleKind.REINSTATEMENT, life.now)


def test_latest_takes_a_stop_back() -> None:
    life = certified(programme(automatic=True))
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next="latest")
    life.at("2026-12-06T00:00")
    assert life.reads(Status.RECERTIFYING)


def test_what_a_stop_held_back_comes_due_when_it_is_taken_back() -> None:
    life = certified(programme(automatic=True))
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    life.at("2026-12-20T09:00").act(Action.CHANGE_NEXT_RECERTIFICATION, next="latest")
    assert life.reads(Status.RECERTIFYING)
    assert life.cycle.opened_at == utc("2026-12-20T09:00")


def other(life: Life, **takes: Any) -> None:
    life.act(
        Action.CHANGE_NEXT_RECERTIFICATION,
        next=str(ELSEWHERE),
        next_certification=ELSEWHERE,
        **takes,
    )


def test_at_the_window_the_learner_is_enrolled_elsewhere_and_here_nothing_opens() -> None:
    life = certified(programme(automatic=True))
    other(life)
    assert not life.last.elsewhere
    life.at("2026-12-06T00:00")
    assert [follow.certification_id for follow in life.last.elsewhere] == [ELSEWHERE]
    assert life.last.elsewhere[0].learner_id == life.e.learner_id
    assert EventType.RECERTIFICATION_REDIRECTED in life.says
    life.at("2027-06-01T09:00")
    assert (life.status, life.e.cycles) == (Status.LAPSED, 1)
    assert Flag.DUE_FOR_RECERTIFICATION not in life.flags


def test_at_once_where_that_is_asked_or_the_window_is_open() -> None:
    life = certified()
    other(life, now=True)
    assert [follow.certification_id for follow in life.last.elsewhere] == [ELSEWHERE]
    life.at("2027-01-01T09:00")
    assert life.last.elsewhere == ()  # not a second time
    for status in (Status.CERTIFIED, Status.EXPIRED, Status.LAPSED):
        life = typical(status)
        other(life)
        assert len(life.last.elsewhere) == 1


def test_what_follows_must_be_named_and_another() -> None:
    life = certified()
    for takes in (
        {},
        {"next": "unknown"},
        {"next": "itself", "next_certification": life.c.id},
    ):
        assert life.refused(Action.CHANGE_NEXT_RECERTIFICATION, **takes).invalid
