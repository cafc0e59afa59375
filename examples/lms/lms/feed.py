"""Where events come from: the one place that knows how the service is listened to.

The feed tells everything that happened, in an order that never changes: a reader that keeps the
cursor of the last stretch it has taken in misses nothing and hears nothing twice. A webhook would
take the place of `unheard` and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import certsvc_client.models as told
from certsvc_client import AuthenticatedClient
from certsvc_client.api.events import list_events
from certsvc_client.types import UNSET

from lms.records import Records
from lms.service import PAGE, answered

CURSOR = "events"
A_MOMENT = 1
"""Seconds to wait for what is just being written."""
AS_LONG_AS_ALLOWED = 30
"""Seconds that the service lets a request wait for news."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a learner's enrollment."""

    id: str
    type: str
    learner_id: str
    effective_at: datetime
    stale: bool
    reason: str | None
    bulk_operation_id: str | None
    data: dict[str, Any]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class News:
    """What came next, and the cursor to keep with what was done about it."""

    events: list[Event]
    cursor: str


def unheard(client: AuthenticatedClient, records: Records, wait: int = A_MOMENT) -> Iterator[News]:
    """What happened since the cursor that is kept, stretch by stretch, until there is nothing more
    for so many seconds. Whoever takes it in keeps the cursor before the next stretch."""
    while True:
        after = records.kept(CURSOR) or UNSET
        page = answered(list_events.sync(client=client, after=after, limit=PAGE, wait=wait))
        yield News([_event(item) for item in page.items if item.learner_id], page.next_cursor)
        if not page.items and not page.more:
            return


def _event(item: told.Event) -> Event:
    return Event(
        id=str(item.id),
        type=item.type_,
        learner_id=item.learner_id or "",
        effective_at=item.effective_at,
        stale=item.stale,
        reason=item.reason,
        bulk_operation_id=None if item.bulk_operation_id is None else str(item.bulk_operation_id),
        data=item.data.to_dict(),
        expires_at=None if item.after is None else item.after.expires_at,
    )
