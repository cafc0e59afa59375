"""A database for every test: one server for the run, one migrated template, tables emptied between.

CERTSVC_TEST_DATABASE_URL names a server to use instead of the embedded one; its role must be
allowed to create databases.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

import certsvc.store.tables  # noqa: F401 - so that `metadata` knows them
from certsvc.embedded import Cluster
from certsvc.store import migrate
from certsvc.store.db import open_engine, with_driver
from certsvc.store.schema import metadata

FILLED = " UNION ALL ".join(
    f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in metadata.tables
)


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a server; each process of a spread run has its own."""
    given = os.environ.get("CERTSVC_TEST_DATABASE_URL")
    if given:
        yield with_driver(given)
        return
    # Not below pytest's own folder: the server may run as another user, who cannot look into it.
    with (
        tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder,
        Cluster(Path(folder) / "data", fast=True) as url,
    ):
        yield url


async def execute(url: str, *statements: str) -> None:
    """Run statements one by one, outside any transaction."""
    connection = await asyncpg.connect(plain(url))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def plain(url: str) -> str:
    """The URL as the driver itself reads it."""
    return url.replace("postgresql+asyncpg://", "postgresql://")


def named(url: str, database: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@contextmanager
def new_database(server: str, *, template: str | None = None) -> Iterator[str]:
    """A database that is dropped afterwards: empty, or a copy of the template."""
    name = f"certsvc_test_{uuid4().hex[:16]}"
    source = f' TEMPLATE "{template}"' if template else ""
    asyncio.run(execute(server, f'CREATE DATABASE "{name}"{source}'))
    try:
        yield named(server, name)
    finally:
        asyncio.run(execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def empty_database(database_server: str) -> Iterator[str]:
    """A database without tables, for the tests of migrations; they leave it as they found it."""
    with new_database(database_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_database(database_server: str) -> Iterator[str]:
    """The database of this process of the run, migrated."""
    with new_database(database_server) as url:
        asyncio.run(migrate.upgrade(url))
        yield url


@pytest.fixture
async def database_url(migrated_database: str) -> str:
    """A migrated database with empty tables."""
    connection = await asyncpg.connect(plain(migrated_database))
    try:
        # Emptying a table takes new files; looking whether it is empty takes none.
        filled = [row[0] for row in await connection.fetch(FILLED)]
        if filled:
            await connection.execute(f"TRUNCATE {', '.join(filled)}")
    finally:
        await connection.close()
    return migrated_database


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database with empty tables."""
    made = open_engine(database_url, pool_size=4, max_overflow=16)
    try:
        yield made
    finally:
        await made.dispose()
