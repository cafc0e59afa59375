"""Webhooks: endpoints, what is delivered to them, every attempt, and how far the feed was read."""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE webhook_endpoints (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      url text NOT NULL,
      description text,
      types text[],
      secrets jsonb NOT NULL,
      since text NOT NULL,
      disabled_at timestamptz,
      disabled_reason text,
      failing_since timestamptz,
      failures integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      deleted_at timestamptz,
      CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT webhook_endpoints_disabled_reason_check
        CHECK (disabled_reason IN ('requested', 'gone', 'failing'))
    )
    """,
    """
    CREATE TABLE webhook_cursors (
      tenant_id uuid NOT NULL,
      xid bigint NOT NULL,
      position bigint NOT NULL,
      CONSTRAINT webhook_cursors_pkey PRIMARY KEY (tenant_id)
    )
    """,
    """
    CREATE TABLE webhook_replays (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      endpoint_id uuid NOT NULL,
      since timestamptz NOT NULL,
      until timestamptz,
      types text[],
      seen text NOT NULL,
      xid bigint NOT NULL DEFAULT 0,
      position bigint NOT NULL DEFAULT 0,
      deliveries integer NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL,
      finished_at timestamptz,
      CONSTRAINT webhook_replays_pkey PRIMARY KEY (tenant_id, id)
    )
    """,
    """
    CREATE INDEX webhook_replays_to_run ON webhook_replays (tenant_id, id)
      WHERE finished_at IS NULL
    """,
    """
    CREATE TABLE webhook_deliveries (
      tenant_id uuid NOT NULL,
      endpoint_id uuid NOT NULL,
      id uuid NOT NULL,
      type text NOT NULL,
      state text NOT NULL,
      created_at timestamptz NOT NULL,
      next_attempt_at timestamptz,
      claimed_until timestamptz,
      round integer NOT NULL DEFAULT 0,
      attempts integer NOT NULL DEFAULT 0,
      last_attempt_at timestamptz,
      last_status integer,
      last_error text,
      CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (tenant_id, endpoint_id, id),
      CONSTRAINT webhook_deliveries_state_check
        CHECK (state IN ('pending', 'succeeded', 'failed'))
    )
    WITH (fillfactor = 70)
    """,
    """
    CREATE INDEX webhook_deliveries_due
      ON webhook_deliveries (tenant_id, endpoint_id, next_attempt_at, id)
      WHERE state = 'pending'
    """,
    """
    CREATE INDEX webhook_deliveries_by_state
      ON webhook_deliveries (tenant_id, endpoint_id, state, created_at, id) INCLUDE (type)
    """,
    """
    CREATE TABLE webhook_attempts (
      tenant_id uuid NOT NULL,
      endpoint_id uuid NOT NULL,
      delivery_id uuid NOT NULL,
      number integer NOT NULL,
      attempted_at timestamptz NOT NULL,
      duration_ms integer NOT NULL,
      status integer,
      error text,
      response bytea,
      CONSTRAINT webhook_attempts_pkey
        PRIMARY KEY (tenant_id, endpoint_id, delivery_id, number)
    )
    """,
)
TABLES = (
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_replays",
    "webhook_cursors",
    "webhook_endpoints",
)


def upgrade() -> None:
    """Forward. A migration that cannot get its locks gives up instead of blocking the service."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Back."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
