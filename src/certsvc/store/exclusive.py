"""Things that only one transaction does at a time, over all processes."""

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver

_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"


async def try_alone(conn: AsyncConnection, name: str) -> bool:
    """Whether this transaction is now the one that does the named thing; others get False until it
    ends."""
    granted: bool = await driver(conn).fetchval(_TRY, name)
    return granted


async def stay(conn: AsyncConnection) -> None:
    """Show that the transaction still lives; one that is silent for minutes is ended."""
    await driver(conn).execute("SELECT 1")
