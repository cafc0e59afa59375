"""Evidence arrives: what it says at once, and what it counts for (lifecycle, 5, Evidence)."""

from dataclasses import replace

from certsvc.domain.enrollment import Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact, FactOutcome, FactType, in_order
from certsvc.domain.opening import path_of
from certsvc.domain.settling import count, summary
from certsvc.domain.story import Story


def record(story: Story, facts: tuple[Fact, ...]) -> None:
    """New facts, judged as a set with the known ones. What concerns nothing here says nothing."""
    e = story.e
    known = {fact.id for fact in e.evidence}
    new = in_order(fact for fact in facts if fact.id not in known)
    story.set(evidence=(*e.evidence, *new))
    for fact in new:
        _tell(story, fact)
    count(story, story.now)


def _tell(story: Story, fact: Fact) -> None:
    if fact.certification_id not in (None, story.e.certification_id):
        return
    if fact.type is FactType.RETRACTION:
        _flag(story, fact)
    elif fact.type is FactType.EXAM_ATTEMPT and _sits(story, fact):
        story.say(
            EventType.EXAM_ATTEMPTED,
            fact.occurred_at,
            evidence_id=fact.id,
            exam_id=fact.exam_id,
            outcome=fact.outcome,
            grade=fact.grade,
        )
    elif fact.type is FactType.PAYMENT and _pays(story):
        refunded = fact.outcome is FactOutcome.REFUNDED
        type = EventType.PAYMENT_REFUNDED if refunded else EventType.PAYMENT_RECORDED
        story.say(type, fact.occurred_at, evidence_id=fact.id)


def _flag(story: Story, fact: Fact) -> None:
    """A certificate already issued stands when its evidence is taken back, flagged."""
    certificate = story.e.certificate
    if certificate is None or certificate.retracted or fact.retracts not in certificate.evidence:
        return
    flagged = story.set_certificate(retracted=True)
    story.say(
        EventType.CERTIFICATE_FLAGGED,
        story.now,
        certificate=summary(flagged),
        evidence_id=fact.retracts,
    )


def _sits(story: Story, fact: Fact) -> bool:
    cycle = story.e.cycle
    if cycle is None:
        return False
    exam = path_of(story.certification, cycle).exam
    return exam is not None and exam.exam_id == fact.exam_id


def _pays(story: Story) -> bool:
    cycle = story.e.cycle
    return cycle is not None and path_of(story.certification, cycle).payment_required


def without(e: Enrollment, facts: tuple[Fact, ...]) -> Enrollment:
    """The enrollment before these facts were known."""
    new = {fact.id for fact in facts}
    if all(fact.id not in new for fact in e.evidence):
        return e  # as a rule: they have only just been heard of
    return replace(e, evidence=tuple(fact for fact in e.evidence if fact.id not in new))
