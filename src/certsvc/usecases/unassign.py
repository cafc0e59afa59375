"""One assignment taken away."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.commands import Unassign
from certsvc.store.author import Author
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import Acted, NotFound, Stale
from certsvc.usecases.command import command_one


async def unassign(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    enrollment_id: UUID,
    assignment_id: UUID,
    author: Author,
    *,
    expected_revision: int | None = None,
) -> Acted | NotFound | Stale:
    """Take the assignment away; it may be done in any status."""
    command = Unassign(assignment_id)
    acted = await command_one(
        conn, tenant, now, enrollment_id, command, author, expected_revision=expected_revision
    )
    if isinstance(acted, Acted) and acted.refusal is not None:
        # The only thing that can be wrong: it does not stand, or never did.
        return NotFound("assignment", str(assignment_id))
    return acted
