"""The way to the service: a generated client that is patient, and answers taken apart."""

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import httpx
from certsvc_client import AuthenticatedClient
from certsvc_client.models import Problem
from certsvc_client.types import UNSET, Unset

T = TypeVar("T")
P = TypeVar("P", bound="Page")
Item = TypeVar("Item")

ATTEMPTS = 6
LONGEST_PAUSE = 60.0
PAGE = 200
"""The most that a page of a list holds."""


class Refused(Exception):
    """The service said no, and why: `problem.code` is for programs, the text for people."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem


class Unanswered(Exception):
    """What came back is not in the contract: something stands between us and the service."""


class Patient(httpx.BaseTransport):
    """Sends a request again where that is safe and may help.

    Safe is everything but a POST without an Idempotency-Key, so each POST gets one here: should
    the answer be lost on its way, the repeat is answered with what the first one did. Whoever
    wants the same even after a crash of this program gives a key that a second run comes up with
    too (see bulk.py).
    """

    def __init__(self, way: httpx.BaseTransport, sleep: Callable[[float], None]) -> None:
        self._way = way
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and send again after a pause while the answer is to wait."""
        if request.method == "POST":
            request.headers.setdefault("Idempotency-Key", str(uuid4()))
        for attempt in range(1, ATTEMPTS):
            try:
                response = self._way.handle_request(request)
            except httpx.TransportError:
                self._sleep(_growing(attempt))
                continue
            if not _may_succeed_later(response):
                return response
            response.close()
            self._sleep(_asked_for(response) or _growing(attempt))
        return self._way.handle_request(request)

    def close(self) -> None:
        """Hang up."""
        self._way.close()


def _may_succeed_later(response: httpx.Response) -> bool:
    if response.status_code in (429, 502, 503, 504):
        return True
    if response.status_code != 409:
        return False
    response.read()
    # The first request with this key still runs, or somebody changed the same thing meanwhile.
    return bool(response.json().get("retryable"))


def _growing(attempt: int) -> float:
    return min(0.5 * 2.0**attempt, LONGEST_PAUSE)


def _asked_for(response: httpx.Response) -> float | None:
    """What Retry-After says: seconds, or a date, which is held against the answer's own."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return min(float(text), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(text) - parsedate_to_datetime(response.headers["Date"])
    except (ValueError, KeyError, TypeError):
        return None
    return min(max(until.total_seconds(), 0.0), LONGEST_PAUSE)


def connect(
    url: str,
    key: str,
    *,
    way: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> AuthenticatedClient:
    """The generated client, patient."""
    patient = Patient(way or httpx.HTTPTransport(), sleep)
    return AuthenticatedClient(
        base_url=url, token=key, timeout=httpx.Timeout(60), httpx_args={"transport": patient}
    )


def answered(answer: T | Problem | None) -> T:
    """What was asked for; a problem is raised."""
    if isinstance(answer, Problem):
        raise Refused(answer)
    if answer is None:
        raise Unanswered("the service answered with a status that is not in its contract")
    return answer


class Page(Protocol):
    """A page of any list."""

    items: list[Any]
    next_cursor: str | None


def pages(ask: Callable[[str | Unset], P | Problem | None]) -> Iterator[P]:
    """Every page of a list. `ask` gets the page after a cursor."""
    cursor: str | Unset = UNSET
    while True:
        page = answered(ask(cursor))
        yield page
        if page.next_cursor is None:
            return
        cursor = page.next_cursor
