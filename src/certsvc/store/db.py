"""The database: engine, transactions, the driver inside them, COPY, and what its errors mean.

Two things here are load-bearing. `transaction` begins on the driver at once, because what runs on
the raw driver before SQLAlchemy's first own statement would otherwise run outside the transaction
and survive its rollback. And pooled connections that died are replaced at BEGIN, when nothing can
have been lost yet; that costs no round trip, unlike a ping.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from operator import attrgetter
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from certsvc.store.codec import uuid_of_bytes
from certsvc.store.errors import Unavailable, translated

DRIVER = "postgresql+asyncpg://"


def with_driver(url: str) -> str:
    """The URL with the driver named, as operators leave it out."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return DRIVER + url.removeprefix(scheme)
    return url


def open_engine(
    url: str,
    *,
    pool_size: int = 10,
    max_overflow: int = 10,
    pool_timeout: float = 5.0,
    application_name: str = "certsvc",
) -> AsyncEngine:
    """An engine whose connections read and write jsonb with orjson."""
    engine = create_async_engine(
        with_driver(url),
        pool_size=pool_size,
        max_overflow=max_overflow,
        pool_timeout=pool_timeout,
        # The one that was used last has the warmest caches.
        pool_use_lifo=True,
        pool_recycle=1800,
        json_serializer=_dumps,
        json_deserializer=orjson.loads,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                # Statements are short; compiling them costs more than it saves.
                "jit": "off",
                # A client that vanished must not hold its locks for ever.
                "idle_in_transaction_session_timeout": "120s",
            },
        },
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    return engine


def _dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def _encode_jsonb(value: Any) -> bytes:
    """What is bytes or text is JSON already; the first byte is the version of the format."""
    if isinstance(value, bytes):
        return b"\x01" + value
    if isinstance(value, str):
        return b"\x01" + value.encode()
    return b"\x01" + orjson.dumps(value)


def _decode_jsonb(value: bytes) -> Any:
    return orjson.loads(memoryview(value)[1:])


def _prepare(adapted: Any, _record: Any) -> None:
    """Replace SQLAlchemy's codec of jsonb by one that also takes what orjson has encoded."""
    adapted.run_async(_set_codecs)


async def _set_codecs(connection: "asyncpg.Connection[Any]") -> None:
    await connection.set_type_codec(
        "jsonb",
        encoder=_encode_jsonb,
        decoder=_decode_jsonb,
        schema="pg_catalog",
        format="binary",
    )
    # The driver has a UUID class of its own, which orjson does not know.
    await connection.set_type_codec(
        "uuid",
        encoder=attrgetter("bytes"),
        decoder=uuid_of_bytes,
        schema="pg_catalog",
        format="binary",
    )


def json_of(value: Any) -> bytes | None:
    """JSON for a jsonb parameter; what is None becomes SQL's null."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_UTC_Z)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction: commits when the block ends, rolls back when it raises."""
    try:
        conn = await _begun(engine)
        try:
            yield conn
        except BaseException:
            # Shielded, so that a cancelled request gives its connection back all the same.
            await asyncio.shield(conn.close())
            raise
        try:
            await conn.commit()
        except BaseException:
            await asyncio.shield(_thrown_away(conn))
            raise
        # Nothing is left to be rolled back, so this waits for nobody and cannot be cancelled.
        await conn.close()
    except Exception as error:
        meaning = translated(error)
        if meaning is None:
            raise
        raise meaning from error


async def _begun(engine: AsyncEngine) -> AsyncConnection:
    """A connection on which BEGIN has succeeded; dead ones of the pool are replaced on the way."""
    attempts = 1 + engine.pool.size()  # type: ignore[attr-defined]
    while True:
        conn = await _connected(engine)
        try:
            # SQLAlchemy takes note of a transaction here, and the driver begins it.
            _synchronous(conn).begin()
            await _adapted(conn)._start_transaction()
        except Exception as error:
            # BEGIN fails for no other reason than a connection that is dead.
            await _thrown_away(conn)
            attempts -= 1
            if attempts <= 0:
                raise Unavailable("the database closes every connection") from error
        except BaseException:
            await asyncio.shield(_thrown_away(conn))
            raise
        else:
            return conn


async def _thrown_away(conn: AsyncConnection) -> None:
    """Close a connection for good of which it is not known whether BEGIN or COMMIT got through.
    Whoever had it next might work inside a transaction that nobody ends."""
    await conn.invalidate()
    await conn.close()


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    try:
        return await engine.connect()
    except PoolTimeoutError as error:
        raise Unavailable("no database connection became free in time") from error
    except (OSError, TimeoutError, asyncpg.PostgresError, DBAPIError) as error:
        raise Unavailable("the database cannot be reached") from error


def _synchronous(conn: AsyncConnection) -> Connection:
    synchronous = conn.sync_connection
    assert synchronous is not None, "the connection is open"
    return synchronous


def _adapted(conn: AsyncConnection) -> Any:
    """SQLAlchemy's face of the driver's connection."""
    return _synchronous(conn).connection.dbapi_connection


def driver(conn: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The driver's own connection, inside the transaction of `conn`."""
    raw = _adapted(conn).driver_connection
    assert raw.is_in_transaction(), "open one with store.db.transaction"
    return cast("asyncpg.Connection[Any]", raw)


async def copy_rows(
    conn: AsyncConnection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Append rows by COPY, inside the transaction."""
    await driver(conn).copy_records_to_table(table, records=rows, columns=columns)


async def reachable(engine: AsyncEngine, *, seconds: float = 2.0) -> bool:
    """Whether the database answers in time."""
    try:
        async with asyncio.timeout(seconds), transaction(engine) as conn:
            await driver(conn).fetchval("SELECT 1")
    except (Unavailable, TimeoutError):
        return False
    return True
