"""The schema's versions: bring a database to the newest one, and say which one it has.

The migrations lie beside the package's source in the repository, and inside the package when it
is installed.
"""

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from certsvc.store.db import driver, with_driver

# Any number will do, as long as nobody else locks it.
_LOCK: Final = 0x63657274_73766300
_TRY = text("SELECT pg_try_advisory_lock(:number)")
_REVISION = "SELECT to_regclass('alembic_version') IS NOT NULL"


@cache
def folder() -> Path:
    """Where the migrations are."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "migrations", package.parent.parent / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise FileNotFoundError("the migrations are not where they were installed")


def config() -> Config:
    """What Alembic needs to know; the connection is handed over by `_run`."""
    made = Config()
    made.set_main_option("script_location", str(folder()).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


@cache
def code_head() -> str:
    """The newest version that this code knows."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None, "there is at least one migration"
    return head


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to the newest version. Several may call this at once: one works, the
    others wait and find it done."""
    await _run(url, lambda configuration: command.upgrade(configuration, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take the database back to an older version."""
    await _run(url, lambda configuration: command.downgrade(configuration, revision))


async def _run(url: str, work: Callable[[Config], None]) -> None:
    engine = create_async_engine(with_driver(url), poolclass=NullPool)
    try:
        async with engine.connect() as lock, engine.connect() as conn:
            # A lock of the session, on a connection of its own: it is held over all the
            # migrations' transactions, and released with the connection whatever happens. It is
            # asked for again and again, because one who waits inside a statement would be waited
            # for by CREATE INDEX CONCURRENTLY.
            await lock.execution_options(isolation_level="AUTOCOMMIT")
            while not (await lock.execute(_TRY, {"number": _LOCK})).scalar_one():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            await conn.run_sync(_work, work)
            await conn.commit()
    finally:
        await asyncio.shield(engine.dispose())


def _work(connection: Connection, work: Callable[[Config], None]) -> None:
    configuration = config()
    configuration.attributes["connection"] = connection
    work(configuration)


async def database_revision(conn: AsyncConnection) -> str | None:
    """The version that the database has; None for one that was never migrated."""
    raw = driver(conn)
    if not await raw.fetchval(_REVISION):
        return None
    revision: str | None = await raw.fetchval("SELECT version_num FROM alembic_version")
    return revision


async def at_head(conn: AsyncConnection) -> bool:
    """Whether the database has the version that this code is for."""
    return await database_revision(conn) == code_head()
