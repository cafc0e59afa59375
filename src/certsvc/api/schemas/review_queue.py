"""The queue of what waits for a person, on the wire."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Instant,
    Known,
    LmsId,
    OurId,
    Reference,
    Sent,
    words,
)
from certsvc.domain.awaiting import ANSWERS, AwaitingKind
from certsvc.domain.status import Status

KINDS = tuple(kind.value for kind in AwaitingKind)
KindWord = Annotated[str, Known(*KINDS)]


class ReviewQuery(Sent):
    """What of the queue: of several values of one filter any, of several filters all."""

    kind: list[KindWord] = Field(default=[], max_length=100)
    certification: list[Reference] = Field(default=[], max_length=100)
    group: LmsId | None = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50
    cursor: Annotated[
        str | None,
        Field(max_length=1000, description="`next_cursor` of the page before, same filters."),
    ] = None


class ReviewStep(Answered):
    """A step that awaits its sign-off."""

    key: str
    title: str


class ReviewItem(Answered):
    """An enrollment in which something waits for a person."""

    kind: Annotated[str, words(*KINDS)]
    since: Instant
    enrollment_id: OurId
    certification_id: OurId
    certification_key: str
    learner_id: str
    status: Status
    steps: list[ReviewStep] = Field(description="What was handed in.")
    actions: list[Annotated[str, words(*(action.value for action in ANSWERS))]] = Field(
        description="What a person may answer by now; empty while the rest of the work is open."
    )


class ReviewQueuePage(Page[ReviewItem]):
    """What waits for a person, the longest waiting first."""
