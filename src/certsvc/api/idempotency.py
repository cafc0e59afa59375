"""Once only: a POST with an Idempotency-Key is done once, and answered the same ever after.

The key is claimed in the transaction that makes the change, so that neither can be without the
other. Where nothing was changed, because the answer is a no, only the answer is kept.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from certsvc import clock
from certsvc.api.answers import Answer
from certsvc.api.keyring import Caller
from certsvc.api.problems import Fault, Problem
from certsvc.store import idempotency
from certsvc.store.idempotency import Fresh, Mismatch, Replay

HEADER = "idempotency-key"
_KEY = re.compile(r'"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254})')


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is to be done once: whose, under which key, and what it says."""

    caller: Caller
    key: str
    fingerprint: bytes
    kept_for: timedelta

    async def claim(self, conn: AsyncConnection) -> Answer | None:
        """The first answer, if there was one. Refused while the first is still running."""
        now = clock.now()
        found = await idempotency.claim(
            conn,
            self.caller.tenant.id,
            self.caller.api_key_id,
            self.key,
            self.fingerprint,
            now,
            now + self.kept_for,
        )
        if isinstance(found, Fresh):
            return None
        if isinstance(found, Replay):
            return _replayed(found.answer)
        if isinstance(found, Mismatch):
            fault = Fault(code="reused", detail="was used before", header="Idempotency-Key")
            detail = "This Idempotency-Key was used for another request."
            raise Problem("idempotency_key_reused", detail, (fault,))
        raise Problem("in_progress", "The first request with this key is not done yet.")

    async def finish(self, conn: AsyncConnection, answer: Answer) -> None:
        """Keep the answer."""
        kept = idempotency.Answer(
            answer.status, {**answer.headers, "content-type": answer.media_type}, answer.body
        )
        await idempotency.finish(
            conn, self.caller.tenant.id, self.caller.api_key_id, self.key, kept
        )


async def once(request: Request, caller: Caller, hours: int) -> Once | None:
    """What the Idempotency-Key of a request asks for; None without one."""
    header = request.headers.get(HEADER)
    if header is None or request.method != "POST":
        return None
    found = _KEY.fullmatch(header.strip())
    if found is None:
        fault = Fault(
            code="idempotency_key", detail="must be 1 to 255 characters", header="Idempotency-Key"
        )
        raise Problem("invalid_request", "Wrong content in: Idempotency-Key.", (fault,))
    key = found.group(1) or found.group(2)
    return Once(caller, key, await _fingerprint(request), timedelta(hours=hours))


async def _fingerprint(request: Request) -> bytes:
    """What the request says: the order of fields and parameters does not matter."""
    body = await request.body()
    value = await request.json() if body else None
    parts = [request.method, request.url.path, sorted(request.query_params.multi_items()), value]
    condition = request.headers.get("if-match")
    canonical = orjson.dumps([*parts, condition], option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).digest()


def _replayed(kept: idempotency.Answer) -> Answer:
    headers = dict(kept.headers)
    media_type = headers.pop("content-type")
    return Answer(
        kept.status, kept.body, media_type, {**headers, "idempotent-replayed": "true"}
    )
