"""The feed: everything that happened in the tenant, for readers that keep a cursor."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.event_feed import Asked, Follower
from certsvc.api.exchange import Call
from certsvc.api.problems import Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.event import EventPage, EventQuery
from certsvc.store import certifications
from certsvc.store.api_keys import Role

router = Operations("events")


@router.operation(
    "GET",
    "/events",
    EventPage,
    role=Role.READER,
    refusals=("invalid_cursor", "unknown_certification"),
)
async def list_events(call: Call, asked: Annotated[EventQuery, Query()]) -> Response:
    """Follow what happens, in an order in which nothing is skipped and nothing comes twice.

    An answer may be empty although there is more, where a filter lets little through: go on."""
    wanted = None
    if asked.certification is not None:
        wanted = await _certification_id(call, asked.certification)
    follower = Follower(call, Asked(tuple(asked.types), wanted, asked.limit))
    return await follower.answer(asked.after, latest=asked.start == "latest", wait=asked.wait)


async def _certification_id(call: Call, id_or_key: str) -> UUID:
    """Its id. One that is not there is refused: a reader would wait for its events for ever."""

    async def work(conn: AsyncConnection, _: datetime) -> UUID | None:
        found = await certifications.resolve(conn, call.tenant_id, [id_or_key])
        return found[id_or_key][0] if id_or_key in found else None

    id = await call.look(work)
    if id is None:
        raise Problem("unknown_certification", "No certification has this id or key.")
    return id
