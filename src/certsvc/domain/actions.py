"""What people may do to an enrollment: the actions, what each takes, and who may call it.

The grid of statuses and conditions is in `transitions.py`; this file declares the verbs.
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """The verbs of the lifecycle, as they stand in paths: `.../actions/override-payment`."""

    APPROVE_APPLICATION = "approve-application"
    DECLINE_APPLICATION = "decline-application"
    ACCEPT = "accept"
    OVERRIDE_PAYMENT = "override-payment"
    OVERRIDE_TRAINING = "override-training"
    OVERRIDE_EXAM = "override-exam"
    RESET_EXAM = "reset-exam"
    APPROVE = "approve"
    REJECT = "reject"
    REVOKE = "revoke"
    FORCE_RECERTIFICATION = "force-recertification"
    RECERTIFY = "recertify"
    PERMANENT_REVOKE = "permanent-revoke"
    RESTORE = "restore"
    REMOVE = "remove"
    SUSPEND = "suspend"
    LIFT = "lift"
    DEACTIVATE = "deactivate"
    REACTIVATE = "reactivate"
    MARK_NOT_COMPLETED = "mark-not-completed"
    CANCEL = "cancel"
    CHANGE_DATES = "change-dates"
    CHANGE_NEXT_RECERTIFICATION = "change-next-recertification"
    MOVE_TO_VERSION = "move-to-version"
    REMIND = "remind"
    CERTIFY = "certify"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action: a sentence for the docs, whether a reason is required, and whether the
    `lms` role may call it (`admin` may call all)."""

    action: Action
    summary: str
    reason_required: bool = False
    lms: bool = False


ACTIONS: dict[Action, ActionRow] = {
    row.action: row
    for row in (
        ActionRow(Action.APPROVE_APPLICATION, "Approve the application; the cycle opens."),
        ActionRow(Action.DECLINE_APPLICATION, "Decline the application."),
        ActionRow(Action.ACCEPT, "The learner accepts the assignment; the cycle opens.", lms=True),
        ActionRow(Action.OVERRIDE_PAYMENT, "Waive the payment; kept evidence counts at once."),
        ActionRow(Action.OVERRIDE_TRAINING, "Count all training steps as done."),
        ActionRow(Action.OVERRIDE_EXAM, "Count the exam as passed."),
        ActionRow(
            Action.RESET_EXAM, "The attempts so far stay in the exam history and no longer count."
        ),
        ActionRow(Action.APPROVE, "Sign off the cycle, or one step."),
        ActionRow(Action.REJECT, "Send steps or the exam back, or end the cycle."),
        ActionRow(
            Action.REVOKE, "End the open cycle and revoke the certificate.", reason_required=True
        ),
        ActionRow(
            Action.FORCE_RECERTIFICATION,
            "Revoke the certificate and open a cycle on the latest version at once.",
        ),
        ActionRow(
            Action.RECERTIFY, "Open a recertification cycle on the latest version.", lms=True
        ),
        ActionRow(
            Action.PERMANENT_REVOKE,
            "Revoke the certificate and bar the learner for good.",
            reason_required=True,
        ),
        ActionRow(Action.RESTORE, "Lift the bar or revocation and open a new cycle."),
        ActionRow(Action.REMOVE, "Take the manual assignments away."),
        ActionRow(Action.SUSPEND, "Set the enrollment aside.", reason_required=True),
        ActionRow(Action.LIFT, "End the suspension."),
        ActionRow(Action.DEACTIVATE, "Pause the cycle."),
        ActionRow(Action.REACTIVATE, "Resume the paused cycle with its dates."),
        ActionRow(Action.MARK_NOT_COMPLETED, "Close the open cycle as not completed."),
        ActionRow(Action.CANCEL, "Close the open cycle as cancelled."),
        ActionRow(Action.CHANGE_DATES, "Set due date, limit, recertification date or expiry."),
        ActionRow(
            Action.CHANGE_NEXT_RECERTIFICATION,
            "Stop further recertification, or lead it to another certification.",
        ),
        ActionRow(Action.MOVE_TO_VERSION, "Move the open cycle to another version."),
        ActionRow(Action.REMIND, "Emit a reminder; nothing else changes."),
        ActionRow(
            Action.CERTIFY,
            "Issue a certificate by hand, with dates: corrections and imports.",
            reason_required=True,
        ),
    )
}

NOT_A_DECISION = frozenset(
    {
        Action.REMIND,
        Action.SUSPEND,
        Action.LIFT,
        Action.CHANGE_DATES,
        Action.CHANGE_NEXT_RECERTIFICATION,
    }
)
"""Actions after which late evidence may still complete a cycle that time closed
(and `certify` into history; lifecycle, Evidence)."""
