"""Enrollments as they are shown in lists: read only, with what lies beside them as far as it shows.

They come in pieces: while one is made into an answer, the database is at work on the next. Of the
evidence nothing shows but whether an exam was begun, and that only where the assignment could
otherwise be taken back: the facts of all others are not read.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.transitions import asks_for_evidence
from certsvc.store import certifications, enrollments, seats
from certsvc.store.db import driver
from certsvc.store.enrollments import Wanted
from certsvc.store.mirrors import mirrored_enrollment

SEEN: Final = """e.doc::text AS doc, (
    SELECT c.revision + c.courses_revision FROM certifications c
    WHERE c.tenant_id = $1 AND c.id = e.certification_id) AS certification_revision, (
    SELECT max(b.held_until) FROM bulk_items b
    WHERE b.tenant_id = $1 AND b.enrollment_id = e.id AND b.held_until IS NOT NULL) AS held_until,
  e.evidence_from"""
"""The columns of a row that is to be looked at. All else stands in its document."""

PIECES: Final = 2
"""Into so many pieces a page is divided, after a first small one."""

FEWEST: Final = 25
"""Rows in the first piece: fewer are not worth a question of their own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An enrollment that is only to be looked at (a mirror), and its certification."""

    enrollment: Enrollment
    certification: Certification


async def pieces(
    conn: AsyncConnection, tenant_id: UUID, sql: str, values: Sequence[Any], limit: int
) -> AsyncGenerator[list[Seen], None]:
    """What a statement of SEEN finds, piece by piece. Between two pieces the connection is busy:
    whoever takes them asks nothing else."""
    # The first is small, so that the work begins; the last is no piece of one row beyond the page.
    size = max(FEWEST, -(-(limit + 1 - FEWEST) // PIECES) + 1)
    cursor = await driver(conn).cursor(sql, *values)
    rows = await cursor.fetch(FEWEST)
    while rows:
        piece = await _completed(conn, tenant_id, rows)
        following = asyncio.create_task(cursor.fetch(size))
        try:
            # The question leaves now, before anybody works on this piece.
            await asyncio.sleep(0)
            yield piece
        finally:
            rows = await following


async def _completed(conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Any]) -> list[Seen]:
    mirrors: list[Any] = [mirrored_enrollment(row[0]) for row in rows]
    revisions = {e.certification_id: row[1] for e, row in zip(mirrors, rows, strict=True)}
    by_id = await certifications.load(conn, tenant_id, revisions)
    found = []
    bounds = []
    for e, row in zip(mirrors, rows, strict=True):
        if row[2] is not None:
            e.held_until = row[2]
        seen = Seen(e, by_id[e.certification_id])
        found.append(seen)
        if asks_for_evidence(e):
            bounds.append((seen, row[3]))
    if bounds:
        await _add_facts(conn, tenant_id, bounds)
    await _add_seats(conn, tenant_id, [one for one in found if one.certification.seated])
    return found


async def _add_facts(
    conn: AsyncConnection, tenant_id: UUID, shown: Sequence[tuple[Seen, Any]]
) -> None:
    wanted = [
        Wanted(one.enrollment.certification_id, one.enrollment.learner_id, since)
        for one, since in shown
    ]
    found = await enrollments.facts_for(conn, tenant_id, wanted)
    for (one, _), facts in zip(shown, found, strict=True):
        cast("Any", one.enrollment).evidence = facts


async def _add_seats(conn: AsyncConnection, tenant_id: UUID, shown: Sequence[Seen]) -> None:
    if not shown:
        return
    given = await seats.given(conn, tenant_id, [one.enrollment.id for one in shown])
    for one in shown:
        if (place := given.get(one.enrollment.id)) is not None:
            cast("Any", one.enrollment).seats = place.places
