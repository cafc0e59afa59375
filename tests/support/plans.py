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


async def indexes(conn: AsyncConnection, statement: str, *values: Any) -> set[str]:
    """The indexes that the plan reads; a scan of a whole table counts as `scan of <table>`."""
    raw = driver(conn)
    found: set[str] = set()

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan":
            found.add(f"scan of {node['Relation Name']}")
        if "Index Name" in node:
            found.add(node["Index Name"])
        for child in node.get("Plans", ()):
            walk(child)

    plan = await raw.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
    walk(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"])
    return found
