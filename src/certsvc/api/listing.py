"""Lists of enrollments: which are chosen, and from where a page goes on."""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Exchange
from certsvc.api.paging import cursor_after, digest, place_of
from certsvc.api.schemas.enrollment import EnrollmentFilter
from certsvc.api.schemas.values import LMS_ID
from certsvc.domain.describe import describe
from certsvc.domain.to_do import Task, to_do
from certsvc.store import certifications, enrollment_pages, enrollments, texts
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollment_looks import Look
from certsvc.store.enrollment_pages import Order, Position, Sort, order_of
from certsvc.store.enrollments import Locked
from certsvc.store.looking import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a list was asked for. Certifications are ids or keys."""

    certifications: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    standings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    view: str | None = None
    source: str | None = None
    group: str | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    due_before: datetime | None = None
    due_after: datetime | None = None
    updated_after: datetime | None = None
    hidden: bool | None = None

    @classmethod
    def of(cls, asked: EnrollmentFilter) -> "Selection":
        """The selection that was asked for."""
        return cls(
            certifications=tuple(asked.certification),
            learners=tuple(asked.learner_id),
            statuses=tuple(asked.status),
            standings=tuple(asked.standing),
            flags=tuple(asked.flag),
            **asked.model_dump(include=_ALONE),
        )

    def order(self, sort: str | None = None, direction: str | None = None) -> Order:
        """The order that was asked for; without one, that of the range of instants asked for."""
        ranges = {name: getattr(self, name) for name in _RANGES}
        by = None if sort is None else Sort(sort)
        return order_of(Filters(**ranges), by, direction == "desc")


_RANGES = ("expires_before", "expires_after", "due_before", "due_after", "updated_after")
_ALONE = {"view", "source", "group", *_RANGES}
BY_ID = Order()
Items = list[dict[str, Any]]
Found = tuple[Items, Position | None]
Describe = Callable[[AsyncConnection, UUID, Filters, "Wanted"], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page, and as of when its enrollments are shown."""

    after: Position | None
    limit: int
    order: Order
    as_of: datetime


async def described(
    conn: AsyncConnection, tenant_id: UUID, filters: Filters, wanted: Wanted
) -> Found:
    """The enrollments as the interface has them."""
    look = Look(wanted.limit, wanted.order)
    items: Items = []
    async with aclosing(look.at(conn, tenant_id, filters, wanted.after)) as pieces:
        async for rows in pieces:
            items += [shown(row, wanted.as_of) for row in rows]
    return items, look.next


async def described_to_learner(
    conn: AsyncConnection, tenant_id: UUID, filters: Filters, wanted: Wanted
) -> Found:
    """The same, with what each is about, and what there is to do, which depends on evidence."""
    page = await enrollment_pages.page(
        conn, tenant_id, filters, wanted.after, wanted.limit, wanted.order
    )
    ids = [row.enrollment.certification_id for row in page.items]
    known = await texts.of_certifications(conn, tenant_id, ids)
    items = [
        {
            **shown(row, wanted.as_of),
            "certification_title": known[id].title,
            "certification_description": known[id].description,
            "to_do": [_task(task) for task in _to_do(row, wanted.as_of)],
        }
        for id, row in zip(ids, page.items, strict=True)
    ]
    return items, page.next


async def enrollment_page(
    exchange: Exchange,
    chosen: Selection,
    limit: int,
    cursor: str | None,
    order: Order = BY_ID,
    how: Describe = described,
) -> Response:
    """A page of enrollments, selected on stored state and shown as stored."""
    mark = digest("enrollments", {**asdict(chosen), "order": [order.by, order.descending]})
    after = place_of(cursor, mark, _READ.get(order.by, dated_position_of))

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        as_of = await enrollments.stored_as_of(conn, exchange.tenant_id, now)
        filters = await filters_of(conn, exchange.tenant_id, chosen)
        if filters is None:
            return answer({"items": [], "next_cursor": None, "as_of": as_of})
        wanted = Wanted(after, limit, order, as_of)
        items, end = await how(conn, exchange.tenant_id, filters, wanted)
        following = None if end is None else cursor_after(mark, text_of(end))
        return answer({"items": items, "next_cursor": following, "as_of": as_of})

    return await exchange.read(work)


async def filters_of(conn: AsyncConnection, tenant_id: UUID, chosen: Selection) -> Filters | None:
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


def shown(row: Locked | Seen, as_of: datetime) -> dict[str, Any]:
    """One enrollment as the interface has it."""
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
    beside = position.learner_id or ""
    if position.instant is not None:
        beside = position.instant.isoformat()
    return f"{position.id} {beside}"


def id_position_of(text: str) -> Position:
    """The position that a cursor carries where ids are in order."""
    return Position(UUID(text.strip()))


def dated_position_of(text: str) -> Position:
    """The position that a cursor carries where instants are in order."""
    id, _, instant = text.partition(" ")
    at = datetime.fromisoformat(instant)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    try:
        return Position(UUID(id), at.astimezone(UTC))
    except OverflowError as error:
        raise ValueError("an instant out of range") from error


def learner_position_of(text: str) -> Position:
    """The position that a cursor carries where learners are in order."""
    id, _, learner_id = text.partition(" ")
    if not _LMS_ID.fullmatch(learner_id):
        raise ValueError("not an id of the LMS's")
    return Position(UUID(id), learner_id=learner_id)


_LMS_ID = re.compile(LMS_ID, re.ASCII)
_READ = {Sort.ID: id_position_of, Sort.LEARNER_ID: learner_position_of}
