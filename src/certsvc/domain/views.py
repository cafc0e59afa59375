"""Named views: what programme people ask for, as the statuses or the flag that they mean.

Add a view here; `docs/finding.md` tells of each, and a test asks for its line there.
"""

from dataclasses import dataclass
from enum import StrEnum

from certsvc.domain.status import Flag, Status


class View(StrEnum):
    """What people call it."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    DUE_FOR_RECERTIFICATION = "due_for_recertification"
    OVERDUE = "overdue"
    ADMIN_REVIEW = "admin_review"
    AWAITING_PAYMENT = "awaiting_payment"
    AWAITING_SESSION = "awaiting_session"
    EXAM_LOCKED = "exam_locked"
    APPLIED = "applied"


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One view: everybody whose status it is, or who has the flag."""

    view: View
    says: str
    status: Status | None = None
    flag: Flag | None = None


VIEWS: dict[View, ViewRow] = {
    row.view: row
    for row in (
        ViewRow(
            View.ACTIVE,
            "Certified, with nothing open. Who recertifies already is not among them.",
            status=Status.CERTIFIED,
        ),
        ViewRow(
            View.EXPIRING,
            "Valid, and warned of the expiry already; recertifying or not.",
            flag=Flag.EXPIRING,
        ),
        ViewRow(
            View.DUE_FOR_RECERTIFICATION,
            "May recertify now and has not begun: in the window, in grace, or lapsed.",
            flag=Flag.DUE_FOR_RECERTIFICATION,
        ),
        ViewRow(
            View.OVERDUE,
            "The due date of the open cycle has passed.",
            flag=Flag.OVERDUE,
        ),
        ViewRow(
            View.ADMIN_REVIEW,
            "Everything is done but a sign-off.",
            status=Status.PENDING_APPROVAL,
        ),
        ViewRow(
            View.AWAITING_PAYMENT,
            "The open cycle asks for a fee that is neither paid nor waived.",
            flag=Flag.AWAITING_PAYMENT,
        ),
        ViewRow(
            View.AWAITING_SESSION,
            "A live session is needed, and no seat is taken yet.",
            flag=Flag.AWAITING_SESSION,
        ),
        ViewRow(
            View.EXAM_LOCKED,
            "No attempt at the exam is left.",
            flag=Flag.EXAM_LOCKED,
        ),
        ViewRow(
            View.APPLIED,
            "Asked to take part; a person must approve.",
            status=Status.APPLIED,
        ),
    )
}
