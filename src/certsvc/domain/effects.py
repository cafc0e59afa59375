"""What each action does, once the grid and its conditions allow it.

An effect either changes the story and says what happened, or refuses because of what the action
takes, having changed nothing.
"""

from dataclasses import replace

from certsvc.domain.assigning import assign, begin_planned, take_away
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import CycleOutcome, Decided, Plan, Source
from certsvc.domain.events import EventType
from certsvc.domain.guards import no, unsound
from certsvc.domain.opening import open_or_wait, path_of
from certsvc.domain.outcome import Refusal
from certsvc.domain.settling import count, summary, work_of
from certsvc.domain.status import IN_FORCE, Standing, Work
from certsvc.domain.story import Story

# Applications and acceptance


def approve_application(story: Story, act: Act) -> Refusal | None:
    """The learner may begin."""
    story.say(EventType.ENROLLMENT_APPROVED, story.now, what="application")
    begin_planned(story)
    return None


def decline_application(story: Story, act: Act) -> Refusal | None:
    """The application ends."""
    story.set(work=Work.DECLINED, plan=None)
    story.say(EventType.ENROLLMENT_DECLINED, story.now)
    return None


def accept(story: Story, act: Act) -> Refusal | None:
    """The learner takes the assignment on."""
    story.say(EventType.ENROLLMENT_ACCEPTED, story.now)
    begin_planned(story)
    return None


# Overrides and sign-offs


def _decide(story: Story, **changes: object) -> None:
    decided: Decided = replace(story.cycle.decided, **changes)  # type: ignore[arg-type]
    story.set_cycle(decided=decided)


def override_payment(story: Story, act: Act) -> Refusal | None:
    """The fee is waived; kept evidence counts at once."""
    _decide(story, payment_waived_at=story.now)
    story.say(EventType.PAYMENT_WAIVED, story.now)
    count(story, story.now)
    return None


def override_training(story: Story, act: Act) -> Refusal | None:
    """All training steps count as done."""
    _decide(story, training_overridden_at=story.now)
    story.say(EventType.ENROLLMENT_OVERRIDDEN, story.now, what="training")
    count(story, story.now)
    return None


def override_exam(story: Story, act: Act) -> Refusal | None:
    """The exam counts as passed."""
    _decide(story, exam_overridden_at=story.now)
    story.say(EventType.ENROLLMENT_OVERRIDDEN, story.now, what="exam")
    count(story, story.now)
    return None


def reset_exam(story: Story, act: Act) -> Refusal | None:
    """The attempts so far no longer count; nor does an override, or a result brought along."""
    _decide(story, exam_reset_at=story.now, exam_overridden_at=None, exam_carried=None)
    story.say(EventType.EXAM_RESET, story.now)
    count(story, story.now)
    return None


def approve(story: Story, act: Act) -> Refusal | None:
    """Sign off one step, or everything outstanding."""
    cycle = story.cycle
    awaiting = cycle.progress.awaiting
    if act.step is not None:
        if path_of(story.certification, cycle).step(act.step) is None:
            return unsound("step_unknown", "The path has no step of that key.", "step")
        if act.step not in awaiting:
            return no("step_not_awaiting_approval", "That step awaits no approval.")
        awaiting = (act.step,)
    approvals = dict(cycle.decided.approvals) | dict.fromkeys(awaiting, story.now)
    _decide(
        story,
        approvals=tuple(approvals.items()),
        approved_at=cycle.decided.approved_at if act.step is not None else story.now,
    )
    what = "cycle" if act.step is None else "step"
    story.say(EventType.ENROLLMENT_APPROVED, story.now, what=what, steps=list(awaiting))
    count(story, story.now)
    return None


def reject(story: Story, act: Act) -> Refusal | None:
    """Send steps or the exam back, or end the cycle."""
    if act.final:
        return _reject_finally(story, act)
    cycle = story.cycle
    path = path_of(story.certification, cycle)
    if not act.steps and not act.exam:
        return unsound("nothing_to_reject", "Name steps or the exam to do again, or `final`.")
    if any(path.step(key) is None for key in act.steps):
        return unsound("step_unknown", "The path has no step of that key.", "steps")
    if act.exam and path.exam is None:
        return unsound("no_exam", "The path has no exam.", "exam")
    if act.limit_at is not None and act.limit_at <= story.now:
        return unsound("limit_in_the_past", "A new limit lies ahead.", "limit_at")
    if act.limit_at is None and cycle.limit_at is not None and cycle.limit_at <= story.now:
        return unsound("limit_passed", "The limit has passed: a new one is needed.", "limit_at")
    _send_back(story, act)
    story.say(
        EventType.ENROLLMENT_REJECTED, story.now, steps=list(act.steps), exam=act.exam, final=False
    )
    count(story, story.now)
    return None


def _reject_finally(story: Story, act: Act) -> Refusal | None:
    story.say(EventType.ENROLLMENT_REJECTED, story.now, steps=[], exam=False, final=True)
    return mark_not_completed(story, act)


def _send_back(story: Story, act: Act) -> None:
    """Only evidence that occurred from here on counts for what is sent back."""
    cycle = story.cycle
    decided = cycle.decided
    rejections = dict(decided.rejections) | dict.fromkeys(act.steps, story.now)
    decided = replace(
        decided,
        approved_at=None,
        rejections=tuple(rejections.items()),
        approvals=tuple(pair for pair in decided.approvals if pair[0] not in act.steps),
        carried=tuple(kept for kept in decided.carried if kept.key not in act.steps),
    )
    if act.exam:
        decided = replace(
            decided, exam_reset_at=story.now, exam_overridden_at=None, exam_carried=None
        )
    story.set_cycle(decided=decided)
    if act.limit_at is not None:
        story.set_cycle(limit_at=act.limit_at, limit_by_hand=True)


# The end of a cycle


def _end(story: Story, outcome: CycleOutcome, work: Work) -> None:
    """The open or planned cycle ends and earns nothing."""
    if story.e.cycle is not None:
        story.close_cycle(outcome, story.now)
    story.set(work=work, plan=None, kept_work=Work.NONE)


def mark_not_completed(story: Story, act: Act) -> Refusal | None:
    """The cycle closes as not completed."""
    _end(story, CycleOutcome.NOT_COMPLETED, Work.NOT_COMPLETED)
    story.say(EventType.ENROLLMENT_NOT_COMPLETED, story.now, by="person")
    return None


def cancel(story: Story, act: Act) -> Refusal | None:
    """The cycle closes as cancelled."""
    _end(story, CycleOutcome.CANCELLED, Work.CANCELLED)
    story.say(EventType.ENROLLMENT_CANCELLED, story.now, by="person")
    return None


def deactivate(story: Story, act: Act) -> Refusal | None:
    """The cycle pauses."""
    story.set(kept_work=story.e.work, work=Work.INACTIVE)
    story.say(EventType.ENROLLMENT_DEACTIVATED, story.now)
    return None


def reactivate(story: Story, act: Act) -> Refusal | None:
    """The cycle resumes with its dates; what is known by now counts first."""
    cycle = story.e.cycle
    work = story.e.kept_work if cycle is None else work_of(cycle.progress)
    story.set(work=work, kept_work=Work.NONE, resumed_at=story.now)
    story.say(EventType.ENROLLMENT_REACTIVATED, story.now)
    count(story, story.now)
    return None


def remove(story: Story, act: Act) -> Refusal | None:
    """The manual assignments go."""
    take_away(story, story.e.assignments)
    return None


# The credential


def _revoke_certificate(story: Story, *, lapsed_too: bool) -> None:
    certificate = story.e.certificate
    if certificate is None or certificate.revoked_at is not None:
        return
    if story.e.standing in IN_FORCE or (lapsed_too and certificate.lapsed_at is not None):
        revoked = story.set_certificate(revoked_at=story.now)
        story.say(EventType.CERTIFICATE_REVOKED, story.now, certificate=summary(revoked))


def revoke(story: Story, act: Act) -> Refusal | None:
    """The open cycle ends, a certificate in force is revoked; the learner is not barred."""
    story.say(EventType.ENROLLMENT_REVOKED, story.now)
    _revoke_certificate(story, lapsed_too=False)
    ended = story.e.cycle is not None or story.e.plan is not None
    _end(story, CycleOutcome.REVOKED, Work.CANCELLED if ended else Work.NONE)
    story.set(standing=Standing.REVOKED, suspended=False)
    return None


def permanent_revoke(story: Story, act: Act) -> Refusal | None:
    """The certificate is revoked and the learner barred."""
    story.say(EventType.ENROLLMENT_DISALLOWED, story.now)
    _revoke_certificate(story, lapsed_too=False)
    ended = story.e.cycle is not None or story.e.plan is not None
    _end(story, CycleOutcome.REVOKED, Work.CANCELLED if ended else Work.NONE)
    story.set(standing=Standing.DISALLOWED, suspended=False)
    return None


def force_recertification(story: Story, act: Act) -> Refusal | None:
    """The certificate is revoked, whatever its expiry, and a cycle opens at once."""
    certificate = story.e.certificate
    told = None if certificate is None else summary(certificate)
    story.say(EventType.RECERTIFICATION_FORCED, story.now, certificate=told)
    _revoke_certificate(story, lapsed_too=True)
    story.set(standing=Standing.REVOKED)
    _open(story, act)
    return None


def recertify(story: Story, act: Act) -> Refusal | None:
    """A cycle opens; the certificate in force stays in force until the new one supersedes it."""
    _open(story, act)
    return None


def restore(story: Story, act: Act) -> Refusal | None:
    """The bar or revocation is lifted; a new cycle stands open. Groups that the learner joined
    meanwhile assign now."""
    story.say(EventType.ENROLLMENT_RESTORED, story.now)
    known = {assignment.group for assignment in story.e.assignments}
    for group in act.groups:
        if group not in known:
            assign(story, Source.GROUP, group)
    story.set(standing=Standing.NONE)
    _open(story, act)
    return None


def _open(story: Story, act: Act) -> None:
    open_or_wait(story, Plan(asked_at=story.now, counts_from=act.counts_from))
    count(story, story.now)


def suspend(story: Story, act: Act) -> Refusal | None:
    """Set aside; the clock of the certificate goes on."""
    story.set(suspended=True)
    story.say(EventType.ENROLLMENT_SUSPENDED, story.now)
    return None


def lift(story: Story, act: Act) -> Refusal | None:
    """Back to what the dates now say; kept evidence counts first."""
    story.set(suspended=False, resumed_at=story.now)
    story.say(EventType.ENROLLMENT_LIFTED, story.now)
    count(story, story.now)
    return None


def remind(story: Story, act: Act) -> Refusal | None:
    """A reminder is told; nothing else changes."""
    story.say(EventType.ENROLLMENT_REMINDER, story.now)
    return None


def change_next_recertification(story: Story, act: Act) -> Refusal | None:
    """Stop, back to the latest version, or on to another certification."""
    if act.next is None:
        return unsound("next_missing", "Say `never`, `latest`, or a certification.", "next")
    if act.next == "never":
        _drop_plan(story)
        story.set(stopped=True, next_certification=None)
        story.say(EventType.RECERTIFICATION_STOPPED, story.now)
    elif act.next == "latest":
        story.set(stopped=False, next_certification=None)
        if story.e.certificate is not None:
            story.set_certificate(armed_at=story.now)  # what was held back comes due now, not then
        story.say(
            EventType.RECERTIFICATION_REDIRECTED, story.now, certification="latest", enrolled=False
        )
    else:
        return _redirect(story, act)
    return None


def _redirect(story: Story, act: Act) -> Refusal | None:
    """This certification opens nothing more; once its window is open, the learner goes on there."""
    target = act.next_certification
    if target is None:
        return unsound("certification_unknown", "No such certification.", "next")
    if target == story.e.certification_id:
        return unsound("same_certification", "Say `latest` for this certification.", "next")
    _drop_plan(story)
    story.set(stopped=False, next_certification=target)
    certificate = story.e.certificate
    open_already = certificate is None or (
        story.e.standing is not Standing.VALID
        or (certificate.window_at is not None and certificate.window_at <= story.now)
    )
    at_once = act.now or open_already
    if at_once:
        story.enroll_elsewhere(target)
        if certificate is not None:
            story.set_certificate(window_used=True, window_told=True)
    story.say(
        EventType.RECERTIFICATION_REDIRECTED, story.now, certification=target, enrolled=at_once
    )
    return None


def _drop_plan(story: Story) -> None:
    """A recertification that waits is the next one: it does not open here."""
    if story.e.work is Work.WAITING and story.e.issued:
        story.set(plan=None, work=Work.NONE)
