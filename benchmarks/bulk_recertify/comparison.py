"""Both sides must have left the same behind: here that is looked up.

Only the ids of the events and of the operation are each side's own, who did it, and the instants at
which it was done.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

_ROWS = """
SELECT '{table}' AS what, count(*) AS rows,
  sum(hashtextextended(replace(r::text, {at}, 'then'), 0)) AS digest
FROM (SELECT {columns} FROM {tables} WHERE {condition}) AS r (r)"""

_COMPARED = (
    (
        "enrollments",
        "enrollments e",
        """jsonb_build_array(id, status, standing, work, suspended, flags, revision, sequence,
        certified_at, expires_at, lapses_at, recertification_at, due_at, next_due_at, evidence_from,
        awaiting, awaiting_since, doc)""",
        "e.id IN (SELECT enrollment_id FROM bulk_items WHERE operation_id = $1)",
        "r -> 17 ->> 'updated_at'",
    ),
    (
        "events",
        "events e",
        """jsonb_build_array(enrollment_id, certification_id, learner_id, sequence, revision, type,
        effective_at = recorded_at, stale, on_behalf_of, reason, before_status, before_standing,
        data, after)""",
        "e.bulk_operation_id = $1 AND e.enrollment_id IS NOT NULL",
        "r -> 13 ->> 'updated_at'",
    ),
    (
        "cycles",
        "cycles c",
        "jsonb_build_array(enrollment_id, number, kind, version, closed_at, outcome, doc)",
        "true",
        "r -> 6 ->> 'opened_at'",
    ),
    (
        "bulk_items",
        "bulk_items i",
        "jsonb_build_array(number, enrollment_id, outcome, code, reason_code, detail)",
        "i.operation_id = $1 AND i.done_at IS NOT NULL",
        "'never'",
    ),
    (
        "bulk_operations",
        "bulk_operations o",
        "jsonb_build_array(action, state, total, succeeded, unchanged, refused, not_found, failed)",
        "o.id = $1 AND o.finished_at IS NOT NULL",
        "'never'",
    ),
)
_DIGESTS = " UNION ALL ".join(
    _ROWS.format(table=table, tables=tables, columns=columns, condition=condition, at=at)
    for table, tables, columns, condition, at in _COMPARED
)


@dataclass(frozen=True, slots=True)
class Traces:
    """What an operation left: rows and a digest of each table."""

    rows: dict[str, tuple[int, int]]


async def traces(connection: Any, operation_id: UUID) -> Traces:
    """What the operation left in this database."""
    found = await connection.fetch(_DIGESTS, operation_id)
    return Traces({what: (count, digest) for what, count, digest in found})


def expect_same(ours: Traces, limit: Traces, people: int) -> None:
    """Refuse a comparison of two different jobs."""
    for what in ("enrollments", "events", "bulk_items"):
        if ours.rows[what][0] != people:
            raise AssertionError(f"{people} were to be recertified, {what}: {ours.rows[what][0]}")
    different = [table for table, found in ours.rows.items() if found != limit.rows[table]]
    if different:
        raise AssertionError(f"the two sides left different rows in {', '.join(different)}")
