"""Groups: who is in them, and which certifications target them.

Each change is one transaction, which also puts the learners concerned to work; whoever makes it
has the work done afterwards (group_work.py). To ask for the same again finds nothing to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.course import course_ids
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind
from certsvc.store import certifications, events, group_work, groups
from certsvc.store.author import Author
from certsvc.store.certifications import CertificationRow
from certsvc.store.events import EventRow
from certsvc.store.groups import Difference, TargetedGroup
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound
from certsvc.usecases.certifications import Reference, get


@dataclass(frozen=True, slots=True)
class ChangedMembers:
    """How many joined, and how many left."""

    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class GroupState:
    """How many members the group has, and how much of its work is still to be done."""

    member_count: int
    pending: int


@dataclass(frozen=True, slots=True)
class Target:
    """Since when a certification targets a group; None where it does not."""

    certification: CertificationRow
    group: str
    targeted_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClosedCourses:
    """The courses of the latest version that are not for the group."""

    course_ids: tuple[str, ...]


async def replace_members(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    group: str,
    learner_ids: Iterable[str],
    author: Author,
) -> ChangedMembers:
    """Make these the members of the group. Only what differs is written."""
    at = await _hold(conn, tenant, now, group)
    asked = await groups.difference(conn, tenant.id, group, sorted(set(learner_ids)))
    return await _change(conn, tenant, at, group, asked, author)


async def add_members(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    group: str,
    learner_ids: Iterable[str],
    author: Author,
) -> ChangedMembers:
    """Let learners join the group."""
    at = await _hold(conn, tenant, now, group)
    asked = Difference(joining=sorted(set(learner_ids)))
    return await _change(conn, tenant, at, group, asked, author)


async def remove_member(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    group: str,
    learner_id: str,
    author: Author,
) -> ChangedMembers:
    """Let a learner leave the group."""
    at = await _hold(conn, tenant, now, group)
    return await _change(conn, tenant, at, group, Difference(leaving=[learner_id]), author)


async def _hold(conn: AsyncConnection, tenant: Tenant, now: datetime, group: str) -> datetime:
    """Hold the group; the instant of the change, which is never before the one before."""
    changed_at = await groups.hold(conn, tenant.id, group, now)
    await groups.share_targeting(conn, tenant.id, group)
    return max(now, changed_at)


async def _change(
    conn: AsyncConnection,
    tenant: Tenant,
    at: datetime,
    group: str,
    asked: Difference,
    author: Author,
) -> ChangedMembers:
    joined: list[str] = []
    left: list[str] = []
    if asked.joining:
        joined = await groups.add(conn, tenant.id, group, asked.joining, at)
    if asked.leaving:
        left = await groups.remove(conn, tenant.id, group, asked.leaving)
    if joined:
        await group_work.put_joined(conn, tenant.id, group, joined, at, author)
    if left:
        await group_work.put_left(conn, tenant.id, group, left, at, author)
    if joined or left:
        await groups.count(conn, tenant.id, group, len(joined) - len(left), at)
    return ChangedMembers(len(joined), len(left))


async def target(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    group: str,
    author: Author,
) -> Target | NotFound | ClosedCourses:
    """Let the certification target the group, unless a course of its latest version is closed to
    it. All members are to be assigned, also those whose assignment ended before."""
    row = await get(conn, tenant, reference)
    if isinstance(row, NotFound):
        return row
    at = max(now, await groups.hold(conn, tenant.id, group, now))
    await groups.share(conn, tenant.id, row.id)
    since = await groups.targeted_at(conn, tenant.id, row.id, group)
    if since is not None:
        return Target(row, group, since)
    closed = await _closed_courses(conn, tenant, row.id, group)
    if closed:
        return ClosedCourses(closed)
    await groups.target(conn, tenant.id, row.id, group, at)
    await group_work.put_targeted(conn, tenant.id, group, row.id, at, author)
    await _tell(conn, tenant, at, row.id, author, {group: True})
    return Target(row, group, at)


async def untarget(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    reference: Reference,
    group: str,
    author: Author,
) -> Target | NotFound:
    """Let the certification target the group no longer: its assignments are to go."""
    row = await get(conn, tenant, reference)
    if isinstance(row, NotFound):
        return row
    at = max(now, await groups.hold(conn, tenant.id, group, now))
    await groups.share(conn, tenant.id, row.id)
    if await groups.untarget(conn, tenant.id, row.id, group):
        await group_work.put_untargeted(conn, tenant.id, group, row.id, at, author)
        await _tell(conn, tenant, at, row.id, author, {group: False})
    return Target(row, group, None)


async def state(conn: AsyncConnection, tenant: Tenant, group: str) -> GroupState:
    """How the group stands."""
    members = await groups.member_count(conn, tenant.id, group)
    return GroupState(members, await group_work.pending(conn, tenant.id, group))


async def list_targets(
    conn: AsyncConnection, tenant: Tenant, reference: Reference, after: str, limit: int
) -> list[TargetedGroup] | NotFound:
    """A page of the groups that the certification targets, in order of their ids."""
    row = await get(conn, tenant, reference)
    if isinstance(row, NotFound):
        return row
    return await groups.targets(conn, tenant.id, row.id, after=after, limit=limit)


async def _closed_courses(
    conn: AsyncConnection, tenant: Tenant, certification_id: UUID, group: str
) -> tuple[str, ...]:
    found = await certifications.load_by_ids(conn, tenant.id, [certification_id])
    published = found[certification_id].versions
    if not published:
        return ()
    latest = published[-1].definition
    named = {id for kind in CycleKind for id in course_ids(latest.path(kind))}
    return await groups.closed_courses(conn, tenant.id, sorted(named), group) if named else ()


async def _tell(
    conn: AsyncConnection,
    tenant: Tenant,
    at: datetime,
    certification_id: UUID,
    author: Author,
    changed: dict[str, bool],
) -> None:
    """Write into the history that groups are targeted, or not any more."""
    line = EventRow(
        id=uuid7(),
        certification_id=certification_id,
        type=EventType.CERTIFICATION_CHANGED,
        effective_at=at,
        recorded_at=at,
        actor=author.actor,
        on_behalf_of=author.on_behalf_of,
        reason=author.reason,
        bulk_operation_id=author.bulk_operation_id,
        data={"changes": {"groups": changed}},
    )
    await events.insert(conn, tenant.id, [line])
