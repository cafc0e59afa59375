"""Pages of enrollments: an order that an index serves, and the statement for it.

A statement is built once for each shape of filters and order. Who is in order of a date and has
none is left out: an index holds only those who have it. Several ways lead to a page:

* group: its standing assignments are in order of enrollments, which is followed;
* few: the enrollments of a learner, or of a group that is not large, are found first, and then put
  in order. Whether a large group stands behind one is asked row by row, along another way;
* flagged: whoever has a flag stands, with everything to filter and order by, in its index;
* pairs: dates and ids stand in order within each standing and status. The first of each pair that
  is asked for are merged, so that however rare a status is, nothing else is passed by;
* plain: along the ids or the learners, with the filters as conditions, or to few rows through the
  index of a filter: which of the two is the database's choice, made for the values.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.describe import SHOWN
from certsvc.domain.enrollment import Source
from certsvc.store.db import driver
from certsvc.store.enrollment_filters import (
    Filters,
    Pairs,
    Shape,
    any_pair,
    branches,
    by_status,
    condition,
    flagged,
    many_in_group,
    pairs,
    plan_for_the_values,
    shape,
    value_of,
)
from certsvc.store.enrollments import ROW, Locked, completed
from certsvc.store.looking import SEEN


class Sort(StrEnum):
    """What pages are in order of. Where it is equal, the id decides: the enrollment's, but in order
    of learners the certification's, of which a learner has no second enrollment."""

    ID = "id"
    LEARNER_ID = "learner_id"
    EXPIRES_AT = "expires_at"
    DUE_AT = "due_at"
    UPDATED_AT = "updated_at"


@dataclass(frozen=True, slots=True)
class Order:
    """An order, upwards or downwards."""

    by: Sort = Sort.ID
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended. Beside the id there is what the page is in order of, if not the id: an
    instant, or a learner, whose certification's id it then is."""

    id: UUID
    instant: datetime | None = None
    learner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, and where the next one begins after; None where there is no next."""

    items: list[Locked]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL of a shape and an order, and which values it takes between tenant and limit.
    `for_the_values`: it is to be planned anew for them. What leads to learners, or along a group,
    is the same for all."""

    sql: str
    takes: tuple[str, ...]
    for_the_values: bool

    @property
    def to_look(self) -> str:
        """The same, for rows that are only to be looked at."""
        return _to_look(self.sql)


LARGE: Final = 5_000
"""A group behind so many enrollments is large: to find them all for a page takes too long."""

_COLUMNS: Final = f"{ROW}, e.updated_at, e.expires_at, e.due_at"
# What decides between rows that are equal, and the type of what may be equal.
_KEYS: Final = {
    Sort.LEARNER_ID: ("certification_id", "text"),
    Sort.EXPIRES_AT: ("id", "timestamptz"),
    Sort.DUE_AT: ("id", "timestamptz"),
    Sort.UPDATED_AT: ("id", "timestamptz"),
}
_MAY_BE_MISSING: Final = frozenset({Sort.EXPIRES_AT, Sort.DUE_AT})
_RANGES: Final = (
    (Sort.UPDATED_AT, ("updated_after",)),
    (Sort.EXPIRES_AT, ("expires_before", "expires_after")),
    (Sort.DUE_AT, ("due_before", "due_after")),
)
_IN_INDEXES_BY_STATUS: Final = frozenset(name for _, names in _RANGES for name in names)
# A learner has few enrollments, whatever the values are.
_LEARNERS_OWN: Final = frozenset({"learners", "hidden"})


def order_of(filters: Filters, by: Sort | None = None, descending: bool = False) -> Order:
    """The order that was asked for; where none was, that of the range of instants asked for."""
    if by is None:
        present = shape(filters).present
        by = next((sort for sort, names in _RANGES if present.intersection(names)), Sort.ID)
    return Order(by, descending)


@lru_cache(maxsize=1024)
def _to_look(sql: str) -> str:
    return sql.replace(_COLUMNS, SEEN)


@lru_cache(maxsize=1024)
def statement(given: Shape, order: Order, onwards: bool, one_pair: bool, few: bool) -> Statement:
    """The statement for a shape of filters, from the beginning or from a position on.

    Its parameters are the tenant, the filters' values, the limit, and the position."""
    way = _way(given, order, one_pair, few)
    conditions, takes = _conditions(given, way, order)
    limit = len(takes) + 2
    if onwards:
        conditions.append(_after(order, limit + 1))
    tail = f"ORDER BY {_sorted(order)} LIMIT ${limit}"
    if way in (_Way.PLAIN, _Way.PAIR):
        sql = f"{_select(_COLUMNS, conditions)} {tail}"
        return Statement(sql, tuple(takes), not _LEARNERS_OWN.issuperset(takes))
    keys = ", ".join(f"e.{column}" for column in _keys(order))
    if way is _Way.FLAGGED:
        found = _of_flags(given, keys, conditions, tail)
    elif way is _Way.GROUP:
        found = _of_group(f"${limit - 2}", f"${limit - 1}", conditions, tail)
    else:
        found = _of_pairs(f"${limit - 2}", f"${limit - 1}", _select(keys, conditions), tail)
    # The documents are read of the page alone.
    sql = (
        f"SELECT {_COLUMNS} FROM ({found} {tail}) AS found"
        " JOIN enrollments e ON e.tenant_id = $1 AND e.id = found.id"
        f" ORDER BY {_sorted(order, 'found')}"
    )
    return Statement(sql, tuple(takes), way is not _Way.GROUP)


class _Way(StrEnum):
    """What leads to a page."""

    PLAIN = "plain"
    FLAGGED = "flagged"
    GROUP = "group"
    PAIRS = "pairs"
    PAIR = "pair"


def _way(given: Shape, order: Order, one_pair: bool, few: bool) -> _Way:
    by_group = "group" in given.present and order.by is Sort.ID and not branches(given)
    if by_group and "learners" not in given.present:
        return _Way.GROUP
    if few or order.by is Sort.LEARNER_ID:
        return _Way.PLAIN
    if branches(given):
        return _Way.FLAGGED
    if order.by is Sort.ID and not by_status(given):
        return _Way.PLAIN
    return _Way.PAIR if one_pair else _Way.PAIRS


def _conditions(given: Shape, way: _Way, order: Order) -> tuple[list[str], list[str]]:
    """The conditions, and which values their parameters take."""
    if way is _Way.GROUP:
        given = Shape(given.present - {"group", "source"}, given.flags, given.view)
    found = condition(given, 2, row_by_row=way is _Way.PAIRS)
    conditions, takes = list(found.parts), list(found.takes)

    def pair(of: str) -> tuple[str, str]:
        takes.extend((f"standings_{of}", f"statuses_{of}"))
        return f"${len(takes)}", f"${len(takes) + 1}"

    if way in (_Way.PAIRS, _Way.PAIR):
        # The one pair is named to the planner; several come one by one.
        first, second = pair("of_pairs") if way is _Way.PAIRS else pair("of_pair")
        where = ("p.standing", "p.status") if way is _Way.PAIRS else (first, second)
        conditions[:0] = [f"e.standing = {where[0]}", f"e.status = {where[1]}"]
    elif by_status(given) or given.present & _IN_INDEXES_BY_STATUS:
        either = any_pair(*pair("of_any"))
        # `IS TRUE` hides it from a planner that would begin with everybody of that status.
        found_first = way in (_Way.FLAGGED, _Way.GROUP) or "learners" in given.present
        conditions.append(f"({either}) IS TRUE" if found_first else either)
    if order.by in _MAY_BE_MISSING:
        conditions.append(f"e.{order.by} IS NOT NULL")
    if way is _Way.GROUP:
        takes += ["sources_of_group", "group"]
    return conditions, takes


def _keys(order: Order) -> list[str]:
    """The columns of an order."""
    return [order.by.value] if order.by is Sort.ID else [order.by.value, _KEYS[order.by][0]]


def _sorted(order: Order, table: str = "e") -> str:
    direction = " DESC" if order.descending else ""
    return ", ".join(f"{table}.{column}{direction}" for column in _keys(order))


def _after(order: Order, first: int) -> str:
    """The condition that a row comes after the position."""
    sign = "<" if order.descending else ">"
    if order.by is Sort.ID:
        return f"e.id {sign} ${first}::uuid"
    tie, kind = _KEYS[order.by]
    return f"(e.{order.by}, e.{tie}) {sign} (${first}::{kind}, ${first + 1}::uuid)"


def _select(columns: str, conditions: Iterable[str]) -> str:
    where = " AND ".join(["e.tenant_id = $1", *conditions])
    return f"SELECT {columns} FROM enrollments e WHERE {where}"


def _of_flags(given: Shape, keys: str, conditions: list[str], tail: str) -> str:
    """The first of each flag, nobody twice."""
    each = [_select(keys, [flagged((flag,)), *conditions]) for flag in branches(given)]
    if len(each) == 1:
        return each[0]
    merged = " UNION ".join(f"({one} {tail})" for one in each)
    return f"SELECT e.* FROM ({merged}) AS e"


def _of_group(sources: str, group: str, conditions: list[str], tail: str) -> str:
    """The first of the group from each source: its assignments stand in order of enrollments. Who
    has several is one all the same."""
    # The place to go on from holds on both sides, so that either may be followed.
    both = [*conditions, *(one.replace("e.id", "a.enrollment_id") for one in conditions)]
    where = " AND ".join(one for one in dict.fromkeys(both))
    return f"""
SELECT DISTINCT e.id FROM unnest({sources}::text[]) AS p (source) CROSS JOIN LATERAL (
  SELECT a.enrollment_id AS id FROM assignments a
  JOIN enrollments e ON e.tenant_id = $1 AND e.id = a.enrollment_id
  WHERE a.tenant_id = $1 AND a.ended_at IS NULL AND a.source = p.source AND a.group_id = {group}
    {f"AND {where}" if where else ""}
  {tail.replace("e.id", "a.enrollment_id")}) AS e"""


def _of_pairs(standings: str, statuses: str, one: str, tail: str) -> str:
    """The first of each pair of standing and status."""
    return (
        f"SELECT e.* FROM unnest({standings}::text[], {statuses}::text[]) AS p (standing, status)"
        f" CROSS JOIN LATERAL ({one} {tail}) AS e"
    )


def asked(
    tenant_id: UUID,
    filters: Filters,
    after: Position | None,
    limit: int,
    order: Order | None = None,
    *,
    large_group: bool = False,
) -> tuple[Statement, list[Any]]:
    """The statement for a page, and its parameters. `large_group`: the one asked for is."""
    given, order = shape(filters), order or order_of(filters)
    both = pairs(filters)
    if order.by is Sort.EXPIRES_AT:
        both = [pair for pair in both if pair[0] in SHOWN]
    few = "learners" in given.present or ("group" in given.present and not large_group)
    built = statement(given, order, after is not None, len(both) == 1, few)
    values = [tenant_id, *(_value(filters, both, name) for name in built.takes), limit]
    if after is not None:
        values += _position(order, after)
    return built, values


def _value(filters: Filters, both: Pairs, name: str) -> Any:
    """What a parameter takes."""
    if name == "standings_of_pairs":
        return [standing.value for standing, _ in both]
    if name == "statuses_of_pairs":
        return [status.value for _, status in both]
    if name == "sources_of_group":
        return [filters.source] if filters.source else [source.value for source in Source]
    if name == "standings_of_pair":
        return both[0][0].value
    if name == "statuses_of_pair":
        return both[0][1].value
    return value_of(filters, name)


def _position(order: Order, after: Position) -> list[Any]:
    if order.by is Sort.ID:
        return [after.id]
    return [after.learner_id if order.by is Sort.LEARNER_ID else after.instant, after.id]


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    filters: Filters,
    after: Position | None,
    limit: int,
    order: Order | None = None,
) -> Page:
    """The next enrollments that the filters let through, as stored, to be decided on; without an
    order, in the one that the filters suggest."""
    order = order or order_of(filters)
    built, values = await prepared(conn, tenant_id, filters, after, limit, order)
    rows = await driver(conn).fetch(built.sql, *values)
    items = await completed(conn, tenant_id, rows[:limit])
    return Page(items, _end(rows[limit - 1], order) if len(rows) > limit else None)


async def prepared(
    conn: AsyncConnection,
    tenant_id: UUID,
    filters: Filters,
    after: Position | None,
    limit: int,
    order: Order,
) -> tuple[Statement, list[Any]]:
    """The statement for the page and one more, and its parameters."""
    large = _way_by_size(filters, order) and await many_in_group(conn, tenant_id, filters, LARGE)
    built, values = asked(tenant_id, filters, after, limit + 1, order, large_group=large)
    if built.for_the_values:
        await plan_for_the_values(conn)
    return built, values


def _way_by_size(filters: Filters, order: Order) -> bool:
    """Whether it matters how large the group is that is asked for."""
    if filters.group is None or filters.learners or order.by is Sort.LEARNER_ID:
        return False
    return order.by is not Sort.ID or bool(branches(shape(filters)))


def _end(row: Any, order: Order) -> Position:
    """The position of the row."""
    if order.by is Sort.ID:
        return Position(row["id"])
    if order.by is Sort.LEARNER_ID:
        return Position(row["certification_id"], learner_id=row["learner_id"])
    return Position(row["id"], row[order.by])
