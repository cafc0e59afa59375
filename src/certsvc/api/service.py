"""What all requests share: settings, the database, the keys that called lately, the drain flag."""

from collections.abc import Callable, Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from certsvc.api.keyring import Caller, Keyring
from certsvc.api.pace import Pace
from certsvc.api.problems import Problem
from certsvc.api.roles import covers
from certsvc.api.watch import Watch
from certsvc.settings import Settings
from certsvc.store import feed
from certsvc.store.api_keys import Role
from certsvc.store.db import transaction
from certsvc.store.feed import Place

Heartbeat = Callable[[], float | None]


class Service:
    """One per application."""

    def __init__(
        self, settings: Settings, engine: AsyncEngine | None, heartbeat: Heartbeat | None
    ) -> None:
        self.settings = settings
        self.draining = False
        self.pace = Pace(settings.requests_per_second, settings.requests_at_once)
        self.heartbeat = heartbeat or (lambda: None)
        self.watch = Watch(self._ends)
        self._engine = engine
        self._keyring = None if engine is None else Keyring(engine)

    @property
    def engine(self) -> AsyncEngine:
        """The database. An application made only for its contract has none."""
        if self._engine is None:
            raise Problem("unavailable", "This process has no database.")
        return self._engine

    @property
    def keyring(self) -> Keyring:
        """The keys that called lately."""
        if self._keyring is None:
            raise Problem("unavailable", "This process has no database.")
        return self._keyring

    def drain(self) -> None:
        """Say on /readyz that no new requests should come here, and keep none waiting."""
        self.draining = True
        self.watch.end()

    async def _ends(self, tenant_ids: Collection[UUID]) -> dict[UUID, Place]:
        """How far the feeds of the tenants go."""
        async with transaction(self.engine) as conn:
            return await feed.ends(conn, tenant_ids)

    async def admit(self, request: Request, needed: Role) -> Caller:
        """The caller, if its role is enough."""
        caller = await self.keyring.caller(request.headers.get("authorization"))
        self.pace.admit(caller.api_key_id)
        if not covers(caller.role, needed):
            raise Problem(
                "forbidden",
                f"This needs the role {needed.value}; the key's is {caller.role.value}.",
            )
        return caller
