"""The tables of what certsvc decides: certifications, enrollments, evidence, history.

What the LMS tells about its own world is in lms_tables.py.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

import certsvc.store.activity_tables
import certsvc.store.bulk_tables
import certsvc.store.calendar_tables
import certsvc.store.lms_tables
import certsvc.store.webhook_tables  # noqa: F401 - so that `metadata` knows those as well
from certsvc.domain.enrollment import CycleOutcome, Source
from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from certsvc.store.feed_tables import TURN, WRITER
from certsvc.store.schema import Instant, index, member, metadata, needed, one_of, optional

# A tenant's own row is found by its id alone, so its key may be unique across tenants.
tenants = Table(
    "tenants",
    metadata,
    needed("id", Uuid),
    needed("key", Text),
    needed("sandbox", Boolean),
    optional("clock_at", Instant),
    needed("created_at", Instant),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("key"),
)

api_keys = Table(
    "api_keys",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("name", Text),
    needed("role", Text),
    needed("secret_hash", LargeBinary),
    needed("created_at", Instant),
    optional("revoked_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    one_of("role", ("reader", "lms", "admin")),
)

certifications = Table(
    "certifications",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("key", Text),
    needed("title", JSONB),
    optional("description", JSONB),
    optional("metadata", JSONB),
    needed("active", Boolean),
    needed("hidden", Boolean),
    needed("archived", Boolean),
    needed("automatic_recertification", Boolean),
    needed("self_enrollment", Text),
    needed("acceptance_required", Boolean),
    needed("archived_history", JSONB),
    needed("automatic_history", JSONB),
    needed("revision", Integer),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    needed("courses_revision", Integer, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "key"),
)

versions = Table(
    "versions",
    metadata,
    needed("tenant_id", Uuid),
    needed("certification_id", Uuid),
    needed("number", Integer),
    needed("state", Text),
    needed("definition", JSONB),
    optional("published_at", Instant),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "certification_id", "number"),
    one_of("state", ("draft", "published")),
    CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
)

# `doc` is the whole enrollment; the other columns follow from it and are there to be found by.
# `live` is false in a sandbox: its rows move by the test clock only. Documents stay in the row up
# to half a page: to compress each new state would cost more than it saves.
enrollments = Table(
    "enrollments",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("certification_id", Uuid),
    needed("learner_id", Text),
    needed("status", Text),
    needed("standing", Text),
    needed("work", Text),
    needed("suspended", Boolean),
    needed("flags", ARRAY(Text)),
    needed("revision", Integer),
    needed("sequence", Integer),
    needed("enrolled_at", Instant),
    needed("updated_at", Instant),
    optional("certified_at", Instant),
    optional("expires_at", Instant),
    optional("lapses_at", Instant),
    optional("recertification_at", Instant),
    optional("due_at", Instant),
    optional("next_due_at", Instant),
    needed("live", Boolean),
    optional("evidence_from", Instant),
    needed("doc", JSONB),
    optional("set_aside_at", Instant),
    optional("set_aside_error", Text),
    needed("set_aside_count", SmallInteger, server_default=text("0")),
    optional("awaiting", Text),
    optional("awaiting_since", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "learner_id", "certification_id"),
    member("status", Status),
    member("standing", Standing),
    member("work", Work),
    postgresql_with={"fillfactor": "80", "toast_tuple_target": "4096"},
)
index(
    enrollments,
    "enrollments_due_live",
    "next_due_at",
    "tenant_id",
    where="live AND next_due_at IS NOT NULL AND set_aside_at IS NULL",
)
index(
    enrollments,
    "enrollments_due_of_tenant",
    "tenant_id",
    "next_due_at",
    where="next_due_at IS NOT NULL AND set_aside_at IS NULL",
)
index(
    enrollments,
    "enrollments_set_aside",
    "tenant_id",
    "set_aside_at",
    where="set_aside_at IS NOT NULL",
)
# With what is counted, so that counting reads no rows.
index(
    enrollments,
    "enrollments_of_certification",
    "tenant_id",
    "certification_id",
    "id",
    include=("standing", "status"),
)
index(enrollments, "enrollments_by_standing_and_status", "tenant_id", "standing", "status", "id")
# One for each flag, with everything that enrollments are found by: whoever asks for a flag reads
# the rows of one page, in whatever order. Writing an enrollment costs what it is flagged with,
# which mostly is nothing.
for flag in Flag:
    index(
        enrollments,
        f"enrollments_{flag}",
        "tenant_id",
        "id",
        where=f"'{flag}' = ANY (flags)",
        include=(
            "certification_id",
            "learner_id",
            "standing",
            "status",
            "expires_at",
            "due_at",
            "updated_at",
        ),
    )
# By standing and status first: dates go with them (what has lapsed expired before all that is
# valid), so whoever asks for a status in order of a date would have to pass all others by. With
# what is asked for most beside it, so that who is passed by is not read.
_DATES = ("expires_at", "due_at", "updated_at")
for name, instant, condition in (
    ("enrollments_by_expiry", "expires_at", "expires_at IS NOT NULL"),
    ("enrollments_by_due_date", "due_at", "due_at IS NOT NULL"),
    ("enrollments_by_update", "updated_at", None),
):
    index(
        enrollments,
        name,
        *("tenant_id", "standing", "status", instant, "id"),
        where=condition,
        include=("certification_id", *(other for other in _DATES if other != instant)),
    )
index(
    enrollments,
    "enrollments_awaiting_a_person",
    "tenant_id",
    "awaiting_since",
    "id",
    where="awaiting_since IS NOT NULL",
)

assignments = Table(
    "assignments",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("enrollment_id", Uuid),
    needed("source", Text),
    optional("group_id", Text),
    needed("assigned_at", Instant),
    optional("ended_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    member("source", Source),
)
index(assignments, "assignments_of_enrollment", "tenant_id", "enrollment_id")
index(
    assignments,
    "assignments_standing",
    "tenant_id",
    "enrollment_id",
    "source",
    text("coalesce(group_id, '')"),
    unique=True,
    where="ended_at IS NULL",
)
index(
    assignments,
    "assignments_standing_by_source",
    "tenant_id",
    "source",
    "group_id",
    "enrollment_id",
    where="ended_at IS NULL",
)

# Written when a cycle opens and when it closes; in between the enrollment's doc is the truth.
cycles = Table(
    "cycles",
    metadata,
    needed("tenant_id", Uuid),
    needed("enrollment_id", Uuid),
    needed("number", Integer),
    needed("kind", Text),
    needed("version", Integer),
    needed("opened_at", Instant),
    optional("closed_at", Instant),
    optional("outcome", Text),
    needed("doc", JSONB),
    PrimaryKeyConstraint("tenant_id", "enrollment_id", "number"),
    member("kind", CycleKind),
    member("outcome", CycleOutcome),
)

certificates = Table(
    "certificates",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("enrollment_id", Uuid),
    needed("certification_id", Uuid),
    needed("learner_id", Text),
    needed("ordinal", Integer),
    needed("number", Text),
    needed("code", Text),
    optional("cycle", Integer),
    needed("version", Integer),
    needed("certified_at", Instant),
    needed("valid_from", Instant),
    optional("expires_at", Instant),
    optional("extends_from", Instant),
    optional("lapses_at", Instant),
    optional("window_at", Instant),
    optional("expired_at", Instant),
    optional("lapsed_at", Instant),
    optional("superseded_at", Instant),
    optional("revoked_at", Instant),
    needed("evidence", ARRAY(Text)),
    needed("retracted", Boolean),
    PrimaryKeyConstraint("tenant_id", "id"),
)
index(certificates, "certificates_by_code", "code")
index(certificates, "certificates_of_enrollment", "tenant_id", "enrollment_id", "ordinal")
index(certificates, "certificates_of_learner", "tenant_id", "learner_id", "id")
index(certificates, "certificates_of_certification", "tenant_id", "certification_id", "id")

evidence = Table(
    "evidence",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Text),
    needed("learner_id", Text),
    needed("type", Text),
    needed("occurred_at", Instant),
    needed("recorded_at", Instant),
    optional("outcome", Text),
    optional("grade", Double),
    optional("course_id", Text),
    optional("session_id", Text),
    optional("exam_id", Text),
    optional("attempt_id", Text),
    optional("certification_id", Uuid),
    optional("step", Text),
    optional("amount", Double),
    optional("category", Text),
    optional("retracts", Text),
    optional("metadata", JSONB),
    needed("actor", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    member("type", FactType),
    member("outcome", FactOutcome),
)
index(evidence, "evidence_of_learner", "tenant_id", "learner_id", "occurred_at", "id")

index(
    evidence,
    "evidence_retractions",
    "tenant_id",
    "learner_id",
    "occurred_at",
    where="type = 'retraction'",
)

# Append only. `after` stands on the last event of a step: the state when the step was over. `xid`
# and `position` are the event's place in the feed, `written_by` the transaction; the defaults are
# others after the database was restored elsewhere (store/feed_homes.py).
events = Table(
    "events",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    optional("enrollment_id", Uuid),
    optional("certification_id", Uuid),
    optional("learner_id", Text),
    optional("sequence", Integer),
    optional("revision", Integer),
    needed("type", Text),
    needed("effective_at", Instant),
    needed("recorded_at", Instant),
    needed("stale", Boolean, server_default=false()),
    needed("actor", Text),
    optional("on_behalf_of", Text),
    optional("reason", Text),
    optional("bulk_operation_id", Uuid),
    optional("before_status", Text),
    optional("before_standing", Text),
    needed("data", JSONB),
    optional("after", JSONB),
    needed("written_by", BigInteger, server_default=text(f"({WRITER})")),
    needed("xid", BigInteger, server_default=text(f"({TURN})")),
    Column("position", BigInteger, Identity(always=True), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "enrollment_id", "sequence"),
    postgresql_with={"toast_tuple_target": "4096"},
)
index(events, "events_in_order", "tenant_id", "xid", "position")

idempotency = Table(
    "idempotency",
    metadata,
    needed("tenant_id", Uuid),
    needed("api_key_id", Uuid),
    needed("key", Text),
    needed("fingerprint", LargeBinary),
    optional("status", SmallInteger),
    optional("headers", JSONB),
    optional("body", LargeBinary),
    needed("created_at", Instant),
    needed("expires_at", Instant),
    PrimaryKeyConstraint("tenant_id", "api_key_id", "key"),
)
index(idempotency, "idempotency_expired", "expires_at")
