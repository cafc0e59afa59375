"""Posts a body to a receiver, over a connection that is kept for the next one.

This is the only module that is an HTTP client. It takes httpx's protocol (httpcore) and the public
certificates that come with it, and neither its client nor its pool. A client follows redirects,
keeps cookies, undoes compression, looks into the environment for proxies and parses the URL once
more, all of which a receiver could turn against the service. A pool that looks at every connection
for every request gets slow where many are open.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import httpcore
import httpx

from certsvc import __version__, clock
from certsvc.webhooks.addresses import Target
from certsvc.webhooks.attempt import Failure
from certsvc.webhooks.connecting import Connector, Undelivered
from certsvc.webhooks.signing import Headers
from certsvc.webhooks.wire import TooMuch, Wire

HEAD_BYTES = 32 * 1024
"""How much is heard besides the body: status, headers, how the body is cut into pieces."""
KEPT_SECONDS = 30.0
"""How long a connection waits for the next message."""
LIVED_SECONDS = 300.0
"""How long it is used at most; then its name is asked for anew."""
KEPT_AT_MOST = 256
"""How many wait at once, for all receivers together."""

_ALWAYS: Headers = [
    (b"user-agent", f"certsvc/{__version__}".encode()),
    (b"content-type", b"application/json"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
]
_Origin = tuple[bool, str, int]


@dataclass(slots=True)
class Answer:
    """What a receiver has said so far; filled while it speaks."""

    status: int | None = None
    retry_after: bytes | None = None
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True, eq=False)
class _Connection:
    """An open connection."""

    origin: _Origin
    protocol: httpcore.AsyncHTTP11Connection
    wire: Wire
    opened_at: float
    kept_at: float = 0.0

    def serves(self, now: float) -> bool:
        """Whether it can take one more message."""
        young = now - self.opened_at <= LIVED_SECONDS and now - self.kept_at <= KEPT_SECONDS
        return young and self.wire.is_quiet


class Http:
    """The connections of this process to all receivers."""

    def __init__(self, connector: Connector, response_bytes: int) -> None:
        self._connector = connector
        self._response_bytes = response_bytes
        self._kept: dict[_Origin, list[_Connection]] = {}
        self._in_order: dict[_Connection, None] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def post(self, target: Target, headers: Headers, body: bytes, answer: Answer) -> None:
        """Post, and read the answer into `answer`; raises Undelivered if it does not end well."""
        request = httpcore.Request(
            b"POST",
            _url(target),
            headers=[
                (b"host", target.authority.encode("ascii")),
                *_ALWAYS,
                *headers,
                (b"content-length", b"%d" % len(body)),
            ],
            content=body,
        )
        kept = self._take(target.origin)
        if kept is not None:
            try:
                return await self._exchange(kept, request, answer)
            except Undelivered:
                # Receivers close connections that wait, maybe just now. If this one did not, it
                # gets the message twice, and knows it by its id.
                if answer.status is not None:
                    raise
        wire = await self._connector.open(target)
        protocol = httpcore.AsyncHTTP11Connection(origin=request.url.origin, stream=wire)
        made = _Connection(target.origin, protocol, wire, clock.monotonic())
        return await self._exchange(made, request, answer)

    async def aclose(self) -> None:
        """Let go of every connection that waits."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._in_order):
            self._drop(connection)

    async def _exchange(
        self, connection: _Connection, request: httpcore.Request, answer: Answer
    ) -> None:
        connection.wire.left = HEAD_BYTES + self._response_bytes
        try:
            response = await connection.protocol.handle_async_request(request)
            answer.status = response.status
            answer.retry_after = _retry_after(response)
            await self._read(response, answer)
        except TooMuch as error:
            if answer.status is None:
                raise Undelivered(Failure.BAD_RESPONSE) from error
        except ssl.SSLError as error:
            raise Undelivered(Failure.TLS_FAILED) from error
        except (httpcore.ProtocolError, OSError) as error:
            raise Undelivered(Failure.BAD_RESPONSE) from error
        if connection.protocol.is_idle():
            self._keep(connection)

    async def _read(self, response: httpcore.Response, answer: Answer) -> None:
        """Read the body, and no more than the cap of it; the rest is not waited for."""
        parts = aiter(response.stream)  # type: ignore[arg-type]
        assert isinstance(parts, AsyncGenerator)
        async with aclosing(parts):
            async for part in parts:
                room = self._response_bytes - len(answer.body)
                answer.body += part[:room]
                if len(part) > room:
                    return
        await response.aclose()

    def _take(self, origin: _Origin) -> _Connection | None:
        waiting = self._kept.get(origin)
        now = clock.monotonic()
        while waiting:
            connection = waiting[-1]
            self._forget(connection)
            if connection.serves(now):
                return connection
            connection.wire.abort()
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.kept_at = clock.monotonic()
        connection.wire.left = 0
        self._kept.setdefault(connection.origin, []).append(connection)
        self._in_order[connection] = None
        if len(self._in_order) > KEPT_AT_MOST:
            self._drop(next(iter(self._in_order)))
        if self._sweep is None:
            self._look_later()

    def _forget(self, connection: _Connection) -> None:
        del self._in_order[connection]
        waiting = self._kept[connection.origin]
        waiting.remove(connection)
        if not waiting:
            del self._kept[connection.origin]

    def _drop(self, connection: _Connection) -> None:
        self._forget(connection)
        connection.wire.abort()

    def _look_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = loop.call_later(KEPT_SECONDS, self._drop_what_waited)

    def _drop_what_waited(self) -> None:
        """Close what no message came for, so that nothing stays open because all is quiet."""
        now = clock.monotonic()
        for connection in list(self._in_order):
            if not connection.serves(now):
                self._drop(connection)
        self._sweep = None
        if self._in_order:
            self._look_later()


def trusted(own: Path | None) -> ssl.SSLContext:
    """The public certificates, and those of the operator."""
    context = httpx.create_ssl_context(trust_env=False)
    if own is not None:
        context.load_verify_locations(cafile=own)
    context.set_alpn_protocols(["http/1.1"])
    return context


@lru_cache(maxsize=4096)
def _url(target: Target) -> httpcore.URL:
    """Put together of what was parsed; httpcore parses none of it."""
    return httpcore.URL(
        scheme=b"https" if target.tls else b"http",
        host=target.host.encode("ascii"),
        port=target.port,
        target=target.path.encode("ascii"),
    )


def _retry_after(response: httpcore.Response) -> bytes | None:
    return next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
