"""The limit of evidence: the rows that the service wrote, written once more, ready as they are.

Nothing is read, parsed, judged or looked up: what a batch left is taken from the service's database
beforehand, and goes into the other by COPY: evidence, events and certificates as they are, changed
enrollments and cycles by one UPDATE each. Every batch is a transaction, with the same indexes and
the same durability.
"""

from dataclasses import dataclass
from typing import Any, Final

_BATCHES: Final = """
SELECT recorded_at, count(*) FROM evidence WHERE actor = $1 GROUP BY recorded_at
ORDER BY recorded_at"""

# What the database gives an event itself, as it is written.
_GIVEN: Final = frozenset({"written_by", "xid", "position"})

_COLUMNS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""

_STATE: Final = (
    *("status", "standing", "work", "suspended", "flags", "revision", "sequence", "updated_at"),
    *("certified_at", "expires_at", "lapses_at", "recertification_at", "due_at", "next_due_at"),
    *("evidence_from", "awaiting", "awaiting_since", "doc"),
)
_CYCLE: Final = ("version", "closed_at", "outcome", "doc")


def _update(table: str, columns: tuple[str, ...], key: str) -> str:
    changes = ", ".join(f"{name} = n.{name}" for name in columns)
    return f"UPDATE {table} t SET {changes} FROM new_{table} n WHERE {key}"


_PREPARE: Final = """
CREATE TEMP TABLE new_enrollments ON COMMIT DELETE ROWS AS TABLE enrollments WITH NO DATA;
CREATE TEMP TABLE new_cycles ON COMMIT DELETE ROWS AS TABLE cycles WITH NO DATA;"""

_UPDATES: Final = (
    _update("enrollments", _STATE, "t.tenant_id = n.tenant_id AND t.id = n.id"),
    _update(
        "cycles",
        _CYCLE,
        "t.tenant_id = n.tenant_id AND t.enrollment_id = n.enrollment_id AND t.number = n.number",
    ),
)

_MOVED: Final = "(SELECT e.id FROM enrollments e WHERE e.updated_at = $1)"

# From which table, the rows that the batch of an instant left there, and where they go.
_LEFT: Final = (
    ("evidence", "r.recorded_at = $1", "evidence"),
    ("enrollments", "r.updated_at = $1", "new_enrollments"),
    ("events", "r.recorded_at = $1", "events"),
    ("certificates", f"r.enrollment_id IN {_MOVED}", "certificates"),
    ("cycles", f"r.closed_at IS NOT NULL AND r.enrollment_id IN {_MOVED}", "new_cycles"),
)


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows for one table."""

    table: str
    columns: tuple[str, ...]
    rows: list[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of evidence left."""

    items: int
    portions: tuple[Portion, ...]


async def left(connection: Any, actor: str) -> list[Batch]:
    """The batches that the service has written on the word of this actor."""
    names = {
        table: tuple(
            row[0] for row in await connection.fetch(_COLUMNS, table) if row[0] not in _GIVEN
        )
        for table, _, _ in _LEFT
    }
    found = []
    for at, items in await connection.fetch(_BATCHES, actor):
        portions = []
        for table, condition, there in _LEFT:
            chosen = ", ".join(f"r.{name}" for name in names[table])
            query = f"SELECT {chosen} FROM {table} r WHERE {condition}"
            rows = await connection.fetch(query, at)
            portions.append(Portion(there, names[table], rows))
        found.append(Batch(items, tuple(portions)))
    return found


async def prepare(connection: Any) -> None:
    """Tables for what changes rows that are there."""
    await connection.execute(_PREPARE)


async def write(connection: Any, batch: Batch) -> None:
    """One batch, as one transaction."""
    async with connection.transaction():
        for portion in batch.portions:
            await connection.copy_records_to_table(
                portion.table, records=portion.rows, columns=portion.columns
            )
        for statement in _UPDATES:
            await connection.execute(statement)
