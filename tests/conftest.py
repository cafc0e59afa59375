"""The fixtures that every test may ask for."""

from tests.support.database import (
    database_server,
    database_url,
    empty_database,
    engine,
    migrated_database,
)

__all__ = [
    "database_server",
    "database_url",
    "empty_database",
    "engine",
    "migrated_database",
]
