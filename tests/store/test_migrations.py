"""The migrations make the tables of tables.py, whoever runs them, and can be taken back."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

import certsvc.store.tables  # noqa: F401 - so that `metadata` knows them
from certsvc.store import migrate
from certsvc.store.db import open_engine, transaction
from certsvc.store.schema import metadata
from tests.support.database import new_database, plain

UPGRADE = """
import asyncio, sys
from certsvc.store import migrate
asyncio.run(migrate.upgrade(sys.argv[1]))
"""

# What there is in a schema, as the database itself says it.
CATALOGUE = {
    "columns": """
        SELECT c.relname || '.' || a.attname,
          format_type(a.atttypid, a.atttypmod)
          || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
          || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped""",
    "constraints": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "indexes": """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
        FROM pg_index JOIN pg_class c ON c.oid = indexrelid
        WHERE c.relnamespace = 'public'::regnamespace""",
    "options": """
        SELECT relname, reloptions::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'""",
    "triggers": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
}


@pytest.fixture
def other_database(database_server: str) -> Iterator[str]:
    """Another database without tables."""
    with new_database(database_server) as url:
        yield url


@pytest.fixture
async def clean_database(empty_database: str) -> str:
    """A database that is brought back to nothing first."""
    connection = await asyncpg.connect(plain(empty_database))
    await connection.execute("DROP SCHEMA public CASCADE")
    await connection.execute("CREATE SCHEMA public")
    await connection.close()
    return empty_database


async def catalogue(url: str) -> dict[str, dict[str, str]]:
    connection = await asyncpg.connect(plain(url))
    try:
        found = {}
        for name, query in CATALOGUE.items():
            rows = dict(await connection.fetch(query))
            found[name] = {
                key: text for key, text in rows.items() if not key.startswith("alembic_version")
            }
        return found
    finally:
        await connection.close()


async def test_the_migrations_make_what_the_tables_say(
    clean_database: str, other_database: str
) -> None:
    await migrate.upgrade(clean_database)
    engine = create_async_engine(other_database)
    async with engine.begin() as conn:
        await conn.run_sync(metadata.create_all)
    await engine.dispose()
    ours, said = await catalogue(clean_database), await catalogue(other_database)
    for kind in CATALOGUE:
        assert ours[kind] == said[kind], kind
    assert ours["indexes"]
    assert not ours["triggers"]


async def test_alembic_sees_no_difference_either(clean_database: str) -> None:
    await migrate.upgrade(clean_database)

    def compare(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)

    engine = create_async_engine(clean_database)
    async with engine.connect() as conn:
        assert await conn.run_sync(compare) == []
    await engine.dispose()


async def test_what_goes_up_comes_down_and_goes_up_again(clean_database: str) -> None:
    await migrate.upgrade(clean_database)
    first = await catalogue(clean_database)
    await migrate.downgrade(clean_database, "base")
    assert not (await catalogue(clean_database))["columns"]
    await migrate.upgrade(clean_database)
    assert await catalogue(clean_database) == first


async def test_several_processes_may_migrate_at_once(clean_database: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", UPGRADE, clean_database, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in processes:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    engine = open_engine(clean_database)
    async with transaction(engine) as conn:
        assert await migrate.at_head(conn)
    await engine.dispose()


async def test_it_is_known_whether_a_database_is_up_to_date(clean_database: str) -> None:
    engine = open_engine(clean_database)
    async with transaction(engine) as conn:
        assert await migrate.database_revision(conn) is None
        assert not await migrate.at_head(conn)
    await migrate.upgrade(clean_database)
    async with transaction(engine) as conn:
        assert await migrate.database_revision(conn) == migrate.code_head()
        assert await migrate.at_head(conn)
    await engine.dispose()


async def test_a_migration_that_cannot_get_its_locks_gives_up(clean_database: str) -> None:
    await migrate.upgrade(clean_database)
    connection = await asyncpg.connect(plain(clean_database))
    async with connection.transaction():
        await connection.execute("LOCK TABLE calendars IN ACCESS SHARE MODE")
        with pytest.raises(Exception, match="lock timeout"):
            await migrate.downgrade(clean_database, "-1")
    await connection.close()
    engine = open_engine(clean_database)
    async with transaction(engine) as conn:
        assert await migrate.at_head(conn)
    await engine.dispose()


def test_every_migration_limits_how_long_it_waits_for_locks() -> None:
    folder: Path = migrate.folder()
    for migration in (*(folder / "versions").glob("*.py"), folder / "script.py.mako"):
        assert migration.read_text().count("SET LOCAL lock_timeout") == 2, migration.name
