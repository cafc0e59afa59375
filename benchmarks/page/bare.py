"""The rows of a page, by one statement of asyncpg that was written for these filters: all that the
answer is made of, the documents included, and nothing made of it."""

from typing import Any
from uuid import UUID

from benchmarks.population.programmes import BY_HAND, TENANT

# Without these, the page would wait for workers that are started for it.
PREPARE = "SET max_parallel_workers_per_gather = 0"

# Found in two indexes alone; the rows are read of the page alone.
_PAGE = """
WITH found AS (
  SELECT e.id FROM assignments a
  JOIN enrollments e ON e.tenant_id = $1 AND e.id = a.enrollment_id
  WHERE a.tenant_id = $1 AND a.source = 'group' AND a.group_id = $3 AND a.ended_at IS NULL
    AND a.enrollment_id > $4 AND e.id > $4
    AND e.certification_id = $2 AND e.standing = 'valid' AND e.status = 'certified'
  ORDER BY a.enrollment_id LIMIT $5)
SELECT e.id, e.certification_id, e.learner_id, e.status, e.standing, e.work, e.suspended, e.flags,
  e.revision, e.enrolled_at, e.updated_at, e.certified_at, e.expires_at, e.lapses_at,
  e.recertification_at, e.due_at, e.next_due_at, e.doc
FROM found JOIN enrollments e ON e.tenant_id = $1 AND e.id = found.id
ORDER BY e.id"""


async def page(connection: Any, group: str, after: UUID, limit: int) -> list[Any]:
    """The rows of a page."""
    certification_id = BY_HAND.certification.id
    rows: list[Any] = await connection.fetch(_PAGE, TENANT, certification_id, group, after, limit)
    return rows
