"""Every word of the lifecycle is decided in every table: a new one goes red until it is."""

import ast
import re
from itertools import product
from pathlib import Path

import pytest

from certsvc.api.problems import BY_STATUS as PROBLEM_BY_STATUS
from certsvc.api.problems import PROBLEMS
from certsvc.api.schemas.actions import BODIES
from certsvc.docs.grid import COLUMNS, condition
from certsvc.docs.words import FLAGS, STANDINGS, WORKS
from certsvc.domain.actions import ACTIONS, Action
from certsvc.domain.events import EVENTS, EventType
from certsvc.domain.status import STATUSES, Axes, Flag, Standing, Status, Work, headline
from certsvc.domain.timeline import TIMERS
from certsvc.domain.transitions import BY_STATUS, GRID

SOURCE = Path(__file__).parents[2] / "src" / "certsvc"

ENDED = {Status.DECLINED, Status.NOT_COMPLETED, Status.CANCELLED, Status.REMOVED}
"""Statuses that an assignment leads out of, and no action but certify."""


def test_every_status_has_one_row() -> None:
    assert sorted(row.status for row in STATUSES) == sorted(Status)


def test_every_status_is_the_headline_of_some_state() -> None:
    states = product(Standing, Work, (False, True), (False, True))
    assert {headline(*state) for state in states} == set(Status)


def test_the_last_row_holds_always_so_that_some_headline_does() -> None:
    assert all(STATUSES[-1].holds(Axes(*state, False, True)) for state in product(Standing, Work))


def test_every_status_has_a_column_of_its_own() -> None:
    assert set(COLUMNS) == set(Status)
    assert len(set(COLUMNS.values())) == len(COLUMNS)


def test_what_leads_out_of_every_status_was_decided() -> None:
    assert {s for s in Status if set(BY_STATUS[s]) <= {Action.CERTIFY}} == ENDED


def test_every_standing_work_and_flag_has_its_sentence() -> None:
    assert set(STANDINGS) == set(Standing)
    assert set(WORKS) == set(Work)
    assert set(FLAGS) == set(Flag)


def test_every_action_has_a_row_a_place_in_the_grid_and_a_body() -> None:
    assert set(ACTIONS) == set(Action)
    assert set(GRID) == set(Action)
    assert set(BODIES) == set(Action)


def test_every_action_is_allowed_somewhere() -> None:
    assert [action for action in Action if not GRID[action].cells] == []


def test_every_condition_of_the_grid_says_what_it_asks() -> None:
    for row in GRID.values():
        for guard in (*row.always, *(guard for cell in row.cells.values() for guard in cell)):
            assert condition(guard), guard


def test_every_reason_for_a_refusal_is_a_word() -> None:
    for path in sorted((SOURCE / "domain").glob("*.py")):
        for code in re.findall(r"\b(?:no|unsound)\(\s*\"([^\"]*)\"", path.read_text()):
            assert re.fullmatch(r"[a-z_]+", code), code


def test_every_event_type_has_a_row() -> None:
    assert set(EVENTS) == set(EventType)


def test_every_event_type_is_said_by_somebody() -> None:
    said = {name for path in SOURCE.rglob("*.py") for name in _event_names(path)}
    assert {type for type in EventType if type.name not in said} == set()


def test_every_timer_has_a_name_of_its_own_and_says_known_events() -> None:
    assert len({timer.name for timer in TIMERS}) == len(TIMERS)
    assert all(type in EVENTS for timer in TIMERS for type in timer.says)


@pytest.mark.parametrize("row", PROBLEMS.values(), ids=lambda row: row.code)
def test_every_problem_has_a_status_that_is_known(row: object) -> None:
    code, status = getattr(row, "code", ""), getattr(row, "status", 0)
    assert re.fullmatch(r"[a-z_]+", code)
    assert status in {400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503}


def test_every_problem_that_is_raised_is_in_the_table() -> None:
    raised = {
        (path.name, code)
        for path in (SOURCE / "api").rglob("*.py")
        for code in _problem_codes(path)
    }
    assert raised
    assert {found for found in raised if found[1] not in PROBLEMS} == set()
    assert set(PROBLEM_BY_STATUS.values()) <= set(PROBLEMS)


def test_every_code_of_a_refusal_is_a_problem() -> None:
    codes = {
        (path.name, code)
        for folder in ("domain", "usecases")
        for path in (SOURCE / folder).glob("*.py")
        for code in _refusal_codes(path)
    }
    assert codes
    assert {found for found in codes if found[1] not in PROBLEMS} == set()


def _event_names(path: Path) -> set[str]:
    """The members of EventType that a file names; the catalogue itself does not count."""
    if path.name == "events.py" and path.parent.name == "domain":
        return set()
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "EventType"
    }


def _calls(path: Path, *names: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def _problem_codes(path: Path) -> set[str]:
    return {
        call.args[0].value
        for call in _calls(path, "Problem")
        if call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def _refusal_codes(path: Path) -> set[str]:
    """Codes that are given by name; a request that is unsound in itself is another matter."""
    found = set()
    for call in _calls(path, "Refusal", "no"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if "invalid" in given:
            continue
        code = given.get("code")
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            found.add(code.value)
    return found
