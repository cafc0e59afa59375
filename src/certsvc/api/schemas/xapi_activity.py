"""xAPI activities on the wire: which course, session or exam an activity means."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Instant, Known, LmsId, OurId, Sent, words
from certsvc.store.activity_tables import ActivityKind
from certsvc.usecases.xapi.statement import LONGEST_ACTIVITY_ID

KINDS = tuple(kind.value for kind in ActivityKind)
MOST = 1000

_TAKES = {
    ActivityKind.COURSE: {"course_id"},
    ActivityKind.SESSION: {"course_id", "session_id"},
    ActivityKind.EXAM: {"exam_id"},
    ActivityKind.TEST_OUT: {"exam_id"},
}
_NEEDS = {
    ActivityKind.COURSE: "course_id",
    ActivityKind.SESSION: "course_id",
    ActivityKind.EXAM: "exam_id",
    ActivityKind.TEST_OUT: "exam_id",
}


def _not_too_long(text: str) -> str:
    if len(text.encode()) > LONGEST_ACTIVITY_ID:
        raise PydanticCustomError("activity_id", "must not be longer than 2000 bytes")
    return text


ActivityId = Annotated[
    str,
    StringConstraints(
        min_length=3,
        max_length=LONGEST_ACTIVITY_ID,
        pattern=r"^[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f\x7f-\x9f]+$",
    ),
    AfterValidator(_not_too_long),
    Field(
        description="An activity's IRI, to the letter.",
        examples=["https://lms.example/activities/safety-101"],
    ),
]


class ActivityInput(Sent):
    """What an activity means. A course and a session are named by `course_id`, an exam and a
    test-out by `exam_id`."""

    activity_id: ActivityId
    kind: Annotated[str, Known(*KINDS)]
    course_id: LmsId | None = None
    session_id: LmsId | None = None
    exam_id: LmsId | None = None

    @model_validator(mode="after")
    def _names_what_it_is(self) -> "ActivityInput":
        kind = ActivityKind(self.kind)
        given = {
            name
            for name in ("course_id", "session_id", "exam_id")
            if getattr(self, name) is not None
        }
        said = {"kind": kind.value, "needed": _NEEDS[kind]}
        if _NEEDS[kind] not in given:
            raise PydanticCustomError("id_missing", "a {kind} is named by {needed}", said)
        if given - _TAKES[kind]:
            raise PydanticCustomError("id_of_another_kind", "a {kind} has no other ids", said)
        return self


class ActivityBatch(Sent):
    """What activities mean, each named once. What was said of one before is replaced."""

    items: Annotated[list[ActivityInput], Field(min_length=1, max_length=MOST)]

    @model_validator(mode="after")
    def _each_once(self) -> "ActivityBatch":
        if len({item.activity_id for item in self.items}) < len(self.items):
            raise PydanticCustomError("repeated", "names an activity more than once")
        return self


class Activity(Answered):
    """What an activity means."""

    id: OurId
    activity_id: str
    kind: Annotated[str, words(*KINDS)]
    course_id: str | None
    session_id: str | None
    exam_id: str | None
    created_at: Instant
    updated_at: Instant


class ActivityList(Answered):
    """What activities mean, in the order sent."""

    items: list[Activity]


class ActivityPage(Page[Activity]):
    """Activities that mean something."""
