"""Requests made from the contract alone: a sound body or path for any operation."""

from typing import Any

from tests.api.client import Json, Operation, resolved

NOBODY = "018cc251-f400-7000-8000-00000000dead"
SAMPLES = {
    "certification": "forklift",
    "learner_id": "u-17",
    "code": "AAAA-BBBB-CCCC-DDDD",
    "number": "1",
}


def sample(schema: dict[str, Any]) -> Json:
    """A value that the schema takes: what is required, nothing more."""
    schema = resolved(schema)
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return sample(option)
    for name in ("x-known-values", "examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", ())
        return {name: sample(schema["properties"][name]) for name in required}
    if kind == "array":
        return [sample(schema["items"])] * schema.get("minItems", 0)
    if kind == "string" and schema.get("format") == "uuid":
        return NOBODY
    return {"string": "word", "integer": 1, "number": 1, "boolean": True}[str(kind)]


def body_of(operation: Operation) -> Json:
    """A sound body, with everything that the operation takes."""
    schema = operation.body
    assert schema is not None
    if schema.get("examples"):
        return dict(schema["examples"][0])
    return {name: sample(inner) for name, inner in schema["properties"].items()}


def path_of(operation: Operation, **given: str) -> str:
    """A path; ids that are not given name nothing."""
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            name = parameter["name"]
            value = given.get(name) or SAMPLES.get(name) or NOBODY
            path = path.replace(f"{{{name}}}", value)
    return path
