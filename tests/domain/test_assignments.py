"""Assignments: every sentence of the page."""

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Enroll, Unassign
from certsvc.domain.enrollment import Source
from certsvc.domain.events import EventType
from certsvc.domain.status import Flag, Standing, Status, Work
from tests.support.builders import ENROLLMENT, Life, begun, certified, rich, typical, yearly
from tests.support.programmes import COURSE, PRACTICE, definition, path, programme, utc

SOURCES = [
    (Source.MANUAL, None),
    (Source.GROUP, "G1"),
    (Source.SELF, None),
    (Source.IMPORT, None),
]


@pytest.mark.parametrize(("source", "group"), SOURCES)
def test_a_new_assignment_of_any_source_enrols(source: Source, group: str | None) -> None:
    life = Life(programme(self_enrollment="open")).enroll(source, group=group)
    assert life.reads(Status.NOT_STARTED)
    assert [(a.source, a.group) for a in life.e.assignments] == [(source, group)]
    assert life.says == [
        EventType.ENROLLMENT_CREATED,
        EventType.ENROLLMENT_ASSIGNED,
        EventType.ENROLLMENT_OPENED,
    ]


@pytest.mark.parametrize(("source", "group"), SOURCES)
def test_one_that_stands_sent_again_changes_nothing(source: Source, group: str | None) -> None:
    life = Life(programme(self_enrollment="open")).enroll(source, group=group)
    before = life.e
    life.later(days=1).enroll(source, group=group)
    assert life.e == before
    assert life.last.events == ()


@pytest.mark.parametrize(
    "status", [s for s in Status if s not in (Status.DISALLOWED, Status.REMOVED)]
)
def test_a_nightly_group_sync_is_safe_in_every_status(status: Status) -> None:
    life = typical(status).enroll(Source.GROUP, group="G1")
    if life.status in (Status.NOT_STARTED, Status.RECERTIFYING) and life.e.cycle is not None:
        life.act(Action.CANCEL)  # what a new group started afresh has ended
    before = life.e
    life.later(days=1)
    at = life.e
    life.enroll(Source.GROUP, group="G1")
    assert life.e == at
    assert before.assignments == life.e.assignments


@pytest.mark.parametrize(
    "status", [Status.DECLINED, Status.NOT_COMPLETED, Status.CANCELLED, Status.REVOKED]
)
@pytest.mark.parametrize(("source", "group"), SOURCES)
def test_where_a_cycle_ended_a_new_assignment_starts_afresh(
    status: Status, source: Source, group: str | None
) -> None:
    life = typical(status).switch(self_enrollment="open")
    cycles = life.e.cycles
    life.later(days=1).enroll(source, group=group)
    assert life.e.cycles == cycles + 1
    assert life.e.assigned_at == life.now
    assert life.status in (Status.NOT_STARTED, Status.RECERTIFYING)


def test_afresh_means_with_application_and_acceptance_as_the_first_time() -> None:
    life = rich(self_enrollment="with_approval", acceptance_required=True).enroll()
    assert life.reads(Status.ASSIGNED)
    life.act(Action.CANCEL)
    life.enroll(Source.SELF)
    assert life.reads(Status.APPLIED)
    life.act(Action.DECLINE_APPLICATION)
    life.enroll(Source.GROUP, group="G1")
    assert life.reads(Status.ASSIGNED)
    revoked = typical(Status.REVOKED).switch(acceptance_required=True).enroll(Source.IMPORT)
    assert (revoked.status, revoked.standing) == (Status.ASSIGNED, Standing.REVOKED)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.NOT_COMPLETED, Status.REVOKED])
def test_after_a_cycle_closed_a_manual_request_is_new_and_a_group_is_not(status: Status) -> None:
    life = typical(status)
    assert [a.source for a in life.e.assignments] == [Source.MANUAL]
    cycles = life.e.cycles
    life.later(days=1).enroll()
    assert life.e.cycles == cycles + 1
    assert len(life.e.assignments) == 1
    grouped = Life(programme(definition(path(COURSE, PRACTICE)))).enroll(Source.GROUP, group="G1")
    grouped.act(Action.CANCEL)
    grouped.later(days=1).enroll(Source.GROUP, group="G1")
    assert grouped.reads(Status.CANCELLED)
    grouped.enroll(Source.GROUP, group="G2")
    assert grouped.reads(Status.NOT_STARTED)


def test_after_a_cycle_closed_a_self_request_is_new_and_an_import_is_not() -> None:
    life = rich(self_enrollment="open").enroll(Source.SELF)
    life.act(Action.CANCEL)
    life.enroll(Source.SELF)
    assert life.reads(Status.NOT_STARTED)
    life = rich().enroll(Source.IMPORT)
    life.act(Action.CANCEL)
    life.enroll(Source.IMPORT)
    assert life.reads(Status.CANCELLED)


# From removed


def test_from_removed_a_paused_cycle_resumes_with_its_progress_and_dates() -> None:
    document = definition(path(COURSE, PRACTICE), due={"after": "P30D"})
    life = Life(programme(document)).enroll()
    life.record(life.course())
    due_at = life.cycle.due_at
    life.unassign()
    assert (life.status, life.due) == (Status.REMOVED, None)
    life.at("2026-02-20T09:00").enroll(Source.GROUP, group="G1")
    assert life.reads(Status.IN_PROGRESS)
    assert (life.e.cycles, life.cycle.due_at) == (1, due_at)
    assert life.cycle.progress.steps[0].state == "done"
    assert life.events(EventType.ENROLLMENT_OVERDUE)[0].effective_at == life.now


def test_from_removed_without_a_paused_cycle_it_starts_afresh() -> None:
    for life in (
        rich(acceptance_required=True).enroll(),
        rich().enroll(opens_at=utc("2026-03-01T00:00")),
        typical(Status.CANCELLED),
        typical(Status.INACTIVE),
    ):
        life.unassign()
        assert life.reads(Status.REMOVED)
        assert life.e.plan is None
        cycles, paused = life.e.cycles, life.e.cycle
        life.switch(acceptance_required=False).later(days=1).enroll()
        assert life.reads(Status.NOT_STARTED)
        assert life.e.cycles == cycles + (1 if paused is None else 0)


def test_whoever_was_inactive_when_removed_works_again_when_assigned_again() -> None:
    life = typical(Status.INACTIVE).unassign().enroll()
    assert (life.status, life.e.cycles) == (Status.NOT_STARTED, 1)


# Elsewhere


@pytest.mark.parametrize(
    "status",
    [
        Status.NOT_STARTED,
        Status.IN_PROGRESS,
        Status.PENDING_APPROVAL,
        Status.CERTIFIED,
        Status.EXPIRED,
        Status.LAPSED,
        Status.RECERTIFYING,
        Status.SUSPENDED,
        Status.INACTIVE,
    ],
)
def test_elsewhere_an_assignment_adds_a_source_and_moves_no_date(status: Status) -> None:
    life = typical(status)
    before = life.e
    life.later(hours=1).enroll(Source.GROUP, group="G1", due_at=utc("2030-01-01T00:00"))
    assert life.says == [EventType.ENROLLMENT_ASSIGNED]
    assert (life.status, life.e.cycle, life.e.certificate) == (
        status,
        before.cycle,
        before.certificate,
    )
    assert len(life.e.assignments) == len(before.assignments) + 1
    assert life.e.assigned_at == before.assigned_at


@pytest.mark.parametrize("source", [Source.MANUAL, Source.GROUP, Source.IMPORT])
def test_from_applied_an_assignment_by_others_counts_as_the_approval(source: Source) -> None:
    life = typical(Status.APPLIED).enroll(source, group="G" if source is Source.GROUP else None)
    assert life.reads(Status.NOT_STARTED)
    assert EventType.ENROLLMENT_APPROVED in life.says


def test_from_applied_to_apply_again_changes_nothing() -> None:
    life = typical(Status.APPLIED)
    life.later(days=1).enroll(Source.SELF)
    assert (life.status, life.last.events) == (Status.APPLIED, ())


@pytest.mark.parametrize(("source", "group"), SOURCES)
def test_acceptance_is_asked_of_everybody_but_the_self_enrolled(
    source: Source, group: str | None
) -> None:
    life = rich(acceptance_required=True, self_enrollment="open").enroll(source, group=group)
    expected = Status.NOT_STARTED if source is Source.SELF else Status.ASSIGNED
    assert life.status is expected


def test_self_enrolling_from_assigned_accepts() -> None:
    life = rich(acceptance_required=True, self_enrollment="open").enroll()
    life.later(days=1).enroll(Source.SELF)
    assert life.reads(Status.NOT_STARTED)
    assert life.cycle.opened_at == life.now
    assert EventType.ENROLLMENT_ACCEPTED in life.says


# Refused


def test_who_may_be_enrolled_depends_on_the_switches() -> None:
    def refusal(certification: Certification, source: Source = Source.MANUAL) -> str:
        return Life(certification).refused(Enroll(source=source)).code

    assert refusal(programme(archived=True)) == "certification_archived"
    assert refusal(programme(active=False)) == "certification_inactive"
    assert refusal(programme(), Source.SELF) == "self_enrollment_closed"
    bare = programme()
    assert refusal(Certification(bare.id, bare.key, ())) == "no_published_version"


def test_switched_off_it_takes_no_new_learner_and_those_inside_go_on() -> None:
    life = begun(rich().enroll()).switch(active=False)
    life.enroll(Source.GROUP, group="G1")
    assert len(life.e.assignments) == 2
    life.record(life.exam())
    assert life.reads(Status.PENDING_APPROVAL)


# Taken away


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.REMOVED])
def test_an_assignment_may_be_taken_away_in_any_status(status: Status) -> None:
    life = typical(status)
    standing = life.standing
    life.unassign()
    assert not life.e.assigned
    assert Flag.UNASSIGNED in life.flags
    expected = Status.REMOVED if standing is Standing.NONE else status
    assert life.status is expected
    removed = EventType.ENROLLMENT_REMOVED in life.says
    assert removed is (standing is Standing.NONE)


def test_only_when_the_last_one_goes_is_anything_paused() -> None:
    life = typical(Status.NOT_STARTED).enroll(Source.GROUP, group="G1")
    life.unassign(Source.MANUAL)
    assert life.reads(Status.NOT_STARTED)
    assert life.says == [EventType.ENROLLMENT_UNASSIGNED]
    life.unassign(Source.GROUP)
    assert life.reads(Status.REMOVED)


def test_the_certificate_runs_on_without_an_assignment() -> None:
    life = certified(programme(automatic=True)).unassign()
    assert life.reads(Status.CERTIFIED)
    life.at("2027-06-01T09:00")
    assert (life.status, life.e.cycles) == (Status.LAPSED, 1)


def test_an_open_recertification_pauses_and_resumes() -> None:
    life = certified(yearly(completion_limit={"after": "P10D"})).at("2026-12-20T09:00")
    life.act(Action.RECERTIFY)
    life.unassign()
    life.at("2027-01-20T09:00")
    assert (life.status, life.standing) == (Status.RECERTIFYING, Standing.GRACE)
    life.enroll()
    assert (life.status, life.work) == (Status.EXPIRED, Work.NOT_COMPLETED)
    assert life.events(EventType.ENROLLMENT_NOT_COMPLETED)[0].effective_at == life.now


def test_an_assignment_that_does_not_stand_cannot_be_taken_away() -> None:
    assert typical(Status.NOT_STARTED).refused(Unassign(ENROLLMENT)).code == "not_found"


def test_remove_takes_the_manual_assignments_away() -> None:
    life = typical(Status.NOT_STARTED)
    life.act(Action.REMOVE)
    assert life.reads(Status.REMOVED)
    assert life.says == [EventType.ENROLLMENT_UNASSIGNED, EventType.ENROLLMENT_REMOVED]
    assert life.last.unassigned[0][1] == life.now


# Dates of an enrolment


def test_a_future_start_waits_and_a_past_one_opens_then() -> None:
    life = rich().enroll(opens_at=utc("2026-02-01T00:00"))
    assert (life.status, life.work, life.due) == (
        Status.NOT_STARTED,
        Work.WAITING,
        utc("2026-02-01T00:00"),
    )
    past = Life(yearly(due={"after": "P30D"})).enroll(opens_at=utc("2025-11-01T09:00"))
    assert past.cycle.opened_at == utc("2025-11-01T09:00")
    assert past.cycle.counts_from == utc("2025-11-01T00:00")
    assert past.diary()[-2:] == [
        ("2025-11-24T00:00", "enrollment.due_soon"),
        ("2025-12-02T00:00", "enrollment.overdue"),
    ]


def test_a_past_start_lets_known_evidence_count_at_its_instant_before_the_limit() -> None:
    life = Life(yearly(completion_limit={"after": "P10D"}))
    life.record(life.course("2025-11-05T09:00"))
    life.enroll(opens_at=utc("2025-11-01T09:00"))
    assert life.reads(Status.CERTIFIED)
    assert life.certificate.certified_at == utc("2025-11-05T09:00")
    late = Life(yearly(completion_limit={"after": "P10D"}))
    late.record(late.course("2025-11-20T09:00"))
    late.enroll(opens_at=utc("2025-11-01T09:00"))
    assert late.reads(Status.NOT_COMPLETED)
