"""The two axes of an enrollment, its headline status and its flags.

`standing` is what the credential is worth, `work` is where the open cycle is, and `status` is
the headline that people and screens use: the first row of STATUSES that holds.
Add a status here; `docs/changing.md` lists what goes red until the rest is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Standing(StrEnum):
    """What the credential is worth."""

    NONE = "none"
    VALID = "valid"
    GRACE = "grace"
    LAPSED = "lapsed"
    REVOKED = "revoked"
    DISALLOWED = "disallowed"


class Work(StrEnum):
    """Where the open cycle is, or how the last one ended when it earned nothing."""

    NONE = "none"
    WAITING = "waiting"
    APPLIED = "applied"
    ASSIGNED = "assigned"
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    PENDING_APPROVAL = "pending_approval"
    DECLINED = "declined"
    NOT_COMPLETED = "not_completed"
    INACTIVE = "inactive"
    CANCELLED = "cancelled"
    REMOVED = "removed"


class Status(StrEnum):
    """The headline. The stories are in STATUSES."""

    DISALLOWED = "disallowed"
    SUSPENDED = "suspended"
    PENDING_APPROVAL = "pending_approval"
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    RECERTIFYING = "recertifying"
    APPLIED = "applied"
    ASSIGNED = "assigned"
    INACTIVE = "inactive"
    REVOKED = "revoked"
    CERTIFIED = "certified"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    DECLINED = "declined"
    NOT_COMPLETED = "not_completed"
    CANCELLED = "cancelled"
    REMOVED = "removed"


class CycleKind(StrEnum):
    """Why a cycle runs: which path of the version it follows."""

    INITIAL = "initial"
    RECERTIFICATION = "recertification"
    REINSTATEMENT = "reinstatement"


class Flag(StrEnum):
    """Marks beside the status, also usable as filters."""

    EXPIRING = "expiring"
    DUE_FOR_RECERTIFICATION = "due_for_recertification"
    OVERDUE = "overdue"
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_SESSION = "awaiting_session"
    EXAM_LOCKED = "exam_locked"
    UNASSIGNED = "unassigned"
    EVIDENCE_RETRACTED = "evidence_retracted"


IN_FORCE = frozenset({Standing.VALID, Standing.GRACE})
"""Standings in which a certificate is in force."""

OPEN_WORK = frozenset({Work.NOT_STARTED, Work.IN_PROGRESS, Work.PENDING_APPROVAL})
"""Work that runs in an opened cycle, neither waiting nor paused."""

PLANNED_WORK = frozenset({Work.WAITING, Work.APPLIED, Work.ASSIGNED})
"""Work that stands before the opening of its cycle."""

AFRESH = frozenset({Status.DECLINED, Status.NOT_COMPLETED, Status.CANCELLED, Status.REVOKED})
"""Statuses from which a new assignment starts afresh."""


@dataclass(frozen=True, slots=True)
class Axes:
    """What decides the headline: both axes, the mark, and whether the cycle is an initial one."""

    standing: Standing
    work: Work
    suspended: bool
    initial: bool


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One status: the condition under which it is the headline, and its story."""

    status: Status
    holds: Callable[[Axes], bool]
    when: str
    story: str


def _recertifies(axes: Axes) -> bool:
    if axes.initial:
        return False
    if axes.work in (Work.NOT_STARTED, Work.IN_PROGRESS):
        return True
    return axes.work is Work.WAITING and axes.standing is not Standing.VALID


STATUSES: tuple[StatusRow, ...] = (
    StatusRow(
        Status.DISALLOWED,
        lambda a: a.standing is Standing.DISALLOWED,
        "standing disallowed",
        "Permanently revoked; nothing but restore gets out.",
    ),
    StatusRow(
        Status.SUSPENDED,
        lambda a: a.suspended,
        "marked suspended",
        "Set aside by an admin, to be lifted or revoked.",
    ),
    StatusRow(
        Status.PENDING_APPROVAL,
        lambda a: a.work is Work.PENDING_APPROVAL,
        "work pending_approval",
        "Everything is done but a sign-off, in any cycle. Also known as admin review.",
    ),
    StatusRow(
        Status.NOT_STARTED,
        lambda a: a.initial and a.work in (Work.NOT_STARTED, Work.WAITING),
        "initial cycle open or waiting, nothing begun",
        "Enrolled, nothing begun; an unpaid fee keeps it here.",
    ),
    StatusRow(
        Status.IN_PROGRESS,
        lambda a: a.initial and a.work is Work.IN_PROGRESS,
        "initial cycle open and begun",
        "Working on the first cycle.",
    ),
    StatusRow(
        Status.RECERTIFYING,
        _recertifies,
        "any other cycle open, begun or not, or waiting while no credential is good",
        "Working on a later cycle; the standing tells whether the credential is still good.",
    ),
    StatusRow(
        Status.APPLIED,
        lambda a: a.work is Work.APPLIED,
        "work applied",
        "The learner asked to take part; a person must approve.",
    ),
    StatusRow(
        Status.ASSIGNED,
        lambda a: a.work is Work.ASSIGNED,
        "work assigned",
        "Assigned by somebody else; the learner has still to accept.",
    ),
    StatusRow(
        Status.INACTIVE,
        lambda a: a.work is Work.INACTIVE,
        "work inactive",
        "An admin's word that the learner is not working on it.",
    ),
    StatusRow(
        Status.REVOKED,
        lambda a: a.standing is Standing.REVOKED,
        "standing revoked",
        "The credential was taken away; may recertify with the latest version.",
    ),
    StatusRow(
        Status.CERTIFIED,
        lambda a: a.standing is Standing.VALID,
        "standing valid",
        "Holds a valid certificate. Also known as active.",
    ),
    StatusRow(
        Status.EXPIRED,
        lambda a: a.standing is Standing.GRACE,
        "standing grace",
        "Past the expiry, within grace.",
    ),
    StatusRow(
        Status.LAPSED,
        lambda a: a.standing is Standing.LAPSED,
        "standing lapsed",
        "Past the grace; must be reinstated.",
    ),
    StatusRow(
        Status.DECLINED,
        lambda a: a.work is Work.DECLINED,
        "work declined, standing none",
        "The application was declined.",
    ),
    StatusRow(
        Status.NOT_COMPLETED,
        lambda a: a.work is Work.NOT_COMPLETED,
        "work not_completed, standing none",
        "The work was not finished in the time allotted.",
    ),
    StatusRow(
        Status.CANCELLED,
        lambda a: a.work is Work.CANCELLED,
        "work cancelled, standing none",
        "The cycle was cancelled by an admin.",
    ),
    StatusRow(
        Status.REMOVED,
        lambda _: True,
        "work removed, standing none",
        "The last assignment is gone; history and progress are kept.",
    ),
)


@lru_cache(maxsize=512)
def headline(standing: Standing, work: Work, suspended: bool, initial: bool) -> Status:
    """The one status that holds: the first row of STATUSES whose condition is true."""
    axes = Axes(standing, work, suspended, initial)
    return next(row.status for row in STATUSES if row.holds(axes))


PAIRS: tuple[tuple[Standing, Status], ...] = tuple(
    dict.fromkeys(
        (standing, headline(standing, work, suspended, initial))
        for standing in Standing
        for work in Work
        for suspended in (False, True)
        for initial in (False, True)
    )
)
"""Every standing with each status that it may be read beside."""
