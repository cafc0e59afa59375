"""Versions of a certification: draft, list, read, replace, publish."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer, not_publishable
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_number, digest, page
from certsvc.api.routes.certifications import Named
from certsvc.api.routing import Operations
from certsvc.api.schemas.certification import (
    Publication,
    PublishedVersion,
    Version,
    VersionDraft,
    VersionPage,
)
from certsvc.api.schemas.definition import DefinitionInput
from certsvc.store.api_keys import Role
from certsvc.store.versions import VersionRow
from certsvc.usecases import versions
from certsvc.usecases.answers import NotFound
from certsvc.usecases.versions import NotPublishable, Published

router = Operations("versions")
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version's number.")]
MISSING = ("certification_not_found", "version_not_found")


def described(row: VersionRow, superseded: bool = False) -> dict[str, Any]:
    """A version as it is answered."""
    return {
        "certification_id": row.certification_id,
        "number": row.number,
        "state": "superseded" if superseded else row.state,
        **{part: row.definition.get(part) for part in DefinitionInput.model_fields},
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "published_at": row.published_at,
    }


def _all_described(rows: Sequence[VersionRow]) -> list[dict[str, Any]]:
    """Numbers have no gaps: a version is superseded when the one after it is published."""
    published = {row.number for row in rows if row.state == "published"}
    return [described(row, {row.number, row.number + 1} <= published) for row in rows]


def _drafted(exchange: Exchange, outcome: Any, status: int = 200) -> Answer:
    if not isinstance(outcome, VersionRow):
        return no_answer(exchange, outcome)
    return answer(described(outcome), status)


@router.operation(
    "POST",
    "/certifications/{certification}/versions",
    Version,
    role=Role.ADMIN,
    status=201,
    refusals=("certification_not_found", "draft_exists"),
)
async def create_version(call: Call, certification: Named, body: VersionDraft) -> Response:
    """Draft the next version; there is one draft at a time."""
    document = body.document()

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        made = await versions.draft(conn, call.tenant, now, certification, document)
        return _drafted(call, made, 201)

    return await call.change(work)


@router.operation(
    "GET",
    "/certifications/{certification}/versions",
    VersionPage,
    role=Role.READER,
    refusals=("certification_not_found",),
)
async def list_versions(
    call: Call, certification: Named, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the versions of a certification, the first one first."""
    mark = digest("versions", {"certification": certification})
    after = after_number(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await versions.list_versions(conn, call.tenant, certification, after, limit + 1)
        if isinstance(rows, NotFound):
            return no_answer(call, rows)
        shown = _all_described(rows)
        return page(shown, limit, mark, now, lambda row: row["number"], lambda row: row)

    return await call.read(work)


@router.operation(
    "GET",
    "/certifications/{certification}/versions/{number}",
    Version,
    role=Role.READER,
    refusals=MISSING,
)
async def get_version(call: Call, certification: Named, number: Number) -> Response:
    """Read a version."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        rows = await versions.list_versions(conn, call.tenant, certification, number - 1, 2)
        if isinstance(rows, NotFound):
            return no_answer(call, rows)
        if not rows or rows[0].number != number:
            return no_answer(call, NotFound("version", str(number)))
        return answer(_all_described(rows)[0])

    return await call.read(work)


@router.operation(
    "PUT",
    "/certifications/{certification}/versions/{number}",
    Version,
    role=Role.ADMIN,
    refusals=(*MISSING, "version_published"),
)
async def replace_version(
    call: Call, certification: Named, number: Number, body: VersionDraft
) -> Response:
    """Replace a draft. A published version never changes."""
    document = body.document()

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await versions.replace_draft(
            conn, call.tenant, now, certification, number, document
        )
        return _drafted(call, outcome)

    return await call.change(work)


@router.operation(
    "POST",
    "/certifications/{certification}/versions/{number}/publish",
    PublishedVersion,
    role=Role.ADMIN,
    refusals=(*MISSING, "version_published", "not_publishable"),
)
async def publish_version(
    call: Call, certification: Named, number: Number, body: Publication | None = None
) -> Response:
    """Publish a draft. When it cannot be, every reason is listed."""
    sent = body or Publication()
    dry_run = bool(sent.dry_run)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await versions.publish(
            conn,
            call.tenant,
            now,
            certification,
            number,
            call.author(sent),
            dry_run=dry_run,
        )
        return _published(call, outcome, dry_run)

    return await call.change(work)


def _published(exchange: Exchange, outcome: Any, dry_run: bool) -> Answer:
    if isinstance(outcome, NotPublishable):
        return exchange.refused(not_publishable(outcome.reasons))
    if not isinstance(outcome, Published):
        return no_answer(exchange, outcome)
    done = outcome.effect
    effect = {
        "dry_run": dry_run,
        "opened": done.opened,
        "concerned": done.concerned,
        "members_to_enroll": done.joining,
        "open_cycles_by_version": {str(number): count for number, count in done.versions.items()},
        "enrollments_by_status": done.statuses,
        "sample": done.sample,
    }
    return answer({**described(outcome.version), "effect": effect})
