"""Gives every field, parameter, body and answer of the contract an example.

A schema may have an example written by hand (EXAMPLES). Every other is composed from the words of
`example_words.py`, field by field, so that a new field or schema is never without one.
"""

from typing import Any

from certsvc.api.contract_webhooks import ABOUT_ENROLLMENTS, nobodys
from certsvc.api.example_words import (
    ABSENT,
    BODIES,
    DAY,
    MOMENT,
    MOMENTS,
    NUMBERS,
    OF_OWNER,
    WORDS,
    YES,
    identity,
)
from certsvc.api.examples import EXAMPLES
from certsvc.api.problems import MEDIA_TYPE, PROBLEMS

Document = dict[str, Any]
REF = "#/components/schemas/"
JSON = "application/json"
NOTHING = object()
"""No example can be told."""


def add_examples(document: Document) -> None:
    """Write all examples into the document."""
    schemas = document["components"]["schemas"]
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    composer = Composer(schemas)
    for name, schema in schemas.items():
        if "enum" in schema:
            schema["examples"] = [composer.of(schema, "", name)]
        for field, inner in schema.get("properties", {}).items():
            composer.annotate(inner, field, name)
    shown: dict[str, Any] = {}
    for methods in (*document["paths"].values(), *document["webhooks"].values()):
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if "schema" in parameter:
                    composer.annotate(parameter["schema"], parameter["name"], "")
            _show_body(composer, operation)
            for media_type, media, codes in _answers(operation):
                _show(composer, shown, media_type, media, codes)
    document["components"]["examples"] = dict(sorted(shown.items()))


def _show_body(composer: "Composer", operation: Document) -> None:
    """The example of a body stands in its schema: generators take no notice of it elsewhere, or
    complain."""
    media = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if media is not None:
        name = media["schema"]["$ref"].removeprefix(REF)
        composer.schemas[name].setdefault("examples", [composer.named(name)])


def _answers(operation: Document) -> list[tuple[str, Document, list[str]]]:
    """What an operation answers, with the codes of the problems that it may be."""
    found = []
    for answer in operation["responses"].values():
        codes = answer.pop("x-problems", [])
        found += [(*content, codes) for content in answer.get("content", {}).items()]
    return found


def _show(
    composer: "Composer", shown: dict[str, Any], media_type: str, media: Document, codes: list[str]
) -> None:
    if media_type == MEDIA_TYPE:
        for code in codes:
            shown[code] = {"summary": PROBLEMS[code].title, "value": problem(code)}
        media["examples"] = {code: _reference(code) for code in codes}
    elif media_type == JSON:
        name = media["schema"]["$ref"].removeprefix(REF)
        shown[name] = {"summary": _first(composer.schemas[name]), "value": composer.named(name)}
        media["examples"] = {name: _reference(name)}
    elif media_type in BODIES:
        media["examples"] = {"text": {"value": BODIES[media_type]}}


def _reference(name: str) -> Document:
    return {"$ref": f"#/components/examples/{name}"}


def _first(schema: Document) -> str:
    return str(schema.get("description", "")).partition("\n")[0].partition(". ")[0].rstrip(".")


def problem(code: str) -> Document:
    """How a request fails that has this problem."""
    row = PROBLEMS[code]
    return {
        "type": f"https://certsvc.example/docs/problems/{code}",
        "title": row.title,
        "status": row.status,
        "detail": f"{row.title}.",
        "code": code,
        "errors": [],
        "request_id": WORDS["request_id"],
        "retryable": row.retryable,
    }


class Composer:
    """Makes an example of any schema of a contract."""

    def __init__(self, schemas: dict[str, Document]) -> None:
        self.schemas = schemas
        self._made: dict[str, Any] = {}
        self._nobodys = nobodys()

    def named(self, name: str) -> Any:
        """Of a schema of that name."""
        if name not in self._made:
            self._made[name] = None  # what holds itself ends here
            schema = self.schemas[name]
            told = schema.get("examples", [NOTHING])[0]
            self._made[name] = self.of(schema, "", name) if told is NOTHING else told
        return self._made[name]

    def annotate(self, schema: Document, field: str, owner: str) -> None:
        """Write an example into a schema that stands inline and is no object."""
        if "$ref" in schema or schema.get("type") == "object" or "examples" in schema:
            return
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        if any("$ref" in option or option.get("type") == "object" for option in options):
            return
        for option in options:
            option.pop("examples", None)
        if "$ref" in schema.get("items", {}):
            return
        if isinstance(schema.get("items"), dict):
            schema["items"].pop("examples", None)
        told = self.of(schema, field, owner, absent=False)
        if told is not NOTHING:
            schema["examples"] = [told]

    def of(self, schema: Document, field: str, owner: str, *, absent: bool = True) -> Any:
        """An example of a schema, which is the value of a field of the owner."""
        if "$ref" in schema:
            known = WORDS.get(field)
            return known if isinstance(known, dict) else self.named(schema["$ref"].split("/")[-1])
        options = schema.get("anyOf")
        if options:
            if absent and field in ABSENT:
                return None
            one = next(option for option in options if option.get("type") != "null")
            known = {key: schema[key] for key in ("x-known-values",) if key in schema}
            return self.of({**one, **known}, field, owner)
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, owner)
        if kind == "array":
            return self._array(schema, field, owner)
        return self._scalar(schema, field, owner)

    def _object(self, schema: Document, owner: str) -> Any:
        made = {
            name: self.of(inner, name, owner)
            for name, inner in schema.get("properties", {}).items()
        }
        if owner in self._nobodys:
            made |= dict.fromkeys(ABOUT_ENROLLMENTS)
        return {name: value for name, value in made.items() if value is not NOTHING}

    def _array(self, schema: Document, field: str, owner: str) -> Any:
        known = OF_OWNER.get(f"{owner}.{field}", WORDS.get(field))
        items = schema.get("items", {})
        if isinstance(known, list) and "$ref" not in items:
            return known
        one = self.of(items, field, owner)
        return [] if one is NOTHING else [one]

    def _scalar(self, schema: Document, field: str, owner: str) -> Any:
        kind, form = schema.get("type"), schema.get("format")
        told = OF_OWNER.get(f"{owner}.{field}" if field else owner, NOTHING)
        closed = schema.get("enum") or schema.get("x-known-values")
        if told is NOTHING and closed:
            word = WORDS.get(field)
            told = word if word in closed else closed[0]
        elif told is NOTHING and form == "uuid":
            told = identity(_noun(field, owner))
        elif told is NOTHING and form == "date-time":
            told = MOMENTS.get(field, MOMENT)
        elif told is NOTHING and form == "date":
            told = DAY
        elif told is NOTHING and kind == "boolean":
            told = field in YES
        elif told is NOTHING and kind in ("integer", "number"):
            told = NUMBERS.get(field) or WORDS.get(field) or int(schema.get("minimum") or 1)
        elif told is NOTHING and kind == "string":
            told = WORDS.get(field, (schema.get("examples") or [NOTHING])[0])
            told = told[0] if isinstance(told, list) else told
        return _fitting(told, schema)


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def _fitting(told: Any, schema: Document) -> Any:
    """The example, if it is of the right kind."""
    return told if isinstance(told, _KINDS.get(str(schema.get("type")), ())) else NOTHING


def _noun(field: str, owner: str) -> str:
    """What an id is of: its field says so, else its schema."""
    if field not in ("id", "ids"):
        return field.removesuffix("_id").removesuffix("s")
    for ending in ("Answer", "Line", "Page"):
        owner = owner.removesuffix(ending)
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in owner).lstrip("_")
