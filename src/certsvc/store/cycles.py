"""Cycles as they opened and as they closed, to be listed."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Cycle
from certsvc.store.codec import decode_cycle
from certsvc.store.db import driver

_OF_ENROLLMENT = """
SELECT doc FROM cycles WHERE tenant_id = $1 AND enrollment_id = $2 ORDER BY number"""


async def of_enrollment(conn: AsyncConnection, tenant_id: UUID, enrollment_id: UUID) -> list[Cycle]:
    """The cycles of an enrollment by number. An open one reads as when it opened: how it stands
    now is in the enrollment."""
    rows = await driver(conn).fetch(_OF_ENROLLMENT, tenant_id, enrollment_id)
    return [decode_cycle(row[0]) for row in rows]
