"""What one learner holds and has to do, on the wire."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.enrollment import Enrollment
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Instant, words
from certsvc.domain.to_do import ToDo


class TaskAnswer(Answered):
    """Something to do, or to wait for. Of a step: all that can complete it."""

    type: Annotated[str, words(*(type.value for type in ToDo))]
    step: str | None = Field(description="The key of the step that it is about.")
    title: str | None
    course_ids: list[str] = Field(description="The LMS's courses, any of which will do.")
    exam_id: str | None = Field(description="The exam; of a step, the test-out while it is left.")
    instructions: str | None = Field(description="What to hand in.")
    category: str | None = Field(description="Credits of this category will do; null: of any.")
    amount: float | None = Field(description="So many credits.")
    from_: Instant | None = Field(
        alias="from", description="From when on it can be done, or since when it waits."
    )
    until: Instant | None = Field(description="When it is due; without a due date, when it ends.")


class LearnerEnrollment(Enrollment):
    """One learner in one certification: what it is, and what there is to do next."""

    certification_title: dict[str, str]
    certification_description: dict[str, str]
    to_do: list[TaskAnswer] = Field(description="Empty when nothing is to be done.")


class LearnerEnrollmentPage(Page[LearnerEnrollment]):
    """What a learner holds and has to do."""
