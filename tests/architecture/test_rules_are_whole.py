"""Every way, kind of evidence, anchor and flag has its rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from certsvc.domain.certification import Certification, published
from certsvc.domain.commands import Enroll, Record
from certsvc.domain.definition import Anchor, Definition, WayType
from certsvc.domain.describe import describe, flags
from certsvc.domain.enrollment import Enrollment, Source, StepState, blank
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.lifecycle import decide
from certsvc.domain.status import Flag, Standing

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

WAYS: dict[WayType, dict[str, Any]] = {
    WayType.COURSE: {"course_id": "C"},
    WayType.TEST_OUT: {"exam_id": "T", "passing_score": 90},
    WayType.SESSION: {"course_id": "C"},
    WayType.EXTERNAL: {},
    WayType.CREDITS: {"amount": 5},
}

FACTS: dict[FactType, dict[str, Any]] = {
    FactType.COURSE_COMPLETION: {"outcome": FactOutcome.PASSED, "course_id": "C"},
    FactType.EXAM_ATTEMPT: {"outcome": FactOutcome.PASSED, "exam_id": "X", "grade": 80.0},
    FactType.TEST_OUT_ATTEMPT: {"outcome": FactOutcome.PASSED, "exam_id": "T", "grade": 95.0},
    FactType.SESSION_ATTENDANCE: {"outcome": FactOutcome.ATTENDED, "course_id": "C"},
    FactType.PAYMENT: {"outcome": FactOutcome.PAID},
    FactType.EXTERNAL: {"outcome": FactOutcome.ACCEPTED, "step": "step"},
    FactType.CREDITS: {"amount": 5.0},
    FactType.RETRACTION: {"retracts": "exam_attempt"},
}

DONE_BY: dict[WayType, FactType] = {
    WayType.COURSE: FactType.COURSE_COMPLETION,
    WayType.TEST_OUT: FactType.TEST_OUT_ATTEMPT,
    WayType.SESSION: FactType.SESSION_ATTENDANCE,
    WayType.EXTERNAL: FactType.EXTERNAL,
    WayType.CREDITS: FactType.CREDITS,
}


@pytest.mark.parametrize("type", WayType)
def test_every_type_of_way_is_completed_by_its_evidence(type: WayType) -> None:
    certification = _certification(ways=[{"type": type.value, **WAYS[type]}])
    e = _recorded(_enrolled(certification), certification, DONE_BY[type])
    assert e.cycle is not None
    assert e.cycle.progress.steps[0].state is StepState.DONE


@pytest.mark.parametrize("type", FactType)
def test_every_type_of_evidence_moves_somebody(type: FactType) -> None:
    ways = [{"type": way.value, **WAYS[way]} for way in WayType]
    certification = _certification(ways=ways, payment_required=type is FactType.PAYMENT)
    e = _enrolled(certification)
    if type is FactType.RETRACTION:
        e = _recorded(e, certification, FactType.EXAM_ATTEMPT)
    assert _recorded(e, certification, type).revision > e.revision


@pytest.mark.parametrize("anchor", Anchor)
def test_every_anchor_gives_an_expiry(anchor: Anchor) -> None:
    validity = {"period": "P1Y", "anchor": anchor.value}
    certification = _certification(ways=None, policy={"validity": validity})
    e = _recorded(_enrolled(certification), certification, FactType.EXAM_ATTEMPT)
    assert e.standing is Standing.VALID
    assert e.certificate is not None
    assert e.certificate.expires_at is not None


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_is_looked_for(flag: Flag) -> None:
    certification = _certification(ways=None)
    e = replace(_enrolled(certification), assignments=())
    assert flags(e, certification, BEGIN) == (Flag.UNASSIGNED,)
    assert describe(e, certification, BEGIN)["flags"] == (Flag.UNASSIGNED,)


def _certification(
    *,
    ways: list[dict[str, Any]] | None,
    payment_required: bool = False,
    policy: dict[str, Any] | None = None,
) -> Certification:
    steps = [] if ways is None else [{"key": "step", "ways": ways}]
    exam = {"exam_id": "X", "passing_score": 70, "after_training": False}
    initial = {"payment_required": payment_required, "steps": steps, "exam": exam}
    definition = Definition.read({"initial": initial, "policy": policy or {}})
    return Certification(id=UUID(int=1), key="whole", versions=published(((1, definition, BEGIN),)))


def _enrolled(certification: Certification) -> Enrollment:
    nobody = blank(
        id=UUID(int=2),
        certification_id=certification.id,
        learner_id="learner",
        seed="seed",
        at=BEGIN,
    )
    decision = decide(nobody, certification, Enroll(source=Source.MANUAL), BEGIN)
    assert decision.refusal is None
    return decision.enrollment


def _recorded(e: Enrollment, certification: Certification, type: FactType) -> Enrollment:
    at = e.updated_at + HOUR
    fact = Fact(id=type.value, type=type, occurred_at=at, recorded_at=at, **FACTS[type])
    return decide(e, certification, Record((fact,)), at).enrollment
