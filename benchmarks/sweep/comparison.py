"""Both sides must have left the same behind, down to the last value: here that is looked up.

Only the ids of events are each side's own.
"""

from dataclasses import dataclass
from typing import Any

_ROWS = """
SELECT '{table}' AS what, count(*), sum(hashtextextended(r::text, 0)) FROM (
  SELECT {columns} FROM {table} WHERE {changed}) AS r"""

_COMPARED = (
    (
        "enrollments",
        "id, status, standing, work, suspended, flags, revision, sequence, updated_at,"
        " certified_at, expires_at, lapses_at, recertification_at, due_at, next_due_at,"
        " evidence_from, doc",
        "updated_at = $1",
    ),
    (
        "events",
        "enrollment_id, certification_id, learner_id, sequence, revision, type, effective_at,"
        " recorded_at, stale, actor, before_status, before_standing, data, after",
        "recorded_at = $1",
    ),
    ("cycles", "enrollment_id, number, kind, version, opened_at, closed_at, outcome, doc", "true"),
    ("certificates", "id, expires_at, window_at, expired_at, lapsed_at, retracted", "true"),
)
_DIGESTS = " UNION ALL ".join(
    _ROWS.format(table=table, columns=columns, changed=changed)
    for table, columns, changed in _COMPARED
)
_EVENTS = "SELECT type, count(*) FROM events WHERE recorded_at = $1 GROUP BY type"


@dataclass(frozen=True, slots=True)
class Traces:
    """What a sweep left: rows and a digest of each table, and the events by type."""

    rows: dict[str, tuple[int, int]]
    events: dict[str, int]


async def traces(connection: Any, now: Any) -> Traces:
    """What the sweep of that instant left in this database."""
    rows = {what: (count, digest) for what, count, digest in await connection.fetch(_DIGESTS, now)}
    events = dict(await connection.fetch(_EVENTS, now))
    return Traces(rows, events)


def expect_same(ours: Traces, limit: Traces, due: int) -> None:
    """Refuse a comparison of two different jobs."""
    if sum(ours.events.values()) != due:
        raise AssertionError(f"{due} enrollments were due: {ours.events}")
    if ours.events != limit.events:
        raise AssertionError(f"the events differ: {ours.events} and {limit.events}")
    different = [table for table, found in ours.rows.items() if found != limit.rows[table]]
    if different:
        raise AssertionError(f"the two sides left different rows in {', '.join(different)}")
