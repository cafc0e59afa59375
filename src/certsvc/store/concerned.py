"""Whom a change of a certification concerns: how many, some of them, and how they stand."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.status import OPEN_WORK, PLANNED_WORK, Status, Work
from certsvc.store.db import driver


class Concern(StrEnum):
    """What is changed."""

    AUTOMATIC = "automatic"
    """Automatic recertification: who holds a certificate whose window has opened no cycle yet."""

    ARCHIVE = "archive"
    """Whether it is archived: everybody but those with whom it is over."""

    PUBLICATION = "publication"
    """A version is published: whose cycle is open or to open, and who will renew under it."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """How many, and the first of them."""

    count: int
    sample: tuple[UUID, ...]


def _words(*words: str) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


_OVER = _words(
    *(Status.DECLINED, Status.NOT_COMPLETED, Status.CANCELLED, Status.REMOVED, Status.DISALLOWED)
)
_CYCLE = _words(*OPEN_WORK, *PLANNED_WORK, Work.INACTIVE)
_NO_CYCLE = _words(Work.NONE, Work.DECLINED, Work.NOT_COMPLETED, Work.CANCELLED)
# What is not there to be found by is read from the document, of one certification's rows.
_RENEWS = """
    (e.standing IN ('valid', 'grace') AND e.recertification_at IS NOT NULL
     AND NOT e.doc @> '{"stopped": true}' AND NOT e.doc ? 'next_certification')"""
_CONDITIONS = {
    Concern.AUTOMATIC: f"""e.work IN ({_NO_CYCLE}) AND {_RENEWS}
     AND NOT e.doc @> '{{"certificate": {{"window_used": true}}}}'""",
    Concern.ARCHIVE: f"e.status NOT IN ({_OVER})",
    Concern.PUBLICATION: f"(e.work IN ({_CYCLE}) OR {_RENEWS})",
}
_FOUND = {
    concern: f"""
WITH found AS MATERIALIZED (
  SELECT e.id FROM enrollments e
  WHERE e.tenant_id = $1 AND e.certification_id = $2 AND {condition})
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY id LIMIT $3)"""
    for concern, condition in _CONDITIONS.items()
}
_COUNTS = """
SELECT status, count(*) FROM enrollments
WHERE tenant_id = $1 AND certification_id = $2 GROUP BY status ORDER BY status"""
_VERSIONS = f"""
SELECT (e.doc #>> '{{cycle,version}}')::int AS version, count(*) FROM enrollments e
WHERE e.tenant_id = $1 AND e.certification_id = $2
  AND e.work IN ({_words(*OPEN_WORK, Work.INACTIVE)}) AND e.doc ? 'cycle'
GROUP BY version ORDER BY version"""


async def concerned(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID, by: Concern, sample: int
) -> Concerned:
    """Whom the change concerns, as they are stored."""
    row = await driver(conn).fetchrow(_FOUND[by], tenant_id, certification_id, sample)
    assert row is not None
    return Concerned(row[0], tuple(row[1]))


async def counts_by_status(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID
) -> dict[str, int]:
    """How many enrollments of the certification read what."""
    rows = await driver(conn).fetch(_COUNTS, tenant_id, certification_id)
    return {row[0]: row[1] for row in rows}


async def open_cycles_by_version(
    conn: AsyncConnection, tenant_id: UUID, certification_id: UUID
) -> dict[int, int]:
    """How many cycles are open on which version; a paused one is open too."""
    rows = await driver(conn).fetch(_VERSIONS, tenant_id, certification_id)
    return {row[0]: row[1] for row in rows}
