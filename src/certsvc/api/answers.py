"""Answers as they leave: a status, finished bytes and headers. Nothing validates them again.

Instants are written in UTC with `Z`; the documents come ready from the rules and the store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from starlette.responses import Response

JSON = "application/json"


def render(value: Any) -> bytes:
    """A value as JSON."""
    return _encode(value)


_encode = msgspec.json.Encoder().encode
"""Several times quicker than others where there are many enums, ids and instants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request comes to, before it is sent. Kept as it is under an idempotency key, but for
    a `secret` that the body holds; not kept where it is not `final`, and a repeat may do better."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str | None = None
    final: bool = True

    def confidential(self, secret: str) -> "Answer":
        """The same answer, with the part of its body that must not be stored."""
        return replace(self, secret=secret)

    @property
    def success(self) -> bool:
        """Whether what was done is to stand."""
        return self.status < 400

    def response(self) -> Response:
        """The finished answer."""
        media_type = self.media_type if self.body else None
        return Response(self.body, self.status, dict(self.headers), media_type)


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A value, answered as JSON. Header names are given with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, render(value), JSON, named)
