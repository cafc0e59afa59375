"""The tables of bulk operations: what is to be done to many, and what became of each."""

from enum import StrEnum

from sqlalchemy import Boolean, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from certsvc.store.schema import Instant, index, member, metadata, needed, optional


class BulkState(StrEnum):
    """Where a bulk operation is."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ItemOutcome(StrEnum):
    """What became of an item."""

    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    FAILED = "failed"


bulk_operations = Table(
    "bulk_operations",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("action", Text),
    needed("state", Text),
    needed("selection", JSONB),
    needed("parameters", JSONB),
    needed("hold_automation", Boolean),
    needed("actor", Text),
    optional("on_behalf_of", Text),
    optional("reason", Text),
    needed("start_at", Instant),
    needed("created_at", Instant),
    optional("started_at", Instant),
    optional("finished_at", Instant),
    optional("total", Integer),
    *(needed(outcome.value, Integer, server_default=text("0")) for outcome in ItemOutcome),
    PrimaryKeyConstraint("tenant_id", "id"),
    member("state", BulkState),
)
index(
    bulk_operations,
    "bulk_operations_to_run",
    "start_at",
    "tenant_id",
    where="state IN ('scheduled', 'running')",
)

# An item without an outcome is still to be done. `held_until`: until then automatic recertification
# keeps away from the enrollment; far ahead, as long as the operation has not been there.
bulk_items = Table(
    "bulk_items",
    metadata,
    needed("tenant_id", Uuid),
    needed("operation_id", Uuid),
    needed("number", Integer),
    optional("enrollment_id", Uuid),
    optional("certification_id", Uuid),
    optional("learner_id", Text),
    optional("parameters", JSONB),
    optional("held_until", Instant),
    optional("outcome", Text),
    optional("code", Text),
    optional("reason_code", Text),
    optional("detail", Text),
    optional("done_at", Instant),
    PrimaryKeyConstraint("tenant_id", "operation_id", "number"),
    member("outcome", ItemOutcome),
)
index(
    bulk_items,
    "bulk_items_to_do",
    "tenant_id",
    "operation_id",
    "number",
    where="outcome IS NULL",
)
index(bulk_items, "bulk_items_held", "tenant_id", "enrollment_id", where="held_until IS NOT NULL")
