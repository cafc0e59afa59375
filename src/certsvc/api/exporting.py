"""Exports of enrollments: all that are selected, written as they are read, batch by batch.

A batch is one short transaction, so that no export holds one open for as long as a client takes to
read it, and no more than a batch is in memory. Each row is as it was stored when its batch was
read. What goes wrong on the way breaks the connection off: a body that ends is whole.
"""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from starlette.responses import Response, StreamingResponse

from certsvc.api.answers import render
from certsvc.api.exchange import Exchange
from certsvc.api.listing import BY_ID, Selection, filters_of, shown
from certsvc.api.persistence import Attempt, persistently
from certsvc.store import enrollments
from certsvc.store.db import transaction
from certsvc.store.enrollment_looks import Look
from certsvc.store.enrollment_pages import Position
from certsvc.store.looking import Seen
from certsvc.usecases.now import now_of

BATCH = 1000
"""How many are read at once."""

PIECE = 100
"""How many are written before others have their turn: a batch at once would keep them waiting."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = dict[str, Any]
Write = Callable[[Iterable[Row]], bytes]
CSV = "text/csv; charset=utf-8; header=present"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some enrollments, where the next ones begin after, and how far time has come there."""

    rows: Sequence[Seen]
    next: Position | None
    as_of: datetime


def _plain(name: str) -> Callable[[Row], Any]:
    return lambda row: row[name]


def _of_certificate(name: str) -> Callable[[Row], Any]:
    return lambda row: None if row["certificate"] is None else row["certificate"][name]


def _of_assignments(name: str) -> Callable[[Row], Any]:
    return lambda row: list(dict.fromkeys(a[name] for a in row["assignments"] if a[name]))


# The columns of the table, in their order: new ones come behind.
COLUMNS: dict[str, Callable[[Row], Any]] = {
    "enrollment_id": _plain("id"),
    "certification_id": _plain("certification_id"),
    "certification_key": _plain("certification_key"),
    "learner_id": _plain("learner_id"),
    "status": _plain("status"),
    "standing": _plain("standing"),
    "work": _plain("work"),
    "suspended": _plain("suspended"),
    "flags": _plain("flags"),
    "enrolled_at": _plain("enrolled_at"),
    "updated_at": _plain("updated_at"),
    "certified_at": _plain("certified_at"),
    "expires_at": _plain("expires_at"),
    "lapses_at": _plain("lapses_at"),
    "recertification_at": _plain("recertification_at"),
    "due_at": _plain("due_at"),
    "sources": _of_assignments("source"),
    "groups": _of_assignments("group"),
    "certificate_number": _of_certificate("number"),
    "certificate_code": _of_certificate("code"),
    "valid_through": _of_certificate("valid_through"),
}


async def export(exchange: Exchange, chosen: Selection, format: str) -> Response:
    """The answer that writes the enrollments. What refuses them refuses before it begins."""
    table = format == "csv"
    media_type, write = (CSV, _table) if table else (NDJSON, _lines)
    first = await _read(exchange, chosen, None)
    name = f"enrollments-{first.as_of:%Y-%m-%d}.{format}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    if exchange.request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    pieces = _pieces(exchange, chosen, first, write, _row(COLUMNS) if table else b"")
    return StreamingResponse(pieces, headers=headers, media_type=media_type)


async def _read(exchange: Exchange, chosen: Selection, after: Position | None) -> _Batch:
    """The next batch, in a transaction of its own."""

    async def attempt(_: Attempt) -> _Batch:
        async with transaction(exchange.service.engine) as conn:
            tenant_id = exchange.tenant_id
            now = await now_of(conn, exchange.tenant, share=False)
            as_of = await enrollments.stored_as_of(conn, tenant_id, now)
            filters = await filters_of(conn, tenant_id, chosen)
            if filters is None:
                return _Batch([], None, as_of)
            look = Look(BATCH, BY_ID)
            async with aclosing(look.at(conn, tenant_id, filters, after)) as pieces:
                rows = [row async for piece in pieces for row in piece]
            return _Batch(rows, look.next, as_of)

    return await persistently(attempt)


async def _pieces(
    exchange: Exchange, chosen: Selection, batch: _Batch, write: Write, head: bytes
) -> AsyncIterator[bytes]:
    """What is written, piece by piece. The next batch is read when this one was taken."""
    if head:
        yield head
    while True:
        for first in range(0, len(batch.rows), PIECE):
            rows = batch.rows[first : first + PIECE]
            yield write([shown(row, batch.as_of) for row in rows])
            await asyncio.sleep(0)
        if batch.next is None:
            return
        batch = await _read(exchange, chosen, batch.next)


def _lines(items: Iterable[Row]) -> bytes:
    return b"".join(render(item) + b"\n" for item in items)


def _table(items: Iterable[Row]) -> bytes:
    return b"".join(_row(cell(read(item)) for read in COLUMNS.values()) for item in items)


def _row(cells: Iterable[str]) -> bytes:
    written = StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().encode()


def cell(value: Any) -> str:
    """A value as a cell of the table. What a spreadsheet would take for a formula begins with a
    quote: an id of the LMS's may begin with any of these characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple):
        return cell(";".join(str(one) for one in value))
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
