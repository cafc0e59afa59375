"""move-to-version: the open cycle goes on under another version (lifecycle, 5)."""

from dataclasses import replace

from certsvc.domain.certification import Version
from certsvc.domain.commands import Act
from certsvc.domain.definition import Path
from certsvc.domain.enrollment import Cycle, Decided, ExamState, StepState
from certsvc.domain.events import EventType
from certsvc.domain.opening import due_of, follows_expiry, limit_of, path_of
from certsvc.domain.outcome import Refusal
from certsvc.domain.settling import count
from certsvc.domain.story import Story


def move_to_version(story: Story, act: Act) -> Refusal | None:
    """Dates are counted again from the same opening; what was paid stays paid.

    `keep` brings along steps with the same key and an exam with the same id; `restart` counts
    only work from now on."""
    cycle, certification = story.cycle, story.certification
    version = (
        certification.latest(story.now)
        if act.version is None
        else certification.version(act.version)
    )
    assert version is not None
    path = version.definition.path(cycle.kind)
    keep = act.progress == "keep"
    decided = _kept(cycle, path_of(certification, cycle), path) if keep else _paid(cycle)
    story.set_cycle(
        version=version.number,
        decided=decided,
        counts_from=cycle.counts_from if keep else story.now,
    )
    _count_dates_again(story, version)
    story.say(
        EventType.ENROLLMENT_VERSION_MOVED,
        story.now,
        from_version=cycle.version,
        to_version=version.number,
        progress=act.progress,
    )
    count(story, story.now)
    return None


def _kept(cycle: Cycle, old: Path, new: Path) -> Decided:
    """Steps done stay done, under the same key; so does an exam passed, under the same id. An
    override reaches the steps that it completed, not those that are new."""
    keys = {step.key for step in new.steps}
    carried = tuple(
        step for step in cycle.progress.steps if step.key in keys and step.state is StepState.DONE
    )
    exam = cycle.progress.exam
    same_exam = (
        old.exam is not None and new.exam is not None and old.exam.exam_id == new.exam.exam_id
    )
    passed = exam.state in (ExamState.PASSED, ExamState.OVERRIDDEN)
    decided = replace(
        cycle.decided,
        training_overridden_at=None,
        carried=carried,
        exam_carried=exam if same_exam and passed else None,
    )
    return decided if same_exam else replace(decided, exam_overridden_at=None)


def _paid(cycle: Cycle) -> Decided:
    return Decided(payment_waived_at=cycle.decided.payment_waived_at)


def _count_dates_again(story: Story, version: Version) -> None:
    cycle, policy = story.cycle, version.definition.policy
    due_at, follows = cycle.due_at, cycle.due_follows_expiry
    certificate = story.e.in_force
    if follows_expiry(story.e, cycle.kind) and certificate is not None:
        due_at, follows = certificate.expires_at, True
    else:
        due_at, follows = due_of(policy, cycle.opened_at), False
    story.set_cycle(
        due_at=due_at,
        due_follows_expiry=follows,
        limit_at=limit_of(policy, cycle.opened_at, due_at),
        limit_by_hand=False,
        overdue=False,
        armed_at=story.now,
        told_through=story.now,
    )
