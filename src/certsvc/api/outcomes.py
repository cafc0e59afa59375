"""From what a use case says to what is answered: the one place where refusals become problems."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Exchange
from certsvc.api.preconditions import etag
from certsvc.api.problems import Fault, Problem
from certsvc.domain.certification import Certification
from certsvc.domain.describe import describe
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import allowed_actions
from certsvc.domain.outcome import Refusal
from certsvc.domain.publication import Reason
from certsvc.usecases.answers import Acted, Forbidden, NotFound, Stale

No = NotFound | Stale | Forbidden | Refusal


def enrollment_answer(
    enrollment: Enrollment, certification: Certification, now: datetime, status: int = 200
) -> Answer:
    """The whole enrollment, with its revision as entity tag."""
    document = describe(enrollment, certification, now)
    return answer(document, status, etag=etag(enrollment.revision))


def acted_answer(exchange: Exchange, outcome: Acted | No) -> Answer:
    """The enrollment after a command, or why not."""
    if not isinstance(outcome, Acted):
        return no_answer(exchange, outcome)
    if outcome.refusal is not None:
        return exchange.refused(refused(outcome.refusal, outcome))
    return enrollment_answer(outcome.enrollment, outcome.certification, outcome.now)


def no_answer(exchange: Exchange, outcome: No) -> Answer:
    """The answer to what was not found, is stale, is not for this role, or is refused."""
    return exchange.refused(problem_of(outcome))


def problem_of(outcome: No) -> Problem:
    """The problem that an expected no is."""
    if isinstance(outcome, NotFound):
        return Problem(
            f"{outcome.what}_not_found", f"There is no such {outcome.what.replace('_', ' ')}."
        )
    if isinstance(outcome, Stale):
        detail = f"The present revision is {outcome.revision}."
        return Problem("stale_revision", detail, members={"revision": outcome.revision})
    if isinstance(outcome, Forbidden):
        return Problem("forbidden", outcome.detail)
    return refused(outcome)


def refused(refusal: Refusal, acted: Acted | None = None) -> Problem:
    """A refusal of the rules; with the enrollment that it is about, where there is one."""
    if refusal.code == "not_found":
        return Problem(refusal.reason_code, refusal.detail)
    members: dict[str, Any] = {
        "reason_code": refusal.reason_code,
        "available_at": refusal.available_at,
    }
    if acted is not None and acted.enrollment.exists:
        members |= _standing_of(acted)
    return Problem(
        refusal.code,
        refusal.detail,
        _faults(refusal),
        status=422 if refusal.invalid else 409,
        members=members,
    )


def _standing_of(acted: Acted) -> dict[str, Any]:
    e = acted.enrollment
    possible = allowed_actions(e, acted.certification, acted.now)
    return {
        # The enrollment's status has a place of its own: `status` is the HTTP status.
        "enrollment": {
            "id": e.id,
            "status": e.status,
            "standing": e.standing,
            "work": e.work,
            "revision": e.revision,
        },
        "allowed_actions": [possibility.action for possibility in possible if possibility.allowed],
    }


def _faults(refusal: Refusal) -> tuple[Fault, ...]:
    if refusal.parameter is None:
        return ()
    return (
        Fault(code=refusal.reason_code, detail=refusal.detail, pointer=f"/{refusal.parameter}"),
    )


def not_publishable(reasons: Iterable[Reason]) -> Problem:
    """Everything that stands against publishing a version, at once."""
    faults = tuple(
        Fault(code=reason.code, detail=reason.detail, pointer=reason.pointer) for reason in reasons
    )
    stand = "One reason stands" if len(faults) == 1 else f"{len(faults)} reasons stand"
    return Problem("not_publishable", f"{stand} against publishing.", faults)
