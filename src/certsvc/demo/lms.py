"""The demo's LMS: a client of the HTTP interface that asks, reports and acts like any other."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx

from certsvc.demo.programmes import Programme

BATCH = 1000
"""The most items that one request of evidence carries."""

Document = dict[str, Any]


class Trouble(Exception):
    """A request was not answered as it should be; the problem says why."""

    def __init__(self, request: str, problem: Document) -> None:
        super().__init__(f"{request}: {problem.get('detail') or problem}")
        self.request = request
        self.problem = problem


class Lms:
    """A client with a key. It counts what it sends."""

    def __init__(self, address: str, key: str) -> None:
        # The service is on this machine: no proxy of the environment is asked.
        self._client = httpx.Client(
            base_url=f"{address}/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            trust_env=False,
        )
        self.requests = 0

    def __enter__(self) -> "Lms":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def send(self, method: str, path: str, body: Document | None = None, **query: Any) -> Document:
        """One request and its answer. Trouble for anything but a success."""
        self.requests += 1
        request = f"{method} /v1{path}"
        try:
            response = self._client.request(method, path, json=body, params=query)
            answer: Document = response.json()
        except httpx.HTTPError as error:
            raise Trouble(request, {"detail": str(error) or type(error).__name__}) from error
        except ValueError as error:
            raise Trouble(request, {"detail": f"answered {response.status_code}"}) from error
        if not response.is_success:
            raise Trouble(request, answer)
        return answer

    def offer(self, programme: Programme) -> None:
        """Create the certification, draft its definition, publish it."""
        self.send("POST", "/certifications", programme.certification)
        self.publish(programme.key, programme.definition)

    def publish(self, certification: str, definition: Document) -> int:
        """Draft a version and publish it; its number."""
        path = f"/certifications/{certification}/versions"
        number: int = self.send("POST", path, definition)["number"]
        self.send("POST", f"{path}/{number}/publish")
        return number

    def enroll(self, certification: str, learner: str, source: str, group: str | None) -> Document:
        """Assign a learner."""
        body = {"certification": certification, "learner_id": learner, "source": source}
        return self.send(
            "POST", "/enrollments", body if group is None else {**body, "group": group}
        )

    def report(self, items: Sequence[Document]) -> None:
        """Report facts, as many at once as the interface takes."""
        for start in range(0, len(items), BATCH):
            answer = self.send("POST", "/evidence", {"items": list(items[start : start + BATCH])})
            for item in answer["items"]:
                if item["result"] == "rejected":
                    raise Trouble("POST /v1/evidence", item["problem"])

    def act(self, enrollment: str, action: str, body: Document) -> Document:
        """Act on an enrollment."""
        return self.send("POST", f"/enrollments/{enrollment}/actions/{action}", body)

    def unassign(self, enrollment: str) -> None:
        """Take every standing assignment away."""
        for assignment in self.enrollment(enrollment)["assignments"]:
            self.send("DELETE", f"/enrollments/{enrollment}/assignments/{assignment['id']}")

    def advance(self, to: datetime) -> Document:
        """Let the sandbox's time pass."""
        return self.send("POST", "/test-clock/advance", {"to": written(to)})

    def enrollment(self, enrollment: str, **query: Any) -> Document:
        """Read an enrollment."""
        return self.send("GET", f"/enrollments/{enrollment}", **query)

    def history(self, enrollment: str) -> list[Document]:
        """The whole history, oldest first."""
        return list(self.pages(f"/enrollments/{enrollment}/history"))

    def pages(self, path: str) -> Iterator[Document]:
        """The items of a list, page after page."""
        query: Document = {"limit": 200}
        while True:
            page = self.send("GET", path, **query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]


def written(at: datetime) -> str:
    """An instant as the interface writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_instant(text: str) -> datetime:
    """An instant of an answer."""
    return datetime.fromisoformat(text)
