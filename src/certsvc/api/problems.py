"""Problems: every way a request can fail, and the answer that says so (RFC 9457).

A new problem gets a row in PROBLEMS; its status, title and whether a repeat may help follow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """One problem: its stable code, the HTTP status, a title that never changes."""

    code: str
    status: int
    title: str
    retryable: bool = False


PROBLEMS: dict[str, ProblemRow] = {
    row.code: row
    for row in (
        ProblemRow("invalid_json", 400, "The body is not JSON"),
        ProblemRow("invalid_cursor", 400, "The cursor is not one of this list"),
        ProblemRow("bad_request", 400, "The request cannot be understood"),
        ProblemRow("unsupported_xapi_version", 400, "A version of xAPI that is not understood"),
        ProblemRow("unauthenticated", 401, "No valid API key"),
        ProblemRow("forbidden", 403, "The API key's role is too small"),
        ProblemRow("not_found", 404, "There is nothing here"),
        ProblemRow("enrollment_not_found", 404, "No such enrollment"),
        ProblemRow("certification_not_found", 404, "No such certification"),
        ProblemRow("version_not_found", 404, "No such version"),
        ProblemRow("course_not_found", 404, "The LMS never told of such a course"),
        ProblemRow("session_not_found", 404, "The course has no such session"),
        ProblemRow("assignment_not_found", 404, "No such assignment"),
        ProblemRow("certificate_not_found", 404, "No such certificate"),
        ProblemRow("api_key_not_found", 404, "No such API key"),
        ProblemRow("bulk_operation_not_found", 404, "No such bulk operation"),
        ProblemRow("activity_mapping_not_found", 404, "No such activity mapping"),
        ProblemRow("calendar_not_found", 404, "No such calendar"),
        ProblemRow("webhook_endpoint_not_found", 404, "No such webhook endpoint"),
        ProblemRow("webhook_delivery_not_found", 404, "The endpoint has no such delivery"),
        ProblemRow("unknown_action", 404, "No such action"),
        ProblemRow("method_not_allowed", 405, "The method is not allowed here"),
        ProblemRow("action_not_allowed", 409, "The action is not allowed in this state"),
        ProblemRow("not_allowed", 409, "Not allowed in this state"),
        ProblemRow("certification_archived", 409, "The certification is archived"),
        ProblemRow("certification_inactive", 409, "The certification takes no new learners"),
        ProblemRow("no_published_version", 409, "The certification has no published version"),
        ProblemRow("self_enrollment_closed", 409, "Learners cannot enrol themselves here"),
        ProblemRow("disallowed", 409, "The learner is barred from this certification"),
        ProblemRow("unassigned", 409, "The enrollment has no assignment"),
        ProblemRow("course_closed_to_group", 409, "A course is not for the group"),
        ProblemRow("key_taken", 409, "The key is taken"),
        ProblemRow("draft_exists", 409, "There is a draft already"),
        ProblemRow("version_published", 409, "A published version never changes"),
        ProblemRow("not_a_sandbox", 409, "Only a sandbox tenant has a test clock"),
        ProblemRow("clock_is_advancing", 409, "The test clock is advancing", retryable=True),
        ProblemRow("in_progress", 409, "The first request is still running", retryable=True),
        ProblemRow("conflict", 409, "Somebody else changed this at the same time", retryable=True),
        ProblemRow("bulk_operation_over", 409, "The bulk operation is over"),
        ProblemRow("webhook_endpoint_disabled", 409, "The webhook endpoint is disabled"),
        ProblemRow("too_many_webhook_endpoints", 409, "The tenant has enough webhook endpoints"),
        ProblemRow("too_many_webhook_secrets", 409, "Too many secrets of the endpoint are good"),
        ProblemRow("stale_revision", 412, "The revision has changed"),
        ProblemRow("too_large", 413, "The body is too large"),
        ProblemRow("unsupported_media_type", 415, "The body is not announced as JSON"),
        ProblemRow("invalid_request", 422, "The request does not hold what it should"),
        ProblemRow("invalid_parameter", 422, "A parameter of the action is unsound"),
        ProblemRow("reason_required", 422, "The action needs a reason"),
        ProblemRow("unknown_certification", 422, "The certification that is named is not there"),
        ProblemRow("to_in_the_past", 422, "A test clock only goes forward"),
        ProblemRow("too_far", 422, "The test clock does not go that far at once"),
        ProblemRow("unknown_parameter", 422, "An unknown query parameter"),
        ProblemRow("webhook_url_refused", 422, "The URL cannot be a webhook endpoint's"),
        ProblemRow("not_publishable", 422, "The version cannot be published"),
        ProblemRow("idempotency_key_reused", 422, "The key belongs to another request"),
        ProblemRow("too_many_requests", 429, "Too many requests", retryable=True),
        ProblemRow("internal_error", 500, "Something went wrong here"),
        ProblemRow("unavailable", 503, "Not available right now", retryable=True),
    )
}

BY_STATUS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    503: "unavailable",
}
"""What the framework's own errors are called here."""

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with a request, and where: a JSON pointer into the body, the name
    of a parameter, or of a header. Never the value itself: it may be a secret."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None

    def document(self) -> dict[str, str]:
        """What the answer shows: only what is known."""
        shown = {"code": self.code, "detail": self.detail}
        for place in ("pointer", "parameter", "header"):
            if (value := getattr(self, place)) is not None:
                shown[place] = value
        return shown


@dataclass(eq=False)
class Problem(Exception):
    """A request that fails. `status` overrules the table's, for codes that the rules coin."""

    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    status: int | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def row(self) -> ProblemRow:
        """The table's row; codes of the rules that have none get a general title."""
        known = PROBLEMS.get(self.code)
        if known is not None and self.status in (None, known.status):
            return known
        status = self.status or 409
        general = PROBLEMS["invalid_request"] if status == 422 else PROBLEMS["not_allowed"]
        return ProblemRow(self.code, status, known.title if known else general.title)

    def document(self, request_id: str, docs_base_url: str) -> dict[str, Any]:
        """The body of the answer."""
        row = self.row
        return {
            "type": f"{docs_base_url}/problems/{row.code}",
            "title": row.title,
            "status": row.status,
            "detail": self.detail,
            "code": row.code,
            "errors": [fault.document() for fault in self.faults],
            "request_id": request_id,
            "retryable": row.retryable,
            **self.members,
        }

    def answer_headers(self) -> dict[str, str]:
        """The headers that go with it."""
        headers = dict(self.headers)
        status = self.row.status
        if status in (429, 503):
            headers.setdefault("retry-after", str(RETRY_AFTER_SECONDS))
        if status == 401:
            headers.setdefault("www-authenticate", "Bearer")
        return headers


def invalid(detail: str, faults: Iterable[Fault], code: str = "invalid_request") -> Problem:
    """A request with wrong content."""
    return Problem(code, detail, tuple(faults))
