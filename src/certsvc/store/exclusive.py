"""Things that only one transaction does at a time, over all processes; and things that many may do
at a time, but not beside one that does the other thing."""

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver

_TRY = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"

_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_SHARE = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))"


async def alone(conn: AsyncConnection, name: str) -> None:
    """Wait until nobody has or shares the named thing, and have it until the transaction ends.
    Nobody who comes later is let in before."""
    await driver(conn).execute(_ALONE, name)


async def share(conn: AsyncConnection, name: str) -> None:
    """Share the named thing until the transaction ends; wait for who has it alone."""
    await driver(conn).execute(_SHARE, name)


async def try_alone(conn: AsyncConnection, name: str) -> bool:
    """Whether this transaction is now the one that does the named thing; others get False until it
    ends."""
    granted: bool = await driver(conn).fetchval(_TRY, name)
    return granted


async def stay(conn: AsyncConnection) -> None:
    """Show that the transaction still lives; one that is silent for minutes is ended."""
    await driver(conn).execute("SELECT 1")
