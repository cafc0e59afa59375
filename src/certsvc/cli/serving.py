"""Serving: the API and the scheduler in one process, or the scheduler alone, until told to stop.

The first signal drains: no new requests, those under way are finished, the batch under way is
committed. The second one does not wait.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.api.app import create_app
from certsvc.cli.living import live, on_signal
from certsvc.cli.surroundings import database, engine_of, settle, voice
from certsvc.domain.outcome import Refusal
from certsvc.settings import Settings
from certsvc.store import migrate, tenants
from certsvc.store.api_keys import Role
from certsvc.store.db import reachable, transaction
from certsvc.usecases.tenants import create_key, create_tenant
from certsvc.worker.scheduler import Scheduler, heartbeat_age

DRAIN_SECONDS = 30
"""How long requests under way may take once the process is to end."""

FIRST_TENANT = "default"


class _Server(uvicorn.Server):
    """Uvicorn, with signals left to us: its own way raises them again once it has ended, before
    the scheduler and the embedded database are stopped."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[int], None]) -> None:
        super().__init__(config)
        self._begun = begun

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begun(self.servers[0].sockets[0].getsockname()[1])


def serve(settings: Settings) -> None:
    """Serve until told to stop."""
    with database(settings) as url:
        live(_serve(settings, url))


def work(settings: Settings) -> None:
    """Run the scheduler until told to stop."""
    with database(settings) as url:
        live(_work(settings, url))


async def _serve(settings: Settings, url: str) -> None:
    engine = engine_of(settings, url)
    try:
        await _prepare(engine)
        if settings.database_url is None:
            await _first_tenant(engine)

        @asynccontextmanager
        async def living() -> AsyncIterator[None]:
            async with _scheduling(engine, settings):
                yield

        app = create_app(settings, engine, heartbeat=heartbeat_age, lifespan=living)
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        server = _Server(config, begun=lambda port: _announce(settings.host, port))

        def stop() -> None:
            server.force_exit = server.should_exit
            server.should_exit = True
            app.state.service.drain()

        with on_signal(stop):
            await server.serve()
    finally:
        await engine.dispose()


async def _work(settings: Settings, url: str) -> None:
    engine = engine_of(settings, url)
    told = asyncio.Event()
    try:
        await _prepare(engine)
        with on_signal(told.set):
            scheduler = Scheduler(engine, settings)
            scheduler.start()
            voice.print("The scheduler runs. [dim]Ctrl-C stops it.[/dim]")
            try:
                await told.wait()
            finally:
                await scheduler.stop()
    finally:
        await engine.dispose()


@asynccontextmanager
async def _scheduling(engine: AsyncEngine, settings: Settings) -> AsyncIterator[None]:
    """The scheduler runs, unless CERTSVC_SCHEDULER says that another process does that."""
    if not settings.scheduler:
        yield
        return
    scheduler = Scheduler(engine, settings)
    scheduler.start()
    try:
        yield
    finally:
        await scheduler.stop(DRAIN_SECONDS)


async def _first_tenant(engine: AsyncEngine) -> None:
    """The embedded database's first start makes a tenant and a key, which is printed this once."""
    async with transaction(engine) as conn:
        if await tenants.every(conn):
            return
        made = await create_tenant(conn, clock.now(), FIRST_TENANT)
        if isinstance(made, Refusal):
            # Another process starts on the same folder, and was first.
            return
        key = await create_key(conn, clock.now(), made.id, Role.ADMIN, "first key")
    voice.print(f"A first start: made the tenant [bold]{FIRST_TENANT}[/bold] and an admin's key.")
    voice.print("Keep it, it is shown only now:")
    print(key, flush=True)


async def _prepare(engine: AsyncEngine) -> None:
    """Look at the database before anybody uses it, if it is there."""
    if not await reachable(engine):
        voice.print("[yellow]The database cannot be reached yet.[/yellow]")
        return
    await settle(engine)
    async with transaction(engine) as conn:
        if not await migrate.at_head(conn):
            voice.print(
                "[yellow]The database is not at the newest schema: certsvc migrate[/yellow]"
            )


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    url = escape(f"http://{shown}:{port}")
    voice.print(f"certsvc listens on [bold]{url}[/bold]")
    voice.print(f"Documentation: {url}/docs   [dim]Ctrl-C stops it.[/dim]")
