"""A client that holds every answer against the contract as committed."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp

CONTRACT_FILE = Path(__file__).parents[2] / "openapi" / "openapi.json"
Json = Any


@cache
def contract() -> dict[str, Any]:
    """The contract as committed."""
    document: dict[str, Any] = json.loads(CONTRACT_FILE.read_bytes())
    return document


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    method: str
    path: str
    document: dict[str, Any] = field(hash=False, repr=False)

    @property
    def id(self) -> str:
        """Its verb."""
        return str(self.document["operationId"])

    @property
    def role(self) -> str:
        """The role that it needs."""
        return str(self.document["x-role"])

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Path, query and header parameters."""
        found: list[dict[str, Any]] = self.document.get("parameters", [])
        return found

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of its body."""
        sent = self.document.get("requestBody")
        return None if sent is None else resolved(sent["content"]["application/json"]["schema"])

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its paths look like."""
        return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", self.path))


@cache
def operations() -> tuple[Operation, ...]:
    """All operations of the contract."""
    return tuple(
        Operation(method.upper(), path, document)
        for path, methods in contract()["paths"].items()
        for method, document in methods.items()
    )


def operation(name: str) -> Operation:
    """The operation of that id."""
    return next(found for found in operations() if found.id == name)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, its reference followed; an optional one without its null."""
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            schema = option
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found: dict[str, Any] = contract()["components"]["schemas"][name]
        return found
    return schema


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {
        "$ref": f"#/components/schemas/{name}",
        "components": contract()["components"],
    }
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def assert_valid(name: str, value: Json) -> None:
    """The value is what the contract's schema of that name says."""
    for error in _validator(name).iter_errors(value):
        raise AssertionError(f"{name}: {error.json_path}: {error.message}")


def assert_as_promised(response: httpx.Response) -> None:
    """Status, media type and body are as the contract says of the operation."""
    request = response.request
    found = [
        operation
        for operation in operations()
        if operation.method == request.method and operation.pattern.fullmatch(request.url.path)
    ]
    if not found:
        if response.status_code >= 400 and request.url.path.startswith("/v1/"):
            assert_valid("Problem", response.json())
        return
    told = found[0].document["responses"].get(str(response.status_code))
    assert told is not None, f"{found[0].id} does not promise {response.status_code}"
    assert response.headers["x-request-id"]
    if "content" not in told:
        assert response.content == b""
        return
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in told["content"], media_type
    if media_type in ("application/json", "application/problem+json"):
        schema = told["content"][media_type]["schema"]
        name = schema["$ref"].rpartition("/")[2]
        assert_valid(name, response.json())
        if name in ("HistoryPage", "EventPage"):
            assert_events_say_what_the_catalogue_names(response.json()["items"])


def assert_events_say_what_the_catalogue_names(events: list[Json]) -> None:
    """The data of each is as the contract has it for webhooks of its type."""
    for event in events:
        name = "".join(part.capitalize() for part in re.split(r"[._]", event["type"])) + "Data"
        if name in contract()["components"]["schemas"]:
            assert_valid(name, event["data"])


class Client:
    """Speaks for one API key; without one, for a stranger."""

    def __init__(self, app: ASGIApp, key: str | None = None) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self.key = key
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://certsvc.test", headers=headers
        )

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request; the answer is as the contract promises."""
        response = await self._http.request(method, path, **more)
        assert_as_promised(response)
        return response

    async def call(self, method: str, path: str, *, expect: int = 200, **more: Any) -> Json:
        """Send a request that must be answered with this status; its body."""
        response = await self.send(method, path, **more)
        assert response.status_code == expect, (response.status_code, response.text)
        return response.json() if response.content else None

    async def get(self, path: str, *, expect: int = 200, **query: Any) -> Json:
        """GET."""
        given = {name: value for name, value in query.items() if value is not None}
        return await self.call("GET", path, expect=expect, params=given)

    async def post(
        self, path: str, body: Json = None, *, expect: int = 200, **headers: str
    ) -> Json:
        """POST. Header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", path, expect=expect, json=body or {}, headers=named)

    async def put(self, path: str, body: Json = None, *, expect: int = 200) -> Json:
        """PUT."""
        return await self.call("PUT", path, expect=expect, json=body or {})

    async def delete(self, path: str, *, expect: int = 200) -> Json:
        """DELETE."""
        return await self.call("DELETE", path, expect=expect)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()
