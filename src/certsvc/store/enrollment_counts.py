"""How many enrollments there are in what state: counted from indexes, in one statement.

Without a group or a source nothing but indexes is read: standing and status stand in those that
everybody has an entry in, and each flag has its own. With one, the rows of its enrollments are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.status import Flag, Standing, Status
from certsvc.store.db import driver
from certsvc.store.enrollment_filters import (
    Filters,
    Shape,
    condition,
    flagged,
    plan_for_the_values,
    shape,
    value_of,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each; what there is none of is not there."""

    by_pair: dict[tuple[Standing, Status], int]
    by_flag: dict[Flag, int]


_FROM_ROWS = """
WITH chosen AS MATERIALIZED (
  SELECT e.standing, e.status, e.flags FROM enrollments e WHERE {where})
SELECT standing, status, NULL AS flag, count(*) FROM chosen GROUP BY standing, status
UNION ALL
SELECT NULL, NULL, flag, count(*) FROM chosen CROSS JOIN unnest(flags) AS flag GROUP BY flag"""

_OF_STATUSES = """
SELECT e.standing, e.status, NULL AS flag, count(*) FROM enrollments e
WHERE {where} GROUP BY e.standing, e.status"""

_OF_FLAG = """
SELECT NULL, NULL, '{flag}', count(*) FROM enrollments e WHERE {where} AND {flagged}"""


@lru_cache(maxsize=64)
def statement(given: Shape) -> tuple[str, tuple[str, ...]]:
    """The statement for a shape of filters, and which values it takes after the tenant."""
    found = condition(given, 2)
    where = " AND ".join(["e.tenant_id = $1", *found.parts])
    if given.present & {"source", "group"}:
        return _FROM_ROWS.format(where=where), found.takes
    each = [_OF_STATUSES.format(where=where)]
    each += [
        _OF_FLAG.format(flag=flag.value, flagged=flagged((flag,)), where=where) for flag in Flag
    ]
    return " UNION ALL ".join(each), found.takes


def asked(tenant_id: UUID, filters: Filters) -> tuple[str, list[Any]]:
    """The statement and its parameters. Certifications, source and group are looked at."""
    sql, takes = statement(shape(filters))
    return sql, [tenant_id, *(value_of(filters, name) for name in takes)]


async def counts(conn: AsyncConnection, tenant_id: UUID, filters: Filters) -> Counts:
    """How many of those that the filters let through are in what state, as stored."""
    sql, values = asked(tenant_id, filters)
    await plan_for_the_values(conn)
    rows: Sequence[Any] = await driver(conn).fetch(sql, *values)
    return Counts(
        {(Standing(row[0]), Status(row[1])): row[3] for row in rows if row[2] is None},
        {Flag(row[2]): row[3] for row in rows if row[2] is not None and row[3]},
    )
