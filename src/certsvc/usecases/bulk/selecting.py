"""The filter of a selection, as it was ordered, as the store's."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import certifications
from certsvc.store.enrollment_filters import Filters
from certsvc.store.tenants import Tenant

_INSTANTS = frozenset(
    {"expires_before", "expires_after", "due_before", "due_after", "updated_after"}
)
_SEVERAL = {
    "certification": "certifications",
    "learner_id": "learners",
    "status": "statuses",
    "standing": "standings",
    "flag": "flags",
}
"""What the filters of the list are called where they hold several values."""

NOBODY = UUID(int=0)
"""The id of no certification: what a filter for unknown ones selects."""


async def filters_of(conn: AsyncConnection, tenant: Tenant, chosen: Mapping[str, Any]) -> Filters:
    """The store's filters. Certifications are named by id or key; where all that are named are
    unknown, nobody is selected."""
    given = {_SEVERAL.get(name, name): value for name, value in chosen.items()}
    for name in _INSTANTS & given.keys():
        given[name] = datetime.fromisoformat(given[name])
    names = given.pop("certifications", ())
    if names:
        found = await certifications.resolve(conn, tenant.id, list(names))
        given["certifications"] = tuple({id for id, _ in found.values()}) or (NOBODY,)
    return Filters(**given)
