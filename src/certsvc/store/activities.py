"""xAPI activities that mean something here, and statements that were voided before they came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.activity_tables import ActivityKind
from certsvc.store.db import driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What an activity means: a course, a live session of a course, an exam, a test-out."""

    id: UUID
    activity_id: str
    kind: ActivityKind
    course_id: str | None = None
    session_id: str | None = None
    exam_id: str | None = None
    created_at: datetime
    updated_at: datetime


_COLUMNS = "id, activity_id, kind, course_id, session_id, exam_id, created_at, updated_at"

# What says the same again changes nothing, not even when it was last changed.
_PUT = """
INSERT INTO xapi_activities AS a (
  tenant_id, id, activity_id, kind, course_id, session_id, exam_id, created_at, updated_at)
SELECT $1, n.* FROM unnest(
  $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
  $9::timestamptz[]) AS n
ON CONFLICT (tenant_id, activity_id) DO UPDATE SET
  kind = excluded.kind, course_id = excluded.course_id, session_id = excluded.session_id,
  exam_id = excluded.exam_id, updated_at = excluded.updated_at
WHERE (a.kind, a.course_id, a.session_id, a.exam_id)
  IS DISTINCT FROM (excluded.kind, excluded.course_id, excluded.session_id, excluded.exam_id)"""

_MEANT = f"""
SELECT {_COLUMNS} FROM xapi_activities
WHERE tenant_id = $1 AND activity_id = ANY($2::text[])"""

_GET = f"SELECT {_COLUMNS} FROM xapi_activities WHERE tenant_id = $1 AND id = $2"

_PAGE = f"""
SELECT {_COLUMNS} FROM xapi_activities
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2)
  AND ($3::text IS NULL OR activity_id = $3)
  AND ($4::text IS NULL OR course_id = $4)
  AND ($5::text IS NULL OR exam_id = $5)
ORDER BY id LIMIT $6"""

_DELETE = "DELETE FROM xapi_activities WHERE tenant_id = $1 AND id = $2 RETURNING id"

_VOID = """
INSERT INTO xapi_voided (tenant_id, statement_id, voided_by, voided_at)
SELECT $1, n.*, $4::timestamptz FROM unnest($2::text[], $3::text[]) AS n
ON CONFLICT (tenant_id, statement_id) DO NOTHING"""

_VOIDED = """
SELECT statement_id FROM xapi_voided
WHERE tenant_id = $1 AND statement_id = ANY($2::text[])"""


def _activity(row: Any) -> Activity:
    id, activity_id, kind, course_id, session_id, exam_id, created_at, updated_at = row
    return Activity(
        id=id,
        activity_id=activity_id,
        kind=ActivityKind(kind),
        course_id=course_id,
        session_id=session_id,
        exam_id=exam_id,
        created_at=created_at,
        updated_at=updated_at,
    )


async def put(conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Activity]) -> list[Activity]:
    """Say what activities mean, each named once; as they stand then, in the same order. One that
    meant something before keeps its id."""
    # In one order, so that two writers wait for each other instead of deadlocking.
    ordered = sorted(rows, key=lambda row: row.activity_id)
    columns = (
        [row.id for row in ordered],
        [row.activity_id for row in ordered],
        [row.kind.value for row in ordered],
        [row.course_id for row in ordered],
        [row.session_id for row in ordered],
        [row.exam_id for row in ordered],
        [row.created_at for row in ordered],
        [row.updated_at for row in ordered],
    )
    await driver(conn).execute(_PUT, tenant_id, *columns)
    stored = await meant(conn, tenant_id, [row.activity_id for row in rows])
    return [stored[row.activity_id] for row in rows]


async def meant(
    conn: AsyncConnection, tenant_id: UUID, activity_ids: Iterable[str]
) -> dict[str, Activity]:
    """Those of the activities that mean something here."""
    asked = sorted(set(activity_ids))
    if not asked:
        return {}
    rows = await driver(conn).fetch(_MEANT, tenant_id, asked)
    return {row["activity_id"]: _activity(row) for row in rows}


async def get(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> Activity | None:
    """What stands under an id of ours."""
    row = await driver(conn).fetchrow(_GET, tenant_id, id)
    return None if row is None else _activity(row)


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    activity_id: str | None = None,
    course_id: str | None = None,
    exam_id: str | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Activity]:
    """Activities in order of our ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, activity_id, course_id, exam_id, limit)
    return [_activity(row) for row in rows]


async def delete(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> bool:
    """The activity means nothing any more; False where it did not before."""
    return await driver(conn).fetchval(_DELETE, tenant_id, id) is not None


async def void(
    conn: AsyncConnection, tenant_id: UUID, voided: Mapping[str, str], at: datetime
) -> None:
    """Keep in mind that statements, should they come, are void, and by which others."""
    if voided:
        ids = sorted(voided)
        by = [voided[id] for id in ids]
        await driver(conn).execute(_VOID, tenant_id, ids, by, at)


async def voided(conn: AsyncConnection, tenant_id: UUID, ids: Iterable[str]) -> set[str]:
    """Those of the statements that were voided before they came."""
    asked = sorted(set(ids))
    if not asked:
        return set()
    rows = await driver(conn).fetch(_VOIDED, tenant_id, asked)
    return {row["statement_id"] for row in rows}
