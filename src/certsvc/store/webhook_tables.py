"""The tables of webhooks: who is told, what of, how often that was tried, and how far they are.

A delivery is one event for one endpoint, under the event's id; a ping has an id of its own. While
somebody has it in hand it is claimed until an instant, which no index holds: a claim is a cheap
write, and one whose process died is over by itself.
"""

from enum import StrEnum

from sqlalchemy import BigInteger, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from certsvc.store.schema import Instant, index, member, metadata, needed, optional


class DisabledReason(StrEnum):
    """Why an endpoint gets nothing."""

    REQUESTED = "requested"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """Where a delivery is. What is pending rests while its endpoint is disabled."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_ZERO = sql("0")

# `types`: null is all. `since` is the snapshot in which it was made or enabled: events that were
# to be seen there are not for it. A deleted one stays until its deliveries are purged.
webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("url", Text),
    optional("description", Text),
    optional("types", ARRAY(Text)),
    needed("secrets", JSONB),
    needed("since", Text),
    optional("disabled_at", Instant),
    optional("disabled_reason", Text),
    optional("failing_since", Instant),
    needed("failures", Integer, server_default=_ZERO),
    needed("created_at", Instant),
    needed("updated_at", Instant),
    optional("deleted_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    member("disabled_reason", DisabledReason),
)

# One for each tenant with endpoints: the place of the last event that was fanned out.
webhook_cursors = Table(
    "webhook_cursors",
    metadata,
    needed("tenant_id", Uuid),
    needed("xid", BigInteger),
    needed("position", BigInteger),
    PrimaryKeyConstraint("tenant_id"),
)

# `seen` is the snapshot in which it was asked for: it repeats what was to be seen there.
webhook_replays = Table(
    "webhook_replays",
    metadata,
    needed("tenant_id", Uuid),
    needed("id", Uuid),
    needed("endpoint_id", Uuid),
    needed("since", Instant),
    optional("until", Instant),
    optional("types", ARRAY(Text)),
    needed("seen", Text),
    needed("xid", BigInteger, server_default=_ZERO),
    needed("position", BigInteger, server_default=_ZERO),
    needed("deliveries", Integer, server_default=_ZERO),
    needed("created_at", Instant),
    optional("finished_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
)
index(webhook_replays, "webhook_replays_to_run", "tenant_id", "id", where="finished_at IS NULL")

# `round` counts the attempts since it was last to be sent anew, `attempts` all of them.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    needed("tenant_id", Uuid),
    needed("endpoint_id", Uuid),
    needed("id", Uuid),
    needed("type", Text),
    needed("state", Text),
    needed("created_at", Instant),
    optional("next_attempt_at", Instant),
    optional("claimed_until", Instant),
    needed("round", Integer, server_default=_ZERO),
    needed("attempts", Integer, server_default=_ZERO),
    optional("last_attempt_at", Instant),
    optional("last_status", Integer),
    optional("last_error", Text),
    PrimaryKeyConstraint("tenant_id", "endpoint_id", "id"),
    member("state", DeliveryState),
    postgresql_with={"fillfactor": "70"},
)
index(
    webhook_deliveries,
    "webhook_deliveries_due",
    *("tenant_id", "endpoint_id", "next_attempt_at", "id"),
    where="state = 'pending'",
)
index(
    webhook_deliveries,
    "webhook_deliveries_by_state",
    *("tenant_id", "endpoint_id", "state", "created_at", "id"),
    include=("type",),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    needed("tenant_id", Uuid),
    needed("endpoint_id", Uuid),
    needed("delivery_id", Uuid),
    needed("number", Integer),
    needed("attempted_at", Instant),
    needed("duration_ms", Integer),
    optional("status", Integer),
    optional("error", Text),
    optional("response", LargeBinary),
    PrimaryKeyConstraint("tenant_id", "endpoint_id", "delivery_id", "number"),
)
