"""Assignments: who is enrolled and why, what a new one starts, what the end of the last one pauses.

Only a new assignment enrols; one that stands, sent again, changes nothing (lifecycle, 5).
"""

from dataclasses import replace

from certsvc.domain.commands import Enroll, Leave, Unassign
from certsvc.domain.enrollment import Assignment, Enrollment, Plan, Source
from certsvc.domain.events import EventType
from certsvc.domain.opening import open_or_wait
from certsvc.domain.outcome import Refusal
from certsvc.domain.settling import count, work_of
from certsvc.domain.status import AFRESH, Standing, Status, Work
from certsvc.domain.story import Story

PERSONAL = frozenset({Source.MANUAL, Source.SELF})
"""Sources whose request is new again once a cycle has closed; a group or an import is not."""

ASKS_ACCEPTANCE = frozenset({Source.MANUAL, Source.GROUP, Source.IMPORT})

APPROVES = frozenset({Source.MANUAL, Source.GROUP, Source.IMPORT})
"""Sources whose assignment of someone who applied counts as the approval."""


def enroll(story: Story, command: Enroll) -> Refusal | None:
    """Add an assignment; from nowhere, or from where a cycle ended, it starts afresh."""
    e = story.e
    if e.standing is Standing.DISALLOWED:
        return Refusal(code="disallowed", reason_code="disallowed", detail=_BARRED)
    standing = _standing(e, command.source, command.group)
    fresh = not e.exists or e.status in AFRESH
    if standing is not None and not (fresh and command.source in PERSONAL):
        return None
    afresh = fresh or (e.status is Status.REMOVED and e.cycle is None)
    if afresh:
        refusal = _may_start(story, command)
        if refusal is not None:
            return refusal
    elif command.source is Source.SELF and story.certification.self_enrollment == "closed":
        return _CLOSED
    if not e.exists:
        story.say(EventType.ENROLLMENT_CREATED, story.now)
    assign(story, command.source, command.group, standing)
    if afresh:
        _start(story, command)
    else:
        _join(story, command)
    return None


_BARRED = "The learner is permanently barred from this certification; only restore lifts that."
_CLOSED = Refusal(
    code="self_enrollment_closed",
    reason_code="self_enrollment_closed",
    detail="The certification does not take self-enrolment.",
)


def _standing(e: Enrollment, source: Source, group: str | None) -> Assignment | None:
    return next((a for a in e.assignments if (a.source, a.group) == (source, group)), None)


def _may_start(story: Story, command: Enroll) -> Refusal | None:
    certification = story.certification
    if certification.archived.now:
        return Refusal(
            code="certification_archived",
            reason_code="certification_archived",
            detail="An archived certification takes no learner.",
        )
    if not certification.versions:
        return Refusal(
            code="no_published_version",
            reason_code="no_published_version",
            detail="The certification has no published version.",
        )
    if not certification.active:
        return Refusal(
            code="certification_inactive",
            reason_code="certification_inactive",
            detail="The certification does not take new learners at present.",
        )
    if command.source is Source.SELF and certification.self_enrollment == "closed":
        return _CLOSED
    return None


def assign(
    story: Story, source: Source, group: str | None, replaced: Assignment | None = None
) -> None:
    """One more assignment stands; nothing else follows from it here."""
    if replaced is not None:
        story.unassign(replaced)
    id = story.id_of(story.now, "assignment", source, group)
    assignment = Assignment(id, source, group, story.now)
    resumes = not story.e.assigned
    story.assign(assignment)
    if resumes and story.e.exists:
        story.set(resumed_at=story.now)
    story.say(EventType.ENROLLMENT_ASSIGNED, story.now, assignment=told(assignment))


def told(assignment: Assignment) -> dict[str, object]:
    """What events tell of an assignment."""
    return {
        "id": assignment.id,
        "source": assignment.source,
        "group": assignment.group,
        "assigned_at": assignment.assigned_at,
    }


def _start(story: Story, command: Enroll) -> None:
    """With application and acceptance as the first time."""
    plan = Plan(
        asked_at=story.now,
        opens_at=command.opens_at,
        due_at=command.due_at,
        limit_at=command.limit_at,
        counts_from=command.counts_from,
    )
    story.set(assigned_at=story.now, overtaken=None, kept_work=Work.NONE, resumed_at=None)
    certification = story.certification
    if command.source is Source.SELF and certification.self_enrollment == "with_approval":
        story.set(plan=plan, work=Work.APPLIED)
        story.say(EventType.ENROLLMENT_APPLIED, story.now)
    elif command.source in ASKS_ACCEPTANCE and certification.acceptance_required:
        story.set(plan=plan, work=Work.ASSIGNED)
    else:
        begin(story, plan)


def begin(story: Story, plan: Plan) -> None:
    """The planned cycle opens, or waits, and kept evidence counts."""
    open_or_wait(story, plan)
    if story.e.cycle is not None:
        count(story, story.e.cycle.opened_at)


def _join(story: Story, command: Enroll) -> None:
    """One more source for someone who is in already: it moves no date."""
    e = story.e
    if e.work is Work.APPLIED and command.source in APPROVES:
        story.say(EventType.ENROLLMENT_APPROVED, story.now, what="application")
        begin_planned(story)
    elif e.work is Work.ASSIGNED and command.source is Source.SELF:
        story.say(EventType.ENROLLMENT_ACCEPTED, story.now)
        begin_planned(story)
    elif e.work is Work.REMOVED and e.cycle is not None:
        story.set(work=work_of(e.cycle.progress), kept_work=Work.NONE)
        count(story, story.now)
    else:
        count(story, story.now)


def begin_planned(story: Story) -> None:
    """What was applied for or assigned may begin: now, or on its own later date."""
    plan = story.e.plan
    assert plan is not None
    later = plan.opens_at if plan.opens_at is not None and plan.opens_at > story.now else None
    begin(story, replace(plan, asked_at=story.now, opens_at=later))


def unassign(story: Story, command: Unassign) -> Refusal | None:
    """Take one assignment away, in any status; when the last goes, an open cycle pauses."""
    found = next((a for a in story.e.assignments if a.id == command.assignment_id), None)
    if found is None:
        return Refusal(
            code="not_found",
            reason_code="assignment_not_found",
            detail="No such assignment stands.",
            invalid=True,
        )
    take_away(story, (found,))
    return None


def leave(story: Story, command: Leave) -> None:
    """Take the group's assignment away, if it stands."""
    standing = _standing(story.e, Source.GROUP, command.group)
    if standing is not None:
        take_away(story, (standing,))


def take_away(story: Story, assignments: tuple[Assignment, ...]) -> None:
    """These assignments go. Standing none reads removed; any other keeps its headline."""
    for assignment in assignments:
        story.unassign(assignment)
        story.say(EventType.ENROLLMENT_UNASSIGNED, story.now, assignment=told(assignment))
    e = story.e
    if e.assigned or e.standing is not Standing.NONE:
        return
    story.set(
        work=Work.REMOVED,
        kept_work=e.work,
        plan=None,
    )
    story.say(EventType.ENROLLMENT_REMOVED, story.now)
