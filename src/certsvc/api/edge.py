"""What happens to every request at the door: an id, limits, headers, a line in the log, figures.

Pure ASGI: a middleware with its own task per request costs more than our whole edge may.
"""

import re
from collections.abc import Iterable
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from certsvc import clock
from certsvc.api.failures import respond
from certsvc.telemetry import HTTP_REQUESTS, HTTP_SECONDS

_log = structlog.get_logger(__name__)
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
                await self._fail(error)
            finally:
                self._measure()

    def _refuse_announced_size(self) -> None:
        for name, value in self._scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > self._limit):
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
                pair
                for pair in (*_SECURITY, _CLOSED, _PRIVATE)
                if pair[0] not in present
            )
            identity = (b"x-request-id", self._request_id.encode())
            message = {**message, "headers": [*message["headers"], *extra, identity]}
        elif self._scope["method"] == "HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def _fail(self, error: Exception) -> None:
        if not isinstance(error, HTTPException):
            _log.error("a request failed", exc_info=error, path=_route(self._scope))
        await respond(self._scope, self._receive, self._marked_send, error)

    def _measure(self) -> None:
        method = self._scope["method"]
        labels = (_route(self._scope), method if method in _METHODS else "other")
        HTTP_REQUESTS.labels(*labels, str(self._status or 500)).inc()
        HTTP_SECONDS.labels(*labels).observe(clock.monotonic() - self._began)


def _route(scope: Scope) -> str:
    """The template, never the path: a path is unbounded, and may hold ids."""
    route: Any = scope.get("route")
    return getattr(route, "path", "none")


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            if _SANE_ID.fullmatch(given):
                return given
    return str(uuid7())


