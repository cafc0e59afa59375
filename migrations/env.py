"""Alembic's entry: runs the migrations on the connection that it is handed, or on the database
that CERTSVC_DATABASE_URL names when Alembic is called by hand."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import certsvc.store.tables  # noqa: F401 - so that `metadata` knows them
from certsvc.store.db import with_driver
from certsvc.store.schema import metadata


def migrate(connection: Connection) -> None:
    """Run what is asked for; each migration in a transaction of its own."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate(url: str) -> None:
    """The same over a connection made for it."""
    engine = create_async_engine(with_driver(url), poolclass=NullPool)
    try:
        async with engine.begin() as conn:
            await conn.run_sync(migrate)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
elif url := os.environ.get("CERTSVC_DATABASE_URL"):
    asyncio.run(connect_and_migrate(url))
else:
    raise SystemExit("CERTSVC_DATABASE_URL names no database")
