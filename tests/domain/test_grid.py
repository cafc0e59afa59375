"""The grid: every pair of status and action, decided on purpose.

GRID is the table of the lifecycle page as it stands there; nothing in it comes from the code.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.definition import NEVER
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import FactOutcome
from certsvc.domain.lifecycle import decide
from certsvc.domain.status import Status
from tests.support.builders import Life, begun, certified, done, rich, typical
from tests.support.programmes import (
    COURSE,
    EXAM,
    PRACTICE,
    definition,
    path,
    programme,
    utc,
)

GRID = """
| action | AP | AS | NS | IP | PA | CE | EX | LA | RC | RV | DI | SU |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
| approve-application, decline-application | Y | | | | | | | | | | | |
| accept | | Y | | | | | | | | | | |
| override-payment | | | Y¹ | Y¹ | | | | | Y⁴ | | | |
| override-training | | | | Y | Y | | | | Y | | | |
| override-exam | | | | Y⁵ | Y | | | | Y⁵ | | | |
| reset-exam | | | | Y⁶ | | | | | Y⁶ | | | |
| approve, reject | | | | | Y | | | | | | | |
| revoke | | | Y | Y | Y | | Y | Y | Y | | | Y |
| force-recertification | | | | | | Y | Y | Y | | | | |
| recertify | | | | | | Y⁷ | Y | Y | | Y | | |
| permanent-revoke | | | | | Y⁸ | Y | | | Y⁸ | | | Y⁸ |
| restore | | | | | | | | | | Y | Y | |
| remove | | Y² | Y²³ | Y²³ | | | | | | | | |
| suspend; lift | | | | | Y⁸ | Y | Y | | Y⁸ | | | lift |
| deactivate | | Y | Y | Y | | | | | | | | |
| mark-not-completed | | | Y | Y | Y | | | | Y | | | |
| cancel | Y | Y | Y | Y | Y | | | | Y | | | |
| change-dates | | Y | Y | Y | Y | Y | Y | | Y | | | |
| change-next-recertification | | | | | | Y | Y | Y | Y | | | |
| move-to-version | | | Y | Y | | | | | Y | | | |
| remind | | Y | Y | Y | | Y⁷ | Y | Y | Y | | | |
"""

COLUMNS = {
    "AP": "applied",
    "AS": "assigned",
    "NS": "not_started",
    "IP": "in_progress",
    "PA": "pending_approval",
    "CE": "certified",
    "EX": "expired",
    "LA": "lapsed",
    "RC": "recertifying",
    "RV": "revoked",
    "DI": "disallowed",
    "SU": "suspended",
}

BESIDE_THE_GRID = {
    # `certify` is allowed in every status but disallowed and suspended; `reactivate` leaves
    # inactive.
    "certify": {
        *COLUMNS.values(),
        "inactive",
        "declined",
        "not_completed",
        "cancelled",
        "removed",
    }
    - {"disallowed", "suspended"},
    "reactivate": {"inactive"},
}

STATUSES = {*COLUMNS.values(), "inactive", "declined", "not_completed", "cancelled", "removed"}


def allowed_by_the_page() -> dict[str, set[str]]:
    """Action to the statuses that allow it, read from the table and the sentence below it."""
    header, _, *rows = GRID.strip().splitlines()
    columns = [COLUMNS[cell.strip()] for cell in header.strip("|").split("|")[1:]]
    allowed: dict[str, set[str]] = {name: set(where) for name, where in BESIDE_THE_GRID.items()}
    for row in rows:
        names, *cells = (cell.strip() for cell in row.strip().strip("|").split("|"))
        actions = re.split(r"[,;] ", names)
        assert len(cells) == len(columns)
        for column, cell in zip(columns, cells, strict=True):
            for action in actions:
                if cell.startswith("Y") and action != "lift":
                    allowed.setdefault(action, set()).add(column)
            if cell == "lift":
                allowed.setdefault("lift", set()).add(column)
    return allowed


PAGE = allowed_by_the_page()

TAKES: dict[Action, dict[str, Any]] = {
    Action.REJECT: {"final": True},
    Action.CHANGE_NEXT_RECERTIFICATION: {"next": NEVER},
}
"""What an action cannot do without."""


def taking(life: Life, action: Action) -> Act:
    """The action with what it cannot do without, for a life in this state."""
    if action is Action.CHANGE_DATES:
        if life.e.cycle is None and life.e.plan is None:
            return Act(action=action, expires_at=utc("2028-01-01T00:00"))
        return Act(action=action, due_at=utc("2028-01-01T00:00"))
    return Act(action=action, **TAKES.get(action, {}))


def ready(status: Status, action: Action) -> Life:
    """A life in the status that meets the conditions under which the action is allowed there."""
    if action is Action.OVERRIDE_PAYMENT and status is Status.IN_PROGRESS:
        life = typical(status).later(hours=1)
        return life.record(life.refund())
    if action is Action.REMOVE and status is Status.IN_PROGRESS:
        life = Life(programme(definition(path(COURSE, exam=EXAM)))).enroll()
        return life.record(life.course())
    return typical(status)


EVERY_PAIR = [(status, action) for status in Status for action in Action]


def test_the_page_and_the_code_know_the_same_statuses_and_actions() -> None:
    assert {status.value for status in Status} == STATUSES
    assert {action.value for action in Action} == set(PAGE)


@pytest.mark.parametrize(("status", "action"), EVERY_PAIR)
def test_an_action_is_allowed_exactly_where_the_page_says(status: Status, action: Action) -> None:
    life = ready(status, action)
    assert life.status is status
    if status.value in PAGE[action.value]:
        life.do(taking(life, action))
    else:
        refusal = life.refused(taking(life, action))
        assert (refusal.code, refusal.reason_code) == ("action_not_allowed", "status_forbids")


def _acted(life: Life, action: Action) -> Life:
    life.act(action)
    return life


def _revoked_and_open() -> Life:
    return _acted(typical(Status.REVOKED), Action.RECERTIFY).unassign()


def _attempting(life: Life) -> Life:
    begun(life)
    return life.record(life.exam(outcome=FactOutcome.STARTED, grade=None, attempt_id="A-1"))


def _step_pending() -> Life:
    life = Life(programme(definition(path(COURSE, PRACTICE)))).enroll()
    return life.record(life.course(), life.external())


def _stopped() -> Life:
    life = typical(Status.CERTIFIED)
    life.act(Action.CHANGE_NEXT_RECERTIFICATION, next=NEVER)
    return life


def _revoked_and_waiting() -> Life:
    return typical(Status.REVOKED).enroll(Source.MANUAL, opens_at=utc("2028-01-01T00:00"))


OTHER_LIVES: dict[str, Callable[[], Life]] = {
    "waiting for its start": lambda: rich().enroll(opens_at=utc("2026-03-01T00:00")),
    "not started and unassigned with a revoked credential": _revoked_and_open,
    "in progress, an exam attempt open": lambda: _attempting(rich().enroll()),
    "pending approval in the first cycle": lambda: done(rich().enroll()),
    "pending approval of a step": _step_pending,
    "certified for ever": lambda: certified(programme(definition(validity=None))),
    "certified, the window closed": certified,
    "certified, recertification stopped": _stopped,
    "certified with a group's assignment": lambda: certified().enroll(Source.GROUP, group="G1"),
    "certified and unassigned": lambda: certified().unassign(),
    "expired and unassigned": lambda: typical(Status.EXPIRED).unassign(),
    "recertifying in grace": lambda: typical(Status.RECERTIFYING).at("2027-01-20T09:00"),
    "recertifying after the lapse": lambda: typical(Status.RECERTIFYING).at("2027-04-01T09:00"),
    "recertifying and unassigned": lambda: typical(Status.RECERTIFYING).unassign(),
    "suspended in grace": lambda: typical(Status.SUSPENDED).at("2027-01-20T09:00"),
    "suspended while recertifying": lambda: _acted(typical(Status.RECERTIFYING), Action.SUSPEND),
    "revoked without ever having been certified": lambda: _acted(
        typical(Status.NOT_STARTED), Action.REVOKE
    ),
    "revoked and waiting": _revoked_and_waiting,
    "inactive after assigned": lambda: _acted(typical(Status.ASSIGNED), Action.DEACTIVATE),
    "archived, in progress": lambda: begun(rich().enroll()).switch(archived=True),
    "archived, certified": lambda: typical(Status.CERTIFIED).switch(archived=True),
    "never here": rich,
}


EVERY_LIFE: dict[str, Callable[[], Life]] = {
    **{f"typically {status}": partial(typical, status) for status in Status},
    **OTHER_LIVES,
}


@pytest.mark.parametrize("name", EVERY_LIFE)
def test_the_allowed_actions_are_those_that_are_accepted(name: str) -> None:
    life = EVERY_LIFE[name]()
    for action, possibility in life.possibilities.items():
        decision = decide(life.e, life.c, taking(life, action), life.now)
        refusal = decision.refusal
        assert possibility.allowed == (refusal is None), f"{action}: {possibility}, {refusal}"
        if refusal is not None:
            assert possibility.reason_code == refusal.reason_code
            assert possibility.available_at == refusal.available_at
            assert possibility.detail == refusal.detail
        assert possibility.with_ in ((), ("early",))
        if not possibility.allowed and action is Action.RECERTIFY:
            early = decide(life.e, life.c, Act(action=action, early=True), life.now)
            assert (early.refusal is None) == ("early" in possibility.with_)


@pytest.mark.parametrize("name", OTHER_LIVES)
def test_no_other_life_allows_what_the_page_forbids_its_status(name: str) -> None:
    life = EVERY_LIFE[name]()
    for action, possibility in life.possibilities.items():
        if possibility.allowed:
            assert life.status.value in PAGE[action.value]
