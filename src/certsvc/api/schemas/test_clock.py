"""The test clock of a sandbox on the wire."""

from pydantic import Field

from certsvc.api.schemas.values import Answered, Authored, Instant


class TestClock(Answered):
    """What time it is in the sandbox."""

    now: Instant


class ClockAdvance(Authored):
    """Let time pass."""

    to: Instant


class AdvancedClock(TestClock):
    """What happened on the way."""

    instants: int = Field(description="Distinct instants at which something was due.")
    enrollments: int = Field(description="Enrollments that time moved.")
    events: int
    set_aside: int = Field(description="Enrollments that could not be decided.")
