"""The feed: every event has a place that a reader with a cursor can trust."""

from collections.abc import Sequence

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    # What was there before stands in the order in which it was recorded.
    """
    ALTER TABLE events
      ADD COLUMN written_by bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
      ADD COLUMN xid bigint NOT NULL DEFAULT (
        greatest(
          pg_current_xact_id()::text::bigint,
          pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)),
      ADD COLUMN position bigint
    """,
    """
    UPDATE events e SET position = numbered.position
    FROM (
      SELECT tenant_id, id,
        row_number() OVER (ORDER BY recorded_at, enrollment_id, sequence, id) AS position
      FROM events
    ) AS numbered
    WHERE e.tenant_id = numbered.tenant_id AND e.id = numbered.id
    """,
    """
    ALTER TABLE events
      ALTER COLUMN position SET NOT NULL,
      ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY
    """,
    """
    SELECT setval(pg_get_serial_sequence('events', 'position'), max(position))
    FROM events HAVING max(position) IS NOT NULL
    """,
    "CREATE INDEX events_in_order ON events (tenant_id, xid, position)",
    """
    CREATE TABLE feed_homes (
      number integer NOT NULL,
      home text NOT NULL,
      since timestamptz NOT NULL,
      CONSTRAINT feed_homes_pkey PRIMARY KEY (number)
    )
    """,
)


def upgrade() -> None:
    """Forward. A migration that cannot get its locks gives up instead of blocking the service."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Back."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    op.execute("DROP TABLE feed_homes")
    op.execute("DROP INDEX events_in_order")
    op.execute("ALTER TABLE events DROP COLUMN position, DROP COLUMN xid, DROP COLUMN written_by")
