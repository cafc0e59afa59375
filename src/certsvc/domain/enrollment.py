"""One learner in one certification: the state that the four functions read and return.

Everything here is a value. All instants are aware and UTC. What is stored is exactly this, except
`evidence`, `seats` and `held_until`, which are loaded beside it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from certsvc.domain.evidence import Fact
from certsvc.domain.frozen import quick
from certsvc.domain.status import (
    IN_FORCE,
    OPEN_WORK,
    CycleKind,
    Standing,
    Status,
    Work,
    headline,
)

HELD = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of what is held without an end in sight."""


class Source(StrEnum):
    """Why a learner is enrolled."""

    MANUAL = "manual"
    GROUP = "group"
    SELF = "self"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One standing reason to be enrolled, with its date."""

    id: UUID
    source: Source
    group: str | None
    assigned_at: datetime


class PaymentState(StrEnum):
    """The fee of a cycle."""

    NOT_REQUIRED = "not_required"
    DUE = "due"
    PAID = "paid"
    WAIVED = "waived"


class StepState(StrEnum):
    """A training step of a cycle."""

    LOCKED = "locked"
    OPEN = "open"
    AWAITING_APPROVAL = "awaiting_approval"
    DONE = "done"


class DoneBy(StrEnum):
    """What completed a step."""

    EVIDENCE = "evidence"
    OVERRIDE = "override"
    PRIOR_CREDIT = "prior_credit"


class ExamState(StrEnum):
    """The exam of a cycle."""

    NOT_REQUIRED = "not_required"
    LOCKED = "locked"
    OPEN = "open"
    PASSED = "passed"
    OVERRIDDEN = "overridden"
    EXHAUSTED = "exhausted"


@quick
@dataclass(frozen=True, slots=True)
class StepProgress:
    """Where a step stands. `at` is when it was done (or handed in, while it awaits approval)."""

    key: str
    state: StepState
    by: DoneBy | None = None
    at: datetime | None = None
    evidence: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class ExamProgress:
    """Where the exam stands. `attempts` are the counted ones; `open_attempt` has begun only."""

    state: ExamState = ExamState.NOT_REQUIRED
    attempts: int = 0
    attempts_left: int | None = None
    next_attempt_at: datetime | None = None
    open_attempt: bool = False
    at: datetime | None = None
    evidence: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Progress:
    """What the evidence, overrides and approvals amount to.

    `begun_at` is when work began; `work_completed_at` when the last step, exam or payment was
    true, None while something is left; `completed_at` when the last of these or a sign-off was
    true, None while something is left."""

    payment: PaymentState = PaymentState.NOT_REQUIRED
    paid_at: datetime | None = None
    steps: tuple[StepProgress, ...] = ()
    exam: ExamProgress = ExamProgress()
    begun_at: datetime | None = None
    work_completed_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def awaiting(self) -> tuple[str, ...]:
        """The keys of the steps that await approval."""
        return tuple(step.key for step in self.steps if step.state is StepState.AWAITING_APPROVAL)

    @property
    def training_done(self) -> bool:
        """Whether every step is done or only awaits its approval."""
        settled = (StepState.DONE, StepState.AWAITING_APPROVAL)
        return all(step.state in settled for step in self.steps)


class CycleOutcome(StrEnum):
    """How a cycle ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOT_COMPLETED = "not_completed"
    REVOKED = "revoked"
    RESTARTED = "restarted"


@quick
@dataclass(frozen=True, slots=True)
class Plan:
    """A cycle that was asked for and has not opened: waiting, applied or assigned.

    Dates that the caller gave are taken when it opens. `asked_at` is when it was asked for;
    `blocked` says that it was told that an archived course keeps it from opening; `version` is
    the last whose seats in live sessions it has stood in line for."""

    asked_at: datetime
    opens_at: datetime | None = None
    due_at: datetime | None = None
    limit_at: datetime | None = None
    counts_from: datetime | None = None
    blocked: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A seat in a live session of the course, for the cycle of that number: taken in the session
    since then; without a session, stood in line for since then."""

    cycle: int
    course_id: str
    session_id: str | None
    since: datetime
    starts_at: datetime | None = None

    @property
    def key(self) -> tuple[int, str]:
        """Which seat it is."""
        return self.cycle, self.course_id


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided in a cycle, each with its instant: the rest follows from evidence."""

    training_overridden_at: datetime | None = None
    exam_overridden_at: datetime | None = None
    exam_reset_at: datetime | None = None
    payment_waived_at: datetime | None = None
    approved_at: datetime | None = None
    approvals: tuple[tuple[str, datetime], ...] = ()
    rejections: tuple[tuple[str, datetime], ...] = ()
    carried: tuple[StepProgress, ...] = ()
    exam_carried: ExamProgress | None = None


UNDECIDED = Decided()
"""Nobody decided anything."""


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One pass through a path. `counts_from` bounds the evidence that counts (inclusive);
    `test_outs_from` is its first bound, because a test-out is final for the whole cycle, and what
    was paid stays paid. `courses` are the revisions that were current when it opened.
    Timers of the cycle do not fire before `armed_at`; reminders are told through `told_through`."""

    number: int
    kind: CycleKind
    version: int
    opened_at: datetime
    counts_from: datetime
    test_outs_from: datetime
    due_at: datetime | None
    limit_at: datetime | None
    due_follows_expiry: bool = False
    limit_by_hand: bool = False
    armed_at: datetime
    told_through: datetime
    overdue: bool = False
    courses: tuple[tuple[str, str], ...] = ()
    decided: Decided = UNDECIDED
    progress: Progress = Progress()
    closed_at: datetime | None = None
    outcome: CycleOutcome | None = None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The credential that a completed cycle earned. `extends_from` is the expiry from which the
    next period is counted (it differs from `expires_at` after an extension by hand).
    Timers do not fire before `armed_at`; notices are told through `told_through`."""

    id: UUID
    ordinal: int
    number: str
    code: str
    cycle: int | None
    version: int
    certified_at: datetime
    valid_from: datetime
    expires_at: datetime | None
    extends_from: datetime | None
    lapses_at: datetime | None
    window_at: datetime | None
    armed_at: datetime
    told_through: datetime
    window_used: bool = False
    window_told: bool = False
    expired_at: datetime | None = None
    lapsed_at: datetime | None = None
    superseded_at: datetime | None = None
    revoked_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """A line about every certificate ever issued: enough to know the same again."""

    certified_at: datetime
    expires_at: datetime | None


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """The whole state of one enrollment.

    `assigned_at` is the assignment that the present enrolment counts from. `kept_work` is what a
    pause interrupts. `resumed_at` is when the last wait ended. `overtaken` is a cycle that time
    closed and nobody decided about since. `next_certification` leads recertification elsewhere.
    `places` are the seats that the present cycle was told of, `seats` those that it was given.
    `held_until`: until then automatic recertification keeps away, because people plan something
    for it; HELD as long as they do."""

    id: UUID
    certification_id: UUID
    learner_id: str
    seed: str
    enrolled_at: datetime
    updated_at: datetime
    assigned_at: datetime
    revision: int = 0
    sequence: int = 0
    standing: Standing = Standing.NONE
    work: Work = Work.NONE
    suspended: bool = False
    kept_work: Work = Work.NONE
    resumed_at: datetime | None = None
    assignments: tuple[Assignment, ...] = ()
    plan: Plan | None = None
    cycle: Cycle | None = None
    cycles: int = 0
    overtaken: Cycle | None = None
    certificate: Certificate | None = None
    issued: tuple[Issued, ...] = ()
    stopped: bool = False
    next_certification: UUID | None = None
    places: tuple[Place, ...] = ()
    evidence: tuple[Fact, ...] = field(default=())
    seats: tuple[Place, ...] = field(default=())
    held_until: datetime | None = None

    @property
    def kind(self) -> CycleKind:
        """The kind of the open cycle, or of the next one to open (lifecycle, 5)."""
        if self.cycle is not None:
            return self.cycle.kind
        return self.next_kind

    @property
    def next_kind(self) -> CycleKind:
        """Someone who ever held the certificate recertifies, or is reinstated when the last one
        lapsed; otherwise the cycle is initial."""
        if not self.issued:
            return CycleKind.INITIAL
        if self.certificate is not None and self.certificate.lapsed_at is not None:
            return CycleKind.REINSTATEMENT
        return CycleKind.RECERTIFICATION

    @property
    def status(self) -> Status:
        """The headline."""
        return headline(self.standing, self.work, self.suspended, self.kind is CycleKind.INITIAL)

    @property
    def in_force(self) -> Certificate | None:
        """The certificate in force, or None."""
        return self.certificate if self.standing in IN_FORCE else None

    @property
    def assigned(self) -> bool:
        """Whether any assignment stands."""
        return bool(self.assignments)

    @property
    def running(self) -> bool:
        """Whether an open cycle runs: opened, neither paused nor set aside, so evidence counts."""
        return (
            self.cycle is not None
            and self.assigned
            and not self.suspended
            and self.work in OPEN_WORK
        )

    @property
    def exists(self) -> bool:
        """Whether anything ever happened here (a new learner's enrollment starts blank)."""
        return self.revision > 0


def blank(
    *, id: UUID, certification_id: UUID, learner_id: str, seed: str, at: datetime
) -> Enrollment:
    """The enrollment of a learner who was never here; only `Enroll` and imports move it."""
    return Enrollment(
        id=id,
        certification_id=certification_id,
        learner_id=learner_id,
        seed=seed,
        enrolled_at=at,
        updated_at=at,
        assigned_at=at,
    )
