"""Groups, courses and live sessions; and what waits for a person."""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As the rules of the day saw it: an application since it was made, a cycle since its work was
# done, and otherwise what was handed in first.
WAITING = """
    UPDATE enrollments e SET awaiting = w.kind, awaiting_since = w.since
    FROM (
      SELECT n.tenant_id, n.id, k.kind,
        CASE k.kind WHEN 'application' THEN (n.doc #>> '{plan,asked_at}')::timestamptz
          WHEN 'approval' THEN (n.doc #>> '{cycle,progress,work_completed_at}')::timestamptz
          ELSE handed_in.first END AS since
      FROM enrollments n
      LEFT JOIN versions v
        ON v.tenant_id = n.tenant_id AND v.certification_id = n.certification_id
          AND v.number = (n.doc #>> '{cycle,version}')::int
      CROSS JOIN LATERAL (
        SELECT coalesce(nullif(v.definition -> (n.doc #>> '{cycle,kind}'), 'null'),
          v.definition -> 'initial') ->> 'approval_required' = 'true'
          AND n.doc #>> '{cycle,decided,approved_at}' IS NULL AS unsigned) AS path
      CROSS JOIN LATERAL (
        SELECT min((step ->> 'at')::timestamptz) AS first
        FROM jsonb_array_elements(coalesce(n.doc #> '{cycle,progress,steps}', '[]')) AS step
        WHERE step ->> 'state' = 'awaiting_approval') AS handed_in
      CROSS JOIN LATERAL (
        SELECT CASE WHEN n.work = 'applied' THEN 'application'
          WHEN n.work = 'pending_approval' AND path.unsigned THEN 'approval'
          WHEN handed_in.first IS NOT NULL THEN 'external_evidence' END AS kind) AS k
      WHERE NOT n.suspended
        AND n.work IN ('applied', 'not_started', 'in_progress', 'pending_approval')
    ) AS w
    WHERE e.tenant_id = w.tenant_id AND e.id = w.id AND w.kind IS NOT NULL
    """

STATEMENTS = (
    "ALTER TABLE certifications ADD COLUMN courses_revision integer NOT NULL DEFAULT 0",
    "ALTER TABLE enrollments ADD COLUMN awaiting text",
    "ALTER TABLE enrollments ADD COLUMN awaiting_since timestamptz",
    """
    CREATE INDEX enrollments_awaiting_a_person ON enrollments (tenant_id, awaiting_since, id)
      WHERE awaiting_since IS NOT NULL
    """,
    """
    CREATE TABLE groups (
      tenant_id uuid NOT NULL,
      id text NOT NULL,
      member_count integer NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT groups_pkey PRIMARY KEY (tenant_id, id)
    )
    """,
    """
    CREATE TABLE group_members (
      tenant_id uuid NOT NULL,
      group_id text NOT NULL,
      learner_id text NOT NULL,
      joined_at timestamptz NOT NULL,
      CONSTRAINT group_members_pkey PRIMARY KEY (tenant_id, group_id, learner_id)
    )
    """,
    """
    CREATE INDEX group_members_of_learner ON group_members (tenant_id, learner_id, group_id)
    """,
    """
    CREATE TABLE certification_groups (
      tenant_id uuid NOT NULL,
      certification_id uuid NOT NULL,
      group_id text NOT NULL,
      targeted_at timestamptz NOT NULL,
      CONSTRAINT certification_groups_pkey PRIMARY KEY (tenant_id, certification_id, group_id)
    )
    """,
    """
    CREATE INDEX certifications_of_group
      ON certification_groups (tenant_id, group_id, certification_id)
    """,
    """
    CREATE TABLE group_work (
      tenant_id uuid NOT NULL,
      certification_id uuid NOT NULL,
      learner_id text NOT NULL,
      group_id text NOT NULL,
      assigned boolean NOT NULL,
      since timestamptz NOT NULL,
      actor text NOT NULL,
      on_behalf_of text,
      reason text,
      CONSTRAINT group_work_pkey PRIMARY KEY (tenant_id, group_id, certification_id, learner_id)
    )
    """,
    "CREATE INDEX group_work_in_order ON group_work (tenant_id, since)",
    """
    CREATE TABLE courses (
      tenant_id uuid NOT NULL,
      id text NOT NULL,
      title text,
      state text NOT NULL,
      groups text[],
      overbooking boolean NOT NULL,
      archived_history jsonb NOT NULL,
      overbooking_history jsonb NOT NULL,
      revisions jsonb NOT NULL,
      metadata jsonb,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT courses_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT courses_state_check CHECK (state IN ('published', 'unpublished', 'archived'))
    )
    """,
    """
    CREATE TABLE certification_courses (
      tenant_id uuid NOT NULL,
      course_id text NOT NULL,
      certification_id uuid NOT NULL,
      version integer NOT NULL,
      CONSTRAINT certification_courses_pkey
        PRIMARY KEY (tenant_id, course_id, certification_id, version)
    )
    """,
    """
    CREATE TABLE sessions (
      tenant_id uuid NOT NULL,
      course_id text NOT NULL,
      id text NOT NULL,
      title text,
      starts_at timestamptz,
      ends_at timestamptz,
      capacity integer,
      metadata jsonb,
      freed_at timestamptz NOT NULL,
      cancelled_at timestamptz,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, course_id, id)
    )
    """,
    """
    CREATE TABLE seats (
      tenant_id uuid NOT NULL,
      enrollment_id uuid NOT NULL,
      cycle integer NOT NULL,
      course_id text NOT NULL,
      certification_id uuid NOT NULL,
      learner_id text NOT NULL,
      wanted_at timestamptz NOT NULL,
      session_id text,
      since timestamptz NOT NULL,
      told boolean NOT NULL,
      CONSTRAINT seats_pkey PRIMARY KEY (tenant_id, enrollment_id, cycle, course_id)
    )
    """,
    """
    CREATE INDEX seats_in_line ON seats (tenant_id, course_id, wanted_at, enrollment_id)
      WHERE session_id IS NULL
    """,
    """
    CREATE INDEX seats_of_session ON seats (tenant_id, course_id, session_id)
      WHERE session_id IS NOT NULL
    """,
    "CREATE INDEX seats_untold ON seats (tenant_id, enrollment_id) WHERE NOT told",
    # What stands already: the courses that published versions name, and who waits for a person.
    """
    INSERT INTO certification_courses (tenant_id, course_id, certification_id, version)
    SELECT DISTINCT v.tenant_id, named #>> '{}', v.certification_id, v.number
    FROM versions v, jsonb_path_query(v.definition, '$.*.steps[*].ways[*].course_id') AS named
    WHERE v.state = 'published' AND jsonb_typeof(named) = 'string'
    """,
    WAITING,
)
TABLES = (
    "groups",
    "group_members",
    "certification_groups",
    "group_work",
    "courses",
    "certification_courses",
    "sessions",
    "seats",
)


def upgrade() -> None:
    """Forward. A migration that cannot get its locks gives up instead of blocking the service."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Back."""
    op.execute("SET LOCAL lock_timeout = '3s'")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE enrollments DROP COLUMN awaiting_since, DROP COLUMN awaiting")
    op.execute("ALTER TABLE certifications DROP COLUMN courses_revision")
