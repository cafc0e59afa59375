"""What the evidence amounts to in one cycle: the rules of steps, exam, payment and sign-offs.

Pure over a set of facts: the order in which they arrived does not matter, only `occurred_at`
(lifecycle, law 10). `judge` is the question: where does the cycle stand at this instant?
"""

from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.definition import Path, Step, Way, WayType
from certsvc.domain.enrollment import (
    UNDECIDED,
    Cycle,
    DoneBy,
    ExamState,
    PaymentState,
    Progress,
    StepProgress,
    StepState,
)
from certsvc.domain.evidence import Fact, FactOutcome, FactType, standing_facts
from certsvc.domain.examination import examine
from certsvc.domain.frozen import changed, quick
from certsvc.domain.periods import Calendar


@quick
@dataclass(frozen=True, slots=True)
class Bench:
    """What a judgement reads: the cycle, its path, the calendar, who it is about, the facts that
    count for training and exam (`facts`), and those for the fee and for finality (`all_facts`)."""

    cycle: Cycle
    path: Path
    calendar: Calendar
    credited_before: datetime
    facts: tuple[Fact, ...]
    all_facts: tuple[Fact, ...]
    at: datetime


def judge(
    cycle: Cycle,
    path: Path,
    calendar: Calendar,
    evidence: tuple[Fact, ...],
    credited_before: datetime,
    at: datetime,
) -> Progress:
    """Where the cycle stands at `at`, by the facts that were true by then.

    A refund ends a stretch in which the fee was paid: where everything was done within such a
    stretch, the cycle was complete then, whatever came after (a batch is judged as a set)."""
    if _untouched(cycle, evidence, at) and path.steps:
        return _fresh(cycle, path, calendar, at)
    cycle = _without_retracted(cycle, evidence)
    known = standing_facts(evidence)
    if path.payment_required:
        for fact in known:
            if _is_payment(fact, FactOutcome.REFUNDED) and fact.occurred_at <= at:
                before = tuple(
                    other
                    for other in known
                    if (other.occurred_at, other.id) < (fact.occurred_at, fact.id)
                )
                earlier = _judge_until(
                    cycle, path, calendar, before, credited_before, fact.occurred_at
                )
                if earlier.completed_at is not None:
                    return earlier
    return _judge_until(cycle, path, calendar, known, credited_before, at)


def _untouched(cycle: Cycle, evidence: tuple[Fact, ...], at: datetime) -> bool:
    """Whether nobody has decided anything in the cycle, and nothing was true in it by then."""
    if cycle.decided is not UNDECIDED:  # equal to it or not: the long way says the same
        return False
    since = min(cycle.counts_from, cycle.test_outs_from)
    return all(not since <= fact.occurred_at <= at for fact in evidence)


def _fresh(cycle: Cycle, path: Path, calendar: Calendar, at: datetime) -> Progress:
    """Where a cycle with steps stands before anything is done: as most do when they open."""
    payment = PaymentState.DUE if path.payment_required else PaymentState.NOT_REQUIRED
    later = StepState.LOCKED if path.in_order else StepState.OPEN
    first, *others = path.steps
    steps = (
        StepProgress(first.key, StepState.OPEN),
        *(StepProgress(step.key, later) for step in others),
    )
    exam = examine(cycle, path.exam, calendar, (), training_done=False, at=at)
    return Progress(payment, steps=steps, exam=exam)


def _without_retracted(cycle: Cycle, evidence: tuple[Fact, ...]) -> Cycle:
    """What was brought along from another version is taken back with its evidence."""
    decided = cycle.decided
    retracted = {fact.retracts for fact in evidence if fact.type is FactType.RETRACTION}
    if not retracted or not (decided.carried or decided.exam_carried):
        return cycle
    exam = decided.exam_carried
    decided = replace(
        decided,
        carried=tuple(kept for kept in decided.carried if retracted.isdisjoint(kept.evidence)),
        exam_carried=exam if exam and retracted.isdisjoint(exam.evidence) else None,
    )
    return replace(cycle, decided=decided)


def _judge_until(
    cycle: Cycle,
    path: Path,
    calendar: Calendar,
    known: tuple[Fact, ...],
    credited_before: datetime,
    at: datetime,
) -> Progress:
    true_by_then = tuple(fact for fact in known if fact.occurred_at <= at)
    since = tuple(fact for fact in true_by_then if fact.occurred_at >= cycle.counts_from)
    in_cycle = tuple(fact for fact in true_by_then if fact.occurred_at >= cycle.test_outs_from)
    payment, paid_at, counts_through = _payment(cycle, path, in_cycle, at)
    counted = since
    if payment is PaymentState.DUE:
        counted = tuple(
            fact
            for fact in since
            if counts_through is not None and fact.occurred_at < counts_through
        )
    bench = Bench(cycle, path, calendar, credited_before, counted, true_by_then, at)
    steps = _steps(bench)
    training_done = Progress(steps=steps).training_done
    exam = examine(cycle, path.exam, calendar, counted, training_done, at)
    progress = Progress(payment, paid_at, steps, exam, _begun_at(bench))
    return _completed(progress, cycle, path, at)


def _completed(progress: Progress, cycle: Cycle, path: Path, at: datetime) -> Progress:
    """Adds `work_completed_at` and `completed_at` where nothing, or only nothing more, is left."""
    exam_done = progress.exam.state in (
        ExamState.NOT_REQUIRED,
        ExamState.PASSED,
        ExamState.OVERRIDDEN,
    )
    if not (progress.payment is not PaymentState.DUE and progress.training_done and exam_done):
        return progress
    work = [cycle.opened_at] if not (progress.steps or path.exam or path.payment_required) else []
    work += [step.at for step in progress.steps if step.at is not None]
    work += [moment for moment in (progress.exam.at, progress.paid_at) if moment is not None]
    work_completed_at = max(work)
    completed_at = None
    if not progress.awaiting and not (path.approval_required and cycle.decided.approved_at is None):
        signed = [moment for _, moment in cycle.decided.approvals if moment <= at]
        if path.approval_required and cycle.decided.approved_at is not None:
            signed.append(cycle.decided.approved_at)
        completed_at = max([work_completed_at, *signed])
    return changed(progress, work_completed_at=work_completed_at, completed_at=completed_at)


def _is_payment(fact: Fact, outcome: FactOutcome) -> bool:
    return fact.type is FactType.PAYMENT and fact.outcome is outcome


def _payment(
    cycle: Cycle, path: Path, facts: tuple[Fact, ...], at: datetime
) -> tuple[PaymentState, datetime | None, datetime | None]:
    """State of the fee, when it was settled, and, while it is due again after a refund, the
    instant before which facts still count. What was paid in the cycle stays paid, whatever its
    work is counted from now."""
    if not path.payment_required:
        return PaymentState.NOT_REQUIRED, None, None
    waived_at = cycle.decided.payment_waived_at
    paid_at: datetime | None = None
    refunded_at: datetime | None = None
    for fact in facts:
        if _is_payment(fact, FactOutcome.REFUNDED):
            if paid_at is not None:
                paid_at, refunded_at = None, fact.occurred_at
        elif fact.type is FactType.PAYMENT and fact.outcome is FactOutcome.PAID and paid_at is None:
            paid_at = fact.occurred_at
    if paid_at is not None:
        return PaymentState.PAID, paid_at, None
    if waived_at is not None and waived_at <= at:
        return PaymentState.WAIVED, waived_at, None
    return PaymentState.DUE, None, refunded_at


def _begun_at(bench: Bench) -> datetime | None:
    """When work began: the first fact that concerns the path, or an override."""
    decided = bench.cycle.decided
    moments = [
        moment
        for moment in (decided.training_overridden_at, decided.exam_overridden_at)
        if moment is not None and moment <= bench.at
    ]
    moments += [step.at for step in decided.carried if step.at is not None]
    if decided.exam_carried is not None and decided.exam_carried.at is not None:
        moments.append(decided.exam_carried.at)
    first = next((fact for fact in bench.facts if concerns(bench.path, fact)), None)
    if first is not None:
        moments.append(first.occurred_at)
    return min(moments, default=None)


def concerns(path: Path, fact: Fact) -> bool:
    """Whether the fact is about a step or the exam of the path, whatever its outcome."""
    if fact.type is FactType.EXAM_ATTEMPT:
        return path.exam is not None and path.exam.exam_id == fact.exam_id
    if fact.type is FactType.EXTERNAL:
        step = path.step(fact.step or "")
        return step is not None and any(way.type is WayType.EXTERNAL for way in step.ways)
    return any(_way_concerns(way, fact) for step in path.steps for way in step.ways)


def _way_concerns(way: Way, fact: Fact) -> bool:
    if fact.type is FactType.COURSE_COMPLETION:
        return way.type is WayType.COURSE and way.course_id == fact.course_id
    if fact.type is FactType.TEST_OUT_ATTEMPT:
        return way.type is WayType.TEST_OUT and way.exam_id == fact.exam_id
    if fact.type is FactType.SESSION_ATTENDANCE:
        return way.type is WayType.SESSION and way.course_id == fact.course_id
    if fact.type is FactType.CREDITS:
        return way.type is WayType.CREDITS and way.category in (None, fact.category)
    return False


# Training steps


def _steps(bench: Bench) -> tuple[StepProgress, ...]:
    done: list[StepProgress] = []
    unlocked = True
    for step in bench.path.steps:
        progress = _step(bench, step) if unlocked else StepProgress(step.key, StepState.LOCKED)
        done.append(progress)
        if bench.path.in_order and progress.state is StepState.OPEN:
            unlocked = False
    return tuple(done)


def _step(bench: Bench, step: Step) -> StepProgress:
    decided = bench.cycle.decided
    carried = next((kept for kept in decided.carried if kept.key == step.key), None)
    if carried is not None and carried.at is not None and carried.at <= bench.at:
        return carried
    rejected_at = dict(decided.rejections).get(step.key)
    facts = bench.facts
    if rejected_at is not None:
        facts = tuple(fact for fact in facts if fact.occurred_at > rejected_at)
    best: StepProgress | None = None
    for way in step.ways:
        found = _WAYS[way.type](bench, step, way, facts)
        if found is not None and (best is None or _better(found, best)):
            best = found
    if best is not None and best.state is StepState.AWAITING_APPROVAL:
        approved_at = dict(decided.approvals).get(step.key)
        if approved_at is not None and approved_at <= bench.at:
            best = replace(best, state=StepState.DONE)
    if best is None or best.state is not StepState.DONE:
        overridden_at = decided.training_overridden_at
        if overridden_at is not None and overridden_at <= bench.at:
            if rejected_at is None or overridden_at > rejected_at:
                return StepProgress(step.key, StepState.DONE, DoneBy.OVERRIDE, overridden_at)
    return best or StepProgress(step.key, StepState.OPEN)


def _better(one: StepProgress, other: StepProgress) -> bool:
    """Done beats handed in; then the earlier instant; then the smaller evidence id."""
    return _rank(one) < _rank(other)


def _rank(progress: StepProgress) -> tuple[bool, datetime, tuple[str, ...]]:
    assert progress.at is not None
    return progress.state is not StepState.DONE, progress.at, progress.evidence


def _done(bench: Bench, step: Step, *facts: Fact) -> StepProgress:
    at = max(fact.occurred_at for fact in facts)
    by = DoneBy.PRIOR_CREDIT if at < bench.credited_before else DoneBy.EVIDENCE
    return StepProgress(step.key, StepState.DONE, by, at, tuple(fact.id for fact in facts))


def _by_course(bench: Bench, step: Step, way: Way, facts: tuple[Fact, ...]) -> StepProgress | None:
    for fact in facts:
        if fact.type is FactType.COURSE_COMPLETION and fact.course_id == way.course_id:
            if _course_counts(fact, way):
                return _done(bench, step, fact)
    return None


def _course_counts(fact: Fact, way: Way) -> bool:
    if not fact.ended:
        return False
    if way.minimum_grade is not None and fact.grade is not None:
        return fact.grade >= way.minimum_grade
    if way.counts_on == "completed":
        return fact.outcome in (FactOutcome.COMPLETED, FactOutcome.PASSED)
    return fact.outcome is FactOutcome.PASSED


def _by_test_out(
    bench: Bench, step: Step, way: Way, facts: tuple[Fact, ...]
) -> StepProgress | None:
    """The first completed attempt of the cycle is final, whatever is rejected or moved since."""
    for fact in bench.all_facts:
        if (
            fact.type is FactType.TEST_OUT_ATTEMPT
            and fact.exam_id == way.exam_id
            and fact.ended
            and fact.occurred_at >= bench.cycle.test_outs_from
        ):
            counts = any(counted is fact for counted in facts)
            return _done(bench, step, fact) if counts and fact.reaches(way.passing_score) else None
    return None


def _by_session(bench: Bench, step: Step, way: Way, facts: tuple[Fact, ...]) -> StepProgress | None:
    for fact in facts:
        if (
            fact.type is FactType.SESSION_ATTENDANCE
            and fact.course_id == way.course_id
            and fact.outcome is FactOutcome.ATTENDED
        ):
            return _done(bench, step, fact)
    return None


def _by_external(
    bench: Bench, step: Step, way: Way, facts: tuple[Fact, ...]
) -> StepProgress | None:
    """Accepted work is done; submitted work is done where no approval is asked for."""
    handed_in: Fact | None = None
    for fact in facts:
        if fact.type is not FactType.EXTERNAL or fact.step != step.key:
            continue
        if fact.outcome is FactOutcome.ACCEPTED:
            return _done(bench, step, fact)
        if fact.outcome in (FactOutcome.SUBMITTED, FactOutcome.COMPLETED) and handed_in is None:
            handed_in = fact
    if handed_in is None:
        return None
    progress = _done(bench, step, handed_in)
    if not way.approval_required:
        return progress
    return replace(progress, state=StepState.AWAITING_APPROVAL)


def _by_credits(bench: Bench, step: Step, way: Way, facts: tuple[Fact, ...]) -> StepProgress | None:
    """The step is done when the credits of the category (of any, where none is named) add up."""
    total, used = 0.0, []
    for fact in facts:
        if fact.type is FactType.CREDITS and way.category in (None, fact.category):
            total += fact.amount or 0.0
            used.append(fact)
            if total >= (way.amount or 0.0):
                return _done(bench, step, *used)
    return None


_WAYS = {
    WayType.COURSE: _by_course,
    WayType.TEST_OUT: _by_test_out,
    WayType.SESSION: _by_session,
    WayType.EXTERNAL: _by_external,
    WayType.CREDITS: _by_credits,
}
