"""Compares two contracts: operations, parameters, bodies, answers, webhooks."""

from collections.abc import Iterator
from typing import Any

from certsvc.compatibility.changes import Change, Way
from certsvc.compatibility.schemas import Comparison

Document = dict[str, Any]
ROLES = ("public", "reader", "lms", "admin")


def compare(old: Document, new: Document) -> Iterator[Change]:
    """Every change from the old to the new."""
    both = Comparison(old, new)
    before, after = _operations(old), _operations(new)
    for place in before.keys() - after.keys():
        yield Change(place, "operation_removed", Way.BOTH)
    for place in after.keys() - before.keys():
        yield Change(place, "operation_added", Way.BOTH)
    for place in before.keys() & after.keys():
        a, b = before[place], after[place]
        yield from _named(a, b, place)
        yield from _parameters(both, a, b, Way.SENT, place)
        yield from _body(both, a, b, Way.SENT, place)
        yield from _answers(both, a, b, place)
    hooks, hook = old.get("webhooks", {}), new.get("webhooks", {})
    for name in hooks.keys() - hook.keys():
        yield Change(name, "webhook_removed", Way.ANSWERED)
    for name in hook.keys() - hooks.keys():
        yield Change(name, "webhook_added", Way.ANSWERED)
    for name in hooks.keys() & hook.keys():
        a, b = hooks[name]["post"], hook[name]["post"]
        # A webhook travels from us: what it carries is what a client is answered.
        yield from _parameters(both, a, b, Way.ANSWERED, name)
        yield from _body(both, a, b, Way.ANSWERED, name)


def _operations(document: Document) -> dict[str, Document]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _named(a: Document, b: Document, place: str) -> Iterator[Change]:
    """What a generated client calls it, and who may."""
    if a["operationId"] != b["operationId"]:
        yield Change(place, "operation_renamed", Way.BOTH, f"{a['operationId']} {b['operationId']}")
    if a.get("tags") != b.get("tags"):
        yield Change(place, "operation_moved", Way.BOTH)
    roles = ROLES.index(a.get("x-role", ROLES[0])), ROLES.index(b.get("x-role", ROLES[0]))
    if roles[0] != roles[1]:
        kind = "role_raised" if roles[1] > roles[0] else "role_lowered"
        yield Change(place, kind, Way.BOTH, ROLES[roles[1]])
    if any(a.get(key) != b.get(key) for key in ("summary", "description")):
        yield Change(place, "text_changed", Way.BOTH)


def _parameters(
    both: Comparison, a: Document, b: Document, way: Way, place: str
) -> Iterator[Change]:
    before, after = _named_parameters(both.old, a), _named_parameters(both.new, b)
    for name in before.keys() - after.keys():
        yield Change(f"{place} {name}", "parameter_removed", way)
    for name in after.keys() - before.keys():
        yield Change(f"{place} {name}", "parameter_added", way)
        if after[name].get("required"):
            yield Change(f"{place} {name}", "parameter_required", way)
    for name in before.keys() & after.keys():
        needed, needs = (bool(one[name].get("required")) for one in (before, after))
        if needed is not needs:
            kind = "parameter_required" if needs else "parameter_optional"
            yield Change(f"{place} {name}", kind, way)
        schemas = before[name]["schema"], after[name]["schema"]
        yield from both.schemas(*schemas, way, f"{place} {name}")
        if before[name].get("description") != after[name].get("description"):
            yield Change(f"{place} {name}", "text_changed", way)


def _named_parameters(document: Document, operation: Document) -> dict[str, Document]:
    found = {}
    for parameter in operation.get("parameters", ()):
        told = parameter
        if "$ref" in parameter:
            told = document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        found[f"{told['in']}:{told['name']}"] = told
    return found


def _body(both: Comparison, a: Document, b: Document, way: Way, place: str) -> Iterator[Change]:
    before, after = a.get("requestBody"), b.get("requestBody")
    needed, needs = (bool(one and one.get("required")) for one in (before, after))
    if before is None and after is not None:
        yield Change(place, "body_added", way)
    if before is not None and after is None:
        yield Change(place, "body_removed", way)
    elif needed is not needs:
        yield Change(place, "body_required" if needs else "body_optional", way)
    if before is not None and after is not None:
        yield from _contents(both, before, after, way, place)


def _contents(both: Comparison, a: Document, b: Document, way: Way, place: str) -> Iterator[Change]:
    before, after = a.get("content", {}), b.get("content", {})
    for name in before.keys() - after.keys():
        yield Change(place, "media_type_removed", way, name)
    for name in after.keys() - before.keys():
        yield Change(place, "media_type_added", way, name)
    for name in before.keys() & after.keys():
        schemas = before[name].get("schema", {}), after[name].get("schema", {})
        yield from both.schemas(*schemas, way, place)


def _answers(both: Comparison, a: Document, b: Document, place: str) -> Iterator[Change]:
    before, after = a["responses"], b["responses"]
    for status in before.keys() - after.keys():
        kind = "success_removed" if status < "4" else "failure_removed"
        yield Change(place, kind, Way.ANSWERED, status)
    for status in after.keys() - before.keys():
        kind = "success_added" if status < "4" else "failure_added"
        yield Change(place, kind, Way.ANSWERED, status)
    for status in before.keys() & after.keys():
        one, other, at = before[status], after[status], f"{place} {status}"
        headers, header = one.get("headers", {}), other.get("headers", {})
        for name in headers.keys() - header.keys():
            yield Change(at, "header_removed", Way.ANSWERED, name)
        for name in header.keys() - headers.keys():
            yield Change(at, "header_added", Way.ANSWERED, name)
        if one.get("description") != other.get("description"):
            yield Change(at, "text_changed", Way.ANSWERED)
        yield from _contents(both, one, other, Way.ANSWERED, at)
