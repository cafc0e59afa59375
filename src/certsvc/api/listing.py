"""Lists of enrollments: which are chosen, and from where a page goes on."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Exchange
from certsvc.api.paging import cursor_after, digest, place_of
from certsvc.domain.describe import describe
from certsvc.store import certifications, enrollment_pages, enrollments
from certsvc.store.enrollment_pages import Filters, Position
from certsvc.store.enrollments import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a list was asked for. Certifications are ids or keys."""

    certifications: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    standings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    source: str | None = None
    group: str | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    updated_after: datetime | None = None
    without_hidden: bool = False


async def enrollment_page(
    exchange: Exchange, chosen: Selection, limit: int, cursor: str | None
) -> Response:
    """A page of enrollments, selected on stored state and shown as stored."""
    mark = digest("enrollments", asdict(chosen))
    after = place_of(cursor, mark, _position)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        as_of = await enrollments.stored_as_of(conn, exchange.tenant_id, now)
        filters = await _filters(conn, exchange.tenant_id, chosen)
        if filters is None:
            return answer({"items": [], "next_cursor": None, "as_of": as_of})
        found = await enrollment_pages.page(conn, exchange.tenant_id, filters, after, limit)
        following = None if found.next is None else cursor_after(mark, _text(found.next))
        shown = [row for row in found.items if not (chosen.without_hidden and _hidden(row))]
        items = [_described(row, as_of) for row in shown]
        return answer({"items": items, "next_cursor": following, "as_of": as_of})

    return await exchange.read(work)


async def _filters(conn: AsyncConnection, tenant_id: UUID, chosen: Selection) -> Filters | None:
    """The store's filters; None where only unknown certifications were asked for."""
    known: tuple[UUID, ...] = ()
    if chosen.certifications:
        found = await certifications.resolve(conn, tenant_id, chosen.certifications)
        known = tuple({id for id, _ in found.values()})
        if not known:
            return None
    given: dict[str, Any] = asdict(chosen)
    del given["certifications"], given["without_hidden"]
    return Filters(certifications=known, **given)


def _described(row: Locked, as_of: datetime) -> dict[str, Any]:
    at = max(as_of, row.enrollment.updated_at)
    return describe(row.enrollment, row.certification, at)


def _hidden(row: Locked) -> bool:
    return row.certification.hidden


def _text(position: Position) -> str:
    instant = "" if position.instant is None else position.instant.isoformat()
    return f"{position.id} {instant}"


def _position(text: str) -> Position:
    id, _, instant = text.partition(" ")
    at = datetime.fromisoformat(instant) if instant else None
    if at is not None and at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return Position(UUID(id), at)
