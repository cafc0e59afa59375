"""Waiting: archived, made automatic, suspended, without an assignment."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.commands import Enroll
from certsvc.domain.definition import NEVER
from certsvc.domain.enrollment import Source
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from certsvc.domain.switch import Switch
from tests.support.builders import Life, begun, certified, rich, typical, yearly
from tests.support.programmes import (
    COURSE,
    PRACTICE,
    path,
    programme,
    utc,
)

BEFORE_THE_WINDOW = "2026-12-05T09:00"
IN_THE_WINDOW = "2026-12-20T09:00"
IN_GRACE = "2027-01-20T09:00"
LAPSED = "2027-04-01T09:00"


def recertifying(certification: Any = None) -> Life:
    life = certified(certification).at(IN_THE_WINDOW)
    life.act(Action.RECERTIFY)
    return life


# Archived


def test_an_archived_certification_opens_no_cycle_and_takes_no_learner() -> None:
    life = certified(programme(automatic=True)).at("2026-12-01T09:00").switch(archived=True)
    life.at("2027-01-03T09:00")
    assert (life.status, life.e.cycles) == (Status.CERTIFIED, 1)
    assert Flag.DUE_FOR_RECERTIFICATION not in life.flags
    assert Life(life.c).refused(Enroll(source=Source.MANUAL)).code == "certification_archived"
    life.switch(archived=False)  # the row that waited comes due at the end of the wait
    assert life.cycle.opened_at == utc("2027-01-03T09:00")


def test_open_cycles_may_finish_and_certificates_run_to_their_expiry() -> None:
    life = begun(rich().enroll()).switch(archived=True)
    life.record(life.exam())
    life.act(Action.APPROVE)
    assert life.reads(Status.CERTIFIED)
    life.at(LAPSED)
    assert life.reads(Status.LAPSED)


def test_a_restart_waits_while_archived() -> None:
    life = recertifying(yearly(on_lapse="restart")).switch(archived=True).at(LAPSED)
    assert life.cycle.kind is CycleKind.RECERTIFICATION
    life.switch(archived=False)
    assert (life.cycle.kind, life.cycle.opened_at) == (CycleKind.REINSTATEMENT, utc(LAPSED))


# Turning automatic recertification on


@pytest.mark.parametrize(
    ("at", "opens"),
    [(BEFORE_THE_WINDOW, False), (IN_THE_WINDOW, True), (IN_GRACE, True), (LAPSED, False)],
)
def test_turning_it_on_recertifies_at_that_instant_who_is_in_the_window_or_grace(
    at: str, opens: bool
) -> None:
    life = certified().at(at).switch(automatic=True)
    assert (life.e.cycle is not None) is opens
    if opens:
        assert life.cycle.opened_at == utc(at)
        assert life.reads(Status.RECERTIFYING)


def test_turning_it_on_leaves_out_whose_certificate_opened_a_cycle_already() -> None:
    life = recertifying()
    life.act(Action.CANCEL)
    life.switch(automatic=True)
    assert life.e.cycle is None


@pytest.mark.parametrize("policy", [{"renewal_opens": NEVER}, {"validity": None}])
def test_turning_it_on_leaves_out_who_has_no_renewal(policy: dict[str, Any]) -> None:
    life = certified(yearly(**policy)).at(IN_THE_WINDOW).switch(automatic=True)
    assert life.e.cycle is None


def test_turning_it_on_leaves_out_who_was_stopped() -> None:
    life = certified().at(IN_THE_WINDOW)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    assert life.switch(automatic=True).e.cycle is None


def test_turning_it_off_in_time_leaves_the_flag() -> None:
    life = certified(programme(automatic=True)).at(BEFORE_THE_WINDOW).switch(automatic=False)
    life.at(IN_THE_WINDOW)
    assert life.reads(Status.CERTIFIED)
    assert Flag.DUE_FOR_RECERTIFICATION in life.flags


def test_a_late_tick_goes_by_the_switch_as_it_stood_then() -> None:
    life = certified(programme(automatic=True))
    history = (*life.c.automatic.history, (utc("2026-12-10T00:00"), False))
    life.c = replace(life.c, automatic=Switch(history))
    life.at(IN_GRACE)
    assert life.cycle.opened_at == utc("2026-12-06T00:00")


# Suspension


def test_suspension_does_not_stop_the_clock_of_the_certificate() -> None:
    life = typical(Status.SUSPENDED).at(LAPSED)
    assert (life.status, life.standing) == (Status.SUSPENDED, Standing.LAPSED)
    assert life.diary()[-2:] == [
        ("2027-01-06T00:00", "certificate.expired"),
        ("2027-02-05T00:00", "certificate.lapsed"),
    ]
    life.act(Action.LIFT)
    assert life.reads(Status.LAPSED)


def test_reminders_window_and_open_cycle_wait_for_the_lift() -> None:
    life = certified(programme(automatic=True)).at("2026-12-01T09:00")
    life.act(Action.SUSPEND)
    life.at(IN_THE_WINDOW)
    assert life.says == []
    life.act(Action.LIFT)
    assert life.diary()[-3:] == [
        ("2026-12-20T09:00", "enrollment.lifted"),
        ("2026-12-20T09:00", "certificate.expiring"),
        ("2026-12-20T09:00", "recertification.opened"),
    ]


def test_an_open_cycle_comes_due_when_the_suspension_ends() -> None:
    life = recertifying(yearly(completion_limit={"after": "P7D"}))
    life.act(Action.SUSPEND)
    life.at(IN_GRACE)
    assert life.e.cycle is not None
    life.act(Action.LIFT)
    assert (life.status, life.work) == (Status.EXPIRED, Work.NOT_COMPLETED)
    assert life.events(EventType.ENROLLMENT_NOT_COMPLETED)[0].effective_at == life.now


def test_a_restart_comes_due_when_the_suspension_ends_after_kept_evidence_has_counted() -> None:
    for learned, status in ((False, Status.RECERTIFYING), (True, Status.CERTIFIED)):
        life = recertifying(yearly(on_lapse="restart"))
        life.act(Action.SUSPEND)
        life.at(IN_GRACE)
        if learned:
            life.record(life.course())
        life.at(LAPSED).act(Action.LIFT)
        assert life.status is status
        if not learned:
            assert (life.cycle.kind, life.cycle.opened_at) == (
                CycleKind.REINSTATEMENT,
                utc(LAPSED),
            )


# Without an assignment


def test_without_an_assignment_no_cycle_opens_by_itself_and_people_are_refused() -> None:
    life = certified(programme(automatic=True)).unassign().at(IN_THE_WINDOW)
    assert (life.status, life.e.cycles) == (Status.CERTIFIED, 1)
    assert life.refused(Action.RECERTIFY).code == "unassigned"
    life.enroll(Source.GROUP, group="G1")
    assert life.cycle.opened_at == utc(IN_THE_WINDOW)


def test_reminders_of_the_certificate_go_on_without_an_assignment() -> None:
    life = certified().unassign().at("2027-01-06T00:00")
    assert life.diary(EventType.CERTIFICATE_EXPIRING) == [
        ("2026-12-06T00:00", "certificate.expiring"),
        ("2026-12-29T00:00", "certificate.expiring"),
    ]


def test_a_paused_first_cycle_has_no_timers_and_resumes_with_them() -> None:
    policy = {"due": {"after": "P10D"}, "completion_limit": {"after": "P90D"}}
    life = Life(yearly(path(COURSE, PRACTICE), **policy)).enroll().unassign()
    assert life.due is None
    life.at("2026-02-20T09:00").enroll()
    assert Flag.OVERDUE in life.flags
    assert life.due == utc("2026-04-06T00:00")
