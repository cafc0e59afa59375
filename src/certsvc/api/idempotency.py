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
from certsvc.api.sealing import Sealed, seal, unseal
from certsvc.store import idempotency
from certsvc.store.idempotency import Fresh, Mismatch, Replay

HEADER = "idempotency-key"
SEAL = "seal"
_KEY = re.compile(r'"([\x20\x21\x23-\x7e]{1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254})')


@dataclass(frozen=True, slots=True)
class Once:
    """A request that is to be done once: whose, under which key, and what it says."""

    caller: Caller
    key: str
    fingerprint: bytes
    kept_for: timedelta
    opener: bytes

    async def claim(self, conn: AsyncConnection) -> Answer | None:
        """The first answer, if there was one. Refused while the first is still running."""
        now = clock.now()
        found = await idempotency.claim(
            conn,
            self.caller.tenant.id,
            self.caller.api_key_id,
            self.key,
            self.fingerprint,
            now=now,
            expires_at=now + self.kept_for,
        )
        if isinstance(found, Fresh):
            return None
        if isinstance(found, Replay):
            return _replayed(found.answer, self.opener)
        if isinstance(found, Mismatch):
            fault = Fault(code="reused", detail="was used before", header="Idempotency-Key")
            detail = "This Idempotency-Key was used for another request."
            raise Problem("idempotency_key_reused", detail, (fault,))
        raise Problem("in_progress", "The first request with this key is not done yet.")

    async def finish(self, conn: AsyncConnection, answer: Answer) -> None:
        """Keep the answer."""
        headers, body = {**answer.headers, "content-type": answer.media_type}, answer.body
        if answer.secret is not None:
            sealed = seal(body, answer.secret, self.opener)
            headers[SEAL], body = sealed.seal, sealed.body
        kept = idempotency.Answer(answer.status, headers, body)
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
    opener = request.headers["authorization"].encode()
    return Once(caller, key, await _fingerprint(request), timedelta(hours=hours), opener)


async def _fingerprint(request: Request) -> bytes:
    """What the request says: the order of fields and parameters does not matter."""
    body = await request.body()
    value = await request.json() if body else None
    parts = [request.method, request.url.path, sorted(request.query_params.multi_items()), value]
    condition = request.headers.get("if-match")
    canonical = orjson.dumps([*parts, condition], option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).digest()


def _replayed(kept: idempotency.Answer, opener: bytes) -> Answer:
    headers = {**kept.headers, "idempotent-replayed": "true"}
    media_type, sealed = headers.pop("content-type"), headers.pop(SEAL, None)
    body = kept.body if sealed is None else unseal(Sealed(kept.body, sealed), opener)
    return Answer(kept.status, body, media_type, headers)
