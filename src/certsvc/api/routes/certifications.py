"""Certifications: create, list, read, change, archive."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.preconditions import etag, expected_revision
from certsvc.api.routing import Operations
from certsvc.api.schemas.certification import (
    Archival,
    Certification,
    CertificationDraft,
    CertificationPage,
    CertificationPatch,
    ChangedCertification,
)
from certsvc.api.schemas.values import Reference
from certsvc.store import certifications as stored
from certsvc.store.api_keys import Role
from certsvc.store.certifications import CertificationRow
from certsvc.usecases import certifications
from certsvc.usecases.certifications import CertificationChange, Changed, NewCertification

router = Operations("certifications")
Turn = Callable[..., Awaitable[Any]]
Named = Annotated[Reference, Path(description="The certification's id or key.")]


def described(row: CertificationRow) -> dict[str, Any]:
    """A certification as it is answered."""
    return {
        "id": row.id,
        "key": row.key,
        "title": row.title or {},
        "description": row.description or {},
        "metadata": row.metadata or {},
        "active": row.active,
        "hidden": row.hidden,
        "archived": row.archived.now,
        "automatic_recertification": row.automatic.now,
        "self_enrollment": row.self_enrollment,
        "acceptance_required": row.acceptance_required,
        "revision": row.revision,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _answered(exchange: Exchange, outcome: Any, status: int = 200) -> Answer:
    if not isinstance(outcome, CertificationRow):
        return no_answer(exchange, outcome)
    return answer(described(outcome), status, etag=etag(outcome.revision))


@router.operation(
    "POST", "/certifications", Certification, role=Role.ADMIN, status=201, refusals=("key_taken",)
)
async def create_certification(call: Call, body: CertificationDraft) -> Response:
    """Create a certification. It takes learners once a version is published."""
    given = body.model_dump(exclude_none=True, exclude={"reason", "on_behalf_of"})

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        new = NewCertification(**{"title": {}, "description": {}, "metadata": {}, **given})
        made = await certifications.create(conn, call.tenant, now, new)
        return _answered(call, made, 201)

    return await call.change(work)


@router.operation("GET", "/certifications", CertificationPage, role=Role.READER)
async def list_certifications(
    call: Call,
    archived: Annotated[
        bool | None, Query(description="Only retired ones, or only others.")
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List certifications."""
    mark = digest("certifications", {"archived": archived})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.page(
            conn, call.tenant_id, archived=archived, after=after, limit=limit + 1
        )
        return page(rows, limit, mark, now, lambda row: row.id, described)

    return await call.read(work)


@router.operation(
    "GET",
    "/certifications/{certification}",
    Certification,
    role=Role.READER,
    refusals=("certification_not_found",),
)
async def get_certification(call: Call, certification: Named) -> Response:
    """Read a certification."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        return _answered(call, await certifications.get(conn, call.tenant, certification))

    return await call.read(work)


@router.operation(
    "PATCH",
    "/certifications/{certification}",
    ChangedCertification,
    role=Role.ADMIN,
    refusals=("certification_not_found", "stale_revision"),
)
async def change_certification(
    call: Call, certification: Named, body: CertificationPatch
) -> Response:
    """Change texts and switches; switches act at once."""
    beside = {"reason", "on_behalf_of", "dry_run", "expected_revision"}
    change = CertificationChange(**body.model_dump(exclude_none=True, exclude=beside))
    expected = expected_revision(call.request, body.expected_revision)
    dry_run = bool(body.dry_run)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await certifications.change(
            conn,
            call.tenant,
            now,
            certification,
            change,
            call.author(body),
            dry_run=dry_run,
            expected_revision=expected,
        )
        return _changed(call, outcome, dry_run)

    return await call.change(work)


def _changed(exchange: Exchange, outcome: Any, dry_run: bool) -> Answer:
    if not isinstance(outcome, Changed):
        return no_answer(exchange, outcome)
    row, done = outcome.certification, outcome.effect
    effect = {
        "dry_run": dry_run,
        "recertifications_opened": done.opened,
        "concerned": done.concerned,
        "members_to_enroll": done.joining,
        "enrollments_by_status": done.statuses,
        "sample": done.sample,
    }
    return answer({**described(row), "effect": effect}, etag=etag(row.revision))


@router.operation(
    "POST",
    "/certifications/{certification}/archive",
    ChangedCertification,
    role=Role.ADMIN,
    refusals=("certification_not_found",),
)
async def archive_certification(
    call: Call, certification: Named, body: Archival | None = None
) -> Response:
    """Retire a certification: no cycle opens any more; open ones may finish."""
    return await _turned(call, certifications.archive, certification, body or Archival())


@router.operation(
    "POST",
    "/certifications/{certification}/unarchive",
    ChangedCertification,
    role=Role.ADMIN,
    refusals=("certification_not_found",),
)
async def unarchive_certification(
    call: Call, certification: Named, body: Archival | None = None
) -> Response:
    """Bring a certification back: cycles that waited open."""
    return await _turned(call, certifications.unarchive, certification, body or Archival())


async def _turned(call: Exchange, turn: Turn, certification: str, sent: Archival) -> Response:
    dry_run = bool(sent.dry_run)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        author = call.author(sent)
        outcome = await turn(conn, call.tenant, now, certification, author, dry_run=dry_run)
        return _changed(call, outcome, dry_run)

    return await call.change(work)
