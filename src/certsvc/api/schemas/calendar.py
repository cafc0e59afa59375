"""Calendars on the wire: whose dates they show, and the URL that is shown once."""

from pydantic import Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Instant, Language, LmsId, OurId, Reference, Sent


class CalendarRequest(Sent):
    """Whose dates: a learner's, or a certification's; one of the two."""

    learner_id: LmsId | None = None
    certification: Reference | None = None
    language: Language | None = Field(
        None, description="Of the titles; where there is none in it, English, or any."
    )


class Calendar(Answered):
    """A calendar that may be subscribed to."""

    id: OurId
    learner_id: str | None
    certification_id: OurId | None
    language: str | None
    created_at: Instant


class NewCalendar(Calendar):
    """A calendar that was just made."""

    url: str = Field(
        description="To subscribe to; shown this once. Whoever has it reads the calendar."
    )


class CalendarPage(Page[Calendar]):
    """Calendars."""
