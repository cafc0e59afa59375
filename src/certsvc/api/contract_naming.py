"""Gives every object of the contract a name, and takes away what is no name.

A generated client makes a class of each object. Objects that stand inline get names that nobody
chose, after the place where they were found; so maps and free-form objects, which many schemas
hold, are named here once, by their shape.
"""

import json
from typing import Any

Document = dict[str, Any]
REF = "#/components/schemas/"
TEXTS: Document = {"type": "object", "additionalProperties": {"type": "string"}}
COUNTS: Document = {"type": "object", "additionalProperties": {"type": "integer"}}
FREE: Document = {"type": "object", "additionalProperties": True}
LANGUAGE = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"


def _localised(longest: int) -> Document:
    text = {"type": "string", "minLength": 1, "maxLength": longest}
    names = {"type": "string", "pattern": LANGUAGE}
    return {
        "type": "object",
        "additionalProperties": text,
        "propertyNames": names,
        "maxProperties": 100,
    }


SHAPES: tuple[tuple[str, Document, str, Document], ...] = (
    ("FreeForm", FREE, "Any JSON object.", {}),
    ("Counts", COUNTS, "How many of each.", {"certified": 12, "expired": 3}),
    ("Texts", TEXTS, "A text for each language.", {"en": "Forklift operator"}),
    (
        "LocalisedText",
        _localised(200),
        "A text for each language (BCP 47).",
        {"en": "Forklift operator"},
    ),
    (
        "LocalisedLongText",
        _localised(4000),
        "A longer text for each language (BCP 47).",
        {"en": "Who drives a forklift on our premises."},
    ),
)
"""Name, shape, what it says, and an example."""

_NAMES = {json.dumps(shape, sort_keys=True): name for name, shape, _, _ in SHAPES}
_BESIDE = ("description", "examples")


def name_objects(document: Document) -> None:
    """Maps and free-form objects by their names, optional bodies plainly, and no titles that only
    repeat the name of a field."""
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    for name, schema in schemas.items():
        schema["title"] = name
        for inner in schema.get("properties", {}).values():
            _tidy(inner, used)
        if isinstance(schema.get("additionalProperties"), dict):
            _tidy(schema["additionalProperties"], used)
    for methods in document["paths"].values():
        for operation in methods.values():
            _tidy_operation(operation, used)
    for name, shape, description, example in SHAPES:
        if name in used:
            told = {"title": name, "description": description, "examples": [example]}
            schemas[name] = {**shape, **told}


def _tidy_operation(operation: Document, used: set[str]) -> None:
    for parameter in operation.get("parameters", ()):
        _tidy(parameter["schema"], used)
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [answer.get("content", {}) for answer in operation["responses"].values()]
    for content in contents:
        for media in content.values():
            if "schema" in media:
                _tidy(media["schema"], used)
    if "requestBody" in operation:
        media = operation["requestBody"]["content"]["application/json"]
        media["schema"] = _without_null(media["schema"])


def _without_null(schema: Document) -> Document:
    """A body that may be left out is told by `required`; that it may be null helps nobody."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return options[0] if len(options) == 1 else schema


def _tidy(schema: Document, used: set[str]) -> None:
    """One schema that stands inline, and what stands inline in it."""
    schema.pop("title", None)
    for option in schema.get("anyOf", ()):
        _tidy(option, used)
        if "$ref" in option and "description" in option:
            schema.setdefault("description", option["description"])
            del option["description"]
    if isinstance(schema.get("items"), dict):
        _tidy(schema["items"], used)
    if schema.get("type") == "object":
        _name(schema, used)


def _name(schema: Document, used: set[str]) -> None:
    """Replace an object by a reference to its shape, if that has a name."""
    _plainly(schema)
    beside = {key: schema[key] for key in _BESIDE if key in schema}
    shape = {key: value for key, value in schema.items() if key not in _BESIDE}
    name = _NAMES.get(json.dumps(shape, sort_keys=True))
    if name is None:
        return
    used.add(name)
    beside.pop("examples", None)
    schema.clear()
    schema.update({"$ref": REF + name, **beside})


def _plainly(schema: Document) -> None:
    """One pattern for all keys is a rule about keys, which more readers understand."""
    patterns = schema.get("patternProperties", {})
    if len(patterns) == 1:
        del schema["patternProperties"]
        (pattern, values), *_ = patterns.items()
        schema["propertyNames"] = {"type": "string", "pattern": pattern}
        schema["additionalProperties"] = values
