"""Turns what went wrong into a problem answer: our problems, the framework's errors, bad content,
a database that is away, and the unexpected, of which nothing is told but the request's id.
"""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from certsvc.api.answers import Answer, render
from certsvc.api.problems import BY_STATUS, MEDIA_TYPE, Fault, Problem
from certsvc.store.errors import (
    Busy,
    Conflict,
    Rejected,
    StoreError,
    Unavailable,
    translated,
)

_log = structlog.get_logger(__name__)
MOST_FAULTS = 100
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not JSON",
}
_DETAILS = {
    404: "No such path.",
    405: "This path does not take that method; see the Allow header.",
    413: "The body is larger than this service takes.",
    429: "Wait a moment.",
    503: "Try again in a moment.",
}


async def respond(scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
    """Answer an error, and log what nobody expected."""
    problem = problem_of(error)
    if problem is error or isinstance(error, HTTPException | RequestValidationError):
        pass
    elif not isinstance(error, StoreError):
        _log.error("a request failed", exc_info=error, path=route_of(scope))
    elif problem.row.status != 503:
        # The edge should have refused such values, or the use case foreseen the clash.
        _log.warning("the database refused a request", exc_info=error)
    await problem_answer(scope, problem).response()(scope, receive, send)


def route_of(scope: Scope) -> str:
    """The template, never the path: a path is unbounded, and may hold ids."""
    route: Any = scope.get("route")
    return getattr(route, "path", "none")


def problem_answer(scope: Scope, problem: Problem) -> Answer:
    """The finished answer that tells of a problem."""
    service = scope["app"].state.service if "app" in scope else None
    base = service.settings.docs_base_url if service is not None else ""
    document = problem.document(scope.get("certsvc.request_id", ""), base)
    row = problem.row
    return Answer(
        row.status,
        render(document),
        MEDIA_TYPE,
        problem.answer_headers(),
        # The same request may do better when the state, or the key's role, has changed.
        final=not row.retryable and row.status != 403,
    )


def problem_of(error: Exception) -> Problem:
    """The problem that an error is."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _of_content(error.errors())
    if isinstance(error, HTTPException):
        code = BY_STATUS.get(error.status_code, "bad_request")
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        detail = _DETAILS.get(error.status_code, "The request cannot be understood.")
        return Problem(code, detail, headers=headers)
    return _of_the_database(error)


def _of_the_database(error: Exception) -> Problem:
    found = error if isinstance(error, StoreError) else translated(error)
    if isinstance(found, Unavailable | Busy):
        return Problem("unavailable", "The database cannot answer now. Try again in a moment.")
    if isinstance(found, Conflict) or (isinstance(found, Rejected) and found.taken):
        return Problem("conflict", "Another change came between. Try again.")
    if isinstance(found, Rejected) and found.sqlstate.startswith("22"):
        return Problem("invalid_request", "A value is out of range.")
    return Problem("internal_error", "The failure was logged under this request_id.")


def _of_content(errors: Sequence[Any]) -> Problem:
    if any(error["type"] == "json_invalid" for error in errors):
        fault = Fault(code="invalid_json", detail="is not JSON in UTF-8", pointer="")
        return Problem("invalid_json", "The body cannot be read as JSON.", (fault,))
    faults = tuple(_fault(error) for error in errors[:MOST_FAULTS])
    places = {name for fault in faults if (name := fault.pointer or fault.parameter)}
    named = ", ".join(sorted(places)[:5]) or "the body"
    return Problem("invalid_request", f"Wrong content in: {named}.", faults)


def faults_of(errors: Sequence[Any], *place: object) -> tuple[Fault, ...]:
    """What is wrong with a part of the body that was judged by itself, and where it stands."""
    return tuple(_fault({**error, "loc": ("body", *place, *error["loc"])}) for error in errors)


def _fault(error: Any) -> Fault:
    kind, (where, *path) = error["type"], error["loc"]
    detail = _WORDS.get(kind) or _sentence(error)
    if where == "body":
        return Fault(code=kind, detail=detail, pointer=pointer(path))
    name = str(path[0]) if path else where
    if where == "header":
        return Fault(code=kind, detail=detail, header=name)
    return Fault(code=kind, detail=detail, parameter=name)


def pointer(path: Sequence[object]) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _sentence(error: Any) -> str:
    """The validator's own words, which never hold the value."""
    text = str(error["msg"])
    return text[:1].lower() + text[1:]
