"""Events on the wire: the item of the feed, which a webhook carries as well."""

from typing import Annotated, Any

from pydantic import Field

from certsvc.api.schemas.enrollment import Enrollment
from certsvc.api.schemas.history import EventState, EventWord
from certsvc.api.schemas.values import Answered, Instant, Known, OurId, Reference, Sent
from certsvc.domain.events import EventType

WantedType = Annotated[str, Known(*(event.value for event in EventType))]
LONGEST_WAIT_SECONDS = 30
StartWord = Annotated[str, Known("beginning", "latest")]


class EventQuery(Sent):
    """Where to read on in the feed, and which events."""

    after: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="`next_cursor` of the answer before; any filters.",
            examples=["WyIzZmU5MTAzZDM1YmMiLCI4MTIuMSJd"],
        ),
    ] = None
    start: Annotated[
        StartWord | None,
        Field(
            description="Where to begin without `after`: at the first event there is, which is "
            "the default, or behind the latest."
        ),
    ] = None
    types: list[WantedType] = Field(
        default=[], max_length=100, description="Only events of these types."
    )
    certification: Annotated[
        Reference | None, Field(description="Only events of this one: its id or key.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50
    wait: Annotated[
        int,
        Field(
            ge=0,
            le=LONGEST_WAIT_SECONDS,
            description="Where there is nothing to tell, wait for so many seconds at most.",
        ),
    ] = 0


class Event(Answered):
    """One thing that happened. What is about no enrollment, as a version that was published, has
    no `sequence`, `before` and `after`."""

    id: OurId
    type: EventWord
    sequence: int | None = Field(description="Per enrollment, without gaps.")
    revision: int | None = Field(
        description="The enrollment's, after the step that said it; else the certification's."
    )
    effective_at: Instant = Field(description="When it was so.")
    recorded_at: Instant = Field(description="When it was written.")
    stale: bool = Field(description="A reminder that was overtaken before it could be sent.")
    actor: str = Field(description='"key:<id>", "time" for timers, "cli".')
    on_behalf_of: str | None
    reason: str | None
    bulk_operation_id: OurId | None
    enrollment_id: OurId | None
    certification_id: OurId | None
    certification_key: str | None
    learner_id: str | None
    before: EventState | None = Field(description="The headline before it.")
    after: Enrollment | None = Field(
        description="The whole enrollment at the end of the step that said it, as it read then. "
        "All events of a step show the same."
    )
    data: dict[str, Any] = Field(description="What the type of event tells beside.")


class EventPage(Answered):
    """A stretch of the feed, oldest first."""

    items: list[Event]
    next_cursor: str = Field(
        description="Where to go on: send it as `after`. There always is one, also when nothing "
        "was found, and it is never used up."
    )
    more: bool = Field(description="Whether to go on at once: this stretch is not the newest.")
    as_of: Instant
