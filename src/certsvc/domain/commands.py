"""What can be asked of an enrollment: enrol, unassign, leave a group, act, record evidence."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from certsvc.domain.actions import Action
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll:
    """Assign a learner. Dates are taken as they are; a past `opens_at` opens then."""

    source: Source
    group: str | None = None
    opens_at: datetime | None = None
    due_at: datetime | None = None
    limit_at: datetime | None = None
    counts_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unassign:
    """Take one assignment away."""

    assignment_id: UUID


@dataclass(frozen=True, slots=True)
class Leave:
    """The learner left a group: its assignment goes, if one stands."""

    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One action of the grid, with what it takes (interface, action bodies).

    `groups` are those of which the learner is a member and that the certification targets:
    restore finds them."""

    action: Action
    step: str | None = None
    steps: tuple[str, ...] = ()
    exam: bool = False
    final: bool = False
    early: bool = False
    counts_from: datetime | None = None
    due_at: datetime | None = None
    limit_at: datetime | None = None
    recertification_at: datetime | None = None
    expires_at: datetime | None = None
    keep_anniversary: bool = True
    next: str | None = None
    next_certification: UUID | None = None
    now: bool = False
    version: int | None = None
    progress: str = "keep"
    certified_at: datetime | None = None
    valid_from: datetime | None = None
    when: str = "always"
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """New evidence, judged as a set. Facts already known are not in it."""

    facts: tuple[Fact, ...]


Command = Enroll | Unassign | Leave | Act | Record
