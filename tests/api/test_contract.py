"""The contract is what the code answers, and makes good clients."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from certsvc.api.contract import render
from certsvc.api.problems import PROBLEMS
from certsvc.domain.actions import ACTIONS, Action
from tests.api.client import CONTRACT_FILE, Operation, contract, operations

SCHEMAS: dict[str, Any] = contract()["components"]["schemas"]
NAMED_BY_THE_LMS = ("/v1/learners/", "/v1/courses/", "/v1/groups/")
"""What is there as soon as it is named."""
CLOSED = {"Status", "Standing", "Work", "CycleKind"}


def walk(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document, with where it is."""
    if isinstance(value, dict):
        yield place, value
        for name, inner in value.items():
            yield from walk(inner, f"{place}/{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, f"{place}/{number}")


def answered() -> set[str]:
    """The schemas that any answer may hold."""
    found: set[str] = set()
    waiting = [
        inner["$ref"]
        for operation in operations()
        for _, inner in walk(operation.document["responses"])
        if "/schemas/" in inner.get("$ref", "")
    ]
    while waiting:
        name = waiting.pop().rpartition("/")[2]
        if name not in found:
            found.add(name)
            waiting += [inner["$ref"] for _, inner in walk(SCHEMAS[name]) if "$ref" in inner]
    return found


def test_the_committed_contract_is_what_the_code_generates() -> None:
    assert render() == CONTRACT_FILE.read_bytes(), "run make openapi"


def test_it_is_sound_openapi() -> None:
    validate(contract())
    assert contract()["openapi"] == "3.1.0"


def test_every_operation_has_its_own_verb() -> None:
    ids = [operation.id for operation in operations()]
    assert len(ids) == len(set(ids))
    assert all(id.isidentifier() and id == id.lower() for id in ids)


@pytest.mark.parametrize("action", Action)
def test_every_action_is_an_operation_with_a_body_of_its_own(action: Action) -> None:
    (found,) = [o for o in operations() if o.path.endswith(f"/actions/{action.value}")]
    assert found.id == action.value.replace("-", "_")
    assert found.role == ("lms" if ACTIONS[action].lms else "admin")
    ref = str(found.document["requestBody"]["content"]["application/json"]["schema"])
    name = "".join(part.capitalize() for part in action.value.split("-")) + "Body"
    assert f"/{name}'" in ref
    required = set(SCHEMAS[name].get("required", ()))
    assert ("reason" in required) is ACTIONS[action].reason_required


def test_answers_may_grow_and_requests_may_not() -> None:
    for name in answered():
        schema = SCHEMAS[name]
        if "properties" in schema:
            assert schema.get("additionalProperties") is True, name
    for operation in operations():
        if operation.body is not None:
            assert operation.body["additionalProperties"] is False, operation.id


def test_nullable_is_the_only_union() -> None:
    for place, value in [*walk(contract()["paths"]), *walk(SCHEMAS)]:
        assert "oneOf" not in value, place
        if "anyOf" in value and isinstance(value["anyOf"], list):
            kinds = [option for option in value["anyOf"] if option.get("type") != "null"]
            assert len(kinds) == 1, place


def test_only_status_standing_work_and_kind_are_closed() -> None:
    closed = {name for name, schema in SCHEMAS.items() if "enum" in schema}
    assert closed == CLOSED
    for place, value in walk(SCHEMAS):
        if "enum" in value:
            assert place.strip("/") in CLOSED, place


def test_answers_require_all_their_fields() -> None:
    optional = {"Problem", "Fault", "Definition", "Way", "Step", "Exam", "Path", "Due", "Limit"}
    optional |= {"Validity", "Policy"}
    for name in answered() - optional:
        schema = SCHEMAS[name]
        if "properties" in schema:
            assert set(schema["properties"]) == set(schema.get("required", ())), name


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_every_operation_is_told_in_full(operation: Operation) -> None:
    document = operation.document
    assert document["description"]
    assert document["tags"]
    public = operation.role == "public"
    assert document["security"] == ([] if public else [{"api_key": []}])
    told = set(document["responses"])
    assert {"422", "429", "500", "503"} <= told
    if not public:
        assert {"401", "403"} <= told
    if "{" in operation.path and not operation.path.startswith(NAMED_BY_THE_LMS):
        assert "404" in told
    if operation.body is not None:
        assert {"400", "413", "415"} <= told
    names = {parameter["name"] for parameter in operation.parameters}
    assert ("Idempotency-Key" in names) is (operation.method == "POST")
    for status, answer in document["responses"].items():
        if int(status) >= 400:
            content = answer["content"]["application/problem+json"]
            assert content["schema"]["$ref"].endswith("/Problem")


def test_tags_and_servers_are_described() -> None:
    known = {tag["name"] for tag in contract()["tags"] if tag["description"]}
    sent = {tag for hook in contract()["webhooks"].values() for tag in hook["post"]["tags"]}
    assert {tag for o in operations() for tag in o.document["tags"]} | sent == known
    assert contract()["servers"]


def test_the_frameworks_own_errors_are_not_in_it() -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(SCHEMAS)


def test_schemas_are_sound_json_schemas() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_known_problem_codes_are_listed() -> None:
    assert SCHEMAS["Problem"]["properties"]["code"]["x-known-values"] == sorted(PROBLEMS)
