"""Deliveries to webhook endpoints on the wire, their attempts, and replays."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Instant, OurId, words
from certsvc.api.schemas.webhook_endpoint import EVENT_TYPES
from certsvc.store.webhook_tables import DeliveryState
from certsvc.usecases.webhooks.asking import PING
from certsvc.webhooks.attempt import Failure

STATES = tuple(state.value for state in DeliveryState)
DELIVERED_TYPES = (*EVENT_TYPES, PING)
OWN_FAILURES = ("secret_unreadable", "internal_error")
ERRORS = (*(failure.value for failure in Failure), *OWN_FAILURES)
Error = Annotated[str | None, words(*ERRORS)]


class WebhookDelivery(Answered):
    """One event, or a ping, for one endpoint."""

    id: OurId = Field(
        description="What the receiver gets as `webhook-id`, with every attempt the same: of an "
        "event its id."
    )
    endpoint_id: OurId
    type: Annotated[str, words(*DELIVERED_TYPES)]
    state: Annotated[str, words(*STATES)] = Field(
        description="`pending` deliveries of a disabled endpoint wait until it is enabled."
    )
    created_at: Instant
    next_attempt_at: Instant | None = Field(description="Null when it is over.")
    attempt_count: int
    last_attempt_at: Instant | None
    last_status: int | None
    last_error: Error


class WebhookDeliveryPage(Page[WebhookDelivery]):
    """Deliveries to an endpoint, the newest first."""


class WebhookAttempt(Answered):
    """One attempt to deliver."""

    number: int
    attempted_at: Instant
    duration_ms: int
    status: int | None = Field(description="The answer's status; null where there was no answer.")
    error: Error = Field(description="Why it failed; null: it did not.")
    response: str | None = Field(
        description="The beginning of the answer's body. What is no UTF-8 in it is replaced."
    )


class WebhookDeliveryDetail(WebhookDelivery):
    """A delivery with all its attempts."""

    attempts: list[WebhookAttempt]


class WebhookReplay(Answered):
    """What is being sent again."""

    id: OurId
    endpoint_id: OurId
    since: Instant
    until: Instant | None
    types: list[Annotated[str, words(*EVENT_TYPES)]] = Field(
        description="Empty: all that the endpoint gets."
    )
    created_at: Instant
