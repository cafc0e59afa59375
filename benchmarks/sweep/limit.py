"""The limit of a sweep: one statement per batch, written by hand for these three certifications.

It knows their dates and steps by heart, keeps no rule apart, and leaves the same rows, documents
and events behind; a comparison after every run holds it to that. PostgreSQL does all of the work,
nothing but a count crosses the wire.
"""

from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.population.programmes import TENANT

_AT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""

# What is due, by the dates that stand in the row, and what the row reads afterwards.
_JUDGED: Final = f"""
due AS MATERIALIZED (
  SELECT e.id, e.certification_id, e.learner_id, e.status, e.standing, e.work, e.flags,
    e.revision, e.sequence, e.expires_at, e.lapses_at, e.recertification_at, e.due_at,
    e.evidence_from, e.next_due_at AS at, e.doc
  FROM enrollments e
  WHERE e.tenant_id = $1 AND e.next_due_at <= $2 AND e.set_aside_at IS NULL
  ORDER BY e.next_due_at LIMIT $3 FOR UPDATE SKIP LOCKED),
named AS (
  SELECT d.*, {_AT.format("d.at")} AS at_text, CASE
    WHEN d.standing = 'none' THEN CASE
      WHEN d.at < d.due_at THEN 'enrollment.due_soon'
      WHEN d.at = d.due_at THEN 'enrollment.overdue'
      ELSE 'enrollment.not_completed' END
    WHEN d.standing = 'grace' THEN CASE
      WHEN d.at = d.lapses_at THEN 'certificate.lapsed'
      ELSE 'certificate.lapsing' END
    WHEN d.at = d.expires_at THEN 'certificate.expired'
    WHEN d.at <> d.recertification_at THEN 'certificate.expiring'
    WHEN c.automatic_recertification THEN 'recertification.opened'
    ELSE 'recertification.due' END AS type
  FROM due d
  JOIN certifications c ON c.tenant_id = $1 AND c.id = d.certification_id),
judged AS MATERIALIZED (
  SELECT n.*,
    CASE n.type
      WHEN 'certificate.expired' THEN 'expired' WHEN 'certificate.lapsed' THEN 'lapsed'
      WHEN 'recertification.opened' THEN 'recertifying'
      WHEN 'enrollment.not_completed' THEN 'not_completed' ELSE n.status END AS new_status,
    CASE n.type
      WHEN 'certificate.expired' THEN 'grace' WHEN 'certificate.lapsed' THEN 'lapsed'
      ELSE n.standing END AS new_standing,
    CASE n.type
      WHEN 'recertification.opened' THEN 'not_started'
      WHEN 'enrollment.not_completed' THEN 'not_completed' ELSE n.work END AS new_work,
    CASE n.type
      WHEN 'certificate.expired' THEN '{{due_for_recertification}}'::text[]
      WHEN 'certificate.expiring' THEN '{{expiring,due_for_recertification}}'::text[]
      WHEN 'recertification.due' THEN '{{due_for_recertification}}'::text[]
      WHEN 'enrollment.overdue' THEN '{{overdue}}'::text[]
      WHEN 'recertification.opened' THEN '{{}}'::text[]
      WHEN 'enrollment.not_completed' THEN '{{}}'::text[] ELSE n.flags END AS new_flags,
    CASE n.type
      WHEN 'recertification.opened' THEN n.expires_at
      WHEN 'enrollment.not_completed' THEN NULL ELSE n.due_at END AS new_due_at,
    CASE n.type
      WHEN 'certificate.expired' THEN n.lapses_at - interval '8 days'
      WHEN 'certificate.lapsing' THEN n.lapses_at
      WHEN 'certificate.expiring' THEN CASE
        WHEN n.at = n.expires_at - interval '31 days' THEN n.expires_at - interval '8 days'
        ELSE n.expires_at END
      WHEN 'recertification.due' THEN n.expires_at - interval '31 days'
      WHEN 'recertification.opened' THEN n.expires_at - interval '31 days'
      WHEN 'enrollment.due_soon' THEN CASE
        WHEN n.at = n.due_at - interval '15 days' THEN n.due_at - interval '4 days'
        ELSE n.due_at END
      WHEN 'enrollment.overdue' THEN n.due_at + interval '30 days' END AS new_next_due_at,
    CASE n.type
      WHEN 'certificate.lapsed' THEN NULL WHEN 'enrollment.not_completed' THEN NULL
      WHEN 'recertification.opened' THEN n.at ELSE n.evidence_from END AS new_evidence_from,
    step.cycle,
    (CASE WHEN n.type = 'enrollment.not_completed' THEN n.doc - 'cycle' ELSE n.doc END)
      || jsonb_build_object(
        'revision', n.revision + 1, 'sequence', n.sequence + 1, 'updated_at', $4::text)
      || step.patch AS new_doc,
    CASE
      WHEN n.type = 'enrollment.not_completed' THEN '{{"by": "time"}}'::jsonb
      WHEN n.standing = 'none' THEN jsonb_build_object('due_at', n.doc -> 'cycle' -> 'due_at')
      WHEN n.type = 'recertification.opened' THEN jsonb_build_object(
        'cycle', jsonb_build_object(
          'number', step.cycle -> 'number', 'kind', 'recertification', 'version', 1,
          'opened_at', n.at_text, 'counts_from', n.at_text,
          'due_at', step.cycle -> 'due_at', 'limit_at', NULL, 'steps', $5::jsonb,
          'exam_id', NULL, 'payment_required', false, 'courses', '[]'::jsonb))
      ELSE jsonb_build_object(
        'certificate', jsonb_build_object(
          'id', n.doc -> 'certificate' -> 'id', 'number', n.doc -> 'certificate' -> 'number',
          'code', n.doc -> 'certificate' -> 'code',
          'version', n.doc -> 'certificate' -> 'version',
          'certified_at', n.doc -> 'certificate' -> 'certified_at',
          'valid_from', n.doc -> 'certificate' -> 'valid_from',
          'expires_at', n.doc -> 'certificate' -> 'expires_at',
          'lapses_at', n.doc -> 'certificate' -> 'lapses_at',
          'recertification_at', n.doc -> 'certificate' -> 'window_at',
          'superseded_at', NULL, 'revoked_at', NULL)) END AS data
  FROM named n
  CROSS JOIN LATERAL (
    SELECT CASE n.type
      WHEN 'recertification.opened' THEN jsonb_build_object(
        'number', (n.doc -> 'cycles')::int + 1, 'kind', 'recertification', 'version', 1,
        'opened_at', n.at_text, 'counts_from', n.at_text, 'test_outs_from', n.at_text,
        'armed_at', n.at_text, 'told_through', n.at_text,
        'due_at', n.doc -> 'certificate' -> 'expires_at', 'due_follows_expiry', true)
      WHEN 'enrollment.not_completed' THEN n.doc -> 'cycle'
        || jsonb_build_object('closed_at', n.at_text, 'outcome', 'not_completed')
      END AS cycle) AS opened
  CROSS JOIN LATERAL (
    SELECT opened.cycle, CASE n.type
      WHEN 'certificate.expired' THEN jsonb_build_object('standing', 'grace', 'certificate',
        n.doc -> 'certificate' || jsonb_build_object('expired_at', n.at_text))
      WHEN 'certificate.lapsed' THEN jsonb_build_object('standing', 'lapsed', 'certificate',
        n.doc -> 'certificate' || jsonb_build_object('lapsed_at', n.at_text))
      WHEN 'recertification.due' THEN jsonb_build_object('certificate',
        n.doc -> 'certificate' || '{{"window_told": true}}')
      WHEN 'recertification.opened' THEN jsonb_build_object(
        'work', 'not_started', 'cycles', opened.cycle -> 'number',
        'cycle', opened.cycle || jsonb_build_object('progress', $6::jsonb),
        'certificate', n.doc -> 'certificate' || '{{"window_used": true}}')
      WHEN 'enrollment.overdue' THEN jsonb_build_object('cycle',
        n.doc -> 'cycle' || '{{"overdue": true}}')
      WHEN 'enrollment.due_soon' THEN jsonb_build_object('cycle',
        n.doc -> 'cycle' || jsonb_build_object('told_through', n.at_text))
      WHEN 'enrollment.not_completed' THEN jsonb_build_object(
        'work', 'not_completed', 'overtaken', opened.cycle)
      ELSE jsonb_build_object('certificate',
        n.doc -> 'certificate' || jsonb_build_object('told_through', n.at_text))
      END AS patch) AS step)"""

_WRITTEN: Final = """
moved AS (
  UPDATE enrollments e SET
    status = j.new_status, standing = j.new_standing, work = j.new_work, flags = j.new_flags,
    revision = j.revision + 1, sequence = j.sequence + 1, updated_at = $2, due_at = j.new_due_at,
    next_due_at = j.new_next_due_at, evidence_from = j.new_evidence_from, doc = j.new_doc
  FROM judged j WHERE e.tenant_id = $1 AND e.id = j.id),
told AS (
  INSERT INTO events (
    tenant_id, id, enrollment_id, certification_id, learner_id, sequence, revision, type,
    effective_at, recorded_at, stale, actor, before_status, before_standing, data, after)
  SELECT $1, uuidv7(), j.id, j.certification_id, j.learner_id, j.sequence + 1, j.revision + 1,
    j.type, j.at, $2, false, 'time', j.status, j.standing, j.data, j.new_doc
  FROM judged j),
ended AS (
  UPDATE certificates c SET
    expired_at = CASE j.type WHEN 'certificate.expired' THEN j.at ELSE c.expired_at END,
    lapsed_at = CASE j.type WHEN 'certificate.lapsed' THEN j.at END
  FROM judged j
  WHERE c.tenant_id = $1 AND c.id = (j.doc -> 'certificate' ->> 'id')::uuid
    AND j.type IN ('certificate.expired', 'certificate.lapsed')),
begun AS (
  INSERT INTO cycles (tenant_id, enrollment_id, number, kind, version, opened_at, doc)
  SELECT $1, j.id, (j.cycle -> 'number')::int, 'recertification', 1, j.at, j.cycle
  FROM judged j WHERE j.type = 'recertification.opened'),
closed AS (
  UPDATE cycles c SET closed_at = j.at, outcome = 'not_completed', doc = j.cycle
  FROM judged j
  WHERE c.tenant_id = $1 AND c.enrollment_id = j.id AND c.number = (j.cycle -> 'number')::int
    AND j.type = 'enrollment.not_completed')"""

STATEMENT: Final = f"""
WITH {_JUDGED},
{_WRITTEN}
SELECT count(*) FROM judged"""

_STEPS: Final = """[{"key": "refresher", "title": "Safety refresher", "course_ids": ["C-2"],
  "exam_ids": ["C-2-out"]}]"""
_PROGRESS: Final = """{"steps": [{"key": "refresher", "state": "open"}]}"""


async def sweep(connection: Any, now: datetime, batch: int) -> int:
    """Apply what is due, batch after batch, each a transaction; how many rows moved."""
    text = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    statement = await connection.prepare(STATEMENT)
    moved = 0
    while count := await statement.fetchval(TENANT, now, batch, text, _STEPS, _PROGRESS):
        moved += count
    return moved
