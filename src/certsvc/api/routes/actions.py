"""What people may do to an enrollment: every action is an operation of its own.

The operations are made from the table of actions; each has the body of its action.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import Body
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import acted_answer, no_answer
from certsvc.api.preconditions import etag, expected_revision
from certsvc.api.problems import Problem
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId
from certsvc.api.routing import Operations
from certsvc.api.schemas.actions import BODIES, ActionBody, ActionPage
from certsvc.api.schemas.enrollment import Enrollment
from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.commands import Act
from certsvc.domain.lifecycle import allowed_actions
from certsvc.domain.outcome import Possibility
from certsvc.store.api_keys import Role
from certsvc.usecases.act import act
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read

router = Operations("actions")
BESIDE = frozenset({"reason", "on_behalf_of", "expected_revision"})
REFUSALS = (
    *NOT_FOUND,
    "action_not_allowed",
    "certification_archived",
    "no_published_version",
    "invalid_parameter",
    "stale_revision",
    "unassigned",
)


@router.operation(
    "GET", "/enrollments/{enrollment_id}/actions", ActionPage, role=Role.READER, refusals=NOT_FOUND
)
async def list_actions(call: Call, enrollment_id: EnrollmentId) -> Response:
    """Every action, allowed or not, with the reason and the instant from which it will be."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        e = found.enrollment
        possible = allowed_actions(e, found.certification, found.now)
        document = {
            "enrollment_id": e.id,
            "revision": e.revision,
            "items": [_described(possibility) for possibility in possible],
            "next_cursor": None,
            "as_of": found.now,
        }
        return answer(document, etag=etag(e.revision))

    return await call.read(work)


def _described(possibility: Possibility) -> dict[str, Any]:
    return {
        "action": possibility.action,
        "allowed": possibility.allowed,
        "reason_code": possibility.reason_code,
        "detail": possibility.detail,
        "available_at": possibility.available_at,
        "with": possibility.with_,
    }


async def _act(call: Exchange, enrollment_id: Any, action: Action, body: ActionBody) -> Response:
    command = Act(action=action, **body.model_dump(exclude=set(BESIDE), exclude_none=True))
    expected = expected_revision(call.request, body.expected_revision)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await act(
            conn,
            call.tenant,
            now,
            enrollment_id,
            command,
            call.author(body),
            expected_revision=expected,
            privileged=call.privileged,
        )
        return acted_answer(call, outcome)

    return await call.change(work)


def _refusals(action: Action) -> tuple[str, ...]:
    more: tuple[str, ...] = ("reason_required",) if ACTIONS[action].reason_required else ()
    if action is Action.CHANGE_NEXT_RECERTIFICATION:
        more += ("unknown_certification",)
    return REFUSALS + more


def _endpoint(action: Action, body_type: Any) -> Callable[..., Awaitable[Response]]:
    """The operation of one action. Where nothing is required the body may be left out."""
    default: Any = Body(default_factory=body_type)
    if any(field.is_required() for field in body_type.model_fields.values()):
        default = Body()

    async def endpoint(
        call: Call, enrollment_id: EnrollmentId, body: body_type = default
    ) -> Response:
        return await _act(call, enrollment_id, action, body)

    endpoint.__doc__ = ACTIONS[action].summary
    return endpoint


for _action, _body in BODIES.items():
    router.operation(
        "POST",
        f"/enrollments/{{enrollment_id}}/actions/{_action.value}",
        Enrollment,
        role=Role.LMS if ACTIONS[_action].lms else Role.ADMIN,
        refusals=_refusals(_action),
        name=_action.value.replace("-", "_"),
        summary=_action.value.replace("-", " ").capitalize(),
    )(_endpoint(_action, _body))


@router.operation(
    "POST",
    "/enrollments/{enrollment_id}/actions/{action}",
    Enrollment,
    role=Role.LMS,
    name="unknown_action",
    include_in_schema=False,
)
async def unknown_action(_call: Call) -> Response:
    """What is not an action of the table."""
    known = ", ".join(action.value for action in Action)
    raise Problem("unknown_action", f"The actions are: {known}.")
