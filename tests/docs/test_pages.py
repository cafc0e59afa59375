"""The generated pages are what the code would write, and say all of it."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certsvc.docs.__main__ import main
from certsvc.docs.definition_fields import DEPENDS, FIELDS, REQUIRED, FieldRow
from certsvc.docs.definition_page import wire_objects
from certsvc.docs.exploring import Explored, explore
from certsvc.docs.pages import FOLDER, PAGES, stale
from certsvc.domain.definition import Definition
from certsvc.domain.events import EVENTS, EventType
from certsvc.domain.status import Status

DOMAIN = Path(__file__).parents[2] / "src" / "certsvc" / "domain"


@pytest.fixture(scope="session")
def explored() -> Explored:
    return explore()


def test_no_page_is_stale() -> None:
    assert stale(FOLDER) == [], "run make docs"


def test_a_stale_page_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(PAGES):
        monkeypatch.setitem(PAGES, name, lambda: "as it should be")
    assert main(["--folder", str(tmp_path)]) == 0
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "events.md").write_text("as it was")
    (tmp_path / "settings.md").unlink()
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.split("\n") == [
        f"{tmp_path.name}/events.md is stale",
        f"{tmp_path.name}/settings.md is stale",
        "",
    ]


def test_every_status_is_entered_and_left_somewhere(explored: Explored) -> None:
    assert {edge.goal for edge in explored.edges} == set(Status)
    assert {edge.origin for edge in explored.edges} == {None, *Status}


def test_exploring_twice_finds_the_same() -> None:
    assert explore.__wrapped__() == explore()


def test_every_event_says_only_what_the_catalogue_names(explored: Explored) -> None:
    for type, keys in explored.said.items():
        assert keys <= _documented(type), type


def test_every_line_of_the_rules_says_only_what_the_catalogue_names() -> None:
    lines = [line for path in sorted(DOMAIN.glob("*.py")) for line in _said(path)]
    assert lines
    for type, keys in lines:
        assert keys <= _documented(type), type


def test_every_field_of_the_wire_has_its_row_and_no_other() -> None:
    rows = {row.model: [field.name for field in row.fields] for row in FIELDS}
    assert {model: sorted(names) for model, names in rows.items()} == {
        model: sorted(fields) for model, fields in wire_objects().items()
    }


def test_the_defaults_that_the_page_names_are_the_defaults() -> None:
    assert Definition.read(_with_defaults("P1Y")) == Definition.read(
        {
            "initial": {
                "steps": [{"key": "required", "ways": [{"type": "course"}]}],
                "exam": {"exam_id": "required", "passing_score": 1},
            },
            "policy": {"validity": {"period": "P1Y"}, "completion_limit": {"after": "P9D"}},
        }
    )


def test_an_empty_definition_is_all_defaults() -> None:
    document = {"initial": _object("PathInput"), "policy": _object("PolicyInput")}
    assert Definition.read(document) == Definition.read({})


def _with_defaults(period: str) -> dict[str, Any]:
    """A document in which every default is written out."""
    way = {**_object("WayInput"), "type": "course"}
    step = {**_object("StepInput"), "key": "required", "ways": [way]}
    exam = {**_object("ExamInput"), "exam_id": "required", "passing_score": 1}
    policy = {
        **_object("PolicyInput"),
        "validity": {**_object("ValidityInput"), "period": period},
        "completion_limit": {**_object("LimitInput"), "after": "P9D"},
    }
    initial = {**_object("PathInput"), "steps": [step], "exam": exam}
    return {**_object("DefinitionInput"), "initial": initial, "policy": policy}


def _object(model: str) -> dict[str, Any]:
    """An object with the defaults of the page, as they stand in JSON."""
    row = next(row for row in FIELDS if row.model == model)
    return {field.name: _default(field) for field in row.fields if field.default is not DEPENDS}


def _default(field: FieldRow) -> Any:
    return None if field.default is REQUIRED else json.loads(json.dumps(field.default))


def _said(path: Path) -> Iterator[tuple[EventType, frozenset[str]]]:
    """Every `say(EventType.X, at, key=...)` of a file, with its keys."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr != "say" or not isinstance(node.args[0], ast.Attribute):
            continue
        keys = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
        yield EventType[node.args[0].attr], frozenset(keys - {"stale"})


def _documented(type: EventType) -> frozenset[str]:
    return frozenset(key for key, _ in EVENTS[type].data)
