"""What comes of a question: a decision with its events, or a refusal. Both are values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from certsvc.domain.enrollment import Assignment, Certificate, Cycle, Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.frozen import quick
from certsvc.domain.status import Standing, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An expected no. `invalid` says that the request itself is unsound, whatever the state;
    otherwise the state forbids it. `available_at` is when the same will be allowed, if known."""

    reason_code: str
    detail: str
    code: str = "action_not_allowed"
    available_at: datetime | None = None
    invalid: bool = False
    parameter: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Event:
    """One line of history. `by_time` tells timers from commands. `after` is the state at the end
    of the step (one timer, or one command) that said it; `index` is its place in the step."""

    id: UUID
    type: EventType
    sequence: int
    revision: int
    index: int
    effective_at: datetime
    stale: bool
    by_time: bool
    data: Mapping[str, Any]
    before_status: Status
    before_standing: Standing
    after: Enrollment


@dataclass(frozen=True, slots=True)
class EnrollElsewhere:
    """A learner is to be enrolled in another certification, because recertification leads there."""

    certification_id: UUID
    learner_id: str


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """The enrollment after, the events on the way, what else is to be done; or why not.

    `next_due_at` is when time does something next to what is left. `cycles` are those that opened
    or closed and `certificates` those that were issued or changed, each as it is in the end;
    `assigned` and `unassigned` are the assignments that came and went; `given_up` the seats that
    are free for others, by cycle and course.
    A refused command changes nothing, but what time did before it stands: `enrollment` and
    `events` then tell how far time had come."""

    enrollment: Enrollment
    next_due_at: datetime | None = None
    events: tuple[Event, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    assigned: tuple[Assignment, ...] = ()
    unassigned: tuple[tuple[UUID, datetime], ...] = ()
    elsewhere: tuple[EnrollElsewhere, ...] = ()
    given_up: tuple[tuple[int, str], ...] = ()
    refusal: Refusal | None = None


Answer = Literal["allowed", "refused"]


@dataclass(frozen=True, slots=True)
class Possibility:
    """Whether an action is allowed now; `with_` lists parameters that would allow it."""

    action: str
    allowed: bool
    reason_code: str | None = None
    detail: str | None = None
    available_at: datetime | None = None
    with_: tuple[str, ...] = ()
