"""Which enrollments: the filters that lists, exports and bulk operations share, as conditions.

The conditions are on `enrollments e`; the tenant is the first parameter of every statement. Flags
and views are written out, not passed: each flag has an index of its own, which holds only whom it
is written about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Source
from certsvc.domain.status import PAIRS, Flag, Standing, Status
from certsvc.domain.views import VIEWS, View
from certsvc.store.db import driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which enrollments; of several values any will do, of several filters all must hold."""

    certifications: Sequence[UUID] = ()
    learners: Sequence[str] = ()
    statuses: Sequence[Status] = ()
    standings: Sequence[Standing] = ()
    flags: Sequence[Flag] = ()
    view: View | None = None
    source: Source | None = None
    group: str | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    updated_after: datetime | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a set of filters its statement depends on: which are given, and what is written out.
    One certification is another filter than several: its index then gives the rows in order."""

    present: frozenset[str]
    flags: tuple[Flag, ...]
    view: View | None


Pairs = list[tuple[Standing, Status]]

# Filter to its condition; {} is its parameter.
_CONDITIONS: Final = {
    "certification": "e.certification_id = {}::uuid",
    "certifications": "e.certification_id = ANY({}::uuid[])",
    "learners": "e.learner_id = ANY({}::text[])",
    "expires_before": "e.expires_at < {}::timestamptz",
    "expires_after": "e.expires_at > {}::timestamptz",
    "due_before": "e.due_at < {}::timestamptz",
    "due_after": "e.due_at > {}::timestamptz",
    "updated_after": "e.updated_at > {}::timestamptz",
    "hidden": """e.certification_id IN (
    SELECT c.id FROM certifications c WHERE c.tenant_id = $1 AND c.hidden = {}::bool)""",
}
_STANDING_ASSIGNMENT: Final = """e.id IN (
    SELECT a.enrollment_id FROM assignments a
    WHERE a.tenant_id = $1 AND a.ended_at IS NULL AND {})"""
# A scalar subquery is asked row by row.
_EACH_ASSIGNMENT: Final = """(
    SELECT true FROM assignments a
    WHERE a.tenant_id = $1 AND a.enrollment_id = e.id AND a.ended_at IS NULL AND {} LIMIT 1)"""
_COUNT_GROUP: Final = f"""
SELECT count(*) FROM (
  SELECT FROM assignments a
  WHERE a.tenant_id = $1 AND a.ended_at IS NULL AND a.group_id = $2
    AND a.source IN ({", ".join(f"'{one}'" for one in Source)})
  LIMIT $3) AS found"""
_ANY_PAIR: Final = "e.standing = ANY({}::text[]) AND e.status = ANY({}::text[])"


@dataclass(frozen=True, slots=True)
class Condition:
    """Conditions, and which values their parameters take, from a number on."""

    parts: tuple[str, ...]
    takes: tuple[str, ...]


def shape(filters: Filters) -> Shape:
    """What of the filters their statement depends on."""
    present = {
        field.name
        for field in fields(filters)
        if getattr(filters, field.name) not in (None, (), [])
    }
    if len(set(filters.certifications)) == 1:
        present ^= {"certifications", "certification"}
    flags = tuple(flag for flag in Flag if flag in filters.flags)
    view = None if filters.view is None else View(filters.view)
    return Shape(frozenset(present), flags, view)


def by_status(shape: Shape) -> bool:
    """Whether standing or status are asked for."""
    named = shape.view is not None and VIEWS[shape.view].status is not None
    return named or not shape.present.isdisjoint({"statuses", "standings"})


def pairs(filters: Filters) -> Pairs:
    """The pairs of standing and status that the filters let through; others there are none."""
    row = None if filters.view is None else VIEWS[filters.view]
    named = None if row is None else row.status
    return [
        (standing, status)
        for standing, status in PAIRS
        if (not filters.standings or standing in filters.standings)
        and (not filters.statuses or status in filters.statuses)
        and (named is None or status == named)
    ]


@lru_cache(maxsize=1024)
def condition(shape: Shape, first: int, *, row_by_row: bool = False) -> Condition:
    """The conditions of all filters but standing and status, with parameters from a number on.
    `row_by_row`: assignments are asked for each row, never the other way round."""
    takes: list[str] = []

    def parameter(name: str) -> str:
        takes.append(name)
        return f"${first + len(takes) - 1}"

    parts = [
        text.format(parameter(name)) for name, text in _CONDITIONS.items() if name in shape.present
    ]
    if shape.flags:
        parts.append(flagged(shape.flags))
    if shape.view is not None and (flag := VIEWS[shape.view].flag) is not None:
        parts.append(flagged((flag,)))
    if shape.present & {"source", "group"}:
        given = (parameter(name) if name in shape.present else None for name in ("source", "group"))
        parts.append(standing_assignment(*given, row_by_row=row_by_row))
    return Condition(tuple(parts), tuple(takes))


def branches(shape: Shape) -> tuple[Flag, ...]:
    """The flags of which one must be there: the view's own, or else those asked for."""
    flag = None if shape.view is None else VIEWS[shape.view].flag
    return shape.flags if flag is None else (flag,)


def flagged(flags: Sequence[Flag]) -> str:
    """That one of the flags is there; of a single one word for word the condition of its index."""
    listed = " OR ".join(f"'{flag.value}' = ANY (e.flags)" for flag in flags)
    return f"({listed})"


def standing_assignment(source: str | None, group: str | None, *, row_by_row: bool = False) -> str:
    """The condition that an assignment stands from the source, of the group; both are parameters.
    Without a source all are named, so that the one index serves either."""
    listed = ", ".join(f"'{one}'" for one in Source)
    inner = f"a.source IN ({listed})" if source is None else f"a.source = {source}"
    if group is not None:
        inner += f" AND a.group_id = {group}"
    return (_EACH_ASSIGNMENT if row_by_row else _STANDING_ASSIGNMENT).format(inner)


def any_pair(standings: str, statuses: str) -> str:
    """The condition that standing and status are among those of the parameters."""
    return _ANY_PAIR.format(standings, statuses)


def value_of(filters: Filters, name: str) -> Any:
    """What a parameter takes."""
    if name == "certification":
        return filters.certifications[0]
    if name == "standings_of_any":
        return list(dict.fromkeys(standing.value for standing, _ in pairs(filters)))
    if name == "statuses_of_any":
        return list(dict.fromkeys(status.value for _, status in pairs(filters)))
    return getattr(filters, name)


def where(filters: Filters, first: int = 2) -> tuple[str, list[Any]]:
    """The whole condition on `enrollments e`, the tenant's ($1) included, with parameters from a
    number on, and the values of these."""
    given = shape(filters)
    found = condition(given, first)
    parts, takes = ["e.tenant_id = $1", *found.parts], list(found.takes)
    if by_status(given):
        place = first + len(takes)
        parts.append(any_pair(f"${place}", f"${place + 1}"))
        takes += ["standings_of_any", "statuses_of_any"]
    return " AND ".join(parts), [value_of(filters, name) for name in takes]


async def plan_for_the_values(conn: AsyncConnection) -> None:
    """For the rest of the transaction no plan is taken over from other values: how many rows a
    status or an instant lets through differs too much."""
    await driver(conn).execute("SET LOCAL plan_cache_mode = force_custom_plan")


async def many_in_group(
    conn: AsyncConnection, tenant_id: UUID, filters: Filters, many: int
) -> bool:
    """Whether the group that is asked for stands behind that many enrollments."""
    count: int = await driver(conn).fetchval(_COUNT_GROUP, tenant_id, filters.group, many)
    return count >= many


async def ids_after(
    conn: AsyncConnection, tenant_id: UUID, filters: Filters, after: UUID, limit: int
) -> list[UUID]:
    """The next ids that the filters let through, in their order."""
    await plan_for_the_values(conn)
    condition, values = where(filters, 4)
    rows = await driver(conn).fetch(
        f"""
SELECT e.id FROM enrollments e WHERE {condition} AND e.id > $2 ORDER BY e.id LIMIT $3""",
        tenant_id,
        after,
        limit,
        *values,
    )
    return [row[0] for row in rows]
