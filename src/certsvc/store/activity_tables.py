"""The tables of xAPI: what the activities of statements mean, and which statements are void."""

from enum import StrEnum

from sqlalchemy import PrimaryKeyConstraint, Table, Text, UniqueConstraint, Uuid

from certsvc.store.schema import Instant, member, metadata, needed, optional


class ActivityKind(StrEnum):
    """What an activity is here."""

    COURSE = "course"
    SESSION = "session"
    EXAM = "exam"
    TEST_OUT = "test_out"


xapi_activities = Table(
    "xapi_activities",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("activity_id", Text),
    needed("kind", Text),
    optional("course_id", Text),
    optional("session_id", Text),
    optional("exam_id", Text),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "activity_id"),
    member("kind", ActivityKind),
)

# Statements that were voided before they came, if they ever come. One that had come is taken back
# by evidence, and has no row here.
xapi_voided = Table(
    "xapi_voided",
    metadata,
    needed("tenant_id", Uuid),
    needed("statement_id", Text),
    needed("voided_by", Text),
    needed("voided_at", Instant),
    PrimaryKeyConstraint("tenant_id", "statement_id"),
)
