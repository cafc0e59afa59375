"""One command on one enrollment: what an action and the end of an assignment have in common."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.commands import Command
from certsvc.domain.lifecycle import advance
from certsvc.domain.outcome import Refusal
from certsvc.store import enrollments
from certsvc.store.author import Author
from certsvc.store.enrollments import Locked
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import Acted, NotFound, Stale
from certsvc.usecases.apply import apply, reaches_back
from certsvc.usecases.decide import Ask


async def command_one(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    enrollment_id: UUID,
    command: Command | Refusal,
    author: Author,
    *,
    expected_revision: int | None,
) -> Acted | NotFound | Stale:
    """Lock the enrollment, check the caller's revision, decide and save.

    A Refusal in place of a command says that the request is unsound whatever the state; it is
    answered beside the enrollment."""
    rows = await enrollments.lock(
        conn, tenant.id, [enrollment_id], every_fact=reaches_back(command)
    )
    if not rows:
        return NotFound("enrollment", str(enrollment_id))
    row = rows[0]
    if isinstance(command, Refusal):
        return _as_it_reads(row, now, command)
    stale = _stale(row, now, expected_revision)
    if stale is not None:
        return stale
    ask = Ask(row.enrollment, row.certification, author, command, row)
    (outcome,) = await apply(conn, tenant, now, [ask])
    decision = outcome.decision
    return Acted(decision.enrollment, row.certification, outcome.now, decision.refusal)


def _as_it_reads(row: Locked, now: datetime, refusal: Refusal) -> Acted:
    at = max(now, row.enrollment.updated_at)
    advanced = advance(row.enrollment, row.certification, at).enrollment
    return Acted(advanced, row.certification, at, refusal)


def _stale(row: Locked, now: datetime, expected_revision: int | None) -> Stale | None:
    """Answers show an enrollment advanced to now, so that is the revision callers know; what the
    scheduler has written of it makes no difference."""
    if expected_revision is None:
        return None
    at = max(now, row.enrollment.updated_at)
    present = advance(row.enrollment, row.certification, at).enrollment.revision
    return None if present == expected_revision else Stale(present)
