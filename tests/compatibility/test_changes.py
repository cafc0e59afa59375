"""Every kind of change is found, with the right judgement, in both directions."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.compatibility.__main__ import main
from certsvc.compatibility.changes import CHANGES, Way, split
from certsvc.compatibility.contracts import compare
from tests.api.client import contract

Document = dict[str, Any]
Edit = Callable[[Document], None]
PATH = "/v1/things"


def small() -> Document:
    """A contract that has one of everything."""
    thing = {
        "type": "object",
        "additionalProperties": True,
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"$ref": "#/components/schemas/State"},
            "kind": {"type": "string", "x-known-values": ["a", "b"]},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
        },
    }
    body = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^x"},
            "state": {"$ref": "#/components/schemas/Mood"},
            "kind": {"type": "string", "x-known-values": ["a", "b"], "default": "a"},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "free": {"type": "string"},
        },
    }
    part = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    schemas = {"Thing": thing, "Body": body, "Part": part}
    schemas["State"] = {"type": "string", "enum": ["on", "off"]}
    schemas["Mood"] = {"type": "string", "enum": ["good", "bad"]}
    operation = {
        "operationId": "make_thing",
        "tags": ["things"],
        "x-role": "lms",
        "description": "Make it.",
        "parameters": [
            {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}},
            {"name": "to", "in": "query", "required": True, "schema": {"type": "string"}},
        ],
        "requestBody": {"required": False, "content": _json("Body")},
        "responses": {
            "200": {"description": "Made.", "headers": {"ETag": {}}, "content": _json("Thing")},
            "202": {"description": "To be made."},
            "404": {"description": "Not there."},
        },
    }
    hook = {"operationId": "on_thing", "requestBody": {"required": True, "content": _json("Thing")}}
    plain = {"operationId": "list_things", "tags": ["things"], "responses": {}}
    return {
        "paths": {PATH: {"post": operation, "get": plain}},
        "webhooks": {"thing.made": {"post": hook}, "thing.gone": {"post": deepcopy(hook)}},
        "components": {"schemas": schemas},
    }


def _json(name: str) -> Document:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def post(document: Document) -> Document:
    found: Document = document["paths"][PATH]["post"]
    return found


def field(schema: str, name: str) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = document["components"]["schemas"][schema]["properties"][name]
        return found

    return find


def schema(name: str) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = document["components"]["schemas"][name]
        return found

    return find


def put(find: Callable[[Document], Document], **values: Any) -> Edit:
    return lambda document: find(document).update(values)


def drop(find: Callable[[Document], Document], *names: str) -> Edit:
    def edit(document: Document) -> None:
        for name in names:
            del find(document)[name]

    return edit


def properties(name: str) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = schema(name)(document)["properties"]
        return found

    return find


def answers(document: Document) -> Document:
    found: Document = post(document)["responses"]
    return found


def content(document: Document) -> Document:
    found: Document = answers(document)["200"]["content"]
    return found


def parameter(number: int) -> Callable[[Document], Document]:
    def find(document: Document) -> Document:
        found: Document = post(document)["parameters"][number]
        return found

    return find


def without_parameter(document: Document) -> None:
    del post(document)["parameters"][0]


def renamed(document: Document) -> None:
    schemas = document["components"]["schemas"]
    schemas["Piece"] = schemas.pop("Part")
    schemas["Thing"]["properties"]["parts"]["items"]["$ref"] = "#/components/schemas/Piece"


INTEGER = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
S, A, B = Way.SENT, Way.ANSWERED, Way.BOTH

# What an edit does to a contract; and what undoing it does. Whether that breaks is in the table.
EDITS: list[tuple[Edit, Way, str, str]] = [
    (drop(lambda d: d["paths"][PATH], "get"), B, "operation_removed", "operation_added"),
    (put(post, operationId="x"), B, "operation_renamed", "operation_renamed"),
    (put(post, tags=["x"]), B, "operation_moved", "operation_moved"),
    (put(post, **{"x-role": "admin"}), B, "role_raised", "role_lowered"),
    (put(post, description="x"), B, "text_changed", "text_changed"),
    (drop(lambda d: d["webhooks"], "thing.gone"), A, "webhook_removed", "webhook_added"),
    (without_parameter, S, "parameter_removed", "parameter_added"),
    (put(parameter(0), required=True), S, "parameter_required", "parameter_optional"),
    (put(parameter(0), schema={"type": "string"}), S, "type_changed", "type_changed"),
    (drop(post, "requestBody"), S, "body_removed", "body_added"),
    (put(lambda d: post(d)["requestBody"], required=True), S, "body_required", "body_optional"),
    (put(content, **{"text/csv": {}}), A, "media_type_added", "media_type_removed"),
    (drop(answers, "202"), A, "success_removed", "success_added"),
    (drop(answers, "404"), A, "failure_removed", "failure_added"),
    (drop(lambda d: answers(d)["200"]["headers"], "ETag"), A, "header_removed", "header_added"),
    (renamed, A, "schema_renamed", "schema_renamed"),
    (put(field("Part", "n"), type="string"), A, "type_changed", "type_changed"),
    (put(properties("Thing"), size=INTEGER), A, "type_narrowed", "type_widened"),
    (put(properties("Body"), size=INTEGER), S, "type_narrowed", "type_widened"),
    (put(properties("Thing"), size={"type": "number"}), A, "type_narrowed", "type_widened"),
    (put(field("Thing", "id"), format="date"), A, "format_changed", "format_changed"),
    (drop(properties("Thing"), "kind"), A, "property_removed", "property_added"),
    (drop(properties("Body"), "free"), S, "property_removed", "property_added"),
    (put(schema("Thing"), required=["id"]), A, "property_optional", "property_required"),
    (put(schema("Body"), required=[]), S, "property_optional", "property_required"),
    (put(schema("Body"), additionalProperties=True), S, "others_allowed", "others_refused"),
    (put(schema("State"), enum=["on"]), A, "enum_value_removed", "enum_value_added"),
    (put(schema("Mood"), enum=["good"]), S, "enum_value_removed", "enum_value_added"),
    (drop(schema("State"), "enum"), A, "enum_opened", "enum_closed"),
    (drop(schema("Mood"), "enum"), S, "enum_opened", "enum_closed"),
    (
        put(field("Thing", "kind"), **{"x-known-values": ["a"]}),
        *(A, "known_value_removed", "known_value_added"),
    ),
    (
        put(field("Body", "kind"), **{"x-known-values": ["a"]}),
        *(S, "known_value_removed", "known_value_added"),
    ),
    (put(field("Body", "name"), maxLength=5), S, "bound_tightened", "bound_loosened"),
    (put(field("Body", "name"), minLength=5), S, "bound_tightened", "bound_loosened"),
    (drop(field("Body", "name"), "maxLength"), S, "bound_loosened", "bound_tightened"),
    (drop(field("Body", "name"), "pattern"), S, "bound_loosened", "pattern_changed"),
    (put(field("Body", "kind"), default="b"), S, "default_changed", "default_changed"),
]


@pytest.mark.parametrize(("edit", "way", "done", "undone"), EDITS)
def test_a_change_is_found_and_so_is_its_opposite(
    edit: Edit, way: Way, done: str, undone: str
) -> None:
    old, new = small(), small()
    edit(new)
    for before, after, kind in ((old, new, done), (new, old, undone)):
        found = set(compare(before, after))
        assert {(one.kind, one.way) for one in found} == {(kind, way)}
        row = CHANGES[kind]
        expected = {S: row.sent, A: row.answered, B: row.sent or row.answered}[way]
        assert {one.breaking for one in found} == {expected}


def test_every_row_of_the_table_is_tried() -> None:
    tried = {kind for _, _, *kinds in EDITS for kind in kinds}
    assert tried == set(CHANGES)


def test_what_is_new_and_must_be_given_breaks_who_does_not_know_it() -> None:
    new = small()
    properties("Body")(new)["more"] = {"type": "string"}
    schema("Body")(new)["required"].append("more")
    post(new)["parameters"].append(
        {"name": "zone", "in": "query", "required": True, "schema": {"type": "string"}}
    )
    breaking, harmless = split(compare(small(), new))
    assert {one.kind for one in breaking} == {"parameter_required", "property_required"}
    assert {one.kind for one in harmless} == {"parameter_added", "property_added"}


def test_a_contract_does_not_differ_from_itself() -> None:
    assert list(compare(contract(), contract())) == []


OBJECTS = sorted(
    name for name, one in contract()["components"]["schemas"].items() if one.get("properties")
)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_field_disappears_from_the_contract_it_is_noticed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(OBJECTS))
    schemas = contract()["components"]["schemas"]
    there = deepcopy(schemas[name])
    components = {**contract()["components"], "schemas": {**schemas, name: there}}
    new = {**contract(), "components": components}
    lost = data.draw(st.sampled_from(sorted(there["properties"])))
    del there["properties"][lost]
    there["required"] = [one for one in there.get("required", ()) if one != lost]
    breaking, _ = split(compare(contract(), new))
    assert f"{name}.{lost}" in {one.place for one in breaking if one.kind == "property_removed"}
    back, _ = split(compare(new, contract()))
    assert all(one.kind == "property_required" and one.way is Way.SENT for one in back)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(contract()["paths"])))
def test_whatever_operation_disappears_it_is_noticed(path: str) -> None:
    new = {**contract(), "paths": {k: v for k, v in contract()["paths"].items() if k != path}}
    breaking, _ = split(compare(contract(), new))
    assert {one.kind for one in breaking} == {"operation_removed"}
    assert len(breaking) == len(contract()["paths"][path])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An old contract, and a new one that breaks clients once."""
    (tmp_path / "old.json").write_text(json.dumps(small()))
    new = small()
    del properties("Thing")(new)["kind"]
    new["paths"]["/v1/more"] = {"get": {"operationId": "more", "responses": {}}}
    (tmp_path / "openapi.json").write_text(json.dumps(new))
    return tmp_path


def test_the_command_tells_both_and_fails_if_something_breaks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = ["--contract", str(folder / "openapi.json")]
    assert main([str(folder / "old.json"), *contract]) == 1
    said = capsys.readouterr().out
    assert "breaking: 1\n  property_removed Thing.kind answered - the property is gone" in said
    assert "harmless: 1\n  operation_added GET /v1/more both - a new operation" in said
    accepted = "# meant\nproperty_removed Thing.kind answered  # nobody read it\n"
    (folder / "accepted.txt").write_text(accepted)
    assert main([str(folder / "old.json"), *contract]) == 0
    assert "breaking, accepted: 1\n" in capsys.readouterr().out


def test_the_command_compares_with_a_revision_of_git(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(
            ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True
        )

    now = (folder / "openapi.json").read_text()
    (folder / "openapi.json").write_text(json.dumps(small()))
    git("init", "-q")
    git("add", "openapi.json")
    git("commit", "-q", "-m", "before")
    (folder / "openapi.json").write_text(now)
    contract = ["--contract", str(folder / "openapi.json")]
    assert main(["HEAD", *contract]) == 1
    assert main(["no-such-revision", *contract]) == 2
    assert "git knows no contract there" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_what_is_no_contract_is_named(
    folder: Path, content: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    base = folder / "base.json"
    if content is not None:
        base.write_text(content)
    assert main([str(base), "--contract", str(folder / "openapi.json")]) == 2
    assert "base.json" in capsys.readouterr().err
