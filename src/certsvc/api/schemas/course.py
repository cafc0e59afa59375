"""Courses on the wire."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    LMS_ID,
    Answered,
    Authored,
    Instant,
    Known,
    LmsId,
    Metadata,
    OurId,
    Switch,
    Text,
    words,
)
from certsvc.domain.course import CourseState

COURSE_STATES = tuple(state.value for state in CourseState)
GROUPS_OF_A_COURSE = 10_000


def _text(value: object) -> object:
    """A revision that the LMS counts is a text like any other."""
    counted = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if counted else value


CourseRevision = Annotated[
    str,
    BeforeValidator(_text),
    StringConstraints(pattern=LMS_ID),
    Field(
        description="The LMS's name for a revision of the course; absent: the one known. One that "
        "was never heard becomes the newest; the newest never goes back.",
        examples=["2"],
    ),
]


class CourseUpdate(Authored):
    """What the LMS says of a course; it replaces what was said before. `archived` together with a
    revision that is not the newest says nothing of the course: that revision was only replaced."""

    title: Text | None = None
    state: Annotated[str, Known(*COURSE_STATES)] | None = Field(
        None, description="Absent: published."
    )
    revision: CourseRevision | None = None
    groups: Annotated[list[LmsId], Field(max_length=GROUPS_OF_A_COURSE)] | None = Field(
        None, description="The groups that may take the course; absent: all."
    )
    overbooking: Switch | None = Field(
        False, description="Whether learners are let in when its live sessions have no room."
    )
    metadata: Metadata | None = None
    dry_run: Annotated[
        Switch | None, Field(description="Say what would happen; write nothing.")
    ] = False


class RevisionOfCourse(Answered):
    """A revision, and since when it was the newest that was told."""

    revision: str
    since: Instant


class CertificationOfCourse(Answered):
    """A certification with published versions that name the course."""

    id: OurId
    key: str
    title: dict[str, str]
    versions: list[int] = Field(description="The published versions that name the course.")
    required: bool = Field(
        description="Its latest version has a path that cannot do without the course."
    )
    blocked: bool = Field(
        description="Its latest version has a path that cannot do without a course that is "
        "archived now, this one or another: such cycles wait."
    )


class Course(Answered):
    """A course, as the LMS told of it."""

    id: str
    title: str | None
    state: Annotated[str, words(*COURSE_STATES)]
    revision: str | None = Field(description="The newest; null while none was told.")
    groups: list[str] | None = Field(description="The groups that may take it; null: all.")
    overbooking: bool
    metadata: dict[str, Any]
    created_at: Instant
    updated_at: Instant
    revisions: list[RevisionOfCourse] = Field(description="In the order in which they came.")
    certifications: list[CertificationOfCourse] = Field(description="The certifications concerned.")


class CourseEffect(Answered):
    """What telling of a course does, or would do."""

    dry_run: bool
    opened: int = Field(description="Waiting enrollments whose cycle opens.")
    sample: list[OurId] = Field(description="Some of them.")


class ChangedCourse(Course):
    """A course after it was told, and what that does."""

    effect: CourseEffect


class CoursePage(Page[Course]):
    """Courses."""
