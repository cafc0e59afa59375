"""The table of calendars: whose dates are shown behind an URL that nobody can guess."""

from sqlalchemy import CheckConstraint, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from certsvc.store.schema import Instant, index, metadata, needed, optional

calendars = Table(
    "calendars",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    optional("learner_id", Text),
    optional("certification_id", Uuid),
    optional("language", Text),
    needed("secret_hash", LargeBinary),
    needed("created_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    CheckConstraint("(learner_id IS NULL) <> (certification_id IS NULL)", name="subject"),
)
index(
    calendars,
    "calendars_of_learner",
    "tenant_id",
    "learner_id",
    "id",
    where="learner_id IS NOT NULL",
)
