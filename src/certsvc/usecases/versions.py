"""Versions of a certification: one draft at a time, published for good."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification, published
from certsvc.domain.course import Courses
from certsvc.domain.definition import Definition
from certsvc.domain.events import EventType
from certsvc.domain.outcome import Refusal
from certsvc.domain.publication import Reason, reasons
from certsvc.store import versions
from certsvc.store.author import Author
from certsvc.store.concerned import Concern
from certsvc.store.tenants import Tenant
from certsvc.store.versions import VersionRow
from certsvc.store.waking import Sleep
from certsvc.usecases import draft_courses
from certsvc.usecases.answers import NotFound
from certsvc.usecases.certifications import Reference, get, lock, store, tell
from certsvc.usecases.effect import Effect, before
from certsvc.usecases.group_work import do_for_certification
from certsvc.usecases.waking import Change, foresee, set_going

DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class NotPublishable:
    """Everything that stands against publishing."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """The version, published or (dry run) as it would be, and what that does to people: cycles
    that waited open, open ones stay on their version."""

    version: VersionRow
    effect: Effect = field(default_factory=Effect)


async def get_version(
    conn: AsyncConnection, tenant: Tenant, reference: Reference, number: int
) -> VersionRow | NotFound:
    """One version, by its number."""
    certification = await get(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return certification
    row = await versions.get(conn, tenant.id, certification.id, number)
    return NotFound("version", str(number)) if row is None else row


async def list_versions(
    conn: AsyncConnection, tenant: Tenant, reference: Reference, after: int | None, limit: int
) -> Sequence[VersionRow] | NotFound:
    """A page of the versions, in order of their numbers."""
    certification = await get(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return certification
    return await versions.page(conn, tenant.id, certification.id, after=after, limit=limit)


async def draft(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    document: dict[str, Any],
) -> VersionRow | NotFound | Refusal:
    """Begin the next version."""
    certification = await lock(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return certification
    number = await versions.next_number(conn, tenant.id, certification.id)
    # Numbers are given in order and a draft is never thrown away, so it can only be the last.
    last = await versions.get(conn, tenant.id, certification.id, number - 1)
    if last is not None and last.state == DRAFT:
        return Refusal(
            reason_code="draft_exists",
            detail=f"Version {last.number} is still a draft: change it, or publish it.",
            code="draft_exists",
        )
    row = VersionRow(
        certification_id=certification.id,
        number=number,
        state=DRAFT,
        definition=document,
        published_at=None,
        created_at=now,
        updated_at=now,
    )
    await versions.insert(conn, tenant.id, row)
    return row


async def replace_draft(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    number: int,
    document: dict[str, Any],
) -> VersionRow | NotFound | Refusal:
    """Give a draft another content. A published version never changes."""
    certification = await lock(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return certification
    row = await versions.get(conn, tenant.id, certification.id, number)
    if row is None:
        return NotFound("version", str(number))
    if row.state != DRAFT:
        return _published_already(number)
    await versions.update_draft(conn, tenant.id, certification.id, number, document, now)
    return replace(row, definition=document, updated_at=now)


async def publish(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    number: int,
    author: Author,
    *,
    dry_run: bool = False,
) -> Published | NotFound | Refusal | NotPublishable:
    """Publish a draft, or list every reason against it. New cycles use it from then on; cycles
    that waited for a version open."""
    named = await draft_courses.hold(conn, tenant, reference, number)
    certification = await lock(conn, tenant, reference)
    if isinstance(certification, NotFound):
        return certification
    row = await versions.get(conn, tenant.id, certification.id, number)
    if row is None:
        return NotFound("version", str(number))
    if row.state != DRAFT:
        return _published_already(number)
    told = await draft_courses.told(conn, tenant, named, row.definition)
    bar = await draft_courses.bar(conn, tenant, certification.id, told)
    against = reasons(row.definition, bar)
    if against:
        return NotPublishable(against)
    at = max(now, certification.updated_at)
    after = replace(row, state="published", published_at=at, updated_at=at)
    lets_in = number == 1 and certification.active and not certification.archived.now
    was = await before(conn, tenant, certification.id, Concern.PUBLICATION, takes_learners=lets_in)
    if dry_run:
        would = _with_version(after, at, draft_courses.values(told))
        opened = await foresee(conn, tenant, at, certification.id, Sleep.OPENING, would)
        return Published(after, was.effect(opened))
    await versions.publish(conn, tenant.id, certification.id, number, at)
    await draft_courses.note(conn, tenant, certification.id, number, named)
    new = await store(conn, tenant, certification, at)
    await tell(conn, tenant, new, EventType.CERTIFICATION_PUBLISHED, author, version=number)
    if lets_in:
        await do_for_certification(conn, tenant, at, certification.id, author)
    opened = await set_going(conn, tenant, at, certification.id, Sleep.OPENING)
    return Published(after, was.effect(opened))


def _published_already(number: int) -> Refusal:
    return Refusal(
        reason_code="version_published",
        detail=f"Version {number} is published; a published version never changes.",
        code="version_published",
    )


def _with_version(row: VersionRow, at: datetime, told: Courses) -> Change:
    definition = Definition.read(row.definition)

    def changed(certification: Certification) -> Certification:
        present = [(v.number, v.definition, v.published_at) for v in certification.versions]
        numbered = (*present, (row.number, definition, at))
        known = {**certification.courses, **told}
        return replace(certification, versions=published(numbered), courses=known)

    return changed
