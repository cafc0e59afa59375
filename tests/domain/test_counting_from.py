"""Counting from: the instant from which evidence counts in a cycle of each kind."""

from datetime import timedelta

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import DoneBy, StepState
from certsvc.domain.status import CycleKind, Status
from tests.domain.learning import enrolled, step
from tests.support.builders import Life, certified, yearly
from tests.support.programmes import (
    COURSE,
    PRACTICE,
    utc,
)


def test_in_the_first_cycle_work_counts_from_the_day_of_the_assignment() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.course("2026-01-04T23:59"))
    assert life.reads(Status.NOT_STARTED)
    life.record(life.course("2026-01-05T00:00"))
    assert step(life) is StepState.DONE


def test_prior_credit_reaches_back_before_the_assignment_and_says_so() -> None:
    life = enrolled(COURSE, PRACTICE, policy={"prior_credit": "P10D"})
    life.record(life.course("2025-12-25T23:59"))
    assert step(life) is StepState.OPEN
    life.record(life.course("2025-12-26T00:00"))
    assert life.cycle.progress.steps[0].by is DoneBy.PRIOR_CREDIT
    later = enrolled(COURSE, PRACTICE, policy={"prior_credit": "P10D"})
    later.later(hours=1).record(later.course())
    assert later.cycle.progress.steps[0].by is DoneBy.EVIDENCE


def test_work_done_before_enrolment_counts_when_the_cycle_opens() -> None:
    life = Life(yearly(prior_credit="P10D"))
    fact = life.course("2026-01-01T09:00")
    life.record(fact)
    assert not life.e.exists
    life.enroll()
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == utc("2026-01-01T09:00")


def test_a_recertification_counts_work_from_the_opening_of_the_window() -> None:
    life = certified().at("2026-12-20T09:00")
    life.record(life.course("2026-12-05T23:59"))
    life.record(life.course("2026-12-10T09:00"))
    life.act(Action.RECERTIFY)
    assert life.certificate.certified_at == utc("2026-12-10T09:00")


def test_an_early_recertification_counts_from_its_own_opening() -> None:
    life = certified().at("2026-10-01T09:00")
    life.record(life.course("2026-09-30T09:00"))
    life.act(Action.RECERTIFY, early=True)
    assert life.reads(Status.RECERTIFYING)
    assert life.cycle.counts_from == utc("2026-10-01T00:00")


def test_a_first_cycle_begun_afresh_counts_from_the_new_assignment() -> None:
    life = enrolled(policy={"prior_credit": "P10D"})
    life.act(Action.CANCEL)
    life.at("2026-06-01T09:00").enroll()
    assert life.cycle.counts_from == utc("2026-05-22T00:00")


def test_every_other_cycle_counts_from_its_own_opening() -> None:
    life = certified().at("2027-06-01T09:00")
    life.record(life.course("2027-05-30T09:00"))
    life.act(Action.RECERTIFY)
    assert life.cycle.kind is CycleKind.REINSTATEMENT
    assert life.cycle.counts_from == utc("2027-06-01T00:00")
    assert life.reads(Status.RECERTIFYING)


def test_a_revoked_certificate_lends_no_window() -> None:
    life = certified().at("2026-12-20T09:00")
    life.record(life.course("2026-12-10T09:00"))
    life.act(Action.FORCE_RECERTIFICATION)
    assert life.cycle.counts_from == utc("2026-12-20T00:00")
    assert life.reads(Status.RECERTIFYING)


@pytest.mark.parametrize("action", [Action.RECERTIFY, Action.FORCE_RECERTIFICATION])
def test_what_the_caller_gave_is_when_work_counts_from(action: Action) -> None:
    life = certified().at("2026-12-20T09:00")
    life.record(life.course("2026-11-10T09:00"))
    life.act(action, counts_from=utc("2026-11-01T00:00"))
    assert life.certificate.certified_at == utc("2026-11-10T09:00")


def test_a_caller_may_give_it_on_enrolment_and_on_restore_too() -> None:
    life = Life().at("2026-02-01T09:00").enroll(counts_from=utc("2026-01-07T00:00"))
    life.record(life.course("2026-01-07T09:00"))
    assert life.reads(Status.CERTIFIED)
    life.at("2026-06-01T09:00").act(Action.PERMANENT_REVOKE)
    life.record(life.course("2026-05-01T09:00"))
    life.act(Action.RESTORE, counts_from=utc("2026-04-01T00:00"))
    assert life.reads(Status.CERTIFIED)


def test_what_earned_one_certificate_does_not_earn_the_next() -> None:
    life = certified()
    life.act(Action.RECERTIFY, early=True)  # on the same day
    assert life.reads(Status.RECERTIFYING)
    assert life.cycle.counts_from == life.certificate.certified_at + timedelta(microseconds=1)
