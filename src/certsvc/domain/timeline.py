"""What time does: TIMERS, the rows that come due at an instant (lifecycle, 4).

Each row says when it comes due, from the enrollment, its pinned version and the certification's
switches, and what happens then. Rows due at one instant fire in this order. A row answers None
while it cannot come due without somebody acting; it never fires before its instant.
Add a row here; `docs/changing.md` lists what goes red until the rest is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain import certificate_timers as certificate
from certsvc.domain import cycle_timers as cycle
from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.events import EventType
from certsvc.domain.opening import block, opening_at
from certsvc.domain.seating import line_up
from certsvc.domain.story import Story


@dataclass(frozen=True, slots=True)
class Timer:
    """One row: when it comes due and what it does; the rest is for the lifecycle page.

    `of` is the part of the enrollment that it concerns: without any the row is not asked.
    `says` are the events that it may begin with (`event` tells which); `due` gives the instant, or
    None."""

    name: str
    of: str
    at: str
    from_: str
    to: str
    says: tuple[EventType, ...]
    due: Callable[[Enrollment, Certification], datetime | None]
    fire: Callable[[Story, datetime], None]
    event: Callable[[Enrollment, Certification, datetime], EventType] | None = None

    def says_at(self, e: Enrollment, c: Certification, at: datetime) -> EventType:
        """The event that it begins with when it fires at the instant."""
        return self.says[0] if self.event is None else self.event(e, c, at)


TIMERS: tuple[Timer, ...] = (
    Timer(
        "seat",
        "places",
        "a seat in a live session is given, in the order of the instants at which they were due; "
        "or its session is cancelled",
        "waiting; an open cycle",
        "the flag awaiting_session goes or comes",
        (EventType.SESSION_SEAT_TAKEN, EventType.SESSION_WAITING),
        cycle.seat_at,
        cycle.seat,
        cycle.seat_says,
    ),
    Timer(
        "line",
        "assignments",
        "a cycle that needs a seat in a live session would open, or goes on",
        "waiting; an open cycle",
        "a seat is taken, or the learner stands in line",
        (EventType.SESSION_SEAT_TAKEN, EventType.SESSION_WAITING),
        cycle.line_at,
        line_up,
        cycle.line_says,
    ),
    Timer(
        "opening",
        "plan",
        "`opens_at`, `effective_from`, a seat, a course back",
        "waiting",
        "the cycle opens",
        (EventType.ENROLLMENT_OPENED, EventType.RECERTIFICATION_OPENED),
        opening_at,
        cycle.opens,
        cycle.opening_says,
    ),
    Timer(
        "blocked",
        "plan",
        "a course is archived that the path cannot do without",
        "waiting",
        "–",
        (EventType.RECERTIFICATION_BLOCKED,),
        cycle.blocked_at,
        block,
    ),
    Timer(
        "reminder",
        "cycle",
        "each `reminders_before_due`",
        "not_started, in_progress",
        "–",
        (EventType.ENROLLMENT_DUE_SOON,),
        cycle.due_soon_at,
        cycle.due_soon,
    ),
    Timer(
        "due",
        "cycle",
        "the due date",
        "not_started, in_progress",
        "flag overdue",
        (EventType.ENROLLMENT_OVERDUE,),
        cycle.overdue_at,
        cycle.overdue,
    ),
    Timer(
        "limit",
        "cycle",
        "`completion_limit`",
        "not_started, in_progress",
        "initial: not_completed; otherwise the cycle closes and the standing stays",
        (EventType.ENROLLMENT_NOT_COMPLETED,),
        cycle.limit_at,
        cycle.limit,
    ),
    Timer(
        "notice",
        "certificate",
        "each `expiring_notices`, `lapsing_notices`",
        "standing valid; grace",
        "–",
        (EventType.CERTIFICATE_EXPIRING, EventType.CERTIFICATE_LAPSING),
        certificate.notice_at,
        certificate.notice,
        certificate.notice_says,
    ),
    Timer(
        "window",
        "certificate",
        "the window opens",
        "standing valid, no cycle open, assigned",
        "with `automatic_recertification`: a recertification cycle on the latest version; "
        "without: the flag due_for_recertification",
        (
            EventType.RECERTIFICATION_OPENED,
            EventType.RECERTIFICATION_DUE,
            EventType.RECERTIFICATION_REDIRECTED,
        ),
        certificate.window_at,
        certificate.window,
        certificate.window_says,
    ),
    Timer(
        "expiry",
        "certificate",
        "`expires_at`",
        "standing valid",
        "grace",
        (EventType.CERTIFICATE_EXPIRED,),
        certificate.expiry_at,
        certificate.expire,
    ),
    Timer(
        "lapse",
        "certificate",
        "grace ends",
        "standing grace",
        "lapsed",
        (EventType.CERTIFICATE_LAPSED,),
        certificate.lapse_at,
        certificate.lapse,
    ),
    Timer(
        "restart",
        "cycle",
        "grace ended, with `on_lapse: restart`",
        "standing lapsed, a recertification cycle open",
        "the open cycle closes and a reinstatement opens",
        (EventType.ENROLLMENT_NOT_COMPLETED,),
        certificate.restart_at,
        certificate.restart,
    ),
)


def earliest(e: Enrollment, c: Certification) -> tuple[datetime, Timer] | None:
    """The row that comes due first, and when."""
    found: tuple[datetime, Timer] | None = None
    for timer in TIMERS:
        if not getattr(e, timer.of):
            continue
        at = timer.due(e, c)
        if at is not None and (found is None or at < found[0]):
            found = at, timer
    return found
