"""docs/definition.md: the definition format, every field with its default and meaning."""

import json
from typing import Any

from certsvc.api.schemas.definition import DefinitionInput
from certsvc.docs.definition_fields import DEPENDS, FIELDS, REQUIRED, FieldRow, ObjectRow
from certsvc.docs.markdown import code, listed, page, table

_INTRODUCTION = """What a version says, as it is sent to `POST .../versions` and `PUT \
.../versions/{n}`. Unknown fields are refused. Null and absent mean the default; "not at all" is \
the word `"never"`. Durations are ISO 8601 (`P1Y`, `P30D`), in whole days unless the day rule is \
`exact`; dates are `YYYY-MM-DD`. A draft may hold what cannot be published yet; publishing lists \
every reason against it. A published version never changes."""


def definition_page() -> str:
    """The page: a table for each object of the document."""
    schemas = wire_objects()
    blocks: list[str] = []
    for row in FIELDS:
        blocks += [f"## {row.title}", _fields(row, schemas[row.model])]
    return page("The definition of a version", _INTRODUCTION, *blocks)


def wire_objects() -> dict[str, dict[str, Any]]:
    """The objects of the wire by the name of their model, each with its fields."""
    schema = DefinitionInput.model_json_schema(by_alias=True)
    found = {"DefinitionInput": schema, **schema["$defs"]}
    return {model: described["properties"] for model, described in found.items()}


def _fields(row: ObjectRow, wire: dict[str, Any]) -> str:
    rows = (
        (code(field.name), _value(field, wire[field.name]), _default(field), field.meaning)
        for field in row.fields
    )
    return table(["field", "value", "default", "meaning"], rows)


def _value(field: FieldRow, wire: dict[str, Any]) -> str:
    """How a value is written; of a word, the words that are known."""
    for described in (wire, *wire.get("anyOf", ())):
        if "x-known-values" in described:
            return listed(described["x-known-values"])
    return field.value


def _default(field: FieldRow) -> str:
    if field.default is REQUIRED:
        return "required"
    return "–" if field.default is DEPENDS else code(json.dumps(field.default))
