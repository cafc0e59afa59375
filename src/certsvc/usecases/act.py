"""One action on one enrollment."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.commands import Act
from certsvc.domain.outcome import Refusal
from certsvc.store import certifications, enrollments, groups
from certsvc.store.author import Author
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import Acted, Forbidden, NotFound, Stale
from certsvc.usecases.command import command_one

WORDS = ("never", "latest")
"""What `change-next-recertification` may be told in place of a certification."""


async def act(  # noqa: PLR0913 - a request has that many parts
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    enrollment_id: UUID,
    command: Act,
    author: Author,
    *,
    privileged: bool,
    expected_revision: int | None = None,
) -> Acted | NotFound | Stale | Forbidden:
    """Do the action, or say why not. `privileged`: the role may do all of them."""
    forbidden = _beyond_role(command, privileged)
    if forbidden is not None:
        return forbidden
    sound = _without_reason(command, author) or await _resolved(conn, tenant, command)
    if isinstance(sound, Act) and sound.action is Action.RESTORE:
        sound = await _with_groups(conn, tenant, enrollment_id, sound)
    return await command_one(
        conn, tenant, now, enrollment_id, sound, author, expected_revision=expected_revision
    )


def _beyond_role(command: Act, privileged: bool) -> Forbidden | None:
    if privileged:
        return None
    if not ACTIONS[command.action].lms:
        return Forbidden(f"{command.action} needs an admin's key.")
    if command.early:
        return Forbidden("Recertifying before it is due needs an admin's key.")
    return None


def _without_reason(command: Act, author: Author) -> Refusal | None:
    if not ACTIONS[command.action].reason_required or (author.reason or "").strip():
        return None
    return Refusal(
        reason_code="reason_required",
        detail=f"{command.action} needs a reason.",
        code="reason_required",
        invalid=True,
        parameter="reason",
    )


async def _resolved(conn: AsyncConnection, tenant: Tenant, command: Act) -> Act | Refusal:
    """The action with the certification that it names, by id or key, as an id."""
    if command.next is None or command.next in WORDS:
        return command
    found = await certifications.resolve(conn, tenant.id, [command.next])
    if command.next not in found:
        return Refusal(
            reason_code="unknown_certification",
            detail=f"There is no certification {command.next!r}.",
            code="unknown_certification",
            invalid=True,
            parameter="next",
        )
    return replace(command, next_certification=found[command.next][0])


async def _with_groups(
    conn: AsyncConnection, tenant: Tenant, enrollment_id: UUID, command: Act
) -> Act:
    """The action with the groups that are a reason to be enrolled, as they are once the enrollment
    is locked: who joins or leaves one after that is assigned, or not any more, after the action."""
    rows = await enrollments.lock(conn, tenant.id, [enrollment_id])
    if not rows:
        return command
    e = rows[0].enrollment
    pair = e.certification_id, e.learner_id
    found = await groups.targeted_of_learners(conn, tenant.id, [pair])
    return replace(command, groups=found.get(pair, ()))
