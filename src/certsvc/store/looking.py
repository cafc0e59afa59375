"""Enrollments as they are shown in lists: read only, with what lies beside them as far as it shows.

Of the evidence nothing shows but whether an exam was begun, and that only where the assignment
could otherwise be taken back: the facts of all others are not read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.transitions import asks_for_evidence
from certsvc.store import certifications, enrollments, seats
from certsvc.store.db import driver
from certsvc.store.enrollments import ROW, Locked, Wanted
from certsvc.store.mirrors import mirrored_enrollment

SEEN = ROW.replace("e.doc", "e.doc::text AS doc")
"""The columns of a row that is to be looked at."""

_BESIDE = """
SELECT c.id, c.revision + c.courses_revision, NULL::timestamptz FROM certifications c
WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[])
UNION ALL
SELECT b.enrollment_id, NULL, max(b.held_until) FROM bulk_items b
WHERE b.tenant_id = $1 AND b.enrollment_id = ANY($3::uuid[]) AND b.held_until IS NOT NULL
GROUP BY b.enrollment_id"""


async def seen(conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Any]) -> list[Locked]:
    """The rows (of SEEN), with their certifications. Their enrollments are mirrors."""
    if not rows:
        return []
    revisions, held = await _beside(conn, tenant_id, rows)
    by_id = await certifications.load(conn, tenant_id, revisions)
    found = []
    for row in rows:
        e: Any = mirrored_enrollment(row[1])
        if held:
            e.held_until = held.get(row[0])
        found.append(Locked(e, by_id[row[7]], row[2], row[3], row[4], row[5], row[6]))
    await _add_facts(conn, tenant_id, [one for one in found if asks_for_evidence(one.enrollment)])
    await _add_seats(conn, tenant_id, [one for one in found if one.certification.seated])
    return found


async def _beside(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Any]
) -> tuple[dict[UUID, int], dict[UUID, datetime]]:
    """The certifications' revisions, and until when automatic recertification keeps away."""
    revisions: dict[UUID, int] = {}
    held: dict[UUID, datetime] = {}
    ids = {row[7] for row in rows}, [row[0] for row in rows]
    for id, revision, until in await driver(conn).fetch(_BESIDE, tenant_id, *map(list, ids)):
        if until is None:
            revisions[id] = revision
        else:
            held[id] = until
    return revisions, held


async def _add_facts(conn: AsyncConnection, tenant_id: UUID, shown: Sequence[Locked]) -> None:
    wanted = [
        Wanted(one.enrollment.certification_id, one.enrollment.learner_id, one.evidence_from)
        for one in shown
    ]
    found = await enrollments.facts_for(conn, tenant_id, wanted)
    for one, facts in zip(shown, found, strict=True):
        cast("Any", one.enrollment).evidence = facts


async def _add_seats(conn: AsyncConnection, tenant_id: UUID, shown: Sequence[Locked]) -> None:
    if not shown:
        return
    given = await seats.given(conn, tenant_id, [one.enrollment.id for one in shown])
    for one in shown:
        if (place := given.get(one.enrollment.id)) is not None:
            cast("Any", one.enrollment).seats = place.places
