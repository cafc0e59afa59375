"""A PostgreSQL of the benchmarks' own: the embedded one, as durable as in ordinary use.

Every run starts on a fresh copy of a database that was filled once, so that no run profits or
suffers from the one before.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from certsvc.embedded import Cluster


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="certsvc-bench-", ignore_cleanup_errors=True) as folder,
        Cluster(Path(folder) / "data") as url,
    ):
        yield url


def named(url: str, database: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """The URL as the driver itself reads it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """A connection of the bare driver."""
    connection = await asyncpg.connect(plain(url), server_settings={"jit": "off"})
    try:
        yield connection
    finally:
        await connection.close()


async def execute(url: str, *statements: str) -> None:
    """Run statements one by one, outside any transaction."""
    async with connected(url) as connection:
        for statement in statements:
            await connection.execute(statement)


async def create(url: str, database: str) -> str:
    """An empty database."""
    await execute(url, f'CREATE DATABASE "{database}"')
    return named(url, database)


@asynccontextmanager
async def copy_of(url: str, template: str, database: str) -> AsyncIterator[str]:
    """A copy of a filled database, written to disk before anything is measured on it."""
    await execute(
        url, f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy', "CHECKPOINT"
    )
    try:
        yield named(url, database)
    finally:
        await execute(url, f'DROP DATABASE "{database}" WITH (FORCE)')
