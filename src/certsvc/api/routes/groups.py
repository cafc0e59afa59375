"""Groups: the LMS syncs their members, and certifications target them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer, problem_of
from certsvc.api.paging import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    cursor_after,
    digest,
    page,
    place_of,
)
from certsvc.api.persistence import Attempt, persistently
from certsvc.api.problems import Fault, Problem
from certsvc.api.routes.certifications import Named
from certsvc.api.routing import Operations
from certsvc.api.schemas.group import (
    ChangedMembers,
    MemberList,
    MemberPage,
    MembershipPage,
    Target,
    TargetedGroupPage,
)
from certsvc.api.schemas.values import LMS_ID, Authored, LmsId, LongText
from certsvc.store import groups as stored
from certsvc.store.api_keys import Role
from certsvc.store.db import transaction
from certsvc.usecases import groups
from certsvc.usecases.answers import NotFound
from certsvc.usecases.group_work import do_for_request
from certsvc.usecases.groups import ClosedCourses
from certsvc.usecases.now import now_of

router = Operations("groups")
Group = Annotated[LmsId, Path(description="The LMS's id of the group.")]
T = TypeVar("T")
Step = Callable[[AsyncConnection, datetime], Awaitable[T]]


async def _step(exchange: Exchange, work: Step[T]) -> T:
    """The change itself, in a transaction of its own; it may be made again unharmed."""

    async def attempt(_: Attempt) -> T:
        async with transaction(exchange.service.engine) as conn:
            return await work(conn, await now_of(conn, exchange.tenant))

    return await persistently(attempt)


async def _change_members(call: Call, group: str, step: Step[groups.ChangedMembers]) -> Response:
    async def work() -> Answer:
        changed = await _step(call, step)
        state = await _put_into_effect(call, group)
        return answer({"group": group, **asdict(changed), **asdict(state)})

    return await call.change_in_steps(work)


async def _put_into_effect(exchange: Exchange, group: str) -> groups.GroupState:
    """Do what the change has left to be done, and say how the group stands then."""
    engine = exchange.service.engine
    await do_for_request(engine, exchange.tenant, group)
    async with transaction(engine) as conn:
        return await groups.state(conn, exchange.tenant, group)


@router.operation("PUT", "/groups/{group}/members", ChangedMembers, role=Role.LMS)
async def replace_group_members(call: Call, group: Group, body: MemberList) -> Response:
    """Make these the members of a group; the same again changes nothing."""

    async def step(conn: AsyncConnection, now: datetime) -> groups.ChangedMembers:
        return await groups.replace_members(
            conn, call.tenant, now, group, body.learner_ids, call.author(body)
        )

    return await _change_members(call, group, step)


@router.operation("POST", "/groups/{group}/members", ChangedMembers, role=Role.LMS)
async def add_group_members(call: Call, group: Group, body: MemberList) -> Response:
    """Let learners join a group."""

    async def step(conn: AsyncConnection, now: datetime) -> groups.ChangedMembers:
        return await groups.add_members(
            conn, call.tenant, now, group, body.learner_ids, call.author(body)
        )

    return await _change_members(call, group, step)


@router.operation("DELETE", "/groups/{group}/members/{learner_id}", ChangedMembers, role=Role.LMS)
async def remove_group_member(
    call: Call,
    group: Group,
    learner_id: Annotated[LmsId, Path()],
    reason: LongText | None = None,
    on_behalf_of: LmsId | None = None,
) -> Response:
    """Let a learner leave a group; its assignments go, others stay."""
    author = call.author(Authored(reason=reason, on_behalf_of=on_behalf_of))

    async def step(conn: AsyncConnection, now: datetime) -> groups.ChangedMembers:
        return await groups.remove_member(conn, call.tenant, now, group, learner_id, author)

    return await _change_members(call, group, step)


@router.operation("GET", "/groups/{group}/members", MemberPage, role=Role.READER)
async def list_group_members(
    call: Call, group: Group, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the members of a group; one that nobody told of has none."""
    mark = digest("members", {"group": group})
    after = place_of(cursor, mark, _lms_id) or ""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.members(conn, call.tenant_id, group, after=after, limit=limit + 1)
        state = await groups.state(conn, call.tenant, group)
        more = len(rows) > limit
        return answer(
            {
                "items": [asdict(row) for row in rows[:limit]],
                "next_cursor": cursor_after(mark, rows[limit - 1].learner_id) if more else None,
                "as_of": now,
                **asdict(state),
            }
        )

    return await call.read(work)


def _lms_id(text: str) -> str:
    """An id of the LMS, as cursors hold them."""
    if not re.fullmatch(LMS_ID, text):
        raise ValueError("no id of an LMS")
    return text


@router.operation("GET", "/learners/{learner_id}/groups", MembershipPage, role=Role.READER)
async def list_groups_of_learner(
    call: Call,
    learner_id: Annotated[LmsId, Path()],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List the groups that a learner is in."""
    mark = digest("groups of learner", {"learner": learner_id})
    after = place_of(cursor, mark, _lms_id) or ""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await stored.of_learner(
            conn, call.tenant_id, learner_id, after=after, limit=limit + 1
        )
        return page(rows, limit, mark, now, lambda row: row.group, asdict)

    return await call.read(work)


async def _answer_target(call: Call, group: str, step: Step[groups.Target]) -> Response:
    async def work() -> Answer:
        made = await _step(call, step)
        state = await _put_into_effect(call, group)
        return answer(
            {
                "certification_id": made.certification.id,
                "certification_key": made.certification.key,
                "group": group,
                "targeted_at": made.targeted_at,
                **asdict(state),
            }
        )

    return await call.change_in_steps(work)


@router.operation(
    "PUT",
    "/certifications/{certification}/groups/{group}",
    Target,
    role=Role.LMS,
    refusals=("certification_not_found", "course_closed_to_group"),
)
async def target_group(
    call: Call, certification: Named, group: Group, body: Authored | None = None
) -> Response:
    """Let a certification target a group: its members are assigned, now and from now on."""

    async def step(conn: AsyncConnection, now: datetime) -> groups.Target:
        made = await groups.target(conn, call.tenant, now, certification, group, call.author(body))
        # A no is raised, so that nothing is written.
        if isinstance(made, NotFound):
            raise problem_of(made)
        if isinstance(made, ClosedCourses):
            raise _closed(made)
        return made

    return await _answer_target(call, group, step)


def _closed(found: ClosedCourses) -> Problem:
    faults = tuple(
        Fault(code="course_closed_to_group", detail=f"Course {id} is for other groups.")
        for id in found.course_ids
    )
    detail = "Courses of the latest version are closed to the group; open them first."
    return Problem("course_closed_to_group", detail, faults)


@router.operation(
    "DELETE",
    "/certifications/{certification}/groups/{group}",
    Target,
    role=Role.LMS,
    refusals=("certification_not_found",),
)
async def untarget_group(
    call: Call,
    certification: Named,
    group: Group,
    reason: LongText | None = None,
    on_behalf_of: LmsId | None = None,
) -> Response:
    """Let a certification target a group no longer: the group's assignments go."""
    author = call.author(Authored(reason=reason, on_behalf_of=on_behalf_of))

    async def step(conn: AsyncConnection, now: datetime) -> groups.Target:
        made = await groups.untarget(conn, call.tenant, now, certification, group, author)
        if isinstance(made, NotFound):
            raise problem_of(made)
        return made

    return await _answer_target(call, group, step)


@router.operation(
    "GET",
    "/certifications/{certification}/groups",
    TargetedGroupPage,
    role=Role.READER,
    refusals=("certification_not_found",),
)
async def list_targeted_groups(
    call: Call, certification: Named, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the groups that a certification targets."""
    mark = digest("targeted groups", {"certification": certification})
    after = place_of(cursor, mark, _lms_id) or ""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await groups.list_targets(conn, call.tenant, certification, after, limit + 1)
        if isinstance(rows, NotFound):
            return no_answer(call, rows)
        return page(rows, limit, mark, now, lambda row: row.group, asdict)

    return await call.read(work)
