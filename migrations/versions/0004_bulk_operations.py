"""Bulk operations: one decision over many enrollments, item by item."""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE bulk_operations (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      action text NOT NULL,
      state text NOT NULL,
      selection jsonb NOT NULL,
      parameters jsonb NOT NULL,
      hold_automation boolean NOT NULL,
      actor text NOT NULL,
      on_behalf_of text,
      reason text,
      start_at timestamptz NOT NULL,
      created_at timestamptz NOT NULL,
      started_at timestamptz,
      finished_at timestamptz,
      total integer,
      succeeded integer NOT NULL DEFAULT 0,
      unchanged integer NOT NULL DEFAULT 0,
      refused integer NOT NULL DEFAULT 0,
      not_found integer NOT NULL DEFAULT 0,
      failed integer NOT NULL DEFAULT 0,
      CONSTRAINT bulk_operations_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT bulk_operations_state_check
        CHECK (state IN ('scheduled', 'running', 'completed', 'cancelled'))
    )
    """,
    """
    CREATE INDEX bulk_operations_to_run ON bulk_operations (start_at, tenant_id)
      WHERE state IN ('scheduled', 'running')
    """,
    """
    CREATE TABLE bulk_items (
      tenant_id uuid NOT NULL,
      operation_id uuid NOT NULL,
      number integer NOT NULL,
      enrollment_id uuid,
      certification_id uuid,
      learner_id text,
      parameters jsonb,
      held_until timestamptz,
      outcome text,
      code text,
      reason_code text,
      detail text,
      done_at timestamptz,
      CONSTRAINT bulk_items_pkey PRIMARY KEY (tenant_id, operation_id, number),
      CONSTRAINT bulk_items_outcome_check
        CHECK (outcome IN ('succeeded', 'unchanged', 'refused', 'not_found', 'failed'))
    )
    """,
    """
    CREATE INDEX bulk_items_to_do ON bulk_items (tenant_id, operation_id, number)
      WHERE outcome IS NULL
    """,
    """
    CREATE INDEX bulk_items_held ON bulk_items (tenant_id, enrollment_id)
      WHERE held_until IS NOT NULL
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
    op.execute("DROP TABLE bulk_items")
    op.execute("DROP TABLE bulk_operations")
