"""Late evidence: a cycle that time alone has closed is completed after all."""

from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.definition import NEVER
from certsvc.domain.enrollment import CycleOutcome
from certsvc.domain.status import CycleKind, Status, Work
from tests.domain.learning import LIMITED, enrolled
from tests.support.builders import certified, yearly
from tests.support.programmes import (
    COURSE,
    EXAM,
    utc,
)

# Late evidence for a cycle that time closed


def test_late_evidence_completes_a_cycle_that_time_closed_as_of_then() -> None:
    life = enrolled(policy=LIMITED).at("2026-02-01T09:00")
    assert life.reads(Status.NOT_COMPLETED)
    life.record(life.course("2026-01-10T09:00"))
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == utc("2026-01-10T09:00")
    assert life.certificate.cycle == 1
    assert [cycle.outcome for cycle in life.last.cycles] == [CycleOutcome.COMPLETED]


def test_evidence_that_was_true_at_the_limit_or_after_does_not() -> None:
    life = enrolled(policy=LIMITED).at("2026-02-01T09:00")
    life.record(life.course("2026-01-16T00:00"))
    assert life.reads(Status.NOT_COMPLETED)
    life.record(life.course("2026-01-15T23:59"))
    assert life.reads(Status.CERTIFIED)


def test_where_only_a_sign_off_was_missing_it_is_pending_again() -> None:
    life = enrolled(COURSE, approval_required=True, policy=LIMITED).at("2026-02-01T09:00")
    life.record(life.course("2026-01-10T09:00"))
    assert life.reads(Status.PENDING_APPROVAL)
    assert life.refused(Action.REJECT, steps=("safety",)).reason_code == "limit_passed"
    life.act(Action.REJECT, steps=("safety",), limit_at=utc("2026-03-01T00:00"))
    assert life.reads(Status.IN_PROGRESS)


def test_evidence_that_would_not_have_completed_it_leaves_it_closed() -> None:
    life = enrolled(COURSE, exam=EXAM, policy=LIMITED).at("2026-02-01T09:00")
    life.record(life.course("2026-01-10T09:00"))
    assert life.reads(Status.NOT_COMPLETED)
    life.later(days=1).record(life.exam("2026-01-11T09:00"))
    assert life.reads(Status.CERTIFIED)


@pytest.mark.parametrize(
    ("action", "stands"),
    [
        (Action.REMIND, False),
        (Action.SUSPEND, False),
        (Action.CHANGE_DATES, False),
        (Action.CHANGE_NEXT_RECERTIFICATION, False),
        (Action.RECERTIFY, True),
        (Action.FORCE_RECERTIFICATION, True),
        (Action.PERMANENT_REVOKE, True),
    ],
)
def test_what_a_person_decided_since_stands(action: Action, stands: bool) -> None:
    policy: dict[str, Any] = {"completion_limit": {"after": "P7D"}, "renewal_opens": "P60D"}
    life = certified(yearly(**policy)).at("2026-12-01T09:00")
    life.act(Action.RECERTIFY)
    life.at("2026-12-20T09:00")
    assert (life.status, life.work) == (Status.CERTIFIED, Work.NOT_COMPLETED)
    takes: dict[Action, dict[str, Any]] = {
        Action.CHANGE_DATES: {"expires_at": utc("2027-02-01T00:00")},
        Action.CHANGE_NEXT_RECERTIFICATION: {"next": NEVER},
    }
    life.act(action, **takes.get(action, {}))
    if action is Action.SUSPEND:
        life.act(Action.LIFT)
    life.record(life.course("2026-12-05T09:00"))
    revived = any(cycle.number == 2 for cycle in life.last.cycles)
    assert revived is not stands


def test_a_certificate_by_hand_stands_unless_it_went_into_history() -> None:
    for when, issued in (("always", 1), ("history_only", 2)):
        life = enrolled(policy=LIMITED).at("2026-02-01T09:00")
        life.act(Action.CERTIFY, certified_at=utc("2024-01-01T00:00"), when=when)
        life.record(life.course("2026-01-10T09:00"))
        assert len(life.e.issued) == issued, when


def test_a_certificate_by_hand_that_was_skipped_decided_nothing() -> None:
    life = enrolled(policy=LIMITED).at("2026-02-01T09:00")
    old = utc("2024-01-01T00:00")
    life.act(Action.CERTIFY, certified_at=old, when="history_only")
    life.act(Action.CERTIFY, certified_at=old)
    assert life.says == []
    life.record(life.course("2026-01-10T09:00"))
    assert life.certificate.certified_at == utc("2026-01-10T09:00")


RESTART: dict[str, Any] = {"on_lapse": "restart"}


def test_a_cycle_that_time_opened_instead_closes_as_cancelled() -> None:
    life = certified(yearly(**RESTART)).at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.at("2027-03-01T09:00")
    assert life.cycle.kind is CycleKind.REINSTATEMENT
    life.record(life.course("2027-01-10T09:00"))
    assert life.reads(Status.CERTIFIED)
    assert [(c.number, c.outcome) for c in life.last.cycles] == [
        (3, CycleOutcome.CANCELLED),
        (2, CycleOutcome.COMPLETED),
    ]
    assert life.certificate.certified_at == utc("2027-01-10T09:00")
    assert life.certificate.expires_at == utc("2028-01-11T00:00")


def test_late_evidence_is_kept_while_suspended_and_counts_when_lifted() -> None:
    policy: dict[str, Any] = {"completion_limit": {"after": "P7D"}, "renewal_opens": "P60D"}
    life = certified(yearly(**policy)).at("2026-12-01T09:00")
    life.act(Action.RECERTIFY)
    life.at("2026-12-20T09:00").act(Action.SUSPEND)
    life.record(life.course("2026-12-05T09:00"))
    assert len(life.e.issued) == 1
    life.act(Action.LIFT)
    assert life.certificate.certified_at == utc("2026-12-05T09:00")
