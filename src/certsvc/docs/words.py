"""What the pages say of standings, works and flags: a sentence each."""

from certsvc.domain.status import Flag, Standing, Work

STANDINGS: dict[Standing, str] = {
    Standing.NONE: "Never earned, or lifted by a restore.",
    Standing.VALID: "A certificate is in force and has not expired.",
    Standing.GRACE: "Past the expiry, within the grace of the version it was earned under.",
    Standing.LAPSED: "The grace is over. The next cycle is a reinstatement.",
    Standing.REVOKED: "Taken away, until a cycle is completed; not barred.",
    Standing.DISALLOWED: "Taken away for good; only restore leads out.",
}

WORKS: dict[Work, str] = {
    Work.NONE: "No cycle is open, and the last one earned its certificate.",
    Work.WAITING: "Enrolled, but the cycle cannot open yet: a start ahead, no version in effect, "
    "the certification archived.",
    Work.APPLIED: "The learner applied; a person must approve.",
    Work.ASSIGNED: "Assigned; the learner has still to accept.",
    Work.NOT_STARTED: "The cycle is open and nothing is begun.",
    Work.IN_PROGRESS: "The cycle is open and begun.",
    Work.PENDING_APPROVAL: "Everything is done but a sign-off; time does not close such a cycle.",
    Work.DECLINED: "The application was declined.",
    Work.NOT_COMPLETED: "The cycle ended at its limit, or by an admin's word.",
    Work.INACTIVE: "The cycle is paused by an admin; reactivate resumes it.",
    Work.CANCELLED: "The cycle was cancelled, or ended by a revocation.",
    Work.REMOVED: "The last assignment is gone; an open cycle is paused with its progress.",
}

FLAGS: dict[Flag, str] = {
    Flag.EXPIRING: "Standing valid, and the first expiring notice is past.",
    Flag.DUE_FOR_RECERTIFICATION: "No cycle is open or planned, and one may be: standing valid and "
    "the window open, or standing grace or lapsed. Never where the certification is archived, "
    "there is no renewal, or recertification is stopped or leads elsewhere.",
    Flag.OVERDUE: "The due date of the open cycle has passed.",
    Flag.AWAITING_PAYMENT: "The open cycle asks for a fee that is neither paid nor waived.",
    Flag.AWAITING_SESSION: "A live session is needed and has no seat yet.",
    Flag.EXAM_LOCKED: "No exam attempt is left in the open cycle.",
    Flag.UNASSIGNED: "No assignment stands.",
    Flag.EVIDENCE_RETRACTED: "Evidence behind the last certificate was taken back.",
}
