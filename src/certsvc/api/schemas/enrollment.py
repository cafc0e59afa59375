"""Enrollments on the wire: the whole object of the interface, and how one is asked for."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    Day,
    Instant,
    Known,
    LmsId,
    OurId,
    Reference,
    Sent,
    words,
)
from certsvc.domain.actions import Action
from certsvc.domain.enrollment import (
    CycleOutcome,
    DoneBy,
    ExamState,
    PaymentState,
    Source,
    StepState,
)
from certsvc.domain.events import EventType
from certsvc.domain.status import CycleKind, Flag, Standing, Status, Work
from certsvc.domain.views import VIEWS, View

SourceWord = Annotated[str, Known(*(source.value for source in Source))]
FlagWord = Annotated[str, Known(*(flag.value for flag in Flag))]
SortWord = Annotated[str, Known("id", "learner_id", "expires_at", "due_at", "updated_at")]
OrderWord = Annotated[str, Known("asc", "desc")]
ViewWord = Annotated[str, Known(*(view.value for view in View))]


class EnrollmentRequest(Authored):
    """Assign a learner. Where there is an enrollment, the assignment is added to it."""

    certification: Reference
    learner_id: LmsId
    source: SourceWord | None = "manual"
    group: LmsId | None = None
    opens_at: Annotated[
        Instant | None, Field(description="A past one opens then, a future one waits.")
    ] = None
    due_at: Instant | None = None
    limit_at: Instant | None = None
    counts_from: Annotated[Instant | None, Field(description="Evidence counts from here.")] = None


class EnrollmentFilter(Sent):
    """Which enrollments: of several values of one filter any, of several filters all."""

    certification: list[Reference] = Field(default=[], max_length=100)
    learner_id: list[LmsId] = Field(default=[], max_length=100)
    status: list[Status] = Field(default=[], max_length=100)
    standing: list[Standing] = Field(default=[], max_length=100)
    flag: list[FlagWord] = Field(default=[], max_length=100)
    view: Annotated[
        ViewWord | None,
        Field(
            description="What programme people say, as one more filter: "
            + " ".join(f"`{row.view}`: {row.says}" for row in VIEWS.values())
        ),
    ] = None
    source: SourceWord | None = None
    group: LmsId | None = None
    expires_before: Instant | None = None
    expires_after: Instant | None = None
    due_before: Instant | None = None
    due_after: Instant | None = None
    updated_after: Instant | None = None


class EnrollmentQuery(EnrollmentFilter):
    """A page of the enrollments that the filters let through."""

    sort: Annotated[
        SortWord | None,
        Field(
            description="In order of what. By a date: only those that have it. Without: in order "
            "of the dates that a filter gives a range of, else of the ids."
        ),
    ] = None
    order: Annotated[OrderWord | None, Field(description="Upwards, or downwards.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50
    cursor: Annotated[
        str | None,
        Field(max_length=1000, description="`next_cursor` of the page before, same filters."),
    ] = None


class AssignmentAnswer(Answered):
    """Why a learner is enrolled."""

    id: OurId
    source: Annotated[str, words(*(source.value for source in Source))]
    group: str | None
    assigned_at: Instant


class StepAnswer(Answered):
    """Where a training step stands."""

    key: str
    title: str
    state: Annotated[str, words(*(state.value for state in StepState))]
    by: Annotated[str | None, words(*(by.value for by in DoneBy))]
    at: Instant | None = Field(description="When it was done, or handed in.")


class ExamAnswer(Answered):
    """Where the exam stands."""

    state: Annotated[str, words(*(state.value for state in ExamState))]
    attempts: int
    attempts_left: int | None
    next_attempt_at: Instant | None


class CourseRevision(Answered):
    """The revision of a course that was current when a cycle opened."""

    course_id: str
    revision: str


class SeatAnswer(Answered):
    """A seat in a live session; without a session, a place in line for one."""

    course_id: str
    session_id: str | None
    starts_at: Instant | None
    since: Instant = Field(description="When it was taken, or since when the learner waits.")


class CycleAnswer(Answered):
    """One pass through a path. One that waits has no version and no steps yet."""

    number: int
    kind: CycleKind
    version: int | None
    opens_at: Instant | None
    opened_at: Instant | None
    counts_from: Instant | None
    due_at: Instant | None
    limit_at: Instant | None
    closed_at: Instant | None
    outcome: Annotated[str | None, words(*(outcome.value for outcome in CycleOutcome))]
    payment: Annotated[str, words(*(state.value for state in PaymentState))]
    steps: list[StepAnswer]
    exam: ExamAnswer
    approval_required: bool
    approved_at: Instant | None
    courses: list[CourseRevision] = Field(description="As far as the LMS told of revisions.")


class CertificateAnswer(Answered):
    """A credential that a completed cycle earned."""

    id: OurId
    number: str
    code: str = Field(description="Public: what /v1/verify takes.")
    cycle: int | None
    version: int
    issued_at: Instant
    certified_at: Instant
    valid_from: Instant
    valid_through: Day | None = Field(description="The last valid day, in the version's zone.")
    expires_at: Instant | None
    lapses_at: Instant | None
    recertification_at: Instant | None
    days_left: int | None
    superseded_at: Instant | None
    revoked_at: Instant | None
    evidence_retracted: bool


class NextAnswer(Answered):
    """What time does next."""

    at: Instant
    event: Annotated[str, words(*(event.value for event in EventType))]


class Enrollment(Answered):
    """One learner in one certification, advanced to now."""

    id: OurId
    certification_id: OurId
    certification_key: str
    learner_id: str
    status: Status
    standing: Standing
    work: Work
    suspended: bool
    flags: list[Annotated[str, words(*(flag.value for flag in Flag))]]
    revision: int
    enrolled_at: Instant
    updated_at: Instant
    assignments: list[AssignmentAnswer]
    cycle: CycleAnswer | None
    seats: list[SeatAnswer] = Field(description="In live sessions, for the present cycle.")
    certificate: CertificateAnswer | None
    certified_at: Instant | None
    expires_at: Instant | None
    lapses_at: Instant | None
    recertification_at: Instant | None
    due_at: Instant | None
    next_recertification: str = Field(description='"latest", "never", or a certification\'s id.')
    next: NextAnswer | None
    allowed_actions: list[Annotated[str, words(*(action.value for action in Action))]]


class EnrollmentPage(Page[Enrollment]):
    """Enrollments."""


class AssignmentLine(AssignmentAnswer):
    """An assignment, standing or ended."""

    ended_at: Instant | None


class AssignmentPage(Page[AssignmentLine]):
    """The assignments of an enrollment, ended ones too."""


class CyclePage(Page[CycleAnswer]):
    """The cycles of an enrollment."""
