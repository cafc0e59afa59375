"""The problem that every failed request is answered with (RFC 9457)."""

from typing import Annotated

from pydantic import Field

from certsvc.api.problems import PROBLEMS
from certsvc.api.schemas.values import Answered, Instant, OurId, words
from certsvc.domain.status import Standing, Status, Work


class Fault(Answered):
    """One thing that is wrong, and where."""

    code: str
    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the body.")
    parameter: str | None = Field(default=None, description="Of the path or the query.")
    header: str | None = None


class ProblemEnrollment(Answered):
    """The enrollment that refused an action."""

    id: OurId
    status: Status
    standing: Standing
    work: Work
    revision: int


class ProblemDocument(Answered):
    """Why a request failed. `reason_code` and what follows it are there for refused actions."""

    type: str = Field(description="A link to the problem's page.")
    title: str
    status: int = Field(description="The HTTP status.")
    detail: str
    code: Annotated[str, words(*sorted(PROBLEMS))]
    errors: list[Fault]
    request_id: str
    retryable: bool = Field(description="Whether the same request may succeed later.")
    reason_code: str | None = None
    available_at: Instant | None = Field(
        default=None, description="When the same will be allowed, if that is known."
    )
    enrollment: ProblemEnrollment | None = None
    allowed_actions: list[str] | None = None
