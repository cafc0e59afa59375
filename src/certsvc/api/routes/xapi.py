"""xAPI: statements that a Learning Record Store forwards."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.problems import Fault, Problem
from certsvc.api.routes.evidence import moved_document
from certsvc.api.routing import Operations
from certsvc.api.schemas.xapi import HomePage, MailboxWord, StatementAnswer, StatementBatch
from certsvc.store.api_keys import Role
from certsvc.usecases.xapi.statement import Mailbox, Rules
from certsvc.usecases.xapi.take import Taken, TakenAll, take

router = Operations("xapi")
VERSION = "X-Experience-API-Version"
_VERSIONS = (
    (re.compile(r"1\.0(\.\d{1,3})?", re.ASCII), "1.0.3"),
    (re.compile(r"2\.0(\.\d{1,3})?", re.ASCII), "2.0.0"),
)


@router.operation(
    "POST",
    "/xapi/statements",
    StatementAnswer,
    role=Role.LMS,
    refusals=("unsupported_xapi_version",),
)
async def record_statements(
    call: Call,
    body: StatementBatch,
    home_page: Annotated[
        list[HomePage],
        Query(
            max_length=20,
            description="Only accounts of these home pages are learners; absent: all accounts.",
        ),
    ] = [],  # noqa: B006 - never changed
    mbox: Annotated[
        MailboxWord | None,
        Query(
            description="What of an actor's mailbox is the learner's id; absent: such actors are "
            "ignored."
        ),
    ] = None,
) -> Response:
    """Take xAPI statements as evidence: what became of each, and which enrollments moved. The
    evidence has the statement's id; a repeat is a duplicate. `X-Experience-API-Version` is 1.0.x
    or 2.0.x where it is sent."""
    version = _version(call.request)
    rules = Rules(
        frozenset(page.removesuffix("/") for page in home_page),
        None if mbox is None else Mailbox(mbox),
    )

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        taken = await take(conn, call.tenant, now, body.statements, call.author(), rules)
        return replace(answer(_described(taken, body)), headers={VERSION.lower(): version})

    return await call.change(work)


def _version(request: Request) -> str:
    """The version to answer in; refused where it is none that is understood."""
    asked = request.headers.get(VERSION)
    for pattern, version in _VERSIONS:
        if asked is None or pattern.fullmatch(asked.strip()):
            return version
    fault = Fault(code="xapi_version", detail="must be 1.0.x or 2.0.x", header=VERSION)
    raise Problem("unsupported_xapi_version", "Statements are 1.0.x or 2.0.x.", (fault,))


def _described(taken: TakenAll, body: StatementBatch) -> dict[str, Any]:
    return {
        "items": [_result(one, body.place(number)) for number, one in enumerate(taken.items)],
        "moved": [moved_document(moved) for moved in taken.moved],
    }


def _result(one: Taken, place: str) -> dict[str, Any]:
    problem = None
    if one.wrong is not None:
        pointer = place + one.wrong.pointer
        problem = {"code": one.wrong.code, "detail": one.wrong.detail, "pointer": pointer}
    return {"id": one.id, "result": one.became, "reason": one.reason, "problem": problem}
