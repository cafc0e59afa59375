"""Who is calling: API keys, looked up once and remembered for a moment.

A key is remembered for two seconds, so that a revoked one is refused everywhere within that time
although no replica tells another.
"""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.api.persistence import Attempt, persistently
from certsvc.api.problems import Problem
from certsvc.store import api_keys
from certsvc.store.api_keys import KeyParts, Known, Role
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant

REMEMBERED_SECONDS = 2.0
REMEMBERED_KEYS = 10_000
LONGEST_HEADER = 512


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that calls, and whose it is. Its tenant's clock is not looked at here."""

    tenant: Tenant
    api_key_id: UUID
    role: Role


class Keyring:
    """The keys that called lately."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def caller(self, authorization: str | None) -> Caller:
        """The caller that an Authorization header names; refused when there is none."""
        if authorization is None:
            raise _stranger("Send an API key: `Authorization: Bearer <key>`.")
        remembered = self._known.get(authorization)
        now = clock.monotonic()
        if remembered is not None and remembered[0] > now:
            return remembered[1]
        caller = await self._look_up(authorization)
        self._known[authorization] = (now + REMEMBERED_SECONDS, caller)
        self._known.move_to_end(authorization)
        if len(self._known) > REMEMBERED_KEYS:
            self._known.popitem(last=False)
        return caller

    def forget(self, api_key_id: UUID) -> None:
        """No longer remember a key: it was revoked here."""
        for text, (_, caller) in list(self._known.items()):
            if caller.api_key_id == api_key_id:
                del self._known[text]

    async def _look_up(self, authorization: str) -> Caller:
        parts = _parts(authorization)
        if parts is not None:
            found = await self._find(parts)
            if found is not None and api_keys.matches(found.key, parts.secret):
                return Caller(found.tenant, found.key.id, found.key.role)
        raise _stranger("The API key is wrong or was revoked.")

    async def _find(self, parts: KeyParts) -> Known | None:
        async def attempt(_: Attempt) -> Known | None:
            async with transaction(self._engine) as conn:
                return await api_keys.find(conn, parts.tenant_id, parts.key_id)

        return await persistently(attempt)


def _parts(authorization: str) -> KeyParts | None:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(text) > LONGEST_HEADER:
        return None
    return api_keys.read_key(text.strip())


def _stranger(detail: str) -> Problem:
    return Problem("unauthenticated", detail)
