"""Why an enrollment reads as it does: put together from the tables of the rules, nothing new."""

from datetime import datetime
from typing import Any

from certsvc.domain.certification import Certification
from certsvc.domain.describe import describe
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import allowed_actions
from certsvc.domain.status import STATUSES

_SETTLED_FEES = ("not_required", "paid", "waived")
_SETTLED_EXAMS = ("not_required", "passed", "overridden")


def explain(e: Enrollment, c: Certification, now: datetime) -> dict[str, Any]:
    """The rule of the headline, what the open cycle needs, and why actions are refused."""
    described = describe(e, c, now)
    row = next(row for row in STATUSES if row.status is e.status)
    return {
        "enrollment_id": e.id,
        "revision": e.revision,
        "as_of": now,
        "status": e.status,
        "standing": e.standing,
        "work": e.work,
        "because": row.when,
        "story": row.story,
        "needs": _needs(described["cycle"]),
        "next": described["next"],
        "blocked": [
            {
                "action": possibility.action,
                "reason_code": possibility.reason_code,
                "detail": possibility.detail,
                "available_at": possibility.available_at,
            }
            for possibility in allowed_actions(e, c, now)
            if not possibility.allowed
        ],
    }


def _needs(cycle: dict[str, Any] | None) -> list[dict[str, Any]]:
    if cycle is None or cycle["opened_at"] is None:
        return []
    needs = []
    if cycle["payment"] not in _SETTLED_FEES:
        needs.append(_need("payment", cycle["payment"]))
    for step in cycle["steps"]:
        if step["state"] != "done":
            needs.append(_need("step", step["state"], step["key"], step["title"]))
    if cycle["exam"]["state"] not in _SETTLED_EXAMS:
        needs.append(_need("exam", cycle["exam"]["state"]))
    if cycle["approval_required"] and cycle["approved_at"] is None:
        needs.append(_need("approval", "open"))
    return needs


def _need(what: str, state: str, step: str | None = None, title: str | None = None) -> Any:
    return {"what": what, "step": step, "title": title, "state": state}
