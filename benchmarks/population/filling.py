"""Fills a database: the schema, a tenant with its certifications, and the enrollments by COPY.

Indexes are dropped before and made again after, as for any load of this size.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.bench import Bench
from benchmarks.database import connected, create
from benchmarks.population.programmes import LONG_AGO, PROGRAMMES, TENANT, Programme
from benchmarks.population.rows import COLUMNS, ready_rows, rows, waiting_rows
from certsvc.store import certifications, migrate, tenants, versions
from certsvc.store.certifications import CertificationRow
from certsvc.store.db import copy_rows, open_engine, transaction
from certsvc.store.tenants import Tenant
from certsvc.store.versions import VersionRow

MANY = "many"
"""The database of a million enrollments, of which many are due."""

FEW = "few"
"""The database of ten thousand, of which none is due."""

READY = "ready"
"""The database in which every second learner may recertify."""

WAITING = "waiting"
"""The database in which every learner has a course still to do."""

AT_ONCE = 25_000
_LOADED = ("enrollments", "certificates", "evidence", "cycles", "assignments")

_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename = ANY($1)
  AND indexname NOT IN (SELECT conname FROM pg_constraint)"""

_CERTIFICATES = """
INSERT INTO certificates (
  tenant_id, id, enrollment_id, certification_id, learner_id, ordinal, number, code, cycle,
  version, certified_at, valid_from, expires_at, extends_from, lapses_at, window_at, expired_at,
  lapsed_at, evidence, retracted)
SELECT e.tenant_id, c.id, e.id, e.certification_id, e.learner_id, c.ordinal, c.number, c.code,
  c.cycle, c.version, c.certified_at, c.valid_from, c.expires_at, c.extends_from, c.lapses_at,
  c.window_at, c.expired_at, c.lapsed_at, c.evidence, false
FROM enrollments e, jsonb_to_record(e.doc -> 'certificate') AS c (
  id uuid, ordinal int, number text, code text, cycle int, version int, certified_at timestamptz,
  valid_from timestamptz, expires_at timestamptz, extends_from timestamptz, lapses_at timestamptz,
  window_at timestamptz, expired_at timestamptz, lapsed_at timestamptz, evidence text[])
WHERE e.doc ? 'certificate'"""

_CYCLES = """
INSERT INTO cycles (tenant_id, enrollment_id, number, kind, version, opened_at, doc)
SELECT e.tenant_id, e.id, c.number, c.kind, c.version, c.opened_at, e.doc -> 'cycle'
FROM enrollments e, jsonb_to_record(e.doc -> 'cycle') AS c (
  number int, kind text, version int, opened_at timestamptz)
WHERE e.doc ? 'cycle'"""

_EVIDENCE = """
INSERT INTO evidence (
  tenant_id, id, learner_id, type, occurred_at, recorded_at, outcome, grade, course_id, actor)
SELECT tenant_id, 'F' || substr(learner_id, 2), learner_id, 'course_completion',
  enrolled_at + interval '1 hour', enrolled_at + interval '1 hour', 'passed', 85, 'C-1', 'key:lms'
FROM enrollments
WHERE doc ? 'certificate' OR work <> 'not_started'"""

_ASSIGNMENTS = """
INSERT INTO assignments (tenant_id, id, enrollment_id, source, group_id, assigned_at)
SELECT e.tenant_id, a.id, e.id, a.source, a.group, a.assigned_at
FROM enrollments e, jsonb_to_recordset(e.doc -> 'assignments') AS a (
  id uuid, source text, "group" text, assigned_at timestamptz)"""


def _steps(total: int) -> int:
    """How often `fill` says that it has come further."""
    return -(-total // AT_ONCE) + 5


async def fill_new(bench: Bench, name: str, total: int, due: int) -> None:
    """Make a database of that name, of so many enrollments, so many of them due by now."""
    await _fill_new(bench, name, total, rows(total, due, bench.now))


async def fill_ready(bench: Bench, name: str, ready: int) -> None:
    """Make a database of that name, of so many enrollments that may recertify, and as many that
    may not."""
    await _fill_new(bench, name, 2 * ready, ready_rows(2 * ready, ready, bench.now))


async def fill_waiting(bench: Bench, name: str, total: int) -> None:
    """Make a database of that name, of so many enrollments that the next course moves."""
    await _fill_new(bench, name, total, waiting_rows(total, bench.now))


async def _fill_new(bench: Bench, name: str, total: int, made: Iterator[tuple[Any, ...]]) -> None:
    bar = bench.bar(f"filling a database with {total:,} enrollments", _steps(total))
    await fill(await create(bench.url, name), made, bar.advance)


async def fill(url: str, made: Iterator[tuple[Any, ...]], advanced: Callable[[], None]) -> None:
    """Make an empty database one of these enrollments."""
    await migrate.upgrade(url)
    engine = open_engine(url)
    try:
        async with transaction(engine) as conn:
            await _publish(conn)
        dropped = await _without_indexes(url)
        while batch := list(islice(made, AT_ONCE)):
            async with transaction(engine) as conn:
                await copy_rows(conn, "enrollments", COLUMNS, batch)
            advanced()
    finally:
        await engine.dispose()
    async with connected(url) as connection:
        await connection.execute("SET maintenance_work_mem = '512MB'")
        for statement in (_CERTIFICATES, _CYCLES, _EVIDENCE, _ASSIGNMENTS):
            await connection.execute(statement)
            advanced()
        for definition in dropped:
            await connection.execute(definition)
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        await connection.execute("CHECKPOINT")
        advanced()


async def _publish(conn: AsyncConnection) -> None:
    await tenants.insert(conn, Tenant(TENANT, "bench", False, None, LONG_AGO))
    for programme in PROGRAMMES:
        await _publish_one(conn, programme)


async def _publish_one(conn: AsyncConnection, programme: Programme) -> None:
    certification = programme.certification
    row = CertificationRow(
        id=certification.id,
        key=certification.key,
        title={"en": certification.key},
        automatic=certification.automatic,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    version = VersionRow(
        certification_id=certification.id,
        number=1,
        state="published",
        definition=programme.document,
        published_at=LONG_AGO,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    await certifications.insert(conn, TENANT, row)
    await versions.insert(conn, TENANT, version)


async def _without_indexes(url: str) -> list[str]:
    """Drop the plain indexes; the statements that make them again."""
    async with connected(url) as connection:
        found = await connection.fetch(_INDEXES, list(_LOADED))
        for row in found:
            await connection.execute(f'DROP INDEX "{row["indexname"]}"')
    return [row["indexdef"] for row in found]
