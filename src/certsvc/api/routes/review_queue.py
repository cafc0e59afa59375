"""The queue of what waits for a person: applications, approvals, external evidence."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.listing import dated_position_of, known_certifications, text_of
from certsvc.api.paging import cursor_after, digest, place_of
from certsvc.api.routing import Operations
from certsvc.api.schemas.review_queue import ReviewQuery, ReviewQueuePage
from certsvc.domain.awaiting import AwaitingKind, answers, awaiting
from certsvc.domain.definition import Path
from certsvc.domain.opening import path_of
from certsvc.store import enrollments, review_queue
from certsvc.store.api_keys import Role
from certsvc.store.enrollments import Locked
from certsvc.store.review_queue import Chosen

router = Operations("enrollments")


@router.operation("GET", "/review-queue", ReviewQueuePage, role=Role.READER)
async def list_review_queue(call: Call, asked: Annotated[ReviewQuery, Query()]) -> Response:
    """List everything that waits for a person, the longest waiting first. Of several values of
    one filter any may hold; of several filters all must."""
    mark = digest("review-queue", asked.model_dump(exclude={"limit", "cursor"}))
    after = place_of(asked.cursor, mark, dated_position_of)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        as_of = await enrollments.stored_as_of(conn, call.tenant_id, now)
        known = await known_certifications(conn, call.tenant_id, asked.certification)
        if known is None:
            return answer({"items": [], "next_cursor": None, "as_of": as_of})
        kinds = [AwaitingKind(kind) for kind in asked.kind]
        chosen = Chosen(kinds=kinds, certifications=known, group=asked.group)
        found = await review_queue.page(conn, call.tenant_id, chosen, after, asked.limit)
        following = None if found.next is None else cursor_after(mark, text_of(found.next))
        items = [item for row in found.items if (item := _item(row, as_of)) is not None]
        return answer({"items": items, "next_cursor": following, "as_of": as_of})

    return await call.read(work)


def _item(row: Locked, as_of: datetime) -> dict[str, Any] | None:
    """The item; None where the enrollment was written by a release that knew of no queue."""
    e, c = row.enrollment, row.certification
    waiting = awaiting(e, c)
    if waiting is None:
        return None
    return {
        "kind": waiting.kind,
        "since": waiting.since,
        "enrollment_id": e.id,
        "certification_id": e.certification_id,
        "certification_key": c.key,
        "learner_id": e.learner_id,
        "status": e.status,
        "steps": [] if e.cycle is None else _steps(path_of(c, e.cycle), waiting.steps),
        "actions": answers(e, c, max(as_of, e.updated_at)),
    }


def _steps(path: Path, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"key": step.key, "title": step.title} for step in path.steps if step.key in keys]
