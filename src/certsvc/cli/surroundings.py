"""Where a command works: the settings, the voice on stderr, and the database."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import ValidationError
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock, telemetry
from certsvc.embedded import Cluster, EmbeddedPostgresError
from certsvc.settings import Settings
from certsvc.store import feed_homes, migrate
from certsvc.store.db import open_engine, transaction
from certsvc.store.errors import StoreError

Answer = TypeVar("Answer")
voice = Console(stderr=True, highlight=False)
"""What is said to people. What machines read is printed."""


class Failure(Exception):
    """The command cannot go on; the message says why, in words for an operator."""


@contextmanager
def explained() -> Iterator[None]:
    """Turn what may go wrong outside the program into one line and exit code 1."""
    try:
        yield
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            voice.print(f"[red]CERTSVC_{name}: {problem['msg']}[/red]", soft_wrap=True)
        sys.exit(1)
    except (Failure, EmbeddedPostgresError, StoreError) as error:
        voice.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)


def read_settings(**given: object) -> Settings:
    """The settings of the environment, with what the command line gave in their place; logging
    is set up by them."""
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    telemetry.configure_logging(settings.log_level, settings.log_format)
    # Every command on an embedded database looks for migrations; only `migrate` is about them.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return settings


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the database: the one that is set; else that of the data folder's own server,
    started if nobody runs it, shared with whoever does, and brought to the newest schema."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    cluster = Cluster(settings.data_dir, pg_bin=settings.pg_bin)
    with voice.status("Starting the embedded PostgreSQL ..."):
        url = cluster.start()
    try:
        asyncio.run(migrate.upgrade(url))
        yield url
    finally:
        cluster.stop()


def engine_of(settings: Settings, url: str) -> AsyncEngine:
    """An engine as the settings say."""
    return open_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=settings.max_overflow,
        pool_timeout=settings.pool_timeout_seconds,
    )


async def settle(engine: AsyncEngine, *, restored: bool = False) -> None:
    """Before anybody writes events: let the feed go on behind what it told, wherever the database
    was then. One whose schema is not the newest has to be migrated first."""
    async with transaction(engine) as conn:
        if not await migrate.at_head(conn):
            return
        moved = await feed_homes.settle(conn, clock.now(), restored=restored)
    if moved:
        voice.print("The database was restored: its events go on behind those told before.")


def with_engine(settings: Settings, work: Callable[[AsyncEngine], Awaitable[Answer]]) -> Answer:
    """Do something with the database, and leave nothing open."""

    async def run(url: str) -> Answer:
        engine = engine_of(settings, url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    with database(settings) as url:
        return asyncio.run(run(url))
