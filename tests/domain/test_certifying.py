"""certify: certificates by hand, for corrections and imports."""

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import CycleOutcome, Source
from certsvc.domain.events import EventType
from certsvc.domain.status import Flag, Status
from tests.support.builders import Life, typical
from tests.support.programmes import (
    programme,
    utc,
)


def test_a_certificate_by_hand_takes_missing_dates_from_the_version() -> None:
    life = Life().enroll()
    life.act(Action.CERTIFY, certified_at=utc("2025-11-01T09:00"))
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.valid_from == utc("2025-11-01T09:00")
    assert life.certificate.expires_at == utc("2026-11-02T00:00")
    assert life.last.cycles[0].outcome is CycleOutcome.COMPLETED
    assert life.certificate.cycle == 1


def test_a_certificate_by_hand_takes_the_dates_that_were_given() -> None:
    life = Life().enroll()
    life.act(
        Action.CERTIFY,
        certified_at=utc("2025-11-01T09:00"),
        valid_from=utc("2025-12-01T00:00"),
        expires_at=utc("2026-07-01T12:00"),
    )
    assert life.certificate.valid_from == utc("2025-12-01T00:00")
    assert life.certificate.expires_at == utc("2026-07-01T12:00")
    assert life.certificate.window_at == utc("2026-06-01T00:00")


def test_the_same_again_is_skipped() -> None:
    life = Life().enroll()
    for _ in range(2):
        life.act(Action.CERTIFY, certified_at=utc("2025-11-01T09:00"))
    assert life.last.events == ()
    life.act(
        Action.CERTIFY, certified_at=utc("2025-11-01T09:00"), expires_at=utc("2026-11-02T00:00")
    )
    assert life.last.events == ()
    assert len(life.e.issued) == 1


def test_a_correction_of_the_dates_supersedes() -> None:
    life = Life().enroll()
    life.act(Action.CERTIFY, certified_at=utc("2025-11-01T09:00"))
    life.act(
        Action.CERTIFY, certified_at=utc("2025-11-01T09:00"), expires_at=utc("2027-01-01T00:00")
    )
    assert life.certificate.expires_at == utc("2027-01-01T00:00")
    assert life.certificate.ordinal == 2


def test_a_certification_in_the_future_or_over_before_it_began_is_refused() -> None:
    life = Life().enroll()
    refusal = life.refused(Action.CERTIFY, certified_at=utc("2026-01-05T09:01"))
    assert (refusal.reason_code, refusal.invalid) == ("certified_in_future", True)
    assert life.refused(Action.CERTIFY, expires_at=life.now).invalid


@pytest.mark.parametrize("status", [Status.CERTIFIED, Status.EXPIRED])
def test_what_is_older_than_a_certificate_in_force_goes_to_history_only(status: Status) -> None:
    life = typical(status)
    before = (life.status, life.certificate, life.due)
    life.act(Action.CERTIFY, certified_at=utc("2024-03-01T00:00"))
    assert (life.status, life.certificate, life.due) == before
    assert len(life.e.issued) == 2
    assert len(life.last.certificates) == 1
    assert life.told[-1].data["history_only"] is True
    assert life.told[-1].effective_at == utc("2024-03-01T00:00")


@pytest.mark.parametrize(
    ("when", "status", "certified_at", "issues"),
    [
        ("always", Status.CERTIFIED, "2026-12-20T08:00", True),
        ("if_uncertified", Status.CERTIFIED, "2026-12-20T08:00", False),
        ("if_uncertified", Status.EXPIRED, "2026-12-20T08:00", False),
        ("if_uncertified", Status.LAPSED, "2026-12-20T08:00", True),
        ("if_uncertified", Status.NOT_STARTED, "2025-12-20T08:00", True),
        ("if_newer", Status.CERTIFIED, "2026-12-20T08:00", True),
        ("if_newer", Status.CERTIFIED, "2025-12-20T08:00", False),
        ("if_newer", Status.NOT_STARTED, "2025-12-20T08:00", True),
        ("history_only", Status.NOT_STARTED, "2025-12-20T08:00", True),
    ],
)
def test_when_to_certify_is_for_the_caller_to_say(
    when: str, status: Status, certified_at: str, issues: bool
) -> None:
    life = typical(status)
    before = len(life.e.issued)
    life.act(Action.CERTIFY, certified_at=utc(certified_at), when=when)
    assert (len(life.e.issued) > before) is issues
    if when == "history_only":
        assert life.status is status


def test_timers_of_an_old_certificate_fire_at_their_instants() -> None:
    life = Life().enroll(Source.IMPORT)
    life.act(Action.CERTIFY, certified_at=utc("2024-12-20T09:00"))
    assert life.reads(Status.EXPIRED)
    assert life.diary()[-4:] == [
        ("2024-12-20T09:00", "certificate.issued"),
        ("2025-11-20T00:00", "certificate.expiring"),
        ("2025-12-13T00:00", "certificate.expiring"),
        ("2025-12-21T00:00", "certificate.expired"),
    ]
    assert all(e.stale for e in life.events(EventType.CERTIFICATE_EXPIRING))


def test_an_old_certificate_has_no_window_before_the_enrollment() -> None:
    life = Life(programme(automatic=True)).enroll(Source.IMPORT)
    life.act(Action.CERTIFY, certified_at=utc("2025-01-20T09:00"))
    assert life.certificate.window_at == utc("2026-01-05T09:00")
    assert life.reads(Status.RECERTIFYING)
    assert life.cycle.opened_at == utc("2026-01-05T09:00")


def test_someone_who_was_never_here_can_be_certified() -> None:
    life = Life()
    life.act(Action.CERTIFY, certified_at=utc("2025-11-01T09:00"))
    assert life.reads(Status.CERTIFIED)
    assert Flag.UNASSIGNED in life.flags
    life.enroll(Source.GROUP, group="G1")
    assert (life.status, life.flags) == (Status.CERTIFIED, ())
