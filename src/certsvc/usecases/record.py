"""Evidence recorded in batches: kept always, and every enrollment that it concerns is decided."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.commands import Record
from certsvc.domain.evidence import Fact
from certsvc.domain.status import Standing, Status
from certsvc.store import certifications, enrollments, evidence, learners
from certsvc.store.author import Author
from certsvc.store.enrollments import Locked
from certsvc.store.evidence import Recorded as Stored
from certsvc.store.tenants import Tenant
from certsvc.usecases.apply import apply
from certsvc.usecases.decide import Ask, Outcome
from certsvc.usecases.evidence_items import (
    EvidenceItem,
    ItemOutcome,
    ItemResult,
    repeats,
    repeats_item,
    reused,
    unsound,
)
from certsvc.usecases.interest import Mentioned, concerns, mentioned

__all__ = ["EvidenceItem", "ItemOutcome", "ItemResult", "Moved", "Recorded", "record"]


@dataclass(frozen=True, slots=True)
class Moved:
    """An enrollment that the evidence moved, and how it reads now."""

    enrollment_id: UUID
    certification_id: UUID
    learner_id: str
    revision: int
    status: Status
    standing: Standing


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each item, in their order, and which enrollments moved."""

    items: tuple[ItemResult, ...]
    moved: tuple[Moved, ...]


async def record(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    items: Sequence[EvidenceItem],
    author: Author,
) -> Recorded:
    """Record the batch, judged as a set. The number of statements is fixed."""
    names = sorted({item.certification for item in items if item.certification is not None})
    found = await certifications.resolve(conn, tenant.id, names) if names else {}
    known = {name: id for name, (id, _) in found.items()}
    results, sound = _sifted(items, now, known)
    learner_ids = sorted({item.learner_id for item in sound.values()})
    await learners.share(conn, tenant.id, learner_ids)
    rows = await enrollments.lock_of_learners(conn, tenant.id, learner_ids)
    facts = {item.id: item.fact(now, _named(item, known)) for item in sound.values()}
    new = await _insert(conn, tenant, author, sound, facts, results)
    _echo(items, sound, results)
    asks = _asks(rows, sound, {id: facts[id] for id in new}, author)
    outcomes = await apply(conn, tenant, now, asks)
    ordered = tuple(results[index] for index in range(len(items)))
    return Recorded(ordered, tuple(_moved(outcome) for outcome in outcomes if outcome.moved))


def _named(item: EvidenceItem, known: dict[str, UUID]) -> UUID | None:
    return None if item.certification is None else known[item.certification]


def _sifted(
    items: Sequence[EvidenceItem], now: datetime, known: dict[str, UUID]
) -> tuple[dict[int, ItemResult], dict[int, EvidenceItem]]:
    """What is settled about items before the store is asked; and the rest, by their place."""
    results: dict[int, ItemResult] = {}
    sound: dict[int, EvidenceItem] = {}
    first: dict[str, EvidenceItem] = {}
    for index, item in enumerate(items):
        wrong = unsound(item, now, known)
        earlier = first.get(item.id)
        if wrong is not None:
            results[index] = wrong
        elif earlier is None:
            first[item.id] = sound[index] = item
        elif repeats_item(item, earlier):
            results[index] = ItemResult(item.id, ItemOutcome.DUPLICATE)
        else:
            results[index] = reused(item)
    return results, sound


async def _insert(
    conn: AsyncConnection,
    tenant: Tenant,
    author: Author,
    sound: dict[int, EvidenceItem],
    facts: dict[str, Fact],
    results: dict[int, ItemResult],
) -> list[str]:
    """Keep the facts, tell of each item whether it was new, and answer the ids of those."""
    stored = [
        Stored(facts[item.id], item.learner_id, item.metadata, author.actor)
        for item in sound.values()
    ]
    inserted = await evidence.insert(conn, tenant.id, stored)
    new: list[str] = []
    for index, item in sound.items():
        there = inserted.known.get(item.id)
        if there is None:
            new.append(item.id)
            results[index] = ItemResult(item.id, ItemOutcome.RECORDED)
        elif there.learner_id == item.learner_id and repeats(item, facts[item.id], there.fact):
            results[index] = ItemResult(item.id, ItemOutcome.DUPLICATE)
        else:
            results[index] = reused(item)
    return new


def _echo(
    items: Sequence[EvidenceItem], sound: dict[int, EvidenceItem], results: dict[int, ItemResult]
) -> None:
    """What repeats a rejected item of the same batch is rejected like it."""
    rejected = {
        item.id: results[index]
        for index, item in sound.items()
        if results[index].result is ItemOutcome.REJECTED
    }
    for index, item in enumerate(items):
        if results[index].result is ItemOutcome.DUPLICATE and index not in sound:
            results[index] = rejected.get(item.id, results[index])


def _asks(
    rows: Sequence[Locked],
    sound: dict[int, EvidenceItem],
    new: dict[str, Fact],
    author: Author,
) -> list[Ask]:
    """The enrollments that care, each with those of its learner's new facts that concern it."""
    by_learner: dict[str, list[Fact]] = defaultdict(list)
    for item in sound.values():
        if item.id in new:
            by_learner[item.learner_id].append(new[item.id])
    names: dict[UUID, Mentioned] = {}
    asks = []
    for row in rows:
        certification = row.certification
        if certification.id not in names:
            names[certification.id] = mentioned(certification)
        facts = tuple(
            fact
            for fact in by_learner[row.enrollment.learner_id]
            if concerns(fact, certification, names[certification.id])
        )
        if facts:
            asks.append(Ask(row.enrollment, certification, author, Record(facts), row))
    return asks


def _moved(outcome: Outcome) -> Moved:
    enrollment = outcome.decision.enrollment
    return Moved(
        enrollment_id=enrollment.id,
        certification_id=enrollment.certification_id,
        learner_id=enrollment.learner_id,
        revision=enrollment.revision,
        status=enrollment.status,
        standing=enrollment.standing,
    )
