"""What of an enrollment stands in columns of its own: everything that it is found by."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from certsvc.domain.awaiting import awaiting
from certsvc.domain.certification import Certification
from certsvc.domain.describe import due_at, flags, shown_certificate
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import evidence_from


class Columns(NamedTuple):
    """The columns that follow from the state; `flags` are joined by commas, as they travel."""

    id: UUID
    status: str
    standing: str
    work: str
    suspended: bool
    flags: str
    revision: int
    sequence: int
    updated_at: datetime
    certified_at: datetime | None
    expires_at: datetime | None
    lapses_at: datetime | None
    recertification_at: datetime | None
    due_at: datetime | None
    next_due_at: datetime | None
    evidence_from: datetime | None
    awaiting: str | None
    awaiting_since: datetime | None


def columns(
    e: Enrollment, certification: Certification, now: datetime, next_due_at: datetime | None
) -> Columns:
    """The columns of the enrollment, with the flags that hold at `now`."""
    shown = shown_certificate(e)
    waits = awaiting(e, certification)
    return Columns(
        id=e.id,
        status=e.status,
        standing=e.standing,
        work=e.work,
        suspended=e.suspended,
        flags=",".join(flags(e, certification, now)),
        revision=e.revision,
        sequence=e.sequence,
        updated_at=e.updated_at,
        certified_at=None if shown is None else shown.certified_at,
        expires_at=None if shown is None else shown.expires_at,
        lapses_at=None if shown is None else shown.lapses_at,
        recertification_at=None if shown is None else shown.window_at,
        due_at=due_at(e),
        next_due_at=next_due_at,
        evidence_from=evidence_from(e),
        awaiting=None if waits is None else waits.kind,
        awaiting_since=None if waits is None else waits.since,
    )
