"""Someone in an open first cycle of a small programme: what the tests of evidence start from."""

from typing import Any

from certsvc.domain.enrollment import StepState
from certsvc.domain.evidence import FactOutcome
from tests.support.builders import Life, yearly
from tests.support.programmes import (
    Document,
    path,
)

COMPLETED: dict[str, Any] = {"outcome": FactOutcome.COMPLETED}
FAILED: dict[str, Any] = {"outcome": FactOutcome.FAILED, "grade": 20.0}
LIMITED: dict[str, Any] = {"completion_limit": {"after": "P10D"}}
STARTED: dict[str, Any] = {"outcome": FactOutcome.STARTED, "grade": None}


def enrolled(*steps: Document, exam: Document | None = None, **fields: Any) -> Life:
    """Enrolled in a programme with this initial path."""
    policy = fields.pop("policy", {})
    return Life(yearly(path(*steps, exam=exam, **fields), **policy)).enroll()


def step(life: Life, index: int = 0) -> StepState:
    return life.cycle.progress.steps[index].state
