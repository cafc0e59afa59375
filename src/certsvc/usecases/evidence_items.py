"""Evidence as it is reported: the item, what becomes of it, and what is wrong with it by itself."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from certsvc.domain.evidence import Fact, FactOutcome, FactType

AHEAD = timedelta(minutes=5)
"""Clocks differ: what is said to occur up to this far ahead is taken as now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One fact as the LMS reports it; `certification` is an id or a key."""

    id: str
    type: FactType
    learner_id: str
    occurred_at: datetime
    outcome: FactOutcome | None = None
    grade: float | None = None
    course_id: str | None = None
    session_id: str | None = None
    exam_id: str | None = None
    attempt_id: str | None = None
    certification: str | None = None
    step: str | None = None
    amount: float | None = None
    category: str | None = None
    retracts: str | None = None
    metadata: dict[str, Any] | None = None

    def fact(self, now: datetime, certification_id: UUID | None) -> Fact:
        """The fact as the rules read it, recorded now."""
        return Fact(
            id=self.id,
            type=self.type,
            occurred_at=min(self.occurred_at, now),
            recorded_at=now,
            outcome=self.outcome,
            grade=self.grade,
            course_id=self.course_id,
            session_id=self.session_id,
            exam_id=self.exam_id,
            attempt_id=self.attempt_id,
            certification_id=certification_id,
            step=self.step,
            amount=self.amount,
            category=self.category,
            retracts=self.retracts,
        )


class ItemOutcome(StrEnum):
    """What became of an item."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of an item, and for a rejected one why, and because of which field."""

    id: str
    result: ItemOutcome
    code: str | None = None
    detail: str | None = None
    parameter: str | None = None


def rejected(item: EvidenceItem, code: str, detail: str, parameter: str) -> ItemResult:
    """The item is not recorded."""
    return ItemResult(item.id, ItemOutcome.REJECTED, code, detail, parameter)


def reused(item: EvidenceItem) -> ItemResult:
    """The id stands for another fact already, and facts never change."""
    detail = "This id was used for other content; evidence never changes."
    return rejected(item, "evidence_id_reused", detail, "id")


def unsound(item: EvidenceItem, now: datetime, known: dict[str, UUID]) -> ItemResult | None:
    """What is wrong with the item by itself, or None. `known` are the certifications by name."""
    if item.occurred_at > now + AHEAD:
        detail = "This lies more than five minutes ahead."
        return rejected(item, "occurred_in_future", detail, "occurred_at")
    if item.type is FactType.RETRACTION and item.retracts is None:
        return rejected(
            item, "retracts_missing", "A retraction names what it takes back.", "retracts"
        )
    if item.certification is not None and item.certification not in known:
        detail = f"There is no certification {item.certification!r}."
        return rejected(item, "unknown_certification", detail, "certification")
    return None


def repeats(item: EvidenceItem, fact: Fact, stored: Fact) -> bool:
    """Whether the item says again what is stored; `fact` is what it would be recorded as.

    An instant that lay ahead, and was taken as the now of its report, is still the same one."""
    taken_as_now = stored.occurred_at == stored.recorded_at < item.occurred_at
    if stored.occurred_at != fact.occurred_at and not taken_as_now:
        return False
    alike = replace(fact, occurred_at=stored.occurred_at, recorded_at=stored.recorded_at)
    return alike == stored


def repeats_item(item: EvidenceItem, earlier: EvidenceItem) -> bool:
    """Whether two items of one batch say the same; metadata is a note, and no matter."""
    return replace(item, metadata=None) == replace(earlier, metadata=None)
