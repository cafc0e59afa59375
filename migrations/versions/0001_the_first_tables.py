"""The first tables: tenants and their keys, certifications, enrollments, evidence, history."""

from collections.abc import Sequence

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

STATEMENTS = (
    """
    CREATE TABLE tenants (
      id uuid NOT NULL,
      key text NOT NULL,
      sandbox boolean NOT NULL,
      clock_at timestamptz,
      created_at timestamptz NOT NULL,
      CONSTRAINT tenants_pkey PRIMARY KEY (id),
      CONSTRAINT tenants_key_key UNIQUE (key)
    )
    """,
    """
    CREATE TABLE api_keys (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      name text NOT NULL,
      role text NOT NULL,
      secret_hash bytea NOT NULL,
      created_at timestamptz NOT NULL,
      revoked_at timestamptz,
      CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT api_keys_role_check CHECK (role IN ('reader', 'lms', 'admin'))
    )
    """,
    """
    CREATE TABLE certifications (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      key text NOT NULL,
      title jsonb NOT NULL,
      description jsonb,
      metadata jsonb,
      active boolean NOT NULL,
      hidden boolean NOT NULL,
      archived boolean NOT NULL,
      automatic_recertification boolean NOT NULL,
      self_enrollment text NOT NULL,
      acceptance_required boolean NOT NULL,
      archived_history jsonb NOT NULL,
      automatic_history jsonb NOT NULL,
      revision integer NOT NULL,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT certifications_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT certifications_tenant_id_key_key UNIQUE (tenant_id, key)
    )
    """,
    """
    CREATE TABLE versions (
      tenant_id uuid NOT NULL,
      certification_id uuid NOT NULL,
      number integer NOT NULL,
      state text NOT NULL,
      definition jsonb NOT NULL,
      published_at timestamptz,
      created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      CONSTRAINT versions_pkey PRIMARY KEY (tenant_id, certification_id, number),
      CONSTRAINT versions_state_check CHECK (state IN ('draft', 'published')),
      CONSTRAINT versions_published_check CHECK ((state = 'published') = (published_at IS NOT NULL))
    )
    """,
    """
    CREATE TABLE enrollments (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      certification_id uuid NOT NULL,
      learner_id text NOT NULL,
      status text NOT NULL,
      standing text NOT NULL,
      work text NOT NULL,
      suspended boolean NOT NULL,
      flags text[] NOT NULL,
      revision integer NOT NULL,
      sequence integer NOT NULL,
      enrolled_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      certified_at timestamptz,
      expires_at timestamptz,
      lapses_at timestamptz,
      recertification_at timestamptz,
      due_at timestamptz,
      next_due_at timestamptz,
      live boolean NOT NULL,
      evidence_from timestamptz,
      doc jsonb NOT NULL,
      set_aside_at timestamptz,
      set_aside_error text,
      set_aside_count smallint DEFAULT 0 NOT NULL,
      CONSTRAINT enrollments_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT enrollments_tenant_id_learner_id_certification_id_key
        UNIQUE (tenant_id, learner_id, certification_id),
      CONSTRAINT enrollments_status_check CHECK (status IN (
        'disallowed', 'suspended', 'pending_approval', 'not_started', 'in_progress',
        'recertifying', 'applied', 'assigned', 'inactive', 'revoked', 'certified',
        'expired', 'lapsed', 'declined', 'not_completed', 'cancelled', 'removed')),
      CONSTRAINT enrollments_standing_check CHECK (standing IN (
        'none', 'valid', 'grace', 'lapsed', 'revoked', 'disallowed')),
      CONSTRAINT enrollments_work_check CHECK (work IN (
        'none', 'waiting', 'applied', 'assigned', 'not_started', 'in_progress',
        'pending_approval', 'declined', 'not_completed', 'inactive', 'cancelled', 'removed'))
    )
    WITH (fillfactor = 80, toast_tuple_target = 4096)
    """,
    """
    CREATE INDEX enrollments_by_due_date
    ON enrollments (tenant_id, due_at, id)
    WHERE due_at IS NOT NULL
    """,
    """
    CREATE INDEX enrollments_by_expiry
    ON enrollments (tenant_id, expires_at, id)
    WHERE expires_at IS NOT NULL
    """,
    """
    CREATE INDEX enrollments_by_standing_and_status
    ON enrollments (tenant_id, standing, status, id)
    """,
    """
    CREATE INDEX enrollments_by_update ON enrollments (tenant_id, updated_at, id)
    """,
    """
    CREATE INDEX enrollments_due_live
    ON enrollments (next_due_at, tenant_id)
    WHERE live AND next_due_at IS NOT NULL AND set_aside_at IS NULL
    """,
    """
    CREATE INDEX enrollments_due_of_tenant
    ON enrollments (tenant_id, next_due_at)
    WHERE next_due_at IS NOT NULL AND set_aside_at IS NULL
    """,
    """
    CREATE INDEX enrollments_flagged ON enrollments (tenant_id, id) WHERE flags <> '{}'::text[]
    """,
    """
    CREATE INDEX enrollments_of_certification ON enrollments (tenant_id, certification_id, id)
    """,
    """
    CREATE INDEX enrollments_set_aside
    ON enrollments (tenant_id, set_aside_at)
    WHERE set_aside_at IS NOT NULL
    """,
    """
    CREATE TABLE assignments (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      enrollment_id uuid NOT NULL,
      source text NOT NULL,
      group_id text,
      assigned_at timestamptz NOT NULL,
      ended_at timestamptz,
      CONSTRAINT assignments_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT assignments_source_check CHECK (source IN (
        'manual', 'group', 'self', 'import'))
    )
    """,
    """
    CREATE INDEX assignments_of_enrollment ON assignments (tenant_id, enrollment_id)
    """,
    """
    CREATE UNIQUE INDEX assignments_standing
    ON assignments (tenant_id, enrollment_id, source, coalesce(group_id, ''))
    WHERE ended_at IS NULL
    """,
    """
    CREATE INDEX assignments_standing_by_source
    ON assignments (tenant_id, source, group_id, enrollment_id)
    WHERE ended_at IS NULL
    """,
    """
    CREATE TABLE cycles (
      tenant_id uuid NOT NULL,
      enrollment_id uuid NOT NULL,
      number integer NOT NULL,
      kind text NOT NULL,
      version integer NOT NULL,
      opened_at timestamptz NOT NULL,
      closed_at timestamptz,
      outcome text,
      doc jsonb NOT NULL,
      CONSTRAINT cycles_pkey PRIMARY KEY (tenant_id, enrollment_id, number),
      CONSTRAINT cycles_kind_check CHECK (kind IN (
        'initial', 'recertification', 'reinstatement')),
      CONSTRAINT cycles_outcome_check CHECK (outcome IN (
        'completed', 'cancelled', 'not_completed', 'revoked', 'restarted'))
    )
    """,
    """
    CREATE TABLE certificates (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      enrollment_id uuid NOT NULL,
      certification_id uuid NOT NULL,
      learner_id text NOT NULL,
      ordinal integer NOT NULL,
      number text NOT NULL,
      code text NOT NULL,
      cycle integer,
      version integer NOT NULL,
      certified_at timestamptz NOT NULL,
      valid_from timestamptz NOT NULL,
      expires_at timestamptz,
      extends_from timestamptz,
      lapses_at timestamptz,
      window_at timestamptz,
      expired_at timestamptz,
      lapsed_at timestamptz,
      superseded_at timestamptz,
      revoked_at timestamptz,
      evidence text[] NOT NULL,
      retracted boolean NOT NULL,
      CONSTRAINT certificates_pkey PRIMARY KEY (tenant_id, id)
    )
    """,
    """
    CREATE INDEX certificates_by_code ON certificates (code)
    """,
    """
    CREATE INDEX certificates_of_certification ON certificates (tenant_id, certification_id, id)
    """,
    """
    CREATE INDEX certificates_of_enrollment ON certificates (tenant_id, enrollment_id, ordinal)
    """,
    """
    CREATE INDEX certificates_of_learner ON certificates (tenant_id, learner_id, id)
    """,
    """
    CREATE TABLE evidence (
      tenant_id uuid NOT NULL,
      id text NOT NULL,
      learner_id text NOT NULL,
      type text NOT NULL,
      occurred_at timestamptz NOT NULL,
      recorded_at timestamptz NOT NULL,
      outcome text,
      grade double precision,
      course_id text,
      session_id text,
      exam_id text,
      attempt_id text,
      certification_id uuid,
      step text,
      amount double precision,
      category text,
      retracts text,
      metadata jsonb,
      actor text NOT NULL,
      CONSTRAINT evidence_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT evidence_type_check CHECK (type IN (
        'course_completion', 'exam_attempt', 'test_out_attempt', 'session_attendance',
        'payment', 'external', 'credits', 'retraction')),
      CONSTRAINT evidence_outcome_check CHECK (outcome IN (
        'started', 'completed', 'passed', 'failed', 'attended', 'submitted', 'accepted',
        'paid', 'refunded'))
    )
    """,
    """
    CREATE INDEX evidence_of_learner ON evidence (tenant_id, learner_id, occurred_at, id)
    """,
    """
    CREATE INDEX evidence_retractions
    ON evidence (tenant_id, learner_id, occurred_at)
    WHERE type = 'retraction'
    """,
    """
    CREATE TABLE events (
      tenant_id uuid NOT NULL,
      id uuid NOT NULL,
      enrollment_id uuid,
      certification_id uuid,
      learner_id text,
      sequence integer,
      revision integer,
      type text NOT NULL,
      effective_at timestamptz NOT NULL,
      recorded_at timestamptz NOT NULL,
      stale boolean DEFAULT false NOT NULL,
      actor text NOT NULL,
      on_behalf_of text,
      reason text,
      bulk_operation_id uuid,
      before_status text,
      before_standing text,
      data jsonb NOT NULL,
      after jsonb,
      CONSTRAINT events_pkey PRIMARY KEY (tenant_id, id),
      CONSTRAINT events_tenant_id_enrollment_id_sequence_key
        UNIQUE (tenant_id, enrollment_id, sequence)
    )
    WITH (toast_tuple_target = 4096)
    """,
    """
    CREATE TABLE idempotency (
      tenant_id uuid NOT NULL,
      api_key_id uuid NOT NULL,
      key text NOT NULL,
      fingerprint bytea NOT NULL,
      status smallint,
      headers jsonb,
      body bytea,
      created_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CONSTRAINT idempotency_pkey PRIMARY KEY (tenant_id, api_key_id, key)
    )
    """,
    """
    CREATE INDEX idempotency_expired ON idempotency (expires_at)
    """,
)
TABLES = (
    "tenants",
    "api_keys",
    "certifications",
    "versions",
    "enrollments",
    "assignments",
    "cycles",
    "certificates",
    "evidence",
    "events",
    "idempotency",
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
