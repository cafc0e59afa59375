"""What happened, what will happen, and why things are as they are."""

from typing import Annotated, Any

from pydantic import Field

from certsvc.api.schemas.enrollment import NextAnswer
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Instant, OurId, words
from certsvc.domain.events import EventType
from certsvc.domain.status import Standing, Status, Work

EventWord = Annotated[str, words(*(event.value for event in EventType))]


class EventState(Answered):
    """The headline at one side of an event."""

    status: Status
    standing: Standing


class HistoryEvent(Answered):
    """One line of history."""

    id: OurId
    type: EventWord
    sequence: int = Field(description="Per enrollment, without gaps.")
    revision: int = Field(description="The enrollment's, after the step that said it.")
    effective_at: Instant = Field(description="When it was so.")
    recorded_at: Instant = Field(description="When it was written.")
    stale: bool = Field(description="A reminder that was overtaken before it could be sent.")
    actor: str = Field(description='"key:<id>", "time" for timers, "cli".')
    on_behalf_of: str | None
    reason: str | None
    bulk_operation_id: OurId | None
    data: dict[str, Any]
    before: EventState
    after: EventState | None


class HistoryPage(Page[HistoryEvent]):
    """The history of an enrollment, oldest first."""


class ForecastEvent(Answered):
    """What will happen if nobody does anything."""

    type: EventWord
    effective_at: Instant
    data: dict[str, Any]
    before: EventState
    after: EventState


class Forecast(Answered):
    """The future of an enrollment, until an instant."""

    enrollment_id: OurId
    revision: int
    as_of: Instant
    until: Instant
    items: list[ForecastEvent]
    truncated: bool = Field(description="There is more before `until` than is shown.")


class Need(Answered):
    """One thing that the open cycle still needs."""

    what: Annotated[str, words("payment", "step", "exam", "approval")]
    step: str | None
    title: str | None
    state: str


class Blocked(Answered):
    """An action that is refused now, and why."""

    action: str
    reason_code: str
    detail: str
    available_at: Instant | None


class Explanation(Answered):
    """Why an enrollment reads as it does, what is missing, and what comes next."""

    enrollment_id: OurId
    revision: int
    as_of: Instant
    status: Status
    standing: Standing
    work: Work
    because: str = Field(description="The rule that gives the headline.")
    story: str = Field(description="What the headline means.")
    needs: list[Need]
    next: NextAnswer | None
    blocked: list[Blocked]
