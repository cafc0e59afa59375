"""Statements that a Learning Record Store forwards, taken as evidence: each once, whatever their
order, and a voided one not at all.

The evidence has the statement's id, so a repeat is known by the rules of evidence. What those
cannot know is compared by a digest: a statement without a timestamp is taken as now, each time
anew, and an activity may have come to mean something else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.evidence import FactType
from certsvc.store import activities, evidence, exclusive
from certsvc.store.activities import Activity
from certsvc.store.author import Author
from certsvc.store.evidence import Recorded as Stored
from certsvc.store.tenants import Tenant
from certsvc.usecases.evidence_items import EvidenceItem, ItemOutcome, ItemResult
from certsvc.usecases.record import Moved, record
from certsvc.usecases.xapi.meaning import MEANINGS, outcome_of
from certsvc.usecases.xapi.statement import (
    LONGEST_ACTIVITY_ID,
    Ignored,
    Reason,
    Rules,
    Statement,
    Wrong,
    read,
)

NOTE = "xapi"
"""Under this name the evidence's metadata keeps what the statement said beside."""

_POINTERS = {"occurred_at": "/timestamp", "id": "/id"}


class Became(StrEnum):
    """What became of a statement."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one statement: for an ignored one the reason, for a rejected one why."""

    id: str | None
    became: Became
    reason: Reason | None = None
    wrong: Wrong | None = None


@dataclass(frozen=True, slots=True)
class TakenAll:
    """What became of each statement, in their order, and which enrollments moved."""

    items: tuple[Taken, ...]
    moved: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store knows of what a batch speaks of."""

    evidence: Mapping[str, Stored]
    activities: Mapping[str, Activity]
    voided: frozenset[str]


async def take(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    sent: Sequence[Any],
    author: Author,
    rules: Rules = Rules(),  # noqa: B008 - frozen
) -> TakenAll:
    """Take the batch, judged as a set. The number of database statements is fixed."""
    found = [read(value, rules) for value in sent]
    sound = {place: one for place, one in enumerate(found) if isinstance(one, Statement)}
    known = await _known(conn, tenant.id, list(sound.values()))
    results = {place: _no(one) for place, one in enumerate(found) if not isinstance(one, Statement)}
    items: dict[int, EvidenceItem] = {}
    for place, statement in sound.items():
        judged = _judged(statement, known, now)
        if isinstance(judged, EvidenceItem):
            items[place] = judged
        else:
            results[place] = judged
    await activities.void(conn, tenant.id, _unheard(sound.values(), known), now)
    moved: tuple[Moved, ...] = ()
    if items:
        recorded = await record(conn, tenant, now, list(items.values()), author)
        moved = recorded.moved
        same = await _same(conn, tenant.id, recorded.items, sound.values())
        for place, item in zip(items, recorded.items, strict=True):
            results[place] = _described(item, same)
    return TakenAll(tuple(results[place] for place in range(len(sent))), moved)


def _no(one: Ignored | Wrong) -> Taken:
    if isinstance(one, Ignored):
        return Taken(one.id, Became.IGNORED, reason=one.reason)
    return Taken(one.id, Became.REJECTED, wrong=one)


async def _known(conn: AsyncConnection, tenant_id: UUID, statements: Sequence[Statement]) -> _Known:
    if not statements:
        return _Known({}, {}, frozenset())
    voids = {one.id: one.voids for one in statements if one.voids is not None}
    # A statement and the one that voids it must not come at the same moment: neither would see
    # the other.
    held = exclusive.alone if voids else exclusive.share
    await held(conn, f"xapi {tenant_id}")
    ids = sorted({one.id for one in statements} | set(voids.values()))
    named = {
        id for one in statements for id in one.activities if len(id.encode()) <= LONGEST_ACTIVITY_ID
    }
    kept = await evidence.known(conn, tenant_id, ids)
    meant = await activities.meant(conn, tenant_id, named)
    before = await activities.voided(conn, tenant_id, ids)
    return _Known(kept, meant, frozenset(before | (set(voids.values()) - set(kept))))


def _judged(statement: Statement, known: _Known, now: datetime) -> EvidenceItem | Taken:
    """The evidence that a statement is, or what became of it without that."""
    kept = known.evidence.get(statement.id)
    if kept is not None and _says_the_same(kept, statement):
        return Taken(statement.id, Became.DUPLICATE)
    if statement.voids is not None:
        found = _retraction(statement, known.evidence.get(statement.voids), now)
    elif statement.id in known.voided:
        found = Reason.VOIDED
    else:
        found = _deed(statement, known, now)
    if isinstance(found, Reason):
        return Taken(statement.id, Became.IGNORED, reason=found)
    return found


def _says_the_same(kept: Stored, statement: Statement) -> bool:
    note = (kept.metadata or {}).get(NOTE)
    return isinstance(note, dict) and note.get("digest") == statement.digest


def _retraction(
    statement: Statement, voided: Stored | None, now: datetime
) -> EvidenceItem | Reason:
    if voided is None:
        return Reason.UNKNOWN_STATEMENT
    if voided.fact.type is FactType.RETRACTION:
        return Reason.VOIDING_IS_FINAL
    return EvidenceItem(
        id=statement.id,
        type=FactType.RETRACTION,
        learner_id=voided.learner_id,
        occurred_at=statement.at or now,
        retracts=statement.voids,
        metadata=_note(statement),
    )


def _deed(statement: Statement, known: _Known, now: datetime) -> EvidenceItem | Reason:
    activity = _activity(statement, known.activities)
    if isinstance(activity, Reason):
        return activity
    meaning = MEANINGS[activity.kind]
    outcome = outcome_of(statement, meaning)
    if isinstance(outcome, Reason):
        return outcome
    attempt = activity.exam_id is not None
    return EvidenceItem(
        id=statement.id,
        type=meaning.type,
        learner_id=statement.learner_id,
        occurred_at=statement.at or now,
        outcome=outcome,
        grade=statement.grade,
        course_id=activity.course_id,
        session_id=activity.session_id,
        exam_id=activity.exam_id,
        attempt_id=statement.attempt_id if attempt else None,
        metadata=_note(statement, activity=activity.activity_id),
    )


def _activity(statement: Statement, known: Mapping[str, Activity]) -> Activity | Reason:
    """What the statement is about: its object, or where that says nothing, the one thing that
    cmi5 knows it by too."""
    own, *others = statement.activities
    if own in known:
        return known[own]
    also = {id: known[id] for id in others if id in known}
    if len(also) > 1:
        return Reason.AMBIGUOUS_ACTIVITY
    return next(iter(also.values()), Reason.UNKNOWN_ACTIVITY)


def _note(statement: Statement, **more: str) -> dict[str, Any]:
    note = {"verb": statement.verb, **more, **statement.kept, "digest": statement.digest}
    return {NOTE: note}


def _unheard(statements: Iterable[Statement], known: _Known) -> dict[str, str]:
    """The statements that are voided and have not come, each with one that voids it."""
    pairs = sorted((one.voids, one.id) for one in statements if one.voids is not None)
    return {voided: by for voided, by in reversed(pairs) if voided not in known.evidence}


async def _same(
    conn: AsyncConnection,
    tenant_id: UUID,
    results: Sequence[ItemResult],
    statements: Iterable[Statement],
) -> set[str]:
    """Those of the rejected whose id is taken by the same statement, which came meanwhile."""
    taken = [one.id for one in results if one.code == "evidence_id_reused"]
    if not taken:
        return set()
    kept = await evidence.known(conn, tenant_id, taken)
    return {one.id for one in statements if one.id in kept and _says_the_same(kept[one.id], one)}


def _described(item: ItemResult, same: set[str]) -> Taken:
    if item.result is not ItemOutcome.REJECTED:
        return Taken(item.id, Became(item.result))
    if item.id in same:
        return Taken(item.id, Became.DUPLICATE)
    pointer = _POINTERS.get(item.parameter or "", "")
    wrong = Wrong(item.id, item.code or "", item.detail or "", pointer)
    return Taken(item.id, Became.REJECTED, wrong=wrong)
