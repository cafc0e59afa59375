"""Where events come from: the one place that knows how the service is listened to.

Here it is asked which enrollments changed since last time, and what is new in the history of each.
A feed of events, or a webhook, would take the place of `unheard` and nothing else: `follow.py`
takes what it yields, one enrollment's events in order, and keeps how far it came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from certsvc_client import AuthenticatedClient
from certsvc_client.api.enrollments import list_enrollments, list_history
from certsvc_client.models import Enrollment, EnrollmentPage, HistoryEvent, HistoryPage, Problem
from certsvc_client.types import UNSET, Unset

from lms.records import Records
from lms.service import PAGE, pages

CURSOR = "updated_after"
OVERLAP = timedelta(minutes=10)
"""A change is dated when it begins and seen when it is done, so what changed shortly before the
last look is looked at again. What was heard already is known by its sequence."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an enrollment."""

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
    """What is new about one enrollment, in order."""

    enrollment_id: str
    revision: int
    sequence: int
    events: list[Event]


def unheard(client: AuthenticatedClient, records: Records) -> Iterator[News]:
    """What happened since last time. The cursor is kept once everything has been taken."""
    kept = records.kept(CURSOR)
    since = UNSET if kept is None else datetime.fromisoformat(kept)
    looked_at: datetime | None = None
    for page in pages(partial(_changed, client, since)):
        looked_at = looked_at or page.as_of
        for enrollment in page.items:
            revision, sequence = records.heard(str(enrollment.id))
            if enrollment.revision != revision:
                yield _news(client, enrollment, sequence)
    if looked_at is not None:
        records.keep(CURSOR, (looked_at - OVERLAP).isoformat())


def _changed(
    client: AuthenticatedClient, since: datetime | Unset, cursor: str | Unset
) -> EnrollmentPage | Problem | None:
    return list_enrollments.sync(client=client, updated_after=since, limit=PAGE, cursor=cursor)


def _news(client: AuthenticatedClient, enrollment: Enrollment, sequence: int) -> News:
    lines: list[HistoryEvent] = [
        line
        for page in pages(partial(_history, client, enrollment))
        for line in page.items
        if line.sequence > sequence
    ]
    return News(
        str(enrollment.id),
        enrollment.revision,
        max((line.sequence for line in lines), default=sequence),
        [_event(enrollment, line) for line in lines],
    )


def _history(
    client: AuthenticatedClient, enrollment: Enrollment, cursor: str | Unset
) -> HistoryPage | Problem | None:
    return list_history.sync(enrollment.id, client=client, limit=PAGE, cursor=cursor)


def _event(enrollment: Enrollment, line: HistoryEvent) -> Event:
    return Event(
        id=str(line.id),
        type=line.type_,
        learner_id=enrollment.learner_id,
        effective_at=line.effective_at,
        stale=line.stale,
        reason=line.reason,
        bulk_operation_id=None if line.bulk_operation_id is None else str(line.bulk_operation_id),
        data=line.data.to_dict(),
        expires_at=enrollment.expires_at,
    )
