"""What happens to every request at the door: an id, limits, headers, a line in the log, figures.

Pure ASGI: a middleware with its own task per request costs more than our whole edge may.
"""

import logging
import re
from collections.abc import Iterable
from functools import lru_cache

import structlog
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from certsvc import clock
from certsvc.api.failures import respond, route_of
from certsvc.telemetry import HTTP_REQUESTS, HTTP_SECONDS

_log = structlog.get_logger(__name__)
_plain_log = logging.getLogger(__name__)
_SANE_ID = re.compile(r"[A-Za-z0-9._:@+/=-]{1,128}", re.ASCII)
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_CLOSED = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_PRIVATE = (b"cache-control", b"private, no-store")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


class Edge:
    """Wraps the application; the outermost of ours."""

    def __init__(self, app: ASGIApp, body_limit: int) -> None:
        self._app = app
        self._limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Visit(self._app, self._limit, scope, receive, send).run()


class _Visit:
    """One request on its way through."""

    def __init__(
        self, app: ASGIApp, limit: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._app = app
        self._limit = limit
        self._scope = scope
        self._receive = receive
        self._send = send
        self._read = 0
        self._status = 0
        self._began = clock.monotonic()
        self._request_id = _request_id(scope["headers"])

    async def run(self) -> None:
        scope = self._scope
        scope["certsvc.request_id"] = self._request_id
        with structlog.contextvars.bound_contextvars(request_id=self._request_id):
            try:
                self._refuse_announced_size()
                await self._app(scope, self._bounded_receive, self._marked_send)
            except Exception as error:
                if self._status:
                    raise
                await respond(scope, self._receive, self._marked_send, error)
            finally:
                self._measure()

    def _refuse_announced_size(self) -> None:
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._limit:
                raise HTTPException(413)

    async def _bounded_receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                raise HTTPException(413)
        return message

    async def _marked_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            present = {name for name, _ in message["headers"]}
            extra: Iterable[tuple[bytes, bytes]] = (
                pair for pair in (*_SECURITY, _CLOSED, _PRIVATE) if pair[0] not in present
            )
            identity = (b"x-request-id", self._request_id.encode())
            message = {**message, "headers": [*message["headers"], *extra, identity]}
        elif self._scope["method"] == "HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _measure(self) -> None:
        method = self._scope["method"]
        labels = (route_of(self._scope), method if method in _METHODS else "other")
        answered, lasted = _figures(*labels, str(self._status or 500))
        seconds = clock.monotonic() - self._began
        answered.inc()
        lasted.observe(seconds)
        if _plain_log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "answered",
                route=labels[0],
                method=labels[1],
                status=self._status,
                milliseconds=round(seconds * 1000, 1),
            )


@lru_cache(maxsize=4096)
def _figures(route: str, method: str, status: str) -> tuple[Counter, Histogram]:
    """The figures of these labels; looking them up takes longer than counting."""
    return HTTP_REQUESTS.labels(route, method, status), HTTP_SECONDS.labels(route, method)


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return given
    return str(uuid7())
