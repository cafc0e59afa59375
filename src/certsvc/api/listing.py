"""Lists of enrollments: which are chosen, and from where a page goes on."""

from collections.abc import Awaitable, Callable, Sequence
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
from certsvc.domain.to_do import Task, to_do
from certsvc.store import certifications, enrollment_pages, enrollments, texts
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
    hidden: bool | None = None


Items = list[dict[str, Any]]
Describe = Callable[[AsyncConnection, UUID, Sequence[Locked], datetime], Awaitable[Items]]


async def described(
    _conn: AsyncConnection, _tenant_id: UUID, rows: Sequence[Locked], as_of: datetime
) -> Items:
    """The enrollments as the interface has them."""
    return [_described(row, as_of) for row in rows]


async def described_to_learner(
    conn: AsyncConnection, tenant_id: UUID, rows: Sequence[Locked], as_of: datetime
) -> Items:
    """The same, with what each is about, and what there is to do."""
    ids = [row.enrollment.certification_id for row in rows]
    known = await texts.of_certifications(conn, tenant_id, ids)
    return [
        {
            **_described(row, as_of),
            "certification_title": known[id].title,
            "certification_description": known[id].description,
            "to_do": [_task(task) for task in _to_do(row, as_of)],
        }
        for id, row in zip(ids, rows, strict=True)
    ]


async def enrollment_page(
    exchange: Exchange,
    chosen: Selection,
    limit: int,
    cursor: str | None,
    shown: Describe = described,
) -> Response:
    """A page of enrollments, selected on stored state and shown as stored."""
    mark = digest("enrollments", asdict(chosen))
    after = place_of(cursor, mark, position_of)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        as_of = await enrollments.stored_as_of(conn, exchange.tenant_id, now)
        filters = await _filters(conn, exchange.tenant_id, chosen)
        if filters is None:
            return answer({"items": [], "next_cursor": None, "as_of": as_of})
        found = await enrollment_pages.page(conn, exchange.tenant_id, filters, after, limit)
        following = None if found.next is None else cursor_after(mark, text_of(found.next))
        items = await shown(conn, exchange.tenant_id, found.items, as_of)
        return answer({"items": items, "next_cursor": following, "as_of": as_of})

    return await exchange.read(work)


async def _filters(conn: AsyncConnection, tenant_id: UUID, chosen: Selection) -> Filters | None:
    """The store's filters; None where only unknown certifications were asked for."""
    known = await known_certifications(conn, tenant_id, chosen.certifications)
    if known is None:
        return None
    return Filters(**{**asdict(chosen), "certifications": known})


async def known_certifications(
    conn: AsyncConnection, tenant_id: UUID, ids_or_keys: Sequence[str]
) -> tuple[UUID, ...] | None:
    """The ids of those asked for; None where all of them are unknown."""
    if not ids_or_keys:
        return ()
    found = await certifications.resolve(conn, tenant_id, ids_or_keys)
    return tuple({id for id, _ in found.values()}) or None


def _described(row: Locked, as_of: datetime) -> dict[str, Any]:
    at = max(as_of, row.enrollment.updated_at)
    return describe(row.enrollment, row.certification, at)


def _to_do(row: Locked, as_of: datetime) -> Sequence[Task]:
    at = max(as_of, row.enrollment.updated_at)
    return to_do(row.enrollment, row.certification, at)


def _task(task: Task) -> dict[str, Any]:
    given = asdict(task)
    given["from"] = given.pop("since")  # a word of the language that names no field
    return given


def text_of(position: Position) -> str:
    """A position as a cursor carries it."""
    instant = "" if position.instant is None else position.instant.isoformat()
    return f"{position.id} {instant}"


def position_of(text: str) -> Position:
    """The position that a cursor carries."""
    id, _, instant = text.partition(" ")
    at = datetime.fromisoformat(instant) if instant else None
    if at is not None and at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return Position(UUID(id), at)
