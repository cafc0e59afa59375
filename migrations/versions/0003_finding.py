"""Finding: an index for each flag, dates in order within each status, counts of a certification."""

from collections.abc import Sequence

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FLAGS = (
    "expiring",
    "due_for_recertification",
    "overdue",
    "awaiting_payment",
    "awaiting_session",
    "exam_locked",
    "unassigned",
    "evidence_retracted",
)
COVERED = "certification_id, learner_id, standing, status, expires_at, due_at, updated_at"
# Each takes the place of one that served less: writing an enrollment does not touch more of them
# than before, but for those that it is flagged with.
STATEMENTS = (
    "DROP INDEX enrollments_flagged",
    *(
        f"""
        CREATE INDEX enrollments_{flag} ON enrollments (tenant_id, id) INCLUDE ({COVERED})
          WHERE '{flag}' = ANY (flags)
        """
        for flag in FLAGS
    ),
    "DROP INDEX enrollments_by_expiry",
    """
    CREATE INDEX enrollments_by_expiry
      ON enrollments (tenant_id, standing, status, expires_at, id)
      INCLUDE (certification_id, due_at, updated_at) WHERE expires_at IS NOT NULL
    """,
    "DROP INDEX enrollments_by_due_date",
    """
    CREATE INDEX enrollments_by_due_date
      ON enrollments (tenant_id, standing, status, due_at, id)
      INCLUDE (certification_id, expires_at, updated_at) WHERE due_at IS NOT NULL
    """,
    "DROP INDEX enrollments_by_update",
    """
    CREATE INDEX enrollments_by_update ON enrollments (tenant_id, standing, status, updated_at, id)
      INCLUDE (certification_id, expires_at, due_at)
    """,
    "DROP INDEX enrollments_of_certification",
    """
    CREATE INDEX enrollments_of_certification ON enrollments (tenant_id, certification_id, id)
      INCLUDE (standing, status)
    """,
)
BACK = (
    "DROP INDEX enrollments_of_certification",
    """
    CREATE INDEX enrollments_of_certification ON enrollments (tenant_id, certification_id, id)
    """,
    "DROP INDEX enrollments_by_update",
    "CREATE INDEX enrollments_by_update ON enrollments (tenant_id, updated_at, id)",
    "DROP INDEX enrollments_by_due_date",
    """
    CREATE INDEX enrollments_by_due_date ON enrollments (tenant_id, due_at, id)
      WHERE due_at IS NOT NULL
    """,
    "DROP INDEX enrollments_by_expiry",
    """
    CREATE INDEX enrollments_by_expiry ON enrollments (tenant_id, expires_at, id)
      WHERE expires_at IS NOT NULL
    """,
    *(f"DROP INDEX enrollments_{flag}" for flag in FLAGS),
    """
    CREATE INDEX enrollments_flagged ON enrollments (tenant_id, id) WHERE flags <> '{}'::text[]
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
    for statement in BACK:
        op.execute(statement)
