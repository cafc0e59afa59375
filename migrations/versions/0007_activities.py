"""xAPI activities: which course or exam an activity means; and which statements are void."""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE xapi_activities (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      activity_id text NOT NULL,
      kind text NOT NULL,
      course_id text,
      session_id text,
      exam_id text,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT xapi_activities_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT xapi_activities_tenant_id_activity_id_key UNIQUE (tenant_id, activity_id),
      CONSTRAINT xapi_activities_kind_check
        CHECK (kind IN ('course', 'session', 'exam', 'test_out'))
    )
    """,
    """
    CREATE TABLE xapi_voided (
      tenant_id uuid NOT NULL,
      statement_id text NOT NULL,
      voided_by text NOT NULL,
      voided_at timestamptz NOT NULL,
      CONSTRAINT xapi_voided_pkey PRIMARY KEY (tenant_id, statement_id)
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
    op.execute("DROP TABLE xapi_voided")
    op.execute("DROP TABLE xapi_activities")
