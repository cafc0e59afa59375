"""Conditional requests: revisions as entity tags (RFC 9110, 13)."""

import re

from starlette.requests import Request

from certsvc.api.problems import Fault, Problem

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def expected_revision(request: Request, sent: int | None) -> int | None:
    """The revision that a change expects, from If-Match or the body; None for any."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return sent
    found = _TAG.fullmatch(header.strip())
    if found is None:
        fault = Fault(code="etag", detail="must be one entity tag, or *", header="If-Match")
        raise Problem("invalid_request", "Wrong content in: If-Match.", (fault,))
    weak, text = found.groups()
    # A weak tag never matches here, and neither does one that no revision of ours looks like.
    revision = int(text) if not weak and text.isdecimal() and len(text) <= 10 else -1
    if revision < 0 or (sent is not None and sent != revision):
        raise Problem("stale_revision", "If-Match does not name the present revision.")
    return revision


def unchanged(request: Request, revision: int | str) -> bool:
    """Whether If-None-Match says that the client has this revision (or what has this text for its
    tag) already."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(text == str(revision) for _, text in _TAG.findall(header))
