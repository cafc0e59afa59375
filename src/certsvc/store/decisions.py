"""Decisions are written here, all of a batch at once: the rows, the events, and what they leave.

The number of statements does not depend on the number of decisions; one with nothing to write is
left out. A single decision is a batch of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.frozen import quick
from certsvc.domain.outcome import Decision
from certsvc.store import traces
from certsvc.store.author import TIME, Author
from certsvc.store.codec import encode_enrollment
from certsvc.store.columns import columns
from certsvc.store.db import copy_rows, driver, json_of
from certsvc.store.enrollments import Locked
from certsvc.store.errors import Conflict
from certsvc.store.rows import ForRows, flat, selected, types, values

FEW: Final = 64
"""Up to so many events go in by a plain statement; more of them by COPY."""


@quick
@dataclass(frozen=True, slots=True)
class Change:
    """What was decided about one row (`before` None: about a new one), and on whose word."""

    before: Locked | None
    decision: Decision
    certification: Certification
    author: Author


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written. `lost` are new enrollments that somebody else had enrolled meanwhile:
    nothing of them was written, they are to be locked and decided again."""

    moved: int
    created: tuple[UUID, ...]
    lost: tuple[UUID, ...]
    events: int


_COLUMNS: Final = (
    "id uuid, status text, standing text, work text, suspended bool, flags list, revision int,"
    " sequence int, updated_at timestamptz, certified_at timestamptz, expires_at timestamptz,"
    " lapses_at timestamptz, recertification_at timestamptz, due_at timestamptz,"
    " next_due_at timestamptz, evidence_from timestamptz, awaiting text,"
    " awaiting_since timestamptz, doc jsonb"
)
_MOVED: Final = types(f"{_COLUMNS}, was int")
_CREATED: Final = types(
    f"{_COLUMNS}, certification_id uuid, learner_id text, enrolled_at timestamptz"
)
_EVENTS: Final = types(
    "id uuid, enrollment_id uuid, certification_id uuid, learner_id text, sequence int,"
    " revision int, type text, effective_at timestamptz, recorded_at timestamptz, stale bool,"
    " actor text, on_behalf_of text, reason text, bulk_operation_id uuid, before_status text,"
    " before_standing text, data jsonb, after jsonb"
)
_EVENT_COLUMNS: Final = ("tenant_id", *_EVENTS)
_RECORDED_AT: Final = _EVENT_COLUMNS.index("recorded_at")

_MOVE: Final = """
UPDATE enrollments e SET
  status = n.status, standing = n.standing, work = n.work, suspended = n.suspended,
  flags = string_to_array(n.flags, ','), revision = n.revision, sequence = n.sequence,
  updated_at = n.updated_at, certified_at = n.certified_at, expires_at = n.expires_at,
  lapses_at = n.lapses_at, recertification_at = n.recertification_at, due_at = n.due_at,
  next_due_at = n.next_due_at, evidence_from = n.evidence_from, awaiting = n.awaiting,
  awaiting_since = n.awaiting_since, doc = n.doc,
  set_aside_at = NULL, set_aside_error = NULL, set_aside_count = 0
FROM {rows}
WHERE e.tenant_id = $1 AND e.id = n.id AND e.revision = n.was
RETURNING e.id"""

_TELL: Final = f"""
INSERT INTO events (tenant_id, {", ".join(_EVENTS)})
SELECT $1, {selected(_EVENTS)} FROM {{rows}}"""

_MOVE_ROWS: Final = ForRows.of(_MOVED, _MOVE)
_TELL_ROWS: Final = ForRows.of(_EVENTS, _TELL)


@lru_cache(maxsize=FEW)
def _move_and_tell(events: int) -> str:
    """One row and what is said of it, in one round trip. Nothing is said unless the row is as the
    decision found it."""
    move = _MOVE.replace("{rows}", values(_MOVED))
    tell = _TELL.replace("{rows}", values(_EVENTS, first=2 + len(_MOVED), count=events))
    return f"""
WITH moved AS ({move}), told AS ({tell} WHERE EXISTS (SELECT FROM moved))
SELECT id FROM moved"""


_CREATE: Final = ForRows.of(
    _CREATED,
    f"""
INSERT INTO enrollments (tenant_id, {", ".join(_CREATED)}, live)
SELECT $1, {selected(_CREATED)}, ${2 + len(_CREATED)} FROM {{rows}}
ON CONFLICT DO NOTHING
RETURNING id""",
)

# Nothing happened, but what was stored about when to look again, or the flags, was out of date.
_CORRECT: Final = ForRows.of(
    types("id uuid, next_due_at timestamptz, flags list, evidence_from timestamptz, was int"),
    """
UPDATE enrollments e SET
  next_due_at = n.next_due_at, flags = string_to_array(n.flags, ','),
  evidence_from = n.evidence_from, set_aside_at = NULL, set_aside_error = NULL, set_aside_count = 0
FROM {rows}
WHERE e.tenant_id = $1 AND e.id = n.id AND e.revision = n.was""",
)

_SET_ASIDE = """
UPDATE enrollments
SET set_aside_at = $3, set_aside_error = $4, set_aside_count = least(set_aside_count + 1, 32767)
WHERE tenant_id = $1 AND id = $2"""


async def save(
    conn: AsyncConnection,
    tenant_id: UUID,
    changes: Sequence[Change],
    *,
    recorded_at: datetime,
    live: bool,
) -> Saved:
    """Write what was decided. Raises Conflict where a row is not what the decision began with.

    An event is recorded at the end of its step; `recorded_at` is when rows were looked at in
    which nothing happened. `live` is for new rows: whether the wall clock moves them."""
    new: list[_Written] = []
    moved: list[_Written] = []
    same: list[Change] = []
    for change in changes:
        e = change.decision.enrollment
        if change.before is None:
            if e.exists:
                new.append(_Written(tenant_id, change))
        elif e.revision != change.before.enrollment.revision:
            moved.append(_Written(tenant_id, change))
        else:
            same.append(change)
    lost = await _create(conn, tenant_id, new, live)
    kept = [written for written in new if written.enrollment.id not in lost]
    events = [row for written in (*moved, *kept) for row in written.events]
    if moved:
        await _move(conn, tenant_id, moved, events)
    elif events:
        await _tell(conn, events)
    if same:
        await _correct(conn, tenant_id, same, recorded_at)
    await traces.save(conn, tenant_id, [(one.before, one.decision) for one in (*moved, *kept)])
    created = tuple(written.enrollment.id for written in kept)
    return Saved(len(moved), created, tuple(sorted(lost)), len(events))


class _Written:
    """A change as it is written: its columns, its document, its events."""

    __slots__ = ("before", "columns", "decision", "document", "enrollment", "events")

    def __init__(self, tenant_id: UUID, change: Change) -> None:
        decision = self.decision = change.decision
        e = self.enrollment = decision.enrollment
        self.before = None if change.before is None else change.before.enrollment
        self.columns = columns(e, change.certification, e.updated_at, decision.next_due_at)
        self.events, told = _event_rows(tenant_id, decision, change.author)
        # What the last step came to is the state now; it is put into JSON once.
        last = decision.events[-1] if decision.events else None
        same = last is not None and last.revision == e.revision
        self.document = told if same and told is not None else encode_enrollment(e)


def _event_rows(
    tenant_id: UUID, decision: Decision, author: Author
) -> tuple[list[tuple[Any, ...]], bytes | None]:
    """The events' rows. The state stands on the last event of each step, and is returned as the
    last step left it."""
    e = decision.enrollment
    rows: list[tuple[Any, ...]] = []
    document: bytes | None = None
    last = len(decision.events) - 1
    for place, event in enumerate(decision.events):
        after = None
        if place == last or decision.events[place + 1].revision != event.revision:
            document = after = encode_enrollment(event.after)
        by = TIME if event.by_time else author
        rows.append(
            (
                tenant_id,
                event.id,
                e.id,
                e.certification_id,
                e.learner_id,
                event.sequence,
                event.revision,
                event.type,
                event.effective_at,
                event.after.updated_at,
                event.stale,
                by.actor,
                by.on_behalf_of,
                by.reason,
                by.bulk_operation_id,
                event.before_status,
                event.before_standing,
                json_of(event.data) if event.data else b"{}",
                after,
            )
        )
    return rows, document


async def _move(
    conn: AsyncConnection,
    tenant_id: UUID,
    moved: list[_Written],
    events: list[tuple[Any, ...]],
) -> None:
    """Write the new states over those that the decisions began with, and say what happened."""
    rows = [
        (*one.columns, one.document, 0 if one.before is None else one.before.revision)
        for one in moved
    ]
    if len(moved) == 1 and 0 < len(events) <= FEW:
        said = [event[1:] for event in events]
        statement = _move_and_tell(len(events))
        found = await driver(conn).fetch(statement, tenant_id, *rows[0], *flat(said))
        _expect(moved, found)
        return
    sql, parameters = _MOVE_ROWS.asked(rows)
    _expect(moved, await driver(conn).fetch(sql, tenant_id, *parameters))
    await _tell(conn, events)


def _expect(written: list[_Written], rows: list[Any]) -> None:
    """Every row came back; one that did not has another revision by now."""
    if len(rows) == len(written):
        return
    returned = {row[0] for row in rows}
    missing = tuple(one.enrollment.id for one in written if one.enrollment.id not in returned)
    raise Conflict("an enrollment was changed meanwhile", missing)


async def _tell(conn: AsyncConnection, events: list[tuple[Any, ...]]) -> None:
    """Append events, in the order in which they were recorded."""
    if not events:
        return
    if len(events) <= FEW:
        sql, parameters = _TELL_ROWS.asked([event[1:] for event in events])
        await driver(conn).execute(sql, events[0][0], *parameters)
        return
    await copy_rows(conn, "events", _EVENT_COLUMNS, sorted(events, key=itemgetter(_RECORDED_AT)))


async def _create(
    conn: AsyncConnection, tenant_id: UUID, new: list[_Written], live: bool
) -> frozenset[UUID]:
    """Insert new rows; the ids of those whose learner is enrolled there by now."""
    if not new:
        return frozenset()
    # In the order of their natural key, so that two batches with the same learners wait for each
    # other instead of deadlocking.
    new = sorted(new, key=lambda one: (one.enrollment.learner_id, one.enrollment.certification_id))
    sql, parameters = _CREATE.asked(
        [
            (
                *one.columns,
                one.document,
                one.enrollment.certification_id,
                one.enrollment.learner_id,
                one.enrollment.enrolled_at,
            )
            for one in new
        ]
    )
    rows = await driver(conn).fetch(sql, tenant_id, *parameters, live)
    return frozenset(written.enrollment.id for written in new) - {row[0] for row in rows}


async def _correct(
    conn: AsyncConnection, tenant_id: UUID, same: list[Change], now: datetime
) -> None:
    """Put right what is stored of rows in which nothing happened, where it is wrong."""
    wrong: list[tuple[Any, ...]] = []
    for change in same:
        before = change.before
        assert before is not None
        e = change.decision.enrollment
        due = change.decision.next_due_at
        new = columns(e, change.certification, max(now, e.updated_at), due)
        stands = (before.next_due_at, ",".join(before.flags), before.evidence_from)
        if stands != (new.next_due_at, new.flags, new.evidence_from) or before.set_aside_at:
            wrong.append((e.id, new.next_due_at, new.flags, new.evidence_from, e.revision))
    if wrong:
        sql, parameters = _CORRECT.asked(wrong)
        await driver(conn).execute(sql, tenant_id, *parameters)


async def set_aside(
    conn: AsyncConnection, tenant_id: UUID, id: UUID, error: str, at: datetime
) -> None:
    """Keep a row whose rules raise from being claimed again, with its error."""
    # Text in the database holds no NUL, and an error's message may be of any length.
    message = error.replace("\x00", "").encode(errors="replace").decode()[:2000]
    await driver(conn).execute(_SET_ASIDE, tenant_id, id, at, message)
