"""The texts of certifications, for lists that learners read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver


@dataclass(frozen=True, slots=True)
class Texts:
    """A title and a description, each per language."""

    title: Any
    description: Any


_TEXTS = """
SELECT id, title, description FROM certifications
WHERE tenant_id = $1 AND id = ANY($2::uuid[])"""


async def of_certifications(
    conn: AsyncConnection, tenant_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Texts]:
    """The texts of these certifications."""
    rows = await driver(conn).fetch(_TEXTS, tenant_id, sorted(set(ids)))
    return {row["id"]: Texts(row["title"] or {}, row["description"] or {}) for row in rows}
