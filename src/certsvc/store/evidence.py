"""Facts that the LMS reported: appended once each, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.store.db import driver

FACT_COLUMNS: Final = (
    "id, type, occurred_at, recorded_at, outcome, grade, course_id, session_id, exam_id,"
    " attempt_id, certification_id, step, amount, category, retracts"
)
_TYPES = {member.value: member for member in FactType}
_OUTCOMES: dict[str | None, FactOutcome | None] = {
    None: None,
    **{member.value: member for member in FactOutcome},
}

_INSERT = """
INSERT INTO evidence (
  tenant_id, id, learner_id, type, occurred_at, recorded_at, outcome, grade, course_id,
  session_id, exam_id, attempt_id, certification_id, step, amount, category, retracts, metadata,
  actor)
SELECT $1, n.* FROM unnest(
  $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[],
  $8::float8[], $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::text[],
  $15::float8[], $16::text[], $17::text[], $18::jsonb[], $19::text[]) AS n
ON CONFLICT (tenant_id, id) DO NOTHING
RETURNING id"""

_KNOWN = f"""
SELECT {FACT_COLUMNS}, learner_id, metadata, actor
FROM evidence WHERE tenant_id = $1 AND id = ANY($2::text[])"""

_PAGE = f"""
SELECT {FACT_COLUMNS}, learner_id, metadata, actor
FROM evidence
WHERE tenant_id = $1 AND learner_id = $2
  AND ($3::text[] IS NULL OR type = ANY($3::text[]))
  AND ($4::text[] IS NULL OR exam_id = ANY($4::text[]))
  AND ($5::timestamptz IS NULL OR (occurred_at, id) > ($5, $6::text))
ORDER BY occurred_at, id
LIMIT $7"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact as it is kept: whose it is, what came with it, and who reported it."""

    fact: Fact
    learner_id: str
    metadata: Mapping[str, Any] | None
    actor: str


@dataclass(frozen=True, slots=True)
class Inserted:
    """The ids that were new, and what is kept under those that were not."""

    new: frozenset[str]
    known: dict[str, Recorded]


def fact_of(row: Sequence[Any]) -> Fact:
    """The fact of a row that begins with FACT_COLUMNS."""
    return Fact(
        id=row[0],
        type=_TYPES[row[1]],
        occurred_at=row[2],
        recorded_at=row[3],
        outcome=_OUTCOMES[row[4]],
        grade=row[5],
        course_id=row[6],
        session_id=row[7],
        exam_id=row[8],
        attempt_id=row[9],
        certification_id=row[10],
        step=row[11],
        amount=row[12],
        category=row[13],
        retracts=row[14],
    )


def _recorded(row: Any) -> Recorded:
    return Recorded(fact_of(row), row["learner_id"], row["metadata"], row["actor"])


async def insert(conn: AsyncConnection, tenant_id: UUID, items: Sequence[Recorded]) -> Inserted:
    """Append what is new; of one id given twice, the first is kept."""
    if not items:
        return Inserted(frozenset(), {})
    # In order of the ids, so that two batches with the same ids wait instead of deadlocking.
    ordered = sorted(items, key=lambda item: item.fact.id)
    rows = zip(*(_values(item) for item in ordered), strict=True)
    inserted = await driver(conn).fetch(_INSERT, tenant_id, *map(list, rows))
    new = frozenset(row["id"] for row in inserted)
    asked = {item.fact.id for item in items}
    return Inserted(new, await known(conn, tenant_id, sorted(asked - new)))


def _values(item: Recorded) -> tuple[Any, ...]:
    fact = item.fact
    return (
        fact.id,
        item.learner_id,
        fact.type,
        fact.occurred_at,
        fact.recorded_at,
        fact.outcome,
        fact.grade,
        fact.course_id,
        fact.session_id,
        fact.exam_id,
        fact.attempt_id,
        fact.certification_id,
        fact.step,
        fact.amount,
        fact.category,
        fact.retracts,
        item.metadata,
        item.actor,
    )


async def known(conn: AsyncConnection, tenant_id: UUID, ids: Sequence[str]) -> dict[str, Recorded]:
    """What is kept under these ids."""
    if not ids:
        return {}
    rows = await driver(conn).fetch(_KNOWN, tenant_id, list(ids))
    return {row["id"]: _recorded(row) for row in rows}


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    learner_id: str,
    *,
    types: Sequence[FactType] = (),
    exam_ids: Sequence[str] | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Recorded]:
    """A learner's facts by the instant they were true, then by id."""
    instant, id = after or (None, None)
    rows = await driver(conn).fetch(
        _PAGE,
        tenant_id,
        learner_id,
        list(types) or None,
        None if exam_ids is None else list(exam_ids),
        instant,
        id,
        limit,
    )
    return [_recorded(row) for row in rows]
