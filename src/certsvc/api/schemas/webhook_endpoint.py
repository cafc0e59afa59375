"""Webhook endpoints on the wire."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    DurationText,
    Instant,
    Known,
    OurId,
    Switch,
    Text,
    words,
)
from certsvc.domain.events import EventType
from certsvc.domain.periods import Duration
from certsvc.store.webhook_tables import DisabledReason

EVENT_TYPES = tuple(type.value for type in EventType)
LONGEST_OVERLAP = timedelta(days=30)
DEFAULT_OVERLAP = "PT24H"


def _overlap(text: str) -> str:
    if overlap_of(text) > LONGEST_OVERLAP:
        raise PydanticCustomError("overlap", "must not be longer than 30 days")
    return text


def overlap_of(text: str) -> timedelta:
    """A duration of days and parts of days."""
    try:
        duration = Duration.parse(text)
    except ValueError as error:
        raise PydanticCustomError("duration", "must be an ISO 8601 duration") from error
    if duration.months:
        raise PydanticCustomError("overlap", "must be in weeks, days, hours, minutes, seconds")
    return min(timedelta.max / 2, timedelta(days=duration.days, seconds=duration.seconds))


Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048, pattern=r"^[\x21-\x7e]+$"),
    Field(
        description="Where the events are sent: https, a public address, no user name. The service "
        "may be set up to allow more.",
        examples=["https://lms.example/hooks/certsvc"],
    ),
]
Description = Annotated[Text, Field(description="What it is for.", examples=["LMS production"])]
Types = Annotated[
    list[Annotated[str, Known(*EVENT_TYPES)]],
    Field(
        max_length=len(EVENT_TYPES),
        description="Only events of these types; none means all.",
        examples=[["certificate.issued", "certificate.expired"]],
    ),
]


class WebhookEndpointRequest(Authored):
    """A new endpoint. It gets what happens from now on."""

    url: Url
    description: Description | None = None
    types: Types | None = None
    enabled: Annotated[Switch | None, Field(description="Whether it gets anything yet.")] = True


class WebhookEndpointPatch(Authored):
    """What is to be another; what is left out stays."""

    url: Url | None = None
    description: Description | None = None
    types: Types | None = None
    enabled: Annotated[
        Switch | None,
        Field(
            description="Enabled again, it gets what was waiting when it was disabled, and what "
            "happens from now on. What happened in between can be replayed."
        ),
    ] = None


class SecretRotation(Authored):
    """A new secret is made; those before sign beside it for a while."""

    keep_old_for: Annotated[
        DurationText | None,
        AfterValidator(lambda text: text if text is None else _overlap(text)),
        Field(
            description="How long the secrets before go on signing; at most P30D. PT0S ends them "
            "at once.",
            examples=["PT24H"],
        ),
    ] = DEFAULT_OVERLAP


class WebhookSecret(Answered):
    """A secret, without itself."""

    created_at: Instant
    expires_at: Instant | None = Field(description="Until when it signs; null: the present one.")


class WebhookEndpoint(Answered):
    """Where events are sent."""

    id: OurId
    url: str
    description: str | None
    types: list[Annotated[str, words(*EVENT_TYPES)]] = Field(description="Empty: all.")
    enabled: bool
    disabled_at: Instant | None
    disabled_reason: Annotated[str | None, words(*(reason.value for reason in DisabledReason))] = (
        Field(
            description="`requested` by an admin; `gone`: it answered 410; `failing`: it took "
            "nothing for days."
        )
    )
    failing_since: Instant | None = Field(
        description="When the first attempt after its last success failed."
    )
    failures: int = Field(description="Attempts that failed since then.")
    secrets: list[WebhookSecret] = Field(description="What messages are signed with, newest first.")
    created_at: Instant
    updated_at: Instant


class NewWebhookEndpoint(WebhookEndpoint):
    """An endpoint with its new secret, which is shown this once."""

    secret: str = Field(
        description="What its messages are signed with: for the Standard Webhooks libraries."
    )


class WebhookEndpointPage(Page[WebhookEndpoint]):
    """The endpoints of the tenant."""
