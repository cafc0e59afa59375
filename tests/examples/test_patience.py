"""The reference client repeats what may be repeated, and only that."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.usefixtures("importable")
Handler = Callable[[httpx.Request], httpx.Response]
URL = "http://certsvc.test"


def problem(status: int, code: str, retryable: bool = False, **headers: str) -> httpx.Response:
    """A refusal in the service's words."""
    body = {
        "type": f"{URL}/problems/{code}",
        "title": code,
        "status": status,
        "detail": f"It is {code}.",
        "code": code,
        "errors": [],
        "request_id": "r-1",
        "retryable": retryable,
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def members() -> httpx.Response:
    """An answer."""
    body = {"group": "G", "member_count": 1, "added": 1, "removed": 0, "pending": 0}
    return httpx.Response(200, json=body)


class Service:
    """Answers one after the other, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def add_member(self) -> Any:
        """One request of the generated client."""
        from certsvc_client.api.groups import add_group_members
        from certsvc_client.models import MemberList

        from lms.service import answered, connect

        way = httpx.MockTransport(self)
        with connect(URL, "key", way=way, sleep=self.pauses.append) as client:
            body = MemberList(learner_ids=["u-1"])
            return answered(add_group_members.sync("G", client=client, body=body))

    @property
    def keys(self) -> set[str]:
        """The Idempotency-Keys of what was asked."""
        return {request.headers["Idempotency-Key"] for request in self.asked}


def test_it_waits_for_as_long_as_it_is_asked_to_and_repeats_under_the_same_key() -> None:
    date, until = "Mon, 05 Jan 2026 09:00:00 GMT", "Mon, 05 Jan 2026 09:00:20 GMT"
    service = Service(
        problem(503, "unavailable", Retry_After="7"),
        problem(429, "too_many_requests", Date=date, Retry_After=until),
        members(),
    )
    assert service.add_member().added == 1
    assert service.pauses == [7.0, 20.0]
    assert len(service.keys) == 1
    assert {request.read() for request in service.asked} == {b'{"learner_ids":["u-1"]}'}


def test_a_line_that_breaks_is_tried_again() -> None:
    service = Service(httpx.ConnectError("no"), httpx.ReadTimeout("late"), members())
    assert service.add_member().added == 1
    assert service.pauses == [1.0, 2.0]
    assert len(service.keys) == 1


def test_a_request_that_still_runs_is_asked_about_again() -> None:
    service = Service(problem(409, "in_progress", retryable=True), members())
    assert service.add_member().added == 1


def test_a_no_is_a_no_at_once() -> None:
    from lms.service import Refused

    service = Service(problem(409, "no_published_version"))
    with pytest.raises(Refused) as caught:
        service.add_member()
    assert caught.value.problem.code == "no_published_version"
    assert service.pauses == []


def test_patience_ends() -> None:
    from lms.service import ATTEMPTS, Refused

    service = Service(*(problem(503, "unavailable") for _ in range(ATTEMPTS)))
    with pytest.raises(Refused, match="unavailable"):
        service.add_member()
    assert len(service.asked) == ATTEMPTS


def test_outside_a_sandbox_a_day_is_waited_for_by_coming_back() -> None:
    from datetime import UTC, datetime

    from lms.clock import NotYet, wait_until
    from lms.service import connect

    way = httpx.MockTransport(Service(problem(409, "not_a_sandbox")))
    with connect(URL, "key", way=way) as client, pytest.raises(NotYet):
        wait_until(client, datetime(8999, 1, 1, tzinfo=UTC))
