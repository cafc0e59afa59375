"""The four functions that carry the product, over the two tables.

`decide` brings an enrollment up to now and then does what is asked; `advance` only brings it up to
now; `next_due_at` says when time will do something; `allowed_actions` says what people may do.
HTTP, the scheduler, evidence, forecast, dry run, state-at-a-date and import call these and nothing
else. All are pure: the same question gives the same answer.
"""

from datetime import datetime
from typing import assert_never

from certsvc.domain.actions import NOT_A_DECISION, Action
from certsvc.domain.assigning import enroll, leave, unassign
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Command, Enroll, Leave, Record, Unassign
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.outcome import Decision, Event, Possibility, Refusal
from certsvc.domain.recording import record, without
from certsvc.domain.seating import line_up, tidy
from certsvc.domain.settling import remaining, settle
from certsvc.domain.story import Story
from certsvc.domain.timeline import Timer, earliest
from certsvc.domain.transitions import GRID, PLAIN, allowed, check

RUNAWAY = 20_000
"""Steps in one catch-up after which something is wrong with a definition, not with the calendar:
daily renewals over fifty years stay below it."""


def decide(
    enrollment: Enrollment, certification: Certification, command: Command, now: datetime
) -> Decision:
    """Bring the enrollment up to now, then do what is asked, then let time do what that made due.

    `now` may not lie before what was recorded last; if it does (replicas with different clocks),
    the later instant is taken. A refusal is a value; it changes nothing."""
    if isinstance(command, Record):
        enrollment = without(enrollment, command.facts)
    story = Story(enrollment, certification, now)
    _catch_up(story)
    before = story.e
    refusal = _do(story, command)
    if refusal is not None:
        return story.decision(refusal)
    tidy(story, story.now)
    if story.spoken and story.e.running:
        line_up(story, story.now)  # a step is needed again
    story.end_step(before)
    _catch_up(story)
    return story.decision()


def advance(enrollment: Enrollment, certification: Certification, now: datetime) -> Decision:
    """Everything that time has done by now, each at the instant at which it came due."""
    story = Story(enrollment, certification, now)
    _catch_up(story)
    return story.decision()


def next_due_at(enrollment: Enrollment, certification: Certification) -> datetime | None:
    """When time does something next, if nobody does anything; None for never."""
    found = earliest(enrollment, certification)
    return None if found is None else found[0]


def next_due(enrollment: Enrollment, certification: Certification) -> tuple[datetime, Timer] | None:
    """When time does something next, and which row of the timeline that is."""
    return earliest(enrollment, certification)


def forecast(
    enrollment: Enrollment, certification: Certification, now: datetime, until: datetime
) -> tuple[Event, ...]:
    """What will happen by then if nobody does anything, each event seen from its own instant."""
    told: list[Event] = []
    present = advance(enrollment, certification, now)
    state, at = present.enrollment, present.next_due_at
    for _ in range(RUNAWAY):
        if at is None or at > until:
            return tuple(told)
        decision = advance(state, certification, at)
        told.extend(decision.events)
        state, at = decision.enrollment, decision.next_due_at
    raise RuntimeError("the forecast does not come to an end")


def allowed_actions(
    enrollment: Enrollment, certification: Certification, now: datetime
) -> tuple[Possibility, ...]:
    """Every action, allowed or not, with the reason; `with_` lists parameters that allow it."""
    return tuple(_possibility(enrollment, certification, action, now) for action in Action)


def allowed_now(
    enrollment: Enrollment, certification: Certification, now: datetime
) -> list[Action]:
    """The actions that are allowed, without the reasons of the others."""
    return allowed(enrollment, certification, now)


def _possibility(e: Enrollment, c: Certification, action: Action, now: datetime) -> Possibility:
    refusal = check(e, c, PLAIN[action], now)
    if refusal is None:
        return Possibility(action, True)
    with_: tuple[str, ...] = ()
    if action is Action.RECERTIFY and refusal.reason_code == "not_due_for_recertification":
        if check(e, c, Act(action=action, early=True), now) is None:
            with_ = ("early",)
    return Possibility(
        action, False, refusal.reason_code, refusal.detail, refusal.available_at, with_
    )


def evidence_from(enrollment: Enrollment) -> datetime | None:
    """The earliest `occurred_at` of evidence that may still count here; None for all of it."""
    e = enrollment
    bounds = [cycle.test_outs_from for cycle in (e.cycle, e.overtaken) if cycle is not None]
    bounds += [cycle.counts_from for cycle in (e.cycle, e.overtaken) if cycle is not None]
    if e.cycle is None:
        if e.certificate is None or e.plan is not None or not e.in_force:
            return None
        bounds.append(e.certificate.certified_at)
    return min(bounds)


def _do(story: Story, command: Command) -> Refusal | None:
    if isinstance(command, Act):
        return _act(story, command)
    if isinstance(command, Enroll):
        return enroll(story, command)
    if isinstance(command, Unassign):
        return unassign(story, command)
    if isinstance(command, Leave):
        leave(story, command)
        return None
    if isinstance(command, Record):
        record(story, command.facts)
        return None
    assert_never(command)


def _act(story: Story, act: Act) -> Refusal | None:
    refusal = check(story.e, story.certification, act, story.now)
    if refusal is not None:
        return refusal
    overtaken = story.e.overtaken
    if overtaken is not None and _decides(act):
        story.set(overtaken=None)
    refusal = GRID[act.action].effect(story, act)
    if overtaken is not None and (refusal is not None or not story.spoken):
        story.set(overtaken=overtaken)  # refused, or skipped: nothing was decided
    return refusal


def _decides(act: Act) -> bool:
    """What a person decided stands, whatever evidence comes late."""
    if act.action is Action.CERTIFY:
        return act.when != "history_only"
    return act.action not in NOT_A_DECISION


def _catch_up(story: Story) -> None:
    """Fire every row that is due by now, in order of the instants; between them, evidence that
    was known counts at the instant at which it was true."""
    for _ in range(RUNAWAY):
        before = story.e
        due = earliest(story.e, story.certification)
        kept_at = remaining(story)
        if kept_at is not None and kept_at <= story.now and (due is None or kept_at < due[0]):
            story.by_time = True
            settle(story, kept_at)
            tidy(story, kept_at)
        elif due is not None and due[0] <= story.now:
            story.by_time = True
            due[1].fire(story, due[0])
            tidy(story, due[0])
        else:
            story.by_time = False
            story.next_due_at = None if due is None else due[0]
            return
        story.end_step(before)
    raise RuntimeError(f"enrollment {story.e.id} does not come to rest")
