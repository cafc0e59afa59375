"""Compares two schemas, and all that they lead to, for one way of travelling."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from certsvc.compatibility.changes import Change, Way

Document = dict[str, Any]
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
TEXTS = ("description",)
EVERYTHING = frozenset({"string", "number", "boolean", "object", "array", "null"})


@dataclass(frozen=True, slots=True)
class View:
    """A schema with its reference followed and its null apart."""

    name: str | None
    types: frozenset[str]
    body: Document = field(hash=False)


def view(document: Document, schema: Document) -> View:
    """What a schema says, wherever it says it."""
    null = False
    beside = dict(schema)
    options = beside.pop("anyOf", None)
    if options is not None:
        null = any(option.get("type") == "null" for option in options)
        rest = [option for option in options if option.get("type") != "null"]
        if len(rest) != 1:
            raise ValueError("nullable is the only union that a contract of ours has")
        schema = rest[0]
    name = None
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        beside.pop("$ref", None)
        schema = document["components"]["schemas"][name]
    types = schema.get("type")
    told = EVERYTHING if types is None else frozenset([types] if isinstance(types, str) else types)
    return View(name, told | {"null"} if null else told, {**schema, **beside})


class Comparison:
    """Two contracts side by side; each pair of named schemas is looked at once for each way."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        self._seen: set[tuple[str, str, Way]] = set()

    def schemas(self, old: Document, new: Document, way: Way, place: str) -> Iterator[Change]:
        """What is different between two schemas that stand at one place."""
        a, b = view(self.old, old), view(self.new, new)
        if a.name != b.name and (a.name is not None or "properties" in b.body):
            yield Change(place, "schema_renamed", way, f"{a.name or '-'} {b.name or '-'}")
        yield from self._beside(a, b, way, place)
        if a.name is not None and b.name is not None:
            if (a.name, b.name, way) in self._seen:
                return
            self._seen.add((a.name, b.name, way))
            place = b.name
        yield from _values(a.body, b.body, way, place)
        yield from self._properties(a.body, b.body, way, place)
        for key, step in (("items", "[]"), ("additionalProperties", "{}"), ("propertyNames", "?")):
            inner = a.body.get(key), b.body.get(key)
            if isinstance(inner[0], dict) and isinstance(inner[1], dict):
                yield from self.schemas(inner[0], inner[1], way, place + step)

    def _beside(self, a: View, b: View, way: Way, place: str) -> Iterator[Change]:
        """What a place says of its own: types, default, texts."""
        kind = _of_types(a.types, b.types)
        if kind is not None:
            yield Change(place, kind, way, f"{_listed(a.types)} {_listed(b.types)}")
        if a.body.get("default") != b.body.get("default"):
            yield Change(place, "default_changed", way)
        if any(a.body.get(key) != b.body.get(key) for key in TEXTS):
            yield Change(place, "text_changed", way)

    def _properties(self, a: Document, b: Document, way: Way, place: str) -> Iterator[Change]:
        before, after = a.get("properties", {}), b.get("properties", {})
        needed, needs = set(a.get("required", ())), set(b.get("required", ()))
        for name in before.keys() - after.keys():
            yield Change(f"{place}.{name}", "property_removed", way)
        for name in after.keys() - before.keys():
            yield Change(f"{place}.{name}", "property_added", way)
            if way is Way.SENT and name in needs:
                yield Change(f"{place}.{name}", "property_required", way)
        for name in before.keys() & after.keys():
            if (name in needs) is not (name in needed):
                kind = "property_required" if name in needs else "property_optional"
                yield Change(f"{place}.{name}", kind, way)
            yield from self.schemas(before[name], after[name], way, f"{place}.{name}")
        refused = a.get("additionalProperties") is False, b.get("additionalProperties") is False
        if refused[0] is not refused[1]:
            yield Change(place, "others_refused" if refused[1] else "others_allowed", way)


def _of_types(a: frozenset[str], b: frozenset[str]) -> str | None:
    """An integer is a number, so to say the one for the other narrows or widens."""
    if a == b:
        return None
    wide = [types | {"integer"} if "number" in types else types for types in (a, b)]
    if wide[1] <= wide[0]:
        return "type_narrowed"
    return "type_widened" if wide[0] <= wide[1] else "type_changed"


def _listed(types: frozenset[str]) -> str:
    return "|".join(sorted(types))


def _values(a: Document, b: Document, way: Way, place: str) -> Iterator[Change]:
    """Which values of a type are taken."""
    if a.get("format") != b.get("format"):
        yield Change(place, "format_changed", way)
    if a.get("pattern") != b.get("pattern"):
        yield Change(place, "bound_loosened" if "pattern" not in b else "pattern_changed", way)
    yield from _lists(a, b, way, place)
    for key in LOWER + UPPER:
        kind = _of_bounds(a.get(key), b.get(key), lower=key in LOWER)
        if kind is not None:
            yield Change(place, kind, way, key)


def _lists(a: Document, b: Document, way: Way, place: str) -> Iterator[Change]:
    if "enum" in a and "enum" in b:
        for value in _gone(a["enum"], b["enum"]):
            yield Change(place, "enum_value_removed", way, value)
        for value in _gone(b["enum"], a["enum"]):
            yield Change(place, "enum_value_added", way, value)
    elif "enum" in a or "enum" in b:
        yield Change(place, "enum_closed" if "enum" in b else "enum_opened", way)
    known = a.get("x-known-values", ()), b.get("x-known-values", ())
    for value in _gone(known[0], (*known[1], *b.get("enum", ()))):
        yield Change(place, "known_value_removed", way, value)
    for value in _gone(known[1], known[0]):
        yield Change(place, "known_value_added", way, value)


def _gone(values: Any, others: Any) -> list[str]:
    return [str(value) for value in values if value not in others]


def _of_bounds(a: float | None, b: float | None, *, lower: bool) -> str | None:
    if a == b:
        return None
    if a is None:
        return "bound_tightened"
    if b is None:
        return "bound_loosened"
    return "bound_tightened" if (b > a) is lower else "bound_loosened"
