"""Transactions hold what they promise, and the database's errors have a meaning."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store import tables
from certsvc.store.db import (
    copy_rows,
    driver,
    json_of,
    open_engine,
    reachable,
    transaction,
    with_driver,
)
from certsvc.store.errors import Busy, Conflict, Rejected, Unavailable
from tests.support.programmes import utc

ID = UUID(int=1)
THEN = utc("2026-01-05T09:00")
TENANT_COLUMNS = ("id", "key", "sandbox", "created_at")
ROWS = [(ID, "acme", False, THEN)]


async def keys(engine: AsyncEngine) -> list[str]:
    async with transaction(engine) as conn:
        return [row[0] for row in await driver(conn).fetch("SELECT key FROM tenants")]


async def test_rows_that_were_copied_first_of_all_are_rolled_back_too(engine: AsyncEngine) -> None:
    async def fail() -> None:
        async with transaction(engine) as conn:
            await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await keys(engine) == []


async def test_what_a_transaction_did_stands_when_its_block_ends(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)
        assert await keys(engine) == []
    assert await keys(engine) == ["acme"]


async def test_the_driver_and_sqlalchemy_share_one_transaction(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        await driver(conn).execute(
            "INSERT INTO tenants (id, key, sandbox, created_at) VALUES ($1, 'raw', false, $2)",
            ID,
            THEN,
        )
        await conn.execute(
            insert(tables.tenants).values(id=UUID(int=2), key="core", sandbox=True, created_at=THEN)
        )
        found = (await conn.execute(select(tables.tenants.c.key).order_by("key"))).scalars().all()
        assert found == ["core", "raw"]
        await conn.rollback()
    assert await keys(engine) == []


async def test_the_driver_is_not_given_out_without_a_transaction(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        with pytest.raises(AssertionError):
            driver(conn)


async def test_a_cancelled_transaction_is_rolled_back_and_its_connection_comes_back(
    engine: AsyncEngine,
) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with transaction(engine) as conn:
            await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)
            begun.set()
            await driver(conn).execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await keys(engine) == []
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["BEGIN", "COMMIT"])
async def test_a_transaction_that_is_cancelled_as_it_begins_or_ends_spoils_no_connection(
    engine: AsyncEngine, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = asyncpg.Connection.execute

    async def execute(self: Any, query: str, *arguments: Any, **named: Any) -> Any:
        if query.startswith(word):
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
        return await real(self, query, *arguments, **named)

    async def work() -> None:
        async with transaction(engine) as conn:
            await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)

    assert await keys(engine) == []
    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "execute", execute)
        await asyncio.wait([asyncio.create_task(work())])
    async with transaction(engine) as conn:
        await driver(conn).execute("DELETE FROM tenants")
        await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)
    other = open_engine(engine.url.render_as_string(hide_password=False))
    try:
        assert await keys(other) == ["acme"], "others do not see what was committed"
    finally:
        await other.dispose()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_json_is_read_and_written_alike_by_the_driver_and_sqlalchemy(
    engine: AsyncEngine,
) -> None:
    value = {"name": "Zoë", "at": [1, 2.5, None, True]}
    async with transaction(engine) as conn:
        for given in (value, json_of(value), '{"name": "Zoë", "at": [1, 2.5, null, true]}'):
            assert await driver(conn).fetchval("SELECT $1::jsonb", given) == value
        many = await driver(conn).fetch("SELECT unnest($1::jsonb[])", [json_of(value), None, b"[]"])
        assert [row[0] for row in many] == [value, None, []]
        row = {
            "tenant_id": ID,
            "id": ID,
            "type": "certification.archived",
            "effective_at": THEN,
            "recorded_at": THEN,
            "actor": "cli",
            "data": value,
        }
        await conn.execute(insert(tables.events).values(row))
        assert (await conn.execute(select(tables.events.c.data))).scalar_one() == value
        assert await driver(conn).fetchval("SELECT data->>'name' FROM events") == "Zoë"


async def test_ids_come_back_as_the_plain_class(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        assert type(await driver(conn).fetchval("SELECT $1::uuid", ID)) is UUID
        ids = [ID, UUID(int=2**128 - 1)]
        assert await driver(conn).fetchval("SELECT $1::uuid[]", ids) == ids
        assert (await conn.execute(text(f"SELECT '{ID}'::uuid"))).scalar_one() == ID


async def test_connections_that_died_in_the_pool_are_replaced_in_silence(
    engine: AsyncEngine,
) -> None:
    async def hold(_: int) -> None:
        async with transaction(engine) as conn:
            await driver(conn).execute("SELECT pg_sleep(0.05)")

    await asyncio.gather(*map(hold, range(4)))
    async with transaction(engine) as conn:
        await driver(conn).execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await asyncio.gather(*map(hold, range(6)))


async def test_a_connection_that_dies_under_a_transaction_means_unavailable(
    engine: AsyncEngine,
) -> None:
    async def die() -> None:
        async with transaction(engine) as conn:
            await copy_rows(conn, "tenants", TENANT_COLUMNS, ROWS)
            pid = await driver(conn).fetchval("SELECT pg_backend_pid()")
            async with transaction(engine) as other:
                await driver(other).execute("SELECT pg_terminate_backend($1)", pid)
            await driver(conn).execute("SELECT 1")

    with pytest.raises(Unavailable):
        await die()
    assert await keys(engine) == []


async def test_a_server_that_is_not_there_means_unavailable() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(Unavailable):
        async with transaction(engine):
            pass
    assert not await reachable(engine, seconds=0.5)
    await engine.dispose()


async def test_a_pool_without_a_free_connection_means_unavailable(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    async with transaction(engine):
        with pytest.raises(Unavailable):
            async with transaction(engine):
                pass
    assert await reachable(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    ("statement", "values", "meaning"),
    [
        ("SELECT $1::text", ["nul \x00"], Rejected),
        ("SELECT $1::text", ["half \ud800"], Rejected),
        ("SELECT $1::int", [2**40], Rejected),
        ("SELECT 1 / $1::int", [0], Rejected),
        ("SELECT pg_sleep($1)", [5.0], Busy),
        ("SELECT nonsense($1::int)", [1], asyncpg.UndefinedFunctionError),
    ],
)
async def test_errors_of_the_driver_have_a_meaning(
    engine: AsyncEngine, statement: str, values: list[object], meaning: type[Exception]
) -> None:

    async def run() -> None:
        async with transaction(engine) as conn:
            await driver(conn).execute("SET LOCAL statement_timeout = '50ms'")
            await driver(conn).fetch(statement, *values)

    with pytest.raises(meaning):
        await run()
    assert await reachable(engine)


async def test_errors_that_sqlalchemy_wraps_have_the_same_meaning(engine: AsyncEngine) -> None:
    row = {"id": ID, "key": "acme", "sandbox": False, "created_at": THEN}

    async def insert_twice() -> None:
        async with transaction(engine) as conn:
            await conn.execute(insert(tables.tenants).values(row))
            await conn.execute(insert(tables.tenants).values(row))

    with pytest.raises(Rejected) as raised:
        await insert_twice()
    assert raised.value.taken
    assert raised.value.constraint == "tenants_pkey"


async def test_a_deadlock_is_a_conflict_for_one_and_passes_for_the_other(
    engine: AsyncEngine,
) -> None:
    met = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> str:
        try:
            async with transaction(engine) as conn:
                await driver(conn).execute("SET LOCAL deadlock_timeout = '20ms'")
                await driver(conn).execute("SELECT pg_advisory_xact_lock($1)", first)
                await met.wait()
                await driver(conn).execute("SELECT pg_advisory_xact_lock($1)", second)
        except Conflict:
            return "conflict"
        return "done"

    assert sorted(await asyncio.gather(lock(1, 2), lock(2, 1))) == ["conflict", "done"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_a_url_need_not_name_the_driver(scheme: str) -> None:
    assert with_driver(f"{scheme}://u:p@h/d") == "postgresql+asyncpg://u:p@h/d"
