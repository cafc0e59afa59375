"""Certifications: made, looked up, changed, retired and brought back."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.events import EventType
from certsvc.domain.ids import derived_id
from certsvc.domain.outcome import Refusal
from certsvc.domain.switch import Switch
from certsvc.store import certifications, events
from certsvc.store.author import Author
from certsvc.store.certifications import CertificationRow
from certsvc.store.concerned import Concern
from certsvc.store.events import EventRow
from certsvc.store.tenants import Tenant
from certsvc.store.waking import Sleep
from certsvc.usecases.answers import NotFound, Stale
from certsvc.usecases.effect import Before, Effect, before
from certsvc.usecases.group_work import do_for_certification
from certsvc.usecases.waking import Change, Opened, foresee, set_going

Reference = UUID | str
"""A certification's id or key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCertification:
    """What is said of a certification when it is made."""

    key: str
    title: Any
    description: Any = None
    metadata: dict[str, Any] | None = None
    active: bool = True
    hidden: bool = False
    automatic_recertification: bool = False
    self_enrollment: str = "closed"
    acceptance_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificationChange:
    """What is to be changed; None leaves a thing as it is."""

    title: Any = None
    description: Any = None
    metadata: dict[str, Any] | None = None
    active: bool | None = None
    hidden: bool | None = None
    automatic_recertification: bool | None = None
    self_enrollment: str | None = None
    acceptance_required: bool | None = None

    def wanted(self, row: CertificationRow) -> dict[str, Any]:
        """The fields that would really change, with their new values."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        present = {name: getattr(row, name) for name in given if name != _AUTOMATIC}
        present[_AUTOMATIC] = row.automatic.now
        return {
            name: value
            for name, value in given.items()
            if value is not None and value != present[name]
        }


_AUTOMATIC = "automatic_recertification"


@dataclass(frozen=True, slots=True)
class Changed:
    """The certification after a change, or as it would be after a dry run, and what that does to
    people."""

    certification: CertificationRow
    effect: Effect = field(default_factory=Effect)


async def create(
    conn: AsyncConnection, tenant: Tenant, now: datetime, new: NewCertification
) -> CertificationRow | Refusal:
    """Make a certification; it takes learners once a version is published."""
    row = CertificationRow(
        id=uuid7(),
        key=new.key,
        title=new.title,
        description=new.description,
        metadata=new.metadata,
        active=new.active,
        hidden=new.hidden,
        archived=Switch.always(False),
        automatic=Switch.always(new.automatic_recertification),
        self_enrollment=new.self_enrollment,
        acceptance_required=new.acceptance_required,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    if await certifications.insert(conn, tenant.id, row):
        return row
    return Refusal(
        reason_code="key_taken",
        detail=f"There is a certification {new.key!r} already.",
        code="key_taken",
        parameter="key",
    )


async def get(
    conn: AsyncConnection, tenant: Tenant, reference: Reference
) -> CertificationRow | NotFound:
    """The certification of that id or key."""
    row = await certifications.get(conn, tenant.id, str(reference))
    return NotFound("certification", str(reference)) if row is None else row


async def lock(
    conn: AsyncConnection, tenant: Tenant, reference: Reference
) -> CertificationRow | NotFound:
    """The same, and nobody else changes it until the end of the transaction."""
    row = await certifications.get(conn, tenant.id, str(reference), lock=True)
    return NotFound("certification", str(reference)) if row is None else row


async def change(  # noqa: PLR0913 - a request has that many parts
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    wanted: CertificationChange,
    author: Author,
    *,
    dry_run: bool = False,
    expected_revision: int | None = None,
) -> Changed | NotFound | Stale:
    """Change texts and switches; they act at once. What is as wanted already changes nothing.

    Turning `automatic_recertification` on recertifies those whose window is open and unused; on
    or off, the answer tells whose recertification the switch decides. Turning `active` on enrols
    the members of targeted groups."""
    row = await lock(conn, tenant, reference)
    if isinstance(row, NotFound):
        return row
    if expected_revision is not None and expected_revision != row.revision:
        return Stale(row.revision)
    changes = wanted.wanted(row)
    at = max(now, row.updated_at)
    new = _with_changes(row, changes, at)
    opened = Opened()
    turned_on = changes.get(_AUTOMATIC) is True
    lets_in = changes.get("active") is True and not row.archived.now
    was: Before | None = None
    if _AUTOMATIC in changes or lets_in:
        by = Concern.AUTOMATIC if _AUTOMATIC in changes else None
        was = await before(conn, tenant, row.id, by, takes_learners=lets_in)
    if dry_run and turned_on:
        would = _with_automatic(new.automatic)
        opened = await foresee(conn, tenant, at, row.id, Sleep.WINDOW, would)
    elif changes and not dry_run:
        new = await store(conn, tenant, new, at)
        await tell(conn, tenant, new, EventType.CERTIFICATION_CHANGED, author, changes=changes)
        if lets_in:
            await do_for_certification(conn, tenant, at, row.id, author)
        if turned_on:
            opened = await set_going(conn, tenant, at, row.id, Sleep.WINDOW)
    return Changed(new) if was is None else Changed(new, was.effect(opened))


def _with_changes(row: CertificationRow, changes: dict[str, Any], at: datetime) -> CertificationRow:
    plain = {name: value for name, value in changes.items() if name != _AUTOMATIC}
    automatic = row.automatic.turned(changes.get(_AUTOMATIC, row.automatic.now), at)
    return replace(row, **plain, automatic=automatic)


def _with_automatic(switch: Switch) -> Change:
    return lambda certification: replace(certification, automatic=switch)


def _with_archived(switch: Switch) -> Change:
    return lambda certification: replace(certification, archived=switch)


async def archive(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    author: Author,
    *,
    dry_run: bool = False,
) -> Changed | NotFound:
    """Retire the certification: no cycle opens, no learner comes; what is open may finish."""
    return await _turn_archived(conn, tenant, now, reference, author, True, dry_run)


async def unarchive(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    author: Author,
    *,
    dry_run: bool = False,
) -> Changed | NotFound:
    """Bring it back: cycles that waited open."""
    return await _turn_archived(conn, tenant, now, reference, author, False, dry_run)


async def _turn_archived(  # noqa: PLR0917 - a request has that many parts
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    author: Author,
    value: bool,
    dry_run: bool,
) -> Changed | NotFound:
    row = await lock(conn, tenant, reference)
    if isinstance(row, NotFound):
        return row
    if row.archived.now is value:
        return Changed(row)
    at = max(now, row.updated_at)
    turned = replace(row, archived=row.archived.turned(value, at))
    lets_in = not value and row.active
    was = await before(conn, tenant, row.id, Concern.ARCHIVE, takes_learners=lets_in)
    if dry_run:
        would = _with_archived(turned.archived)
        opened = await foresee(conn, tenant, at, row.id, Sleep.ARCHIVE, would)
        return Changed(turned, was.effect(opened))
    turned = await store(conn, tenant, turned, at)
    type = EventType.CERTIFICATION_ARCHIVED if value else EventType.CERTIFICATION_UNARCHIVED
    await tell(conn, tenant, turned, type, author)
    if lets_in:
        await do_for_certification(conn, tenant, at, row.id, author)
    # Coming back opens cycles; either way who is due for recertification reads differently.
    opened = await set_going(conn, tenant, at, row.id, Sleep.ARCHIVE)
    return Changed(turned, was.effect(opened))


async def store(
    conn: AsyncConnection, tenant: Tenant, row: CertificationRow, at: datetime
) -> CertificationRow:
    """Write the changed row as its next revision."""
    new = replace(row, revision=row.revision + 1, updated_at=at)
    await certifications.update(conn, tenant.id, new, row.revision)
    return new


async def tell(
    conn: AsyncConnection,
    tenant: Tenant,
    row: CertificationRow,
    type: EventType,
    author: Author,
    **data: Any,
) -> None:
    """Write the event of a change in the transaction that made it."""
    line = EventRow(
        id=derived_id(row.updated_at, row.id, row.revision, type),
        enrollment_id=None,
        certification_id=row.id,
        learner_id=None,
        sequence=None,
        revision=row.revision,
        type=type,
        effective_at=row.updated_at,
        recorded_at=row.updated_at,
        stale=False,
        actor=author.actor,
        on_behalf_of=author.on_behalf_of,
        reason=author.reason,
        bulk_operation_id=author.bulk_operation_id,
        before_status=None,
        before_standing=None,
        data=data,
        after=None,
    )
    await events.insert(conn, tenant.id, [line])
