"""Counts what is asked of the database, on every connection of an engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_FRAME = ("BEGIN", "COMMIT", "ROLLBACK")


class Statements(list[str]):
    """The statements, in the order in which they were sent."""

    @property
    def work(self) -> list[str]:
        """All but those that begin and end transactions."""
        return [text for text in self if not text.startswith(_FRAME)]


@contextmanager
def counted(engine: AsyncEngine) -> Iterator[Statements]:
    """Listen to the driver of every connection that is checked out meanwhile."""
    heard = Statements()
    listened: dict[int, Any] = {}

    def hear(record: Any) -> None:
        heard.append(" ".join(record.query.split()))

    def listen(connection: Any, _record: Any, _proxy: Any) -> None:
        raw = connection.driver_connection
        if id(raw) not in listened:
            raw.add_query_logger(hear)
            listened[id(raw)] = raw

    event.listen(engine.sync_engine, "checkout", listen)
    try:
        yield heard
    finally:
        event.remove(engine.sync_engine, "checkout", listen)
        for raw in listened.values():
            raw.remove_query_logger(hear)
