"""Both sides must have left the same behind, down to the last value: here that is looked up.

Only where an event stands in the feed is each side's own.
"""

from dataclasses import dataclass
from typing import Any, Final

_COLUMNS: Final = {
    "evidence": "r.*",
    "enrollments": "r.*",
    "events": """r.id, enrollment_id, certification_id, learner_id, sequence, revision, type,
      effective_at, recorded_at, stale, actor, on_behalf_of, reason, bulk_operation_id,
      before_status, before_standing, data, after""",
    "cycles": "r.*",
    "certificates": "r.*",
}
_DIGESTS: Final = " UNION ALL ".join(
    f"""
SELECT '{table}' AS what, count(*), sum(hashtextextended(t::text, 0))
FROM (SELECT {columns} FROM {table} r) AS t"""
    for table, columns in _COLUMNS.items()
)
_EVENTS: Final = "SELECT type, count(*) FROM events WHERE actor = $1 GROUP BY type"
_MOVED: Final = """
SELECT count(DISTINCT enrollment_id) FROM events WHERE actor = $1"""


@dataclass(frozen=True, slots=True)
class Traces:
    """What the evidence left: rows and a digest of each table, the events by type, and how many
    enrollments were moved."""

    rows: dict[str, tuple[int, int]]
    events: dict[str, int]
    moved: int


async def traces(connection: Any, actor: str) -> Traces:
    """What the evidence of this actor left in this database."""
    rows = {what: (count, digest) for what, count, digest in await connection.fetch(_DIGESTS)}
    events = dict(await connection.fetch(_EVENTS, actor))
    return Traces(rows, events, await connection.fetchval(_MOVED, actor))


def expect_same(ours: Traces, limit: Traces, items: int) -> None:
    """Refuse a comparison of two different jobs."""
    if ours.moved != items:
        raise AssertionError(f"{items} enrollments were to be moved, not {ours.moved}")
    certificates = ours.events["certificate.issued"]
    if ours.rows["certificates"][0] != certificates or not items / 2 < certificates < items:
        raise AssertionError(f"two thirds of {items} were to be certified: {ours.events}")
    different = [table for table, found in ours.rows.items() if found != limit.rows[table]]
    if different:
        raise AssertionError(f"the two sides left different rows in {', '.join(different)}")
