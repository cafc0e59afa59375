"""The queue of what waits for a person: a page of it, the longest waiting first."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.awaiting import AwaitingKind
from certsvc.store.db import driver
from certsvc.store.enrollment_filters import standing_assignment
from certsvc.store.enrollment_pages import Page, Position
from certsvc.store.enrollments import ROW, completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What of the queue; of several values any will do, of several filters all must hold."""

    kinds: Sequence[AwaitingKind] = ()
    certifications: Sequence[UUID] = ()
    group: str | None = None


# Filter to its condition; {} is its parameter.
_CONDITIONS: Final = {
    "kinds": "e.awaiting = ANY({}::text[])",
    "certifications": "e.certification_id = ANY({}::uuid[])",
    "group": standing_assignment(None, "{}"),
}


@lru_cache(maxsize=32)
def _statement(present: tuple[str, ...], onwards: bool) -> str:
    """Its parameters are the tenant, the filters' values, the limit, and the position."""
    conditions = ["e.tenant_id = $1", "e.awaiting_since IS NOT NULL"]
    conditions += [
        _CONDITIONS[name].format(f"${place}") for place, name in enumerate(present, start=2)
    ]
    limit = len(present) + 2
    if onwards:
        position = f"(${limit + 1}::timestamptz, ${limit + 2}::uuid)"
        conditions.append(f"(e.awaiting_since, e.id) > {position}")
    return f"""
SELECT {ROW}, e.awaiting_since FROM enrollments e WHERE {" AND ".join(conditions)}
ORDER BY e.awaiting_since, e.id LIMIT ${limit}"""


def asked(
    tenant_id: UUID, chosen: Chosen, after: Position | None, limit: int
) -> tuple[str, list[Any]]:
    """The statement for a page, and its parameters."""
    given = {field.name: getattr(chosen, field.name) for field in fields(chosen)}
    present = tuple(name for name, value in given.items() if value not in (None, (), []))
    values = [tenant_id, *(given[name] for name in present), limit]
    if after is not None:
        values += [after.instant, after.id]
    return _statement(present, after is not None), values


async def page(
    conn: AsyncConnection, tenant_id: UUID, chosen: Chosen, after: Position | None, limit: int
) -> Page:
    """The next enrollments that wait for a person, as stored."""
    statement, values = asked(tenant_id, chosen, after, limit + 1)
    rows = await driver(conn).fetch(statement, *values)
    items = await completed(conn, tenant_id, rows[:limit])
    if len(rows) <= limit:
        return Page(items, None)
    last = rows[limit - 1]
    return Page(items, Position(last["id"], last["awaiting_since"]))
