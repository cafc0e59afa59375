"""How events come to their places in the feed, and where the database has been."""

from typing import Final

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text

from certsvc.store.schema import Instant, metadata, needed

WRITER: Final = "pg_current_xact_id()::text::bigint"
"""The transaction that writes."""

TURN: Final = f"greatest({WRITER}, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)"
"""The first part of a place: the newest transaction that is over, or the one that writes, if that
is newer. What is still to be written by a transaction under way stands behind its number, so a
reader knows what cannot change any more; and who waited for another one stands behind it, so each
enrollment tells its events in their order. Neither is true of a transaction's own number alone."""

# About the database itself, not about any tenant.
feed_homes = Table(
    "feed_homes",
    metadata,
    Column("number", Integer, nullable=False, autoincrement=False),
    needed("home", Text),
    needed("since", Instant),
    PrimaryKeyConstraint("number"),
)
