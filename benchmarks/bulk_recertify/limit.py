"""The script: it recertifies everybody whose window is open, one statement per batch, by hand.

It knows the one programme by heart, keeps no rule apart, and leaves the same behind: the items of
the operation and what became of them, its counts, the rows, documents, events and cycles; a
comparison after every run holds it to that. PostgreSQL does all of the work.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from benchmarks.population.programmes import BY_HAND, TENANT

ACTOR: Final = "key:script"

_OPERATION: Final = """
INSERT INTO bulk_operations (
  tenant_id, id, action, state, selection, parameters, hold_automation, actor, reason, start_at,
  created_at, started_at)
VALUES ($1, $2, 'recertify', 'running', '{}', '{}', false, $3, $4, now(), now(), now())"""

_ITEMS: Final = """
INSERT INTO bulk_items (tenant_id, operation_id, number, enrollment_id)
SELECT $1, $2, row_number() OVER (ORDER BY e.id), e.id
FROM enrollments e
WHERE e.tenant_id = $1 AND e.certification_id = $3 AND e.standing = 'valid'
  AND 'due_for_recertification' = ANY (e.flags)"""

# What the rows read afterwards. A window opens at `window_at`, and evidence counts from then on.
_JUDGED: Final = """
item AS MATERIALIZED (
  SELECT i.number, i.enrollment_id FROM bulk_items i
  WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.number > $3 AND i.number <= $4
    AND i.outcome IS NULL
  ORDER BY i.number FOR UPDATE),
found AS MATERIALIZED (
  SELECT e.id, e.certification_id, e.learner_id, e.status, e.standing, e.flags, e.revision,
    e.sequence, e.expires_at, e.recertification_at, e.doc
  FROM enrollments e
  WHERE e.tenant_id = $1 AND e.id IN (SELECT enrollment_id FROM item)
    AND e.standing = 'valid' AND e.work = 'none' AND e.recertification_at <= $5
  ORDER BY e.id FOR UPDATE),
judged AS MATERIALIZED (
  SELECT f.*, c.cycle,
    array_remove(f.flags, 'due_for_recertification') AS new_flags,
    (SELECT min(at) FROM (VALUES
      (f.expires_at - interval '31 days'), (f.expires_at - interval '15 days'),
      (f.expires_at - interval '8 days'), (f.expires_at)) AS n (at)
     WHERE at > $5) AS new_next_due_at,
    f.doc || jsonb_build_object(
      'revision', f.revision + 1, 'sequence', f.sequence + 1, 'updated_at', $6::text,
      'work', 'not_started', 'cycles', c.cycle -> 'number', 'cycle',
      c.cycle || jsonb_build_object('progress', $8::jsonb),
      'certificate', f.doc -> 'certificate' || '{"window_used": true}') AS new_doc,
    jsonb_build_object('cycle', jsonb_build_object(
      'number', c.cycle -> 'number', 'kind', 'recertification', 'version', 1,
      'opened_at', $6::text, 'counts_from', c.cycle -> 'counts_from',
      'due_at', c.cycle -> 'due_at', 'limit_at', NULL, 'steps', $7::jsonb, 'exam_id', NULL,
      'payment_required', false, 'courses', '[]'::jsonb)) AS data
  FROM found f CROSS JOIN LATERAL (
    SELECT jsonb_build_object(
      'number', (f.doc -> 'cycles')::int + 1, 'kind', 'recertification', 'version', 1,
      'opened_at', $6::text, 'counts_from', f.doc -> 'certificate' -> 'window_at',
      'test_outs_from', f.doc -> 'certificate' -> 'window_at',
      'armed_at', $6::text, 'told_through', $6::text,
      'due_at', f.doc -> 'certificate' -> 'expires_at', 'due_follows_expiry', true) AS cycle
  ) AS c)"""

_WRITTEN: Final = """
moved AS (
  UPDATE enrollments e SET
    status = 'recertifying', work = 'not_started', flags = j.new_flags, revision = j.revision + 1,
    sequence = j.sequence + 1, updated_at = $5, due_at = j.expires_at,
    next_due_at = j.new_next_due_at, evidence_from = j.recertification_at, doc = j.new_doc
  FROM judged j WHERE e.tenant_id = $1 AND e.id = j.id),
told AS (
  INSERT INTO events (
    tenant_id, id, enrollment_id, certification_id, learner_id, sequence, revision, type,
    effective_at, recorded_at, stale, actor, reason, bulk_operation_id, before_status,
    before_standing, data, after)
  SELECT $1, uuidv7(), j.id, j.certification_id, j.learner_id, j.sequence + 1, j.revision + 1,
    'recertification.opened', $5, $5, false, $9, $10, $2, j.status, j.standing, j.data, j.new_doc
  FROM judged j),
begun AS (
  INSERT INTO cycles (tenant_id, enrollment_id, number, kind, version, opened_at, doc)
  SELECT $1, j.id, (j.cycle -> 'number')::int, 'recertification', 1, $5, j.cycle
  FROM judged j),
settled AS (
  UPDATE bulk_items i SET done_at = $5, outcome = CASE
    WHEN i.enrollment_id IN (SELECT id FROM judged) THEN 'succeeded' ELSE 'refused' END
  WHERE i.tenant_id = $1 AND i.operation_id = $2 AND i.number > $3 AND i.number <= $4
    AND i.outcome IS NULL),
counted AS (
  UPDATE bulk_operations SET
    succeeded = succeeded + (SELECT count(*) FROM judged),
    refused = refused + (SELECT count(*) FROM item) - (SELECT count(*) FROM judged)
  WHERE tenant_id = $1 AND id = $2)"""

STATEMENT: Final = f"""
WITH {_JUDGED},
{_WRITTEN}
SELECT count(*) FROM judged"""

_COMPLETE: Final = """
UPDATE bulk_operations SET state = 'completed', finished_at = now(), total = $3
WHERE tenant_id = $1 AND id = $2"""

_STEPS: Final = """[{"key": "refresher", "title": "Safety refresher", "course_ids": ["C-2"],
  "exam_ids": ["C-2-out"]}]"""
_PROGRESS: Final = """{"steps": [{"key": "refresher", "state": "open"}]}"""


async def recertify(connection: Any, batch: int, reason: str) -> tuple[UUID, int]:
    """Fix who it is about, then go through them, each batch a transaction; the operation, and how
    many were recertified."""
    id = uuid4()
    async with connection.transaction():
        await connection.execute(_OPERATION, TENANT, id, ACTOR, reason)
        tag = await connection.execute(_ITEMS, TENANT, id, BY_HAND.certification.id)
    total = int(tag.rsplit(" ", 1)[-1])
    # What was put in a moment ago has no statistics, and a batch fits into memory.
    await connection.execute("ANALYZE bulk_items")
    await connection.execute("SET work_mem = '64MB'")
    statement = await connection.prepare(STATEMENT)
    moved = 0
    for first in range(0, total, batch):
        now = datetime.now(UTC)
        text = now.isoformat().replace("+00:00", "Z")
        moved += await statement.fetchval(
            TENANT, id, first, first + batch, now, text, _STEPS, _PROGRESS, ACTOR, reason
        )
    await connection.execute(_COMPLETE, TENANT, id, total)
    return id, moved
