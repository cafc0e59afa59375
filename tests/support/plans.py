"""Which indexes the database uses, with enough rows to make it choose as it would in earnest."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from tests.support.programmes import ELSEWHERE
from tests.support.stage import MONDAY, TENANT, days


async def fill(conn: AsyncConnection, rows: int) -> None:
    """Many rows that are not due, and a few that are."""
    await driver(conn).execute(
        """
        INSERT INTO enrollments (
          tenant_id, id, certification_id, learner_id, status, standing, work, suspended, flags,
          revision, sequence, enrolled_at, updated_at, expires_at, due_at, next_due_at, live, doc)
        SELECT $1, gen_random_uuid(), $2, 'm-' || n,
          CASE WHEN n % 500 = 0 THEN 'lapsed' ELSE 'certified' END,
          CASE WHEN n % 500 = 0 THEN 'lapsed' ELSE 'valid' END, 'none', false,
          CASE WHEN n % 100 = 0 THEN '{expiring}'::text[] ELSE '{}' END, 1, 1, $3::timestamptz, $3,
          $3 + n * interval '1 hour', CASE WHEN n % 50 = 0 THEN $3 + n * interval '1 hour' END,
          $3 + n * interval '1 hour', true, '{}'
        FROM generate_series(1, $4) AS n""",
        TENANT,
        ELSEWHERE,
        MONDAY + days(1),
        rows,
    )
    await driver(conn).execute("ANALYZE enrollments")


async def assign(conn: AsyncConnection) -> None:
    """An assignment for everybody: by hand for most, by the group G1 for a few."""
    await driver(conn).execute(
        """
        INSERT INTO assignments (tenant_id, id, enrollment_id, source, group_id, assigned_at)
        SELECT tenant_id, gen_random_uuid(), id,
          CASE WHEN hash = 0 THEN 'group' ELSE 'manual' END,
          CASE WHEN hash = 0 THEN 'G1' END, enrolled_at
        FROM enrollments CROSS JOIN LATERAL (SELECT abs(hashtext(learner_id)) % 500) AS h (hash)
        """
    )
    await driver(conn).execute("ANALYZE assignments")


async def indexes(conn: AsyncConnection, statement: str, *values: Any) -> set[str]:
    """The indexes that the plan reads; a scan of a whole table counts as `scan of <table>`."""
    found: set[str] = set()
    for node in await _nodes(conn, statement, *values):
        if node["Node Type"] == "Seq Scan":
            found.add(f"scan of {node['Relation Name']}")
        if "Index Name" in node:
            found.add(node["Index Name"])
    return found


async def indexes_alone(conn: AsyncConnection, statement: str, *values: Any) -> set[str]:
    """The indexes that a plan reads which reads nothing else: no row of any table."""
    found = await _nodes(conn, statement, *values)
    reading = [node for node in found if "Relation Name" in node]
    assert {node["Node Type"] for node in reading} == {"Index Only Scan"}, reading
    return {node["Index Name"] for node in reading}


async def _nodes(conn: AsyncConnection, statement: str, *values: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def walk(node: dict[str, Any]) -> None:
        found.append(node)
        for child in node.get("Plans", ()):
            walk(child)

    plan = await driver(conn).fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
    walk(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"])
    return found
