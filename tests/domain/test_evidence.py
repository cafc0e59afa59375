"""Evidence: what is recorded, what counts, from when on, and what is taken back."""

from itertools import permutations
from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.commands import Record
from certsvc.domain.enrollment import ExamState, PaymentState, StepState
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.lifecycle import decide
from certsvc.domain.status import Flag, Standing, Status, Work
from tests.domain.learning import COMPLETED, LIMITED, STARTED, enrolled, step
from tests.support.builders import Life, certified, yearly
from tests.support.programmes import (
    COURSE,
    CREDITS,
    ELSEWHERE,
    EXAM,
    PRACTICE,
    SESSION,
    definition,
    path,
    republished,
    utc,
)

# Always recorded


def test_what_concerns_nothing_here_is_kept_and_says_nothing() -> None:
    life = enrolled()
    before = life.e.revision
    life.record(life.course(course_id="C-404"))
    assert life.e.revision == before
    assert len(life.e.evidence) == 1


def test_the_same_fact_again_is_ignored() -> None:
    life = enrolled(COURSE, PRACTICE)
    fact = life.external()
    life.record(fact)
    before = life.e
    life.later(hours=1).record(fact)
    assert life.e.revision == before.revision


def test_payments_and_external_work_of_another_certification_do_not_count_here() -> None:
    life = enrolled(PRACTICE, COURSE, payment_required=True)
    life.record(life.payment(certification_id=ELSEWHERE), life.external(certification_id=ELSEWHERE))
    assert life.cycle.progress.payment is PaymentState.DUE
    life.record(life.payment())
    assert step(life) is StepState.OPEN


# Complete when payment, steps, exam and approval are


def test_a_cycle_is_complete_when_everything_is_and_as_of_the_last_of_it() -> None:
    life = enrolled(COURSE, PRACTICE, exam=EXAM, payment_required=True, approval_required=True)
    life.at("2026-01-06T09:00").record(life.payment())
    assert life.reads(Status.NOT_STARTED)
    life.at("2026-01-07T09:00").record(life.course())
    assert life.reads(Status.IN_PROGRESS)
    life.at("2026-01-08T09:00").record(life.external())
    assert life.cycle.progress.awaiting == ("practice",)
    life.at("2026-01-09T09:00").record(life.exam())
    assert life.reads(Status.PENDING_APPROVAL)
    life.at("2026-01-10T09:00").act(Action.APPROVE, step="practice")
    assert life.reads(Status.PENDING_APPROVAL)
    life.at("2026-01-11T09:00").act(Action.APPROVE)
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == utc("2026-01-11T09:00")
    assert [event.type.value for event in life.events()] == [
        "enrollment.created",
        "enrollment.assigned",
        "enrollment.opened",
        "payment.recorded",
        "enrollment.progressed",
        "enrollment.started",
        "enrollment.progressed",
        "enrollment.progressed",
        "exam.attempted",
        "enrollment.progressed",
        "enrollment.pending_approval",
        "enrollment.approved",
        "enrollment.progressed",
        "enrollment.approved",
        "certificate.issued",
    ]


def test_it_was_complete_when_the_last_of_it_was_true_not_when_we_heard() -> None:
    life = enrolled(COURSE, exam=EXAM)
    life.at("2026-02-01T09:00")
    life.record(life.exam("2026-01-20T09:00"), life.course("2026-01-10T09:00"))
    assert life.certificate.certified_at == utc("2026-01-20T09:00")
    assert life.events(EventType.CERTIFICATE_ISSUED)[0].effective_at == utc("2026-01-20T09:00")


def test_a_waived_fee_and_an_override_are_true_when_they_were_given() -> None:
    life = enrolled(payment_required=True)
    life.record(life.course())
    life.later(days=3).act(Action.OVERRIDE_PAYMENT)
    assert life.certificate.certified_at == life.now
    assert life.certificate.expires_at == utc("2027-01-09T00:00")


# Grades


@pytest.mark.parametrize(
    ("takes", "counts"),
    [
        ({"grade": 80.0}, True),
        ({"grade": 79.9}, False),
        ({"grade": 79.9, "outcome": FactOutcome.PASSED}, False),
        ({"grade": 95.0} | COMPLETED, True),
        ({"grade": None, "outcome": FactOutcome.PASSED}, True),
        ({"grade": None} | COMPLETED, False),
        ({"grade": None, "outcome": FactOutcome.FAILED}, False),
        ({"grade": 95.0, "outcome": FactOutcome.STARTED}, False),
        ({"course_id": "C-2"}, False),
    ],
)
def test_a_minimum_grade_decides_and_without_a_grade_the_outcome(
    takes: dict[str, Any], counts: bool
) -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.course(**takes))
    assert step(life) is (StepState.DONE if counts else StepState.OPEN)


@pytest.mark.parametrize(
    ("counts_on", "outcome", "counts"),
    [
        ("passed", FactOutcome.PASSED, True),
        ("passed", FactOutcome.COMPLETED, False),
        ("completed", FactOutcome.COMPLETED, True),
        ("completed", FactOutcome.PASSED, True),
        ("completed", FactOutcome.FAILED, False),
        ("completed", FactOutcome.STARTED, False),
        (None, FactOutcome.COMPLETED, False),
    ],
)
def test_a_course_counts_on_passing_or_on_completing(
    counts_on: str | None, outcome: FactOutcome, counts: bool
) -> None:
    way = {"type": "course", "course_id": "C-1", "counts_on": counts_on}
    life = enrolled({"key": "a", "ways": [way]}, exam=EXAM)
    life.record(life.course(outcome=outcome, grade=None))
    assert step(life) is (StepState.DONE if counts else StepState.OPEN)


def test_the_best_grade_counts_whatever_came_after() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.course(grade=40.0))
    life.later(days=1).record(life.course(grade=90.0))
    life.later(days=1).record(life.course(grade=30.0))
    assert step(life) is StepState.DONE


def test_of_equal_instants_the_evidence_id_decides() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.course(id="B"), life.course(id="A"))
    assert life.cycle.progress.steps[0].evidence == ("A",)
    sitting = enrolled(COURSE, PRACTICE, exam=EXAM | {"after_training": False, "retry_after": None})
    sitting.record(
        sitting.exam(id="B", attempt_id="1"), sitting.failed_exam(id="A", attempt_id="2")
    )
    assert sitting.cycle.progress.exam.attempts == 2
    assert sitting.cycle.progress.exam.evidence == ("B",)


def test_any_one_way_completes_a_step() -> None:
    for fact in (Life.course, Life.test_out):
        life = enrolled(COURSE, PRACTICE)
        life.record(fact(life))
        assert step(life) is StepState.DONE
    for other, life in ((SESSION, enrolled(SESSION, exam=EXAM)),):
        life.record(life.session())
        assert step(life) is StepState.DONE, other


def test_credits_of_the_category_add_up_and_the_last_of_them_completes() -> None:
    life = enrolled(CREDITS, exam=EXAM)
    life.record(life.credits(7, "2026-01-05T10:00"), life.credits(9, category="law"))
    assert step(life) is StepState.OPEN
    life.at("2026-03-01T09:00").record(life.credits(5))
    assert step(life) is StepState.DONE
    assert life.cycle.progress.steps[0].at == utc("2026-03-01T09:00")


def test_external_work_is_done_when_handed_in_or_accepted_or_approved() -> None:
    plain = {"key": "practice", "ways": [{"type": "external"}]}
    life = enrolled(plain, exam=EXAM)
    life.record(life.external())
    assert step(life) is StepState.DONE
    life = enrolled(PRACTICE, exam=EXAM)
    life.record(life.external())
    assert step(life) is StepState.AWAITING_APPROVAL
    life.record(life.external(outcome=FactOutcome.ACCEPTED))
    assert step(life) is StepState.DONE


# Evidence while the cycle waits, pauses or is suspended


def test_while_a_cycle_waits_evidence_is_kept_and_counts_afterwards() -> None:
    life = Life(yearly(path(COURSE, PRACTICE), prior_credit="P30D"))
    life.enroll(opens_at=utc("2026-02-01T00:00"))
    life.later(days=1).record(life.course())
    assert life.work is Work.WAITING
    life.at("2026-02-01T00:00")
    assert step(life) is StepState.DONE


def test_while_a_cycle_is_inactive_evidence_is_kept_and_counts_before_its_limit() -> None:
    life = enrolled(policy={"completion_limit": {"after": "P10D"}})
    life.act(Action.DEACTIVATE)
    life.at("2026-01-10T09:00").record(life.course())
    assert life.reads(Status.INACTIVE)
    life.at("2026-03-01T09:00").act(Action.REACTIVATE)
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == utc("2026-01-10T09:00")


def test_while_a_cycle_is_paused_evidence_is_kept_and_counts_afterwards() -> None:
    life = enrolled().unassign()
    life.later(days=1).record(life.course())
    assert life.reads(Status.REMOVED)
    life.later(days=1).enroll()
    assert life.certificate.certified_at == utc("2026-01-06T09:00")


def test_while_suspended_evidence_is_kept_and_counts_afterwards() -> None:
    life = certified().at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.act(Action.SUSPEND)
    life.later(days=1).record(life.course())
    assert len(life.e.issued) == 1
    life.later(days=1).act(Action.LIFT)
    assert life.certificate.certified_at == utc("2026-12-21T09:00")


# Retractions


def test_a_retraction_takes_a_fact_back_and_the_open_cycle_is_recomputed() -> None:
    life = enrolled(COURSE, exam=EXAM)
    life.record(fact := life.course())
    assert life.reads(Status.IN_PROGRESS)
    life.later(days=1).record(life.retraction(fact))
    assert life.reads(Status.NOT_STARTED)
    assert step(life) is StepState.OPEN


def test_a_retraction_may_come_before_what_it_retracts() -> None:
    life = enrolled()
    fact = life.course()
    life.record(life.retraction(fact))
    life.later(days=1).record(fact)
    assert life.reads(Status.NOT_STARTED)


def test_a_retraction_takes_it_out_of_pending_approval_and_the_limit_acts() -> None:
    life = enrolled(COURSE, approval_required=True, policy=LIMITED)
    life.record(fact := life.course())
    life.at("2026-02-01T09:00")
    assert life.reads(Status.PENDING_APPROVAL)  # never closed by time
    life.record(life.retraction(fact))
    assert life.reads(Status.NOT_COMPLETED)
    assert life.events(EventType.ENROLLMENT_NOT_COMPLETED)[0].effective_at == life.now


def test_a_certificate_already_issued_stands_flagged() -> None:
    life = enrolled()
    life.record(fact := life.course())
    life.later(days=1).record(life.retraction(fact))
    assert life.reads(Status.CERTIFIED)
    assert Flag.EVIDENCE_RETRACTED in life.flags
    assert life.says == [EventType.CERTIFICATE_FLAGGED]
    life.later(days=1).record(life.retraction(fact))
    assert life.says == []  # flagged once


def test_a_retraction_of_what_another_certificate_used_flags_nothing() -> None:
    life = enrolled()
    life.record(life.course(), unused := life.credits(3))
    life.later(days=1).record(life.retraction(unused))
    assert Flag.EVIDENCE_RETRACTED not in life.flags


@pytest.mark.parametrize("fact", [Life.course, Life.exam])
def test_what_another_version_kept_is_taken_back_with_its_evidence(fact: Any) -> None:
    initial = path(COURSE, PRACTICE, exam=EXAM | {"after_training": False})
    life = Life(yearly(initial)).enroll()
    life.record(done := fact(life))
    life.c = republished(life.c, definition(initial), life.now)
    life.later(days=1).act(Action.MOVE_TO_VERSION)
    progress = life.cycle.progress
    assert StepState.DONE in [s.state for s in progress.steps] or (
        progress.exam.state is ExamState.PASSED
    )
    life.later(days=1).record(life.retraction(done))
    assert life.reads(Status.NOT_STARTED)


# A batch is judged as a set; the order of arrival does not matter


def test_a_batch_is_judged_as_a_set() -> None:
    life = enrolled(COURSE, exam=EXAM, payment_required=True).at("2026-01-20T09:00")
    batch = (
        life.exam("2026-01-12T09:00"),
        life.failed_exam("2026-01-10T09:00"),
        life.course("2026-01-09T09:00"),
        life.payment("2026-01-08T09:00"),
    )
    results = {
        (e := decide(life.e, life.c, Record(order), life.now).enrollment).revision: e
        for order in permutations(batch)
    }
    assert len({repr(e) for e in results.values()}) == 1
    (result,) = results.values()
    assert result.certificate is not None
    assert result.certificate.certified_at == utc("2026-01-12T09:00")


def test_the_order_of_arrival_does_not_matter_while_no_order_completes() -> None:
    life = enrolled(COURSE, PRACTICE, exam=EXAM, in_order=True).at("2026-01-20T09:00")
    facts: tuple[Fact, ...] = (
        life.failed_exam("2026-01-12T09:00"),
        life.course("2026-01-09T09:00"),
        life.test_out("2026-01-08T09:00"),
        life.exam("2026-01-10T09:00", **STARTED),
    )
    seen = set()
    for order in permutations(facts):
        e = life.e
        for fact in order:
            e = decide(e, life.c, Record((fact,)), life.now).enrollment
        assert e.cycle is not None
        seen.add((e.status, repr(e.cycle)))
    assert len(seen) == 1


def test_later_arrivals_change_no_issued_certificate() -> None:
    life = enrolled().at("2026-02-01T09:00")
    life.record(life.course("2026-01-20T09:00"))
    before = life.certificate
    life.later(days=1).record(life.course("2026-01-10T09:00", grade=99.0))
    assert life.certificate == before
    assert life.standing is Standing.VALID


def test_every_type_of_fact_is_decided_here() -> None:
    assert {type.value for type in FactType} == {
        "course_completion",
        "exam_attempt",
        "test_out_attempt",
        "session_attendance",
        "payment",
        "external",
        "credits",
        "retraction",
    }
