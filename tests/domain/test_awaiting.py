"""What waits for a person, since when, and what may be answered."""

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.awaiting import Awaiting, AwaitingKind, answers, awaiting
from certsvc.domain.enrollment import Source
from certsvc.domain.status import Status, Work
from tests.domain.learning import enrolled
from tests.support.builders import MONDAY, Life, begun, certified, done, rich, typical
from tests.support.programmes import COURSE, PRACTICE, path, programme, utc

OTHER = {**PRACTICE, "key": "more"}
TUESDAY, WEDNESDAY = utc("2026-01-06T09:00"), utc("2026-01-07T09:00")


def waits(life: Life) -> Awaiting | None:
    return awaiting(life.e, life.c)


def may(life: Life) -> list[Action]:
    return answers(life.e, life.c, life.now)


def test_an_application_waits_since_it_was_made() -> None:
    life = rich(self_enrollment="with_approval").at(TUESDAY).enroll(Source.SELF).at(WEDNESDAY)
    assert waits(life) == Awaiting(AwaitingKind.APPLICATION, TUESDAY)
    assert may(life) == [Action.APPROVE_APPLICATION, Action.DECLINE_APPLICATION]
    life.act(Action.APPROVE_APPLICATION)
    assert waits(life) is None


def test_a_cycle_waits_for_its_sign_off_since_the_work_was_done() -> None:
    life = begun(rich().enroll()).at(TUESDAY)
    assert waits(life) is None
    life.record(life.exam()).at(WEDNESDAY)
    assert waits(life) == Awaiting(AwaitingKind.APPROVAL, TUESDAY)
    assert may(life) == [Action.APPROVE, Action.REJECT]
    life.act(Action.APPROVE)
    assert waits(life) is None


def test_external_evidence_waits_since_the_first_was_handed_in() -> None:
    life = enrolled(PRACTICE, OTHER)
    life.at(WEDNESDAY).record(life.external(WEDNESDAY), life.external(TUESDAY, step="more"))
    assert life.work is Work.PENDING_APPROVAL
    expected = Awaiting(AwaitingKind.EXTERNAL_EVIDENCE, TUESDAY, ("practice", "more"))
    assert waits(life) == expected
    life.act(Action.APPROVE, step="more")
    assert waits(life) == Awaiting(AwaitingKind.EXTERNAL_EVIDENCE, WEDNESDAY, ("practice",))
    assert may(life) == [Action.APPROVE, Action.REJECT]


def test_it_is_seen_coming_while_the_rest_is_in_progress() -> None:
    life = enrolled(COURSE, PRACTICE)
    life.record(life.external())
    assert life.work is Work.IN_PROGRESS
    assert waits(life) == Awaiting(AwaitingKind.EXTERNAL_EVIDENCE, MONDAY, ("practice",))
    assert may(life) == []
    life.refused(Action.APPROVE)


def test_where_the_cycle_is_to_be_signed_off_as_well_it_is_one_approval() -> None:
    life = enrolled(COURSE, PRACTICE, approval_required=True)
    life.record(life.external())
    waiting = waits(life)
    assert waiting is not None
    assert waiting.kind is AwaitingKind.EXTERNAL_EVIDENCE
    life.at(TUESDAY).record(life.course())
    assert waits(life) == Awaiting(AwaitingKind.APPROVAL, TUESDAY, ("practice",))
    life.act(Action.APPROVE, step="practice")
    assert waits(life) == Awaiting(AwaitingKind.APPROVAL, TUESDAY)


def test_what_is_sent_back_waits_no_more() -> None:
    life = enrolled(PRACTICE)
    life.record(life.external()).at(TUESDAY)
    life.act(Action.REJECT, steps=("practice",))
    assert waits(life) is None


def test_what_is_set_aside_waits_for_nobody_until_it_is_lifted() -> None:
    life = certified(programme(path_with_approval())).at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.record(life.course())
    assert waits(life) is not None
    life.act(Action.SUSPEND)
    assert waits(life) is None
    life.act(Action.LIFT)
    assert waits(life) == Awaiting(AwaitingKind.APPROVAL, utc("2026-12-20T09:00"))


def path_with_approval() -> dict[str, object]:
    signed = path(approval_required=True)
    return {"initial": path(), "recertification": signed, "policy": {"validity": {"period": "P1Y"}}}


@pytest.mark.parametrize("status", [s for s in Status if s not in ("applied", "pending_approval")])
def test_nothing_else_waits_for_a_person(status: Status) -> None:
    assert waits(typical(status)) is None


def test_a_late_limit_does_not_end_the_wait() -> None:
    life = done(rich().enroll()).at("2027-06-01T09:00")
    assert waits(life) == Awaiting(AwaitingKind.APPROVAL, MONDAY)
