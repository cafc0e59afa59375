"""What an error of the database means to those who called."""

from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# The last is what the driver says of a connection that was cut just before its next statement.
_AWAY = (asyncpg.InterfaceError, ConnectionError, asyncpg.InternalClientError)


class StoreError(Exception):
    """The store could not do what it was asked."""


class Unavailable(StoreError):
    """The database is away, or has no room for one more connection; later it may be back."""


class Busy(StoreError):
    """A lock or a statement took longer than allowed."""


class Conflict(StoreError):
    """Somebody else changed the same rows meanwhile; reading again and deciding anew may do."""

    def __init__(self, detail: str, ids: tuple[UUID, ...] = ()) -> None:
        super().__init__(detail)
        self.ids = ids


class Rejected(StoreError):
    """The database refuses the values: out of range, not unique, not allowed."""

    def __init__(self, detail: str, sqlstate: str, constraint: str | None = None) -> None:
        super().__init__(detail)
        self.sqlstate = sqlstate
        self.constraint = constraint

    @property
    def taken(self) -> bool:
        """Whether something of that name or id exists already."""
        return self.sqlstate == "23505"


def translated(error: BaseException) -> StoreError | None:
    """The meaning of a driver's or SQLAlchemy's error, or None where it has none here."""
    if isinstance(error, StoreError):
        return None
    if isinstance(error, PoolTimeoutError):
        return Unavailable("no database connection became free in time")
    if isinstance(error, DBAPIError):
        original = _driver_error(error)
        if original is None:
            return Unavailable("the database went away") if error.connection_invalidated else None
        error = original
    if isinstance(error, asyncpg.PostgresError):
        return _by_sqlstate(error)
    if isinstance(error, asyncpg.DataError):
        return Rejected("a value is out of range", "22000")
    if isinstance(error, _AWAY):
        return Unavailable("the database went away")
    return None


def _driver_error(error: DBAPIError) -> BaseException | None:
    """The driver's own error, under SQLAlchemy's and its adapter's."""
    cause = error.orig
    return cause.__cause__ if cause is not None and cause.__cause__ is not None else cause


def _by_sqlstate(error: asyncpg.PostgresError) -> StoreError | None:
    state = error.sqlstate or ""
    if state in ("40001", "40P01"):
        return Conflict("another transaction changed the same rows")
    if state in ("55P03", "57014"):
        return Busy("the database was too busy")
    if state.startswith(("08", "57P")) or state in ("53300", "25P03"):
        return Unavailable("the database went away")
    if state.startswith(("22", "23")):
        return Rejected("the database refuses the values", state, error.constraint_name)
    return None
