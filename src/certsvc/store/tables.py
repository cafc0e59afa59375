"""The tables. Every key starts with the tenant, so that the same schema can be spread by tenant.

An index says in its name which question it answers. What is text with a CHECK is an enum of the
domain; a new member needs a migration, which a test asks for.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

from certsvc.domain.enrollment import CycleOutcome, Source
from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.domain.status import CycleKind, Standing, Status, Work

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Instant = TIMESTAMP(timezone=True)


def _needed(name: str, kind: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _optional(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _member(column: str, enum: type[StrEnum]) -> CheckConstraint:
    return _one_of(column, (member.value for member in enum))


def _index(
    table: Table, name: str, *columns: Any, where: str | None = None, unique: bool = False
) -> None:
    condition = None if where is None else text(where)
    parts = [table.c[column] if isinstance(column, str) else column for column in columns]
    Index(name, *parts, unique=unique, postgresql_where=condition)


# A tenant's own row is found by its id alone, so its key may be unique across tenants.
tenants = Table(
    "tenants",
    metadata,
    _needed("id", Uuid),
    _needed("key", Text),
    _needed("sandbox", Boolean),
    _optional("clock_at", Instant),
    _needed("created_at", Instant),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("key"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _needed("name", Text),
    _needed("role", Text),
    _needed("secret_hash", LargeBinary),
    _needed("created_at", Instant),
    _optional("revoked_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    _one_of("role", ("reader", "lms", "admin")),
)

certifications = Table(
    "certifications",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _needed("key", Text),
    _needed("title", JSONB),
    _optional("description", JSONB),
    _optional("metadata", JSONB),
    _needed("active", Boolean),
    _needed("hidden", Boolean),
    _needed("archived", Boolean),
    _needed("automatic_recertification", Boolean),
    _needed("self_enrollment", Text),
    _needed("acceptance_required", Boolean),
    _needed("archived_history", JSONB),
    _needed("automatic_history", JSONB),
    _needed("revision", Integer),
    _needed("created_at", Instant),
    _needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "key"),
)

versions = Table(
    "versions",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("certification_id", Uuid),
    _needed("number", Integer),
    _needed("state", Text),
    _needed("definition", JSONB),
    _optional("published_at", Instant),
    _needed("created_at", Instant),
    _needed("updated_at", Instant),
    PrimaryKeyConstraint("tenant_id", "certification_id", "number"),
    _one_of("state", ("draft", "published")),
    CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
)

# `doc` is the whole enrollment; the other columns follow from it and are there to be found by.
# `live` is false in a sandbox: its rows move by the test clock only. Documents stay in the row up
# to half a page: to compress each new state would cost more than it saves.
enrollments = Table(
    "enrollments",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _needed("certification_id", Uuid),
    _needed("learner_id", Text),
    _needed("status", Text),
    _needed("standing", Text),
    _needed("work", Text),
    _needed("suspended", Boolean),
    _needed("flags", ARRAY(Text)),
    _needed("revision", Integer),
    _needed("sequence", Integer),
    _needed("enrolled_at", Instant),
    _needed("updated_at", Instant),
    _optional("certified_at", Instant),
    _optional("expires_at", Instant),
    _optional("lapses_at", Instant),
    _optional("recertification_at", Instant),
    _optional("due_at", Instant),
    _optional("next_due_at", Instant),
    _needed("live", Boolean),
    _optional("evidence_from", Instant),
    _needed("doc", JSONB),
    _optional("set_aside_at", Instant),
    _optional("set_aside_error", Text),
    _needed("set_aside_count", SmallInteger, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "learner_id", "certification_id"),
    _member("status", Status),
    _member("standing", Standing),
    _member("work", Work),
    postgresql_with={"fillfactor": "80", "toast_tuple_target": "4096"},
)
_index(
    enrollments,
    "enrollments_due_live",
    "next_due_at",
    "tenant_id",
    where="live AND next_due_at IS NOT NULL AND set_aside_at IS NULL",
)
_index(
    enrollments,
    "enrollments_due_of_tenant",
    "tenant_id",
    "next_due_at",
    where="next_due_at IS NOT NULL AND set_aside_at IS NULL",
)
_index(
    enrollments,
    "enrollments_set_aside",
    "tenant_id",
    "set_aside_at",
    where="set_aside_at IS NOT NULL",
)
_index(enrollments, "enrollments_of_certification", "tenant_id", "certification_id", "id")
_index(enrollments, "enrollments_by_standing_and_status", "tenant_id", "standing", "status", "id")
_index(enrollments, "enrollments_flagged", "tenant_id", "id", where="flags <> '{}'::text[]")
_index(
    enrollments,
    "enrollments_by_expiry",
    "tenant_id",
    "expires_at",
    "id",
    where="expires_at IS NOT NULL",
)
_index(
    enrollments, "enrollments_by_due_date", "tenant_id", "due_at", "id", where="due_at IS NOT NULL"
)
_index(enrollments, "enrollments_by_update", "tenant_id", "updated_at", "id")

assignments = Table(
    "assignments",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _needed("enrollment_id", Uuid),
    _needed("source", Text),
    _optional("group_id", Text),
    _needed("assigned_at", Instant),
    _optional("ended_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    _member("source", Source),
)
_index(assignments, "assignments_of_enrollment", "tenant_id", "enrollment_id")
_index(
    assignments,
    "assignments_standing",
    "tenant_id",
    "enrollment_id",
    "source",
    text("coalesce(group_id, '')"),
    unique=True,
    where="ended_at IS NULL",
)
_index(
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
    _needed("tenant_id", Uuid),
    _needed("enrollment_id", Uuid),
    _needed("number", Integer),
    _needed("kind", Text),
    _needed("version", Integer),
    _needed("opened_at", Instant),
    _optional("closed_at", Instant),
    _optional("outcome", Text),
    _needed("doc", JSONB),
    PrimaryKeyConstraint("tenant_id", "enrollment_id", "number"),
    _member("kind", CycleKind),
    _member("outcome", CycleOutcome),
)

certificates = Table(
    "certificates",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _needed("enrollment_id", Uuid),
    _needed("certification_id", Uuid),
    _needed("learner_id", Text),
    _needed("ordinal", Integer),
    _needed("number", Text),
    _needed("code", Text),
    _optional("cycle", Integer),
    _needed("version", Integer),
    _needed("certified_at", Instant),
    _needed("valid_from", Instant),
    _optional("expires_at", Instant),
    _optional("extends_from", Instant),
    _optional("lapses_at", Instant),
    _optional("window_at", Instant),
    _optional("expired_at", Instant),
    _optional("lapsed_at", Instant),
    _optional("superseded_at", Instant),
    _optional("revoked_at", Instant),
    _needed("evidence", ARRAY(Text)),
    _needed("retracted", Boolean),
    PrimaryKeyConstraint("tenant_id", "id"),
)
_index(certificates, "certificates_by_code", "code")
_index(certificates, "certificates_of_enrollment", "tenant_id", "enrollment_id", "ordinal")
_index(certificates, "certificates_of_learner", "tenant_id", "learner_id", "id")
_index(certificates, "certificates_of_certification", "tenant_id", "certification_id", "id")

evidence = Table(
    "evidence",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Text),
    _needed("learner_id", Text),
    _needed("type", Text),
    _needed("occurred_at", Instant),
    _needed("recorded_at", Instant),
    _optional("outcome", Text),
    _optional("grade", Double),
    _optional("course_id", Text),
    _optional("session_id", Text),
    _optional("exam_id", Text),
    _optional("attempt_id", Text),
    _optional("certification_id", Uuid),
    _optional("step", Text),
    _optional("amount", Double),
    _optional("category", Text),
    _optional("retracts", Text),
    _optional("metadata", JSONB),
    _needed("actor", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    _member("type", FactType),
    _member("outcome", FactOutcome),
)
_index(evidence, "evidence_of_learner", "tenant_id", "learner_id", "occurred_at", "id")

_index(
    evidence,
    "evidence_retractions",
    "tenant_id",
    "learner_id",
    "occurred_at",
    where="type = 'retraction'",
)

# Append only. `after` stands on the last event of a step: the state when the step was over.
events = Table(
    "events",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("id", Uuid),
    _optional("enrollment_id", Uuid),
    _optional("certification_id", Uuid),
    _optional("learner_id", Text),
    _optional("sequence", Integer),
    _optional("revision", Integer),
    _needed("type", Text),
    _needed("effective_at", Instant),
    _needed("recorded_at", Instant),
    _needed("stale", Boolean, server_default=false()),
    _needed("actor", Text),
    _optional("on_behalf_of", Text),
    _optional("reason", Text),
    _optional("bulk_operation_id", Uuid),
    _optional("before_status", Text),
    _optional("before_standing", Text),
    _needed("data", JSONB),
    _optional("after", JSONB),
    PrimaryKeyConstraint("tenant_id", "id"),
    UniqueConstraint("tenant_id", "enrollment_id", "sequence"),
    postgresql_with={"toast_tuple_target": "4096"},
)

idempotency = Table(
    "idempotency",
    metadata,
    _needed("tenant_id", Uuid),
    _needed("api_key_id", Uuid),
    _needed("key", Text),
    _needed("fingerprint", LargeBinary),
    _optional("status", SmallInteger),
    _optional("headers", JSONB),
    _optional("body", LargeBinary),
    _needed("created_at", Instant),
    _needed("expires_at", Instant),
    PrimaryKeyConstraint("tenant_id", "api_key_id", "key"),
)
_index(idempotency, "idempotency_expired", "expires_at")
