"""The contract: what the code answers, as OpenAPI 3.1, made to give good clients.

FastAPI describes parameters, bodies and answers; added here is what it cannot know: problems,
security, roles, the headers of once-only and conditional requests. What is sent to webhooks, the
names of objects and the examples are added by the files beside this one.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from certsvc.api.contract_examples import add_examples
from certsvc.api.contract_naming import name_objects
from certsvc.api.contract_webhooks import TAG, TAG_TEXT, add_webhooks
from certsvc.api.problems import MEDIA_TYPE, PROBLEMS
from certsvc.api.roles import PUBLIC
from certsvc.api.schemas.problem import ProblemDocument
from certsvc.settings import Settings

Document = dict[str, Any]
REF = "#/components/schemas/"
DESCRIPTION = """Who is certified, until when, and what happens next.

Every request but `verify` and calendar feeds sends `Authorization: Bearer <API key>`. Instants are
RFC 3339 in UTC, durations ISO 8601, ids of ours UUIDs. Failures are `application/problem+json` (RFC
9457) with a stable `code`. Answers may grow fields and open strings may grow values: tolerate what
you do not know. Every POST takes an `Idempotency-Key`; answers to it are kept for at least 24
hours.
"""
TAGS = {
    "certifications": "Programmes: texts and switches.",
    "versions": "Numbered definitions: what has to be done, and the date rules.",
    "enrollments": "One learner in one certification: state, cycles, history, forecast.",
    "actions": "What people may do; each action is an operation.",
    "assignments": "Why a learner is enrolled.",
    "events": "The feed of everything that happens, for readers that keep a cursor.",
    "evidence": "Facts that the LMS reports.",
    "xapi": "Statements of a Learning Record Store, and what their activities mean.",
    "groups": "Who is in the LMS's groups, and which certifications target them.",
    "bulk operations": "One decision over many enrollments, followed item by item.",
    "courses": "What the LMS tells about its courses.",
    "sessions": "Live sessions of a course, their seats, and who stands in line for one.",
    "certificates": "Credentials that completed cycles earned.",
    "verification": "What anybody may know of a certificate.",
    "calendars": "Dates ahead, to subscribe to by an URL that nobody can guess.",
    "webhook endpoints": "Where events are sent, and what became of every delivery.",
    "reports": "Counts for those who run the programmes, as numbers or as pictures.",
    "api-keys": "Keys and their roles.",
    "test-clock": "Time in a sandbox.",
    TAG: TAG_TEXT,
}
ALWAYS = ("unauthenticated", "forbidden", "invalid_request", "unknown_parameter")
EVERYWHERE = ("too_many_requests", "internal_error", "unavailable")
WITH_BODY = ("invalid_json", "too_large", "unsupported_media_type")
REASONS = {
    400: "The request cannot be read",
    401: "No valid API key",
    403: "The role is too small",
    404: "There is no such thing in this tenant",
    409: "Not in this state",
    412: "The revision has changed",
    413: "The body is too large",
    415: "The body is not announced as JSON",
    422: "Wrong content",
    429: "Too many requests",
    500: "A failure of this service",
    503: "Not available right now",
}


def render() -> bytes:
    """The contract as it is committed: the same code gives the same bytes."""
    from certsvc.api.app import create_app  # noqa: PLC0415

    document = create_app(Settings(_env_file=None), None).openapi()
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def describe(app: FastAPI) -> Document:
    """The contract of an application."""
    document = get_openapi(
        title="certsvc",
        version="1",
        openapi_version="3.1.0",
        summary="Headless certification lifecycle",
        description=DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        contact={"name": "certsvc"},
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        servers=[{"url": "/", "description": "This service"}],
    )
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _add_problem_schema(schemas)
    document["components"]["securitySchemes"] = {
        "api_key": {"type": "http", "scheme": "bearer", "description": "An API key."}
    }
    for _, method, operation in operations(document):
        _complete(method, operation)
    add_webhooks(document)
    name_objects(document)
    add_examples(document)
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Every operation with its path and method."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@cache
def _problem_schema() -> tuple[Document, Document]:
    schema = ProblemDocument.model_json_schema(mode="serialization", ref_template=REF + "{model}")
    return schema.pop("$defs"), schema


def _add_problem_schema(schemas: Document) -> None:
    definitions, schema = _problem_schema()
    for name, definition in definitions.items():
        schemas.setdefault(name, definition)
    schemas["Problem"] = {**schema, "title": "Problem"}


def _complete(method: str, operation: Document) -> None:
    public = operation["x-role"] == PUBLIC
    operation["security"] = [] if public else [{"api_key": []}]
    codes = set(operation.pop("x-problems")) | set(EVERYWHERE)
    codes |= {"invalid_request", "unknown_parameter"} if public else set(ALWAYS)
    if "requestBody" in operation:
        codes |= set(WITH_BODY)
    if method == "post":
        codes |= {"in_progress", "idempotency_key_reused"}
        operation.setdefault("parameters", []).append(_header("Idempotency-Key", ONCE, 255))
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "cursor" in names:
        codes.add("invalid_cursor")
    if "stale_revision" in codes:
        operation["parameters"].append(_header("If-Match", CONDITION, 100))
    if "304" in operation["responses"]:
        operation["parameters"].append(_header("If-None-Match", UNCHANGED, 1000))
    _add_problems(operation, codes)
    _add_headers(operation, method)


ONCE = "The same key with the same request gives the first answer again."
CONDITION = "The ETag that the change expects."
UNCHANGED = "ETags that the client has: 304 when one is present."


def _header(name: str, description: str, longest: int) -> Document:
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _add_headers(operation: Document, method: str) -> None:
    """What answers carry beside their body."""
    for status, response in operation["responses"].items():
        if not status.startswith("2"):
            continue
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").removeprefix(REF) in REVISED:
            response.setdefault("headers", {})["ETag"] = _told("The revision.")
        if method == "post":
            told = _told("`true` where this is the first answer again.")
            response.setdefault("headers", {})["Idempotent-Replayed"] = told


REVISED = frozenset({"Enrollment", "ActionPage", "Certification", "ChangedCertification"})


def _told(description: str) -> Document:
    return {"description": description, "schema": {"type": "string"}}


def _add_problems(operation: Document, codes: set[str]) -> None:
    responses = operation["responses"]
    statuses: dict[int, list[str]] = {}
    for code in sorted(codes):
        statuses.setdefault(PROBLEMS[code].status, []).append(code)
    for status, listed in statuses.items():
        responses[str(status)] = {
            "description": f"{REASONS[status]}: {', '.join(f'`{code}`' for code in listed)}.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF + "Problem"}}},
            "x-problems": listed,
        }
        if status in (429, 503):
            responses[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}
            }
