"""Calendars: made and revoked by the LMS, and read by anybody who has the URL."""

import asyncio
from datetime import datetime
from hashlib import blake2b
from secrets import token_bytes
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response
from uuid_utils.compat import uuid7

from certsvc.api.answers import Answer, answer
from certsvc.api.calendar_files import MEDIA_TYPE, calendar_file
from certsvc.api.exchange import Call, Exchange
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.persistence import persistently
from certsvc.api.preconditions import unchanged
from certsvc.api.problems import Fault, Problem
from certsvc.api.roles import PUBLIC
from certsvc.api.routing import Operations
from certsvc.api.schemas.calendar import Calendar, CalendarPage, CalendarRequest, NewCalendar
from certsvc.api.schemas.values import LmsId, OurId
from certsvc.store import calendars, certifications
from certsvc.store.api_keys import SECRET_BYTES, Role, hash_secret
from certsvc.store.calendars import CalendarRow, read_token
from certsvc.store.db import transaction
from certsvc.usecases.calendars import Contents, contents
from certsvc.usecases.now import now_of

router = Operations("calendars")
CalendarId = Annotated[OurId, Path(description="Of the calendar.")]
NOT_FOUND = Problem("calendar_not_found", "There is no such calendar.")
SUFFIX = ".ics"
FEED = "/v1/calendars/feed/"
# It may be kept, but is asked for anew each time: a revoked calendar is gone at once.
_CACHING = {"cache-control": "private, no-cache"}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The calendar as a file.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "contentMediaType": MEDIA_TYPE}}},
    },
    304: {"description": "If-None-Match names the present file."},
}


def _described(row: CalendarRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "learner_id": row.learner_id,
        "certification_id": row.certification_id,
        "language": row.language,
        "created_at": row.created_at,
    }


@router.operation(
    "POST",
    "/calendars",
    NewCalendar,
    role=Role.LMS,
    status=201,
    refusals=("certification_not_found", "invalid_parameter"),
)
async def create_calendar(call: Call, body: CalendarRequest) -> Response:
    """Make a calendar of the dates ahead: of a learner (due, window, expiry, lapse; not of hidden
    certifications), or of a certification (how many have which date on a day, of 400 days ahead).
    Its URL is shown this once: only a hash is stored."""
    if (body.learner_id is None) == (body.certification is None):
        raise _one_subject()
    base = _base(call)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        certification_id: UUID | None = None
        if body.certification is not None:
            found = await certifications.resolve(conn, call.tenant_id, [body.certification])
            if not found:
                problem = Problem("certification_not_found", "There is no such certification.")
                return call.refused(problem)
            certification_id = found[body.certification][0]
        id, secret = uuid7(), token_bytes(SECRET_BYTES)
        row = CalendarRow(
            id=id,
            learner_id=body.learner_id,
            certification_id=certification_id,
            language=body.language,
            secret_hash=hash_secret(secret),
            created_at=now,
        )
        await calendars.insert(conn, call.tenant_id, row)
        token = calendars.make_token(call.tenant_id, id, secret)
        url = f"{base}{FEED}{token}{SUFFIX}"
        return answer({**_described(row), "url": url}, 201).confidential(token)

    return await call.change(work)


def _one_subject() -> Problem:
    detail = "is needed, or certification; not both"
    fault = Fault(code="one_subject", detail=detail, pointer="/learner_id")
    return Problem(
        "invalid_parameter", "A calendar is either a learner's or a certification's.", (fault,)
    )


def _base(call: Exchange) -> str:
    """Where this service is reached: as operators say, or as the request came."""
    return call.service.settings.public_url or str(call.request.base_url).rstrip("/")


@router.operation("GET", "/calendars", CalendarPage, role=Role.READER)
async def list_calendars(
    call: Call,
    learner_id: Annotated[LmsId | None, Query(description="Only those of the learner.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List the calendars, without their URLs."""
    mark = digest("calendars", {"learner_id": learner_id})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await calendars.page(
            conn, call.tenant_id, learner_id=learner_id, after=after, limit=limit + 1
        )
        return page(rows, limit, mark, now, lambda row: row.id, _described)

    return await call.read(work)


@router.operation(
    "GET",
    "/calendars/{calendar_id}",
    Calendar,
    role=Role.READER,
    refusals=("calendar_not_found",),
)
async def get_calendar(call: Call, calendar_id: CalendarId) -> Response:
    """Read whose dates a calendar shows."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        found = await calendars.get(conn, call.tenant_id, calendar_id)
        return call.refused(NOT_FOUND) if found is None else answer(_described(found))

    return await call.read(work)


@router.operation(
    "DELETE",
    "/calendars/{calendar_id}",
    None,
    role=Role.LMS,
    status=204,
    refusals=("calendar_not_found",),
)
async def revoke_calendar(call: Call, calendar_id: CalendarId) -> Response:
    """Revoke a calendar. Its URL leads nowhere at once."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        if not await calendars.delete(conn, call.tenant_id, calendar_id):
            return call.refused(NOT_FOUND)
        return Answer(204, b"")

    return await call.change(work)


@router.operation(
    "GET",
    "/calendars/feed/{token}",
    None,
    role=PUBLIC,
    refusals=("calendar_not_found",),
    response_class=Response,
    responses=FILE,
)
async def read_calendar_feed(
    request: Request,
    token: Annotated[str, Path(max_length=200, description="As in the URL, with its .ics.")],
) -> Response:
    """Read a calendar as an iCalendar file. Needs no key: the URL is the secret."""
    found = await persistently(lambda _: _contents(request, token))
    if found is None:
        raise Problem("calendar_not_found", "No calendar has this URL.")
    # Many entries take a while to be written: not in the way of other requests.
    body = await asyncio.to_thread(calendar_file, found)
    tag = blake2b(body, digest_size=12).hexdigest()
    headers = {**_CACHING, "etag": f'"{tag}"'}
    if unchanged(request, tag):
        return Answer(304, b"", headers=headers).response()
    return Answer(200, body, MEDIA_TYPE, headers).response()


async def _contents(request: Request, text: str) -> Contents | None:
    token = read_token(text.removesuffix(SUFFIX)) if text.endswith(SUFFIX) else None
    if token is None:
        return None
    service = request.app.state.service
    async with transaction(service.engine) as conn:
        found = await calendars.find(conn, token)
        if found is None:
            return None
        service.pace.admit(found.calendar.id)
        now = await now_of(conn, found.tenant, share=False)
        return await contents(conn, found.tenant, found.calendar, now)
