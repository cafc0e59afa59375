"""The `webhooks` of the contract: what is sent to endpoints, one entry for each type of event.

All of it follows from the catalogue of events and from the schema of the feed's item: an event of
a type is that item with its own `data`, and a delivery is the event in an envelope.
"""

from copy import deepcopy
from typing import Any

from pydantic import TypeAdapter

from certsvc.api.schemas.event_data import DATA, PingData, name_of
from certsvc.domain.events import EVENTS, EventRow
from certsvc.usecases.webhooks.asking import PING

Document = dict[str, Any]
REF = "#/components/schemas/"
ITEM = "Event"
"""The schema of an item of the feed."""
TAG = "webhooks"
TAG_TEXT = "What is sent to webhook endpoints, by the type of the event."
ANY_SUCCESS = "2XX"

_HEADERS = (
    (
        "webhook-id",
        "The event's id. Every attempt carries the same, so handle it once.",
        "0198b2d0-7c00-7000-8000-6576656e7431",
    ),
    ("webhook-timestamp", "When this attempt was made, in seconds since 1970.", "1773133200"),
    (
        "webhook-signature",
        "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, once for each secret in "
        "use, with spaces between. Verify it before anything else.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
)
_ANSWERS = {
    ANY_SUCCESS: "It was received. Anything else, and no answer in time, is tried again.",
    "410": "The endpoint is gone: it is disabled and gets nothing more.",
}


ABOUT_ENROLLMENTS = ("enrollment_id", "learner_id", "sequence", "revision", "before", "after")
"""Fields of the item that are null in events about nobody's enrollment."""
_NOBODYS = ("certification", "bulk_operation", "webhook_endpoint")


def nobodys() -> frozenset[str]:
    """The schemas of events that are about no enrollment."""
    return frozenset(
        f"{name_of(type)}Event" for type in EVENTS if type.partition(".")[0] in _NOBODYS
    )


def add_webhooks(document: Document) -> None:
    """Write the section, and the schemas that it names."""
    schemas = document["components"]["schemas"]
    _add_data(schemas)
    document["components"]["parameters"] = {name: _header(name, *row) for name, *row in _HEADERS}
    document["webhooks"] = {}
    for row in EVENTS.values():
        name = name_of(row.type)
        schemas[f"{name}Event"] = _event(schemas[ITEM], row)
        _add(document, row.type.value, name, f"{name}Event", row.summary)
    schemas[PingData.__name__] = PingData.model_json_schema(mode="serialization")
    _add(document, PING, "Ping", PingData.__name__, "Somebody asked to try the endpoint.")


def _add(document: Document, type: str, name: str, data: str, summary: str) -> None:
    """One delivery: its envelope, and its entry."""
    document["components"]["schemas"][f"{name}Webhook"] = _envelope(type, data, summary)
    document["webhooks"][type] = {"post": _delivery(type, f"{name}Webhook", summary)}


def _add_data(schemas: Document) -> None:
    for type, model in DATA.items():
        if EVENTS[type].data:
            schema = TypeAdapter(model).json_schema(
                mode="serialization", ref_template=REF + "{model}"
            )
            for name, definition in schema.pop("$defs", {}).items():
                schemas.setdefault(name, definition)
            for inner in schema["properties"].values():
                inner.pop("default", None)  # what is absent is absent, not null
            schemas[model.__name__] = schema


def _event(item: Document, row: EventRow) -> Document:
    """The feed's item, with the data of this type."""
    schema = deepcopy(item)
    schema["description"] = row.summary
    properties = schema["properties"]
    properties["type"] = _type(row.type.value)
    if row.data:
        properties["data"] = {"$ref": f"{REF}{name_of(row.type)}Data"}
    return schema


def _envelope(type: str, data: str, summary: str) -> Document:
    """The body of a delivery, as Standard Webhooks has it."""
    recorded = {"type": "string", "format": "date-time", "description": "When it was recorded."}
    return {
        "type": "object",
        "description": f"A delivery of `{type}`: {summary}",
        "additionalProperties": True,
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": _type(type),
            "timestamp": recorded,
            "data": {"$ref": REF + data},
        },
    }


def _type(type: str) -> Document:
    """An open string, of which one value is known here."""
    return {"type": "string", "x-known-values": [type], "examples": [type]}


def _delivery(type: str, schema: str, summary: str) -> Document:
    content = {"application/json": {"schema": {"$ref": REF + schema}}}
    return {
        "operationId": "on_" + type.replace(".", "_"),
        "summary": type,
        "description": summary,
        "tags": [TAG],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name, *_ in _HEADERS],
        "requestBody": {"required": True, "content": content},
        "responses": {status: {"description": text} for status, text in _ANSWERS.items()},
    }


def _header(name: str, description: str, example: str) -> Document:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", "examples": [example]},
    }
