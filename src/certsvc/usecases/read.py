"""Enrollments as they read now, or as they read at an instant in the past. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.evidence import Fact
from certsvc.domain.lifecycle import advance
from certsvc.store import enrollments
from certsvc.store.enrollments import Locked, Wanted
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound


@dataclass(frozen=True, slots=True)
class Read:
    """An enrollment advanced to `now`, whatever the scheduler has written of it."""

    enrollment: Enrollment
    certification: Certification
    now: datetime


async def read(
    conn: AsyncConnection, tenant: Tenant, now: datetime, enrollment_id: UUID
) -> Read | NotFound:
    """One enrollment."""
    found = await read_many(conn, tenant, now, [enrollment_id])
    return found[0] if found else NotFound("enrollment", str(enrollment_id))


async def read_many(
    conn: AsyncConnection, tenant: Tenant, now: datetime, ids: Sequence[UUID]
) -> list[Read]:
    """Those of the enrollments that there are, in order of their ids."""
    return [advanced(row, now) for row in await enrollments.read(conn, tenant.id, ids)]


def advanced(row: Locked, now: datetime) -> Read:
    """A stored row as it reads now."""
    at = max(now, row.enrollment.updated_at)
    enrollment = advance(row.enrollment, row.certification, at).enrollment
    return Read(enrollment, row.certification, at)


async def read_at(
    conn: AsyncConnection, tenant: Tenant, enrollment_id: UUID, at: datetime
) -> Read | NotFound:
    """The enrollment as it read at an instant: what was recorded by then, advanced to then."""
    rows = await enrollments.read(conn, tenant.id, [enrollment_id])
    state = await enrollments.state_at(conn, tenant.id, enrollment_id, at)
    if not rows or state is None:
        return NotFound("enrollment", str(enrollment_id))
    wanted = [Wanted(state.certification_id, state.learner_id)]
    (facts,) = await enrollments.facts_for(conn, tenant.id, wanted)
    certification = rows[0].certification
    return Read(as_known(state, certification, facts, at), certification, at)


def as_known(
    state: Enrollment, certification: Certification, facts: Sequence[Fact], at: datetime
) -> Enrollment:
    """The state that was recorded last by an instant, advanced to it with the facts that had been
    heard by then."""
    heard = tuple(fact for fact in facts if fact.recorded_at <= at)
    return advance(replace(state, evidence=heard), certification, at).enrollment
