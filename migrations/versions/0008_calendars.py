"""Calendars: feeds of dates behind unguessable URLs."""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE calendars (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      learner_id text,
      certification_id uuid,
      language text,
      secret_hash bytea NOT NULL,
      created_at timestamptz NOT NULL,
      CONSTRAINT calendars_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT calendars_subject_check
        CHECK ((learner_id IS NULL) <> (certification_id IS NULL))
    )
    """,
    """
    CREATE INDEX calendars_of_learner ON calendars (tenant_id, learner_id, id)
      WHERE learner_id IS NOT NULL
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
    op.execute("DROP TABLE calendars")
