"""Sends one message to one receiver, and says what became of it, whatever the receiver does."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import structlog

from certsvc import clock
from certsvc.settings import Settings
from certsvc.telemetry import WEBHOOK_ATTEMPTS
from certsvc.webhooks.addresses import Refusal, allowance_of, target_of
from certsvc.webhooks.attempt import Attempt, Failure, Message
from certsvc.webhooks.connecting import Connect, Connector, Undelivered, connect
from certsvc.webhooks.http import Answer, Http, trusted
from certsvc.webhooks.resolving import Names, Resolve
from certsvc.webhooks.signing import headers_of

__all__ = ["Attempt", "Failure", "Message", "Sender"]

LONGEST_ASKED_SECONDS = 86_400.0

log = structlog.get_logger(__name__)


class Sender:
    """One for the whole process: it keeps connections open. Close it with `aclose`.

    It sends as many messages at once as it is called for; who calls it bounds them.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve | None = None,
        connect_to: Connect = connect,
    ) -> None:
        allowance = allowance_of(settings)
        self._deadline = settings.webhook_deadline_seconds
        self._http = Http(
            Connector(
                allowance,
                resolve or Names(),
                connect_to,
                trusted(settings.webhook_ca_file),
                settings.webhook_connect_seconds,
            ),
            settings.webhook_response_bytes,
        )
        self._target = lru_cache(maxsize=4096)(lambda url: target_of(url, allowance))

    async def send(self, message: Message) -> Attempt:
        """Make one attempt. What the receiver does wrong is in the attempt; nothing is raised."""
        began = clock.monotonic()
        answer = Answer()
        error = await self._failure(message, answer)
        WEBHOOK_ATTEMPTS.labels(error or "delivered").inc()
        return Attempt(
            status=answer.status,
            error=error,
            duration_ms=round((clock.monotonic() - began) * 1000),
            response=bytes(answer.body),
            retry_after=None if error is None else seconds_of(answer.retry_after, clock.now()),
            gone=error is Failure.GONE,
        )

    async def aclose(self) -> None:
        """Let go of the connections that are kept."""
        await self._http.aclose()

    async def _failure(self, message: Message, answer: Answer) -> Failure | None:
        target = self._target(message.url)
        if isinstance(target, Refusal):
            return Failure.REFUSED_ADDRESS
        headers = headers_of(message.id, clock.now(), message.body, message.secrets)
        cut_short = None
        try:
            async with asyncio.timeout(self._deadline):
                await self._http.post(target, headers, message.body, answer)
        except TimeoutError:
            cut_short = Failure.TIMED_OUT
        except Undelivered as error:
            cut_short = error.failure
        except Exception:
            # No receiver should be able to bring this about; one that does harms itself alone.
            log.exception("webhook attempt failed unexpectedly", host=target.host)
            cut_short = Failure.BAD_RESPONSE
        return _judged(answer.status) or cut_short if answer.status is not None else cut_short


def _judged(status: int) -> Failure | None:
    """Only 2xx is a success: who redirects has not taken the message."""
    if status < 200:
        return Failure.BAD_RESPONSE
    if status < 300:
        return None
    if status < 400:
        return Failure.REDIRECT
    return Failure.GONE if status == 410 else Failure.HTTP_ERROR


def seconds_of(retry_after: bytes | None, now: datetime) -> float | None:
    """How long Retry-After asks to wait: seconds, or a date. What makes no sense asks nothing."""
    if retry_after is None or len(retry_after) > 64:
        return None
    said = retry_after.decode("latin-1").strip()
    if said.isascii() and said.isdigit():
        return min(float(said), LONGEST_ASKED_SECONDS)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_ASKED_SECONDS)
