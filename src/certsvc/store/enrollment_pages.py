"""Pages of enrollments: the filters, the order that an index serves, and the statement for both.

A statement is built once for each set of filters that is asked for. Pages are in order of the
ids, or, where a range of instants is asked for, in order of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Source
from certsvc.domain.status import Flag, Standing, Status
from certsvc.store.db import driver
from certsvc.store.enrollments import ROW, Locked, completed


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which enrollments; of several values any will do, of several filters all must hold."""

    certifications: Sequence[UUID] = ()
    learners: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    standings: Sequence[Standing] = ()
    flags: Sequence[Flag] = ()
    source: Source | None = None
    group: str | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    updated_after: datetime | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended; `instant` is there where pages are in order of instants."""

    id: UUID
    instant: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and where the next one begins after; None where there is no next."""

    items: list[Locked]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL of a set of filters, which of their values it takes, and what it is ordered by."""

    sql: str
    takes: tuple[str, ...]
    instant: str | None


_COLUMNS: Final = f"{ROW}, e.updated_at, e.expires_at, e.due_at"

_STANDING_ASSIGNMENT: Final = """e.id IN (
    SELECT a.enrollment_id FROM assignments a
    WHERE a.tenant_id = $1 AND a.ended_at IS NULL AND {})"""
# Filter to its condition; {} is its parameter.
_CONDITIONS: Final = {
    "certifications": "e.certification_id = ANY({}::uuid[])",
    "learners": "e.learner_id = ANY({}::text[])",
    "flags": "(e.flags && {}::text[] AND e.flags <> '{{}}'::text[])",
    "expires_before": "e.expires_at < {}::timestamptz",
    "expires_after": "e.expires_at > {}::timestamptz",
    "due_before": "e.due_at < {}::timestamptz",
    "due_after": "e.due_at > {}::timestamptz",
    "updated_after": "e.updated_at > {}::timestamptz",
    "hidden": """e.certification_id IN (
    SELECT c.id FROM certifications c WHERE c.tenant_id = $1 AND c.hidden = {}::bool)""",
}
_ORDERS: Final = (
    ("updated_at", ("updated_after",)),
    ("expires_at", ("expires_before", "expires_after")),
    ("due_at", ("due_before", "due_after")),
)


@lru_cache(maxsize=512)
def statement(present: frozenset[str], onwards: bool) -> Statement:
    """The statement for the filters that are present, from the beginning or from a position on.

    Its parameters are the tenant, the filters' values, the limit, and the position."""
    takes: list[str] = []
    conditions: list[str] = []

    def parameter(name: str) -> str:
        takes.append(name)
        return f"${len(takes) + 1}"

    for name, condition in _CONDITIONS.items():
        if name in present:
            conditions.append(condition.format(parameter(name)))
    if present & {"source", "group"}:
        given = (parameter(name) if name in present else None for name in ("source", "group"))
        conditions.append(standing_assignment(*given))
    instant = next((column for column, by in _ORDERS if present.intersection(by)), None)
    order = "e.id" if instant is None else f"e.{instant}, e.id"
    pairs = None
    if present & {"statuses", "standings"}:
        pairs = parameter("standings_of_pairs"), parameter("statuses_of_pairs")
    limit = f"${len(takes) + 2}"
    if onwards:
        position = f"${len(takes) + 3}::uuid"
        conditions.append(
            f"e.id > {position}"
            if instant is None
            else f"(e.{instant}, e.id) > (${len(takes) + 4}::timestamptz, {position})"
        )
    sql = _plain(conditions, order, limit)
    if pairs is not None:
        by_pairs = _by_pairs if instant is None and "learners" not in present else _among_pairs
        sql = by_pairs(conditions, order, limit, pairs)
    return Statement(sql, tuple(takes), instant)


def standing_assignment(source: str | None, group: str | None) -> str:
    """The condition that an assignment stands from the source, of the group; both are parameters.
    Without a source all are named, so that the one index serves either."""
    listed = ", ".join(f"'{one}'" for one in Source)
    inner = f"a.source IN ({listed})" if source is None else f"a.source = {source}"
    if group is not None:
        inner += f" AND a.group_id = {group}"
    return _STANDING_ASSIGNMENT.format(inner)


def _plain(conditions: list[str], order: str, limit: str) -> str:
    where = " AND ".join(["e.tenant_id = $1", *conditions])
    return f"SELECT {_COLUMNS} FROM enrollments e WHERE {where} ORDER BY {order} LIMIT {limit}"


def _among_pairs(conditions: list[str], order: str, limit: str, pairs: tuple[str, str]) -> str:
    """Standing and status as one condition more, where another filter finds the rows."""
    standings, statuses = pairs
    more = f"e.standing = ANY({standings}::text[]) AND e.status = ANY({statuses}::text[])"
    return _plain([*conditions, more], order, limit)


def _by_pairs(conditions: list[str], order: str, limit: str, pairs: tuple[str, str]) -> str:
    """A page for each pair of standing and status, all of them merged into one: however rare a
    status is, its rows are found by the index, in their order."""
    standings, statuses = pairs
    one = _plain(["e.standing = p.standing", "e.status = p.status", *conditions], order, limit)
    return (
        f"SELECT e.* FROM unnest({standings}::text[], {statuses}::text[])"
        f" AS p (standing, status) CROSS JOIN LATERAL ({one}) AS e ORDER BY {order} LIMIT {limit}"
    )


def _pairs(filters: Filters, every: bool) -> tuple[list[str], list[str]]:
    """The standings and the statuses asked for: every pair of the two, or each by itself."""
    standings = list(dict.fromkeys(filters.standings)) or list(Standing)
    statuses = list(dict.fromkeys(filters.statuses)) or list(Status)
    if not every:
        return [str(one) for one in standings], [str(one) for one in statuses]
    both = [(str(one), str(other)) for one in standings for other in statuses]
    return [one for one, _ in both], [other for _, other in both]


def asked(
    tenant_id: UUID, filters: Filters, after: Position | None, limit: int
) -> tuple[Statement, list[Any]]:
    """The statement for a page, and its parameters."""
    given = {field.name: getattr(filters, field.name) for field in fields(filters)}
    present = frozenset(name for name, value in given.items() if value not in (None, (), []))
    built = statement(present, after is not None)
    if "standings_of_pairs" in built.takes:
        every = built.instant is None and "learners" not in present
        given["standings_of_pairs"], given["statuses_of_pairs"] = _pairs(filters, every)
    values = [tenant_id, *(given[name] for name in built.takes), limit]
    if after is not None:
        values += [after.id] if built.instant is None else [after.id, after.instant]
    return built, values


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    filters: Filters,
    after: Position | None,
    limit: int,
) -> Page:
    """The next enrollments that the filters let through, as stored."""
    built, values = asked(tenant_id, filters, after, limit + 1)
    rows = await driver(conn).fetch(built.sql, *values)
    items = await completed(conn, tenant_id, rows[:limit])
    if len(rows) <= limit:
        return Page(items, None)
    last = rows[limit - 1]
    instant = None if built.instant is None else last[built.instant]
    return Page(items, Position(last["id"], instant))
