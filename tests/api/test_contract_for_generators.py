"""The contract is one that generators like: everything has a name and an example, and what is sent
to webhooks is part of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from certsvc.api.contract_webhooks import ABOUT_ENROLLMENTS
from certsvc.api.example_words import BODIES
from certsvc.api.problems import MEDIA_TYPE, PROBLEMS
from certsvc.api.schemas.event_data import DATA, KINDS, name_of
from certsvc.domain.events import EVENTS, EventType
from certsvc.usecases.webhooks.asking import PING
from tests.api.client import Operation, assert_valid, contract, operations

SCHEMAS: dict[str, Any] = contract()["components"]["schemas"]
SHOWN: dict[str, Any] = contract()["components"]["examples"]
HOOKS: dict[str, Any] = contract()["webhooks"]
REF = "#/components/schemas/"


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every schema, with where it is."""
    for name, schema in SCHEMAS.items():
        for field, inner in schema.get("properties", {}).items():
            yield f"{name}.{field}", inner


def named(schema: dict[str, Any]) -> bool:
    """Whether all that a schema holds has a name of its own, and so an example there."""
    options = schema.get("anyOf", [schema])
    told = [option for option in options if option.get("type") != "null"]
    return all("$ref" in option or "$ref" in option.get("items", {}) for option in told)


def test_every_field_has_an_example_that_it_would_take() -> None:
    for place, schema in fields():
        assert named(schema) or schema.get("examples"), f"{place}: see api/example_words.py"
        for example in schema.get("examples", ()):
            whole = {**schema, "components": contract()["components"]}
            assert Draft202012Validator(whole).is_valid(example), place


def test_every_schema_with_an_example_would_take_it() -> None:
    assert sum("examples" in schema for schema in SCHEMAS.values()) > 100
    for name, schema in SCHEMAS.items():
        for example in schema.get("examples", ()):
            assert_valid(name, example)


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_every_body_and_every_answer_has_an_example(operation: Operation) -> None:
    if operation.body is not None:
        assert operation.body["examples"]
    for parameter in operation.parameters:
        assert named(parameter["schema"]) or parameter["schema"]["examples"], parameter["name"]
    for answer in operation.document["responses"].values():
        for media_type, media in answer.get("content", {}).items():
            if media_type in ("application/json", MEDIA_TYPE):
                for reference in media["examples"].values():
                    assert reference["$ref"].rpartition("/")[2] in SHOWN
                assert media["examples"]
            else:
                assert media_type == "image/png" or media["examples"]["text"]["value"]


def test_what_is_shown_as_an_example_is_one() -> None:
    for name, example in SHOWN.items():
        assert_valid("Problem" if name in PROBLEMS else name, example["value"])
    for text in BODIES.values():
        assert text


def test_every_problem_of_an_answer_is_shown_by_its_code() -> None:
    for operation in operations():
        for answer in operation.document["responses"].values():
            media = answer.get("content", {}).get(MEDIA_TYPE)
            if media is not None:
                assert all(f"`{code}`" in answer["description"] for code in media["examples"])
                assert media["schema"] == {"$ref": REF + "Problem"}


def test_no_object_is_without_a_name() -> None:
    for place, schema in fields():
        inner = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
        assert all(one.get("type") != "object" for one in inner), place
    for operation in operations():
        body = operation.document.get("requestBody", {}).get("content", {})
        answers = [one.get("content", {}) for one in operation.document["responses"].values()]
        for content in (body, *answers):
            for media_type, media in content.items():
                if media_type in ("application/json", MEDIA_TYPE):
                    assert list(media["schema"]) == ["$ref"], operation.id


def test_every_type_of_event_and_the_ping_is_sent_to_webhooks() -> None:
    assert set(HOOKS) == {*(type.value for type in EventType), PING}
    ids = [hook["post"]["operationId"] for hook in HOOKS.values()]
    assert len({*ids, *(operation.id for operation in operations())}) == len(ids) + len(
        operations()
    )


@pytest.mark.parametrize("type", EventType)
def test_a_webhook_is_told_in_full(type: EventType) -> None:
    hook = HOOKS[type.value]["post"]
    headers = {one["$ref"].rpartition("/")[2] for one in hook["parameters"]}
    assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert set(hook["responses"]) == {"2XX", "410"}
    name = hook["requestBody"]["content"]["application/json"]["schema"]["$ref"].removeprefix(REF)
    body = SCHEMAS[name]
    assert body["required"] == ["type", "timestamp", "data"]
    assert body["properties"]["data"]["$ref"] == f"{REF}{name_of(type)}Event"
    item = SCHEMAS[f"{name_of(type)}Event"]
    assert set(item["properties"]) == set(SCHEMAS["Event"]["properties"])
    assert body["examples"][0]["type"] == body["examples"][0]["data"]["type"] == type.value


@pytest.mark.parametrize("type", [type for type, row in EVENTS.items() if row.data])
def test_the_data_of_an_event_is_told_key_by_key(type: EventType) -> None:
    told = SCHEMAS[f"{name_of(type)}Data"]["properties"]
    assert set(told) == {key for key, _ in EVENTS[type].data}
    assert all(key in KINDS for key in told), "say in api/schemas/event_data.py of what kind it is"
    assert DATA[type].__name__ == f"{name_of(type)}Data"


def test_an_event_that_is_about_nobodys_enrollment_shows_none() -> None:
    for type in ("certification.published", "bulk_operation.completed"):
        name = f"{name_of(EventType(type))}Webhook"
        shown = SCHEMAS[name]["examples"][0]["data"]
        assert {shown[field] for field in ABOUT_ENROLLMENTS} == {None}
