"""Bulk operations on the wire: what is ordered, how it goes, what became of each item."""

from typing import Annotated, Any

from pydantic import Field

from certsvc.api.schemas.enrollment import EnrollmentFilter
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    Instant,
    LmsId,
    Metadata,
    OurId,
    Reference,
    Sent,
    Switch,
    words,
)
from certsvc.domain.actions import Action
from certsvc.store.bulk_tables import BulkState, ItemOutcome

ACTIONS = (*(action.value for action in Action), "enroll")
STATES = (*(state.value for state in BulkState), "dry_run")
MOST_ITEMS = 100_000

Parameters = Annotated[
    Metadata,
    Field(
        description="As the action's own operation takes them; of `enroll` source, group, "
        "opens_at, due_at, limit_at, counts_from, and for people who are certified already "
        "certified_at, valid_from, expires_at, when."
    ),
]


class BulkItemInput(Sent):
    """One item: an enrollment, or a learner in a certification."""

    enrollment_id: OurId | None = None
    certification: Reference | None = None
    learner_id: LmsId | None = None
    parameters: Parameters | None = None


class BulkSelection(Sent):
    """Whom it is about: exactly one of the three."""

    ids: Annotated[
        list[OurId] | None, Field(max_length=MOST_ITEMS, description="Enrollments, one by one.")
    ] = None
    filter: Annotated[
        EnrollmentFilter | None,
        Field(description="Everybody whom the list of enrollments would show; `{}` is everybody."),
    ] = None
    items: Annotated[list[BulkItemInput] | None, Field(max_length=MOST_ITEMS)] = None


class BulkOrder(Authored):
    """One decision over many enrollments."""

    action: Annotated[str, words(*ACTIONS), Field(max_length=64)]
    selection: BulkSelection
    parameters: Parameters | None = None
    dry_run: Annotated[
        Switch | None, Field(description="Say what would happen; write nothing.")
    ] = False
    start_at: Annotated[Instant | None, Field(description="Not before then; else at once.")] = None
    hold_automation: Annotated[
        Switch | None,
        Field(
            description="Until the operation has been there, automatic recertification keeps away "
            "from its selection, which is then fixed at once."
        ),
    ] = False


class BulkSample(Answered):
    """What would become of one item."""

    enrollment_id: OurId | None
    learner_id: str | None
    outcome: Annotated[str, words(*(outcome.value for outcome in ItemOutcome))]
    code: str | None
    status_before: str | None
    status_after: str | None


class BulkOperation(Answered):
    """A bulk operation and how far it is; of a dry run, what it would come to."""

    id: OurId | None = Field(description="Null of a dry run, which leaves nothing behind.")
    action: Annotated[str, words(*ACTIONS)]
    state: Annotated[str, words(*STATES)]
    selection: dict[str, Any] = Field(
        description="The filter; the count of what was named, and whether that `repeats` an "
        "enrollment; or the file that was imported."
    )
    parameters: dict[str, Any]
    hold_automation: bool
    actor: str
    on_behalf_of: str | None
    reason: str | None
    created_at: Instant
    start_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    total: int | None = Field(description="Null until the selection is fixed.")
    done: int
    counts: dict[str, int] = Field(description="Items by outcome.")
    rate_per_second: float | None
    remaining_seconds: float | None
    complete: bool = Field(description="False of a dry run that judged only the first part.")
    by_code: dict[str, int] = Field(description="Of a dry run: refusals by code.")
    by_status: dict[str, int] = Field(description="Of a dry run: enrollments by status then.")
    sample: list[BulkSample] = Field(description="Of a dry run: some of the items.")


class BulkOperationPage(Page[BulkOperation]):
    """Bulk operations, the newest first."""


class BulkItem(Answered):
    """One item, and what became of it."""

    number: int
    enrollment_id: OurId | None
    certification_id: OurId | None
    learner_id: str | None
    outcome: Annotated[str | None, words(*(outcome.value for outcome in ItemOutcome))] = Field(
        description="Null: still to be done, or left undone by a cancelled operation."
    )
    code: str | None = Field(description="Of a refusal, as the action itself would answer.")
    reason_code: str | None
    detail: str | None
    done_at: Instant | None


class BulkItemPage(Page[BulkItem]):
    """The items of an operation, in their order; of an import those that did not go in."""
