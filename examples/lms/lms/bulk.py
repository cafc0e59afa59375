"""One decision over many: look first, order it, follow it, see what was refused."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from certsvc_client import AuthenticatedClient
from certsvc_client.api.bulk_operations import (
    get_bulk_operation,
    list_bulk_items,
    order_bulk_operation,
)
from certsvc_client.api.enrollments import get_enrollment
from certsvc_client.models import (
    BulkItem,
    BulkItemPage,
    BulkOperation,
    BulkOrder,
    BulkSelection,
    Enrollment,
    EnrollmentFilter,
    FreeForm,
    Problem,
)
from certsvc_client.types import UNSET, Unset

from lms.clock import now
from lms.service import PAGE, answered, pages

Say = Callable[[str], None]
OVER = {"completed", "cancelled"}
LOOK_AGAIN = 1.0


def everybody(who: EnrollmentFilter) -> BulkSelection:
    """Select all whom a list with these filters shows when the operation starts."""
    return BulkSelection(filter_=who)


def these(ids: list[UUID]) -> BulkSelection:
    """Select the very ones that were looked at."""
    return BulkSelection(ids=ids)


def order(action: str, selection: BulkSelection, reason: str, **parameters: Any) -> BulkOrder:
    """A decision, in the words of the service."""
    return BulkOrder(
        action=action,
        selection=selection,
        parameters=FreeForm.from_dict(parameters),
        reason=reason,
    )


def foresee(client: AuthenticatedClient, decision: BulkOrder, say: Say) -> BulkOperation:
    """What would happen, without any of it happening."""
    trial = BulkOrder.from_dict({**decision.to_dict(), "dry_run": True})
    foreseen = answered(order_bulk_operation.sync(client=client, body=trial))
    say(f"  dry run of {decision.action}: {_counted(foreseen.counts.to_dict())}")
    say(f"    would be: {_counted(foreseen.by_status.to_dict())}")
    if refused := foreseen.by_code.to_dict():
        say(f"    would be refused: {_counted(refused)}")
    return foreseen


def carry_out(client: AuthenticatedClient, decision: BulkOrder, say: Say) -> BulkOperation:
    """Order it, and wait until the last item is done; what was refused is said."""
    ordered = answered(
        order_bulk_operation.sync(
            client=client, body=decision, idempotency_key=_once(decision, client)
        )
    )
    if ordered.id is None:
        raise ValueError("a dry run is not carried out")
    done = _follow(client, ordered.id, say)
    say(f"  {done.action}: {_counted(done.counts.to_dict())}")
    for item in items(client, ordered.id, "refused", "not_found", "failed"):
        say(f"    {item.outcome}: {_who(client, item)}: {item.code}: {item.detail}")
    return done


def _once(decision: BulkOrder, client: AuthenticatedClient) -> str:
    """The same decision on the same day is one decision, even if this program was cut off after
    ordering it and has been started again: the service then answers with the first order."""
    text = json.dumps(decision.to_dict(), sort_keys=True)
    return f"{now(client).date()}-{sha256(text.encode()).hexdigest()}"


def _follow(client: AuthenticatedClient, id: UUID, say: Say) -> BulkOperation:
    told = ""
    while True:
        operation = answered(get_bulk_operation.sync(id, client=client))
        if operation.state in OVER:
            return operation
        left = operation.remaining_seconds
        soon = "" if left is None else f", {left:.0f} seconds to go"
        progress = f"  {operation.action}: {operation.done} of {operation.total or 'many'}{soon}"
        if progress != told:
            say(progress)
            told = progress
        time.sleep(LOOK_AGAIN)


def items(client: AuthenticatedClient, id: UUID, *outcomes: str) -> Iterator[BulkItem]:
    """The items of an operation that came out like this."""
    for page in pages(partial(_items, client, id, list(outcomes))):
        yield from page.items


def _items(
    client: AuthenticatedClient, id: UUID, outcomes: list[str], cursor: str | Unset
) -> BulkItemPage | Problem | None:
    return list_bulk_items.sync(
        id, client=client, outcome=outcomes or UNSET, limit=PAGE, cursor=cursor
    )


def _who(client: AuthenticatedClient, item: BulkItem) -> str:
    """The learner. An item that a filter or an id selected names its enrollment."""
    if item.learner_id is None and item.enrollment_id is not None and item.outcome != "not_found":
        enrollment: Enrollment = answered(get_enrollment.sync(item.enrollment_id, client=client))
        return enrollment.learner_id
    return item.learner_id or str(item.enrollment_id)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number) or "nobody"
