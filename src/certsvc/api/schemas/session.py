"""Live sessions on the wire, and who stands in line for a seat."""

from typing import Annotated, Any

from pydantic import Field, Strict

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    Instant,
    Metadata,
    OurId,
    Text,
)

Capacity = Annotated[int, Strict(), Field(ge=0, le=1_000_000, description="Null: as many as come.")]


class SessionInput(Authored):
    """A live session as the LMS knows it; what is left out is not known."""

    title: Text | None = None
    starts_at: Annotated[
        Instant | None, Field(description="From then on nobody gets a seat any more.")
    ] = None
    ends_at: Instant | None = None
    capacity: Capacity | None = None
    metadata: Metadata | None = None


class Session(Answered):
    """A live session of a course, and its seats."""

    course_id: str
    id: str
    title: str | None
    starts_at: Instant | None
    ends_at: Instant | None
    capacity: int | None = Field(description="Null: as many as come.")
    seats_taken: int
    seats_free: int | None = Field(description="Null: as many as come.")
    metadata: dict[str, Any]
    cancelled_at: Instant | None
    created_at: Instant
    updated_at: Instant


class SessionPage(Page[Session]):
    """The sessions of a course."""


class UnregisteredLearner(Answered):
    """Somebody who needs a seat and has none."""

    learner_id: str
    enrollment_id: OurId
    certification_id: OurId
    wanted_at: Instant = Field(description="When the seat was due; the line is in this order.")
    since: Instant = Field(description="Since when there is none: later, where a seat was lost.")


class UnregisteredPage(Page[UnregisteredLearner]):
    """Who stands in line for a seat in a course, the next one first."""
