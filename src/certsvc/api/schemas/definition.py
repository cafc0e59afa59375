"""What a version says, as it is sent and answered (lifecycle, 3).

A draft may hold what cannot be published yet: here only the shape is checked, publishing lists
the rest. Alternatives are one flat object with a `type`. The second half mirrors the first for
answers, which may grow fields.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from certsvc.api.schemas.values import (
    Amount,
    Day,
    DurationText,
    Known,
    LmsId,
    LongText,
    Percent,
    Sent,
    Switch,
    Text,
)

NEVER = "never"
WAY_TYPES = ("course", "test_out", "session", "external", "credits")


def _never_is_null(value: Any) -> Any:
    return None if value == NEVER else value


NeverIsNull = BeforeValidator(_never_is_null)
StepKey = Annotated[LmsId, Field(description="Unique in its path.", examples=["safety"])]
Notices = Annotated[tuple[DurationText, ...], Field(max_length=50)]
WayType = Annotated[str, Known(*WAY_TYPES)]
CountsOn = Annotated[str, Known("passed", "completed")]
DayRule = Annotated[str, Known("end_of_day", "start_of_day", "end_of_month", "exact")]
Anchor = Annotated[str, Known("completion", "due", "previous_expiry", "fixed_date", "assignment")]
FirstAnchor = Annotated[str, Known("completion", "due")]
LimitFrom = Annotated[str, Known("opening", "due")]
OnLapse = Annotated[str, Known("keep_progress", "restart")]
RecertificationEvidence = Annotated[str, Known("window", "certification")]


class WayInput(Sent):
    """One way to complete a step; which fields matter depends on the type."""

    type: WayType
    course_id: LmsId | None = None
    minimum_grade: Percent | None = None
    counts_on: CountsOn | None = None
    exam_id: LmsId | None = None
    passing_score: Percent | None = None
    instructions: LongText | None = None
    approval_required: Switch | None = None
    category: LmsId | None = None
    amount: Amount | None = None


class StepInput(Sent):
    """A training step: any one of its ways completes it."""

    key: StepKey
    title: Text | None = None
    ways: Annotated[tuple[WayInput, ...] | None, Field(max_length=50)] = None


class ExamInput(Sent):
    """The exam of a path."""

    exam_id: LmsId
    passing_score: Annotated[
        Percent | None, Field(description="Null: passed or failed, as reported.")
    ] = None
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    retry_after: DurationText | None = None
    retry_waits: Annotated[
        Notices | None,
        Field(description="The wait after the first attempt, after the second, and so on."),
    ] = None
    after_training: Switch | None = None


class PathInput(Sent):
    """What has to be done in one cycle."""

    payment_required: Switch | None = None
    steps: Annotated[tuple[StepInput, ...], Field(max_length=200)] | None = None
    in_order: Switch | None = None
    exam: ExamInput | None = None
    approval_required: Switch | None = None


class DueInput(Sent):
    """When a cycle is due: so long after its opening, or on one date."""

    after: DurationText | None = None
    date: Day | None = None


class LimitInput(Sent):
    """The hard end for finishing a cycle."""

    after: DurationText
    from_: LimitFrom | None = Field(default=None, alias="from")


class ValidityInput(Sent):
    """How long a certificate is good, and from what that is counted."""

    period: Annotated[DurationText | None, Field(description='ISO 8601, or "never".')] = None
    anchor: Anchor | None = None
    first_anchor: FirstAnchor | None = None
    fixed_date: Day | None = None
    minimum: DurationText | None = None


class PolicyInput(Sent):
    """The date rules. `{}` is valid: one-time, never expires."""

    time_zone: Annotated[Text | None, Field(examples=["Europe/Berlin"])] = None
    day_rule: DayRule | None = None
    effective_from: Annotated[
        Text | None, Field(max_length=40, description="An instant, or a date in the zone.")
    ] = None
    due: Annotated[
        DueInput | None, NeverIsNull, Field(description='The word "never" means null.')
    ] = None
    completion_limit: Annotated[
        LimitInput | None, NeverIsNull, Field(description='The word "never" means null.')
    ] = None
    prior_credit: DurationText | None = None
    validity: ValidityInput | None = None
    renewal_opens: Annotated[
        DurationText | None, Field(description='Before expiry; "never": no recertification.')
    ] = None
    grace: Annotated[
        DurationText | None, Field(description='After expiry; "never": does not lapse.')
    ] = None
    keep_anniversary_in_grace: Switch | None = None
    recertification_evidence: RecertificationEvidence | None = None
    expiring_notices: Notices | None = None
    lapsing_notices: Notices | None = None
    reminders_before_due: Notices | None = None
    on_lapse: OnLapse | None = None


class DefinitionInput(Sent):
    """A whole version: three paths and a policy."""

    initial: PathInput | None = None
    recertification: Annotated[PathInput | None, Field(description="Null: as initial.")] = None
    reinstatement: Annotated[PathInput | None, Field(description="Null: as initial.")] = None
    policy: PolicyInput | None = None

    def document(self) -> dict[str, Any]:
        """The document as it is kept: only what was said."""
        return self.model_dump(
            mode="json", by_alias=True, exclude_none=True, include=set(DefinitionInput.model_fields)
        )


_OPEN = ConfigDict(extra="allow")


class Way(WayInput):
    """One way to complete a step; which fields matter depends on the type."""

    model_config = _OPEN


class Step(StepInput):
    """A training step: any one of its ways completes it."""

    model_config = _OPEN
    ways: tuple[Way, ...] | None = None


class Exam(ExamInput):
    """The exam of a path."""

    model_config = _OPEN


class Path(PathInput):
    """What has to be done in one cycle."""

    model_config = _OPEN
    steps: tuple[Step, ...] | None = None
    exam: Exam | None = None


class Due(DueInput):
    """When a cycle is due: so long after its opening, or on one date."""

    model_config = _OPEN


class Limit(LimitInput):
    """The hard end for finishing a cycle."""

    model_config = _OPEN


class Validity(ValidityInput):
    """How long a certificate is good, and from what that is counted."""

    model_config = _OPEN


class Policy(PolicyInput):
    """The date rules, as they were sent."""

    model_config = _OPEN
    due: Due | None = None
    completion_limit: Limit | None = None
    validity: Validity | None = None
