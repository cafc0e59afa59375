"""A service of its own for the demo: an embedded PostgreSQL in a temporary folder, a migrated
schema, a sandbox tenant with its clock and key, and the HTTP interface on a free loopback port."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.api.app import create_app
from certsvc.domain.outcome import Refusal
from certsvc.embedded import Cluster
from certsvc.settings import Settings
from certsvc.store import migrate
from certsvc.store.api_keys import Role
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.tenants import create_key, create_tenant

HOST = "127.0.0.1"
TENANT = "demo"
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where the interface is, and the key to it."""

    address: str
    key: str


@contextmanager
def sandbox(starts_at: datetime) -> Iterator[Sandbox]:
    """A service that nobody else uses, gone without a trace at the end."""
    with (
        TemporaryDirectory(prefix="certsvc-demo-", ignore_cleanup_errors=True) as folder,
        Cluster(Path(folder), fast=True, pg_bin=Settings().pg_bin) as url,
    ):
        asyncio.run(migrate.upgrade(url))
        service = _Service(url, starts_at)
        service.start()
        try:
            yield service.ready()
        finally:
            service.stop()


class _Service(Thread):
    """The serving, in a thread and an event loop of its own."""

    def __init__(self, url: str, starts_at: datetime) -> None:
        super().__init__(name="certsvc-demo", daemon=True)
        self._url = url
        self._starts_at = starts_at
        # Named as TCP, so that accepted connections are served without Nagle's delay.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind((HOST, 0))
        self._settled = Event()
        self._sandbox: Sandbox | None = None
        self._server: uvicorn.Server | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._error = error
        finally:
            self._settled.set()
            self._socket.close()

    def ready(self) -> Sandbox:
        """Wait until it answers."""
        deadline = clock.monotonic() + START_SECONDS
        self._settled.wait(START_SECONDS)
        while self._error is None and self._server is not None and clock.monotonic() < deadline:
            if self._server.started and self._sandbox is not None:
                return self._sandbox
            self.join(0.01)
        raise RuntimeError("the demo's own service did not start") from self._error

    def stop(self) -> None:
        """Let requests under way finish, and end."""
        if self._server is not None:
            self._server.should_exit = True
        self.join(START_SECONDS)

    async def _serve(self) -> None:
        settings = Settings(_env_file=None, database_url=self._url, scheduler=False)
        engine = open_engine(self._url)
        try:
            key = await _first_key(engine, self._starts_at)
            config = uvicorn.Config(
                create_app(settings, engine),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
            self._server = uvicorn.Server(config)
            port = self._socket.getsockname()[1]
            self._sandbox = Sandbox(f"http://{HOST}:{port}", key)
            self._settled.set()
            await self._server.serve(sockets=[self._socket])
        finally:
            await engine.dispose()


async def _first_key(engine: AsyncEngine, starts_at: datetime) -> str:
    async with transaction(engine) as conn:
        now = clock.now()
        tenant = await create_tenant(conn, now, TENANT, sandbox=True, clock_at=starts_at)
        if isinstance(tenant, Refusal):
            raise RuntimeError(tenant.detail)
        return await create_key(conn, now, tenant.id, Role.ADMIN, "demo")
