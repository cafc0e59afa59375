"""docs/problems.md: every problem that the API answers."""

from certsvc.api.problems import MEDIA_TYPE, PROBLEMS
from certsvc.docs.markdown import code, page, table

_INTRODUCTION = f"""Errors are RFC 9457 problems (`{MEDIA_TYPE}`) with `type`, `title`, \
`status`, `detail`, a stable `code`, `errors` with JSON pointers, `request_id` and `retryable`. \
Bad input never answers 5xx and never changes anything. A refused action also answers \
`reason_code`, `available_at`, and the enrollment's `status` and `allowed_actions`."""


def problems_page() -> str:
    """The page, by HTTP status."""
    rows = sorted(PROBLEMS.values(), key=lambda row: row.status)
    return page(
        "Problems",
        _INTRODUCTION,
        table(
            ["status", "code", "title", "a repeat may help"],
            (
                (str(row.status), code(row.code), row.title, "yes" if row.retryable else "")
                for row in rows
            ),
        ),
    )
