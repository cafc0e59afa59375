"""Operations, and how a request finds its own: by a look-up along the path, not by trying each.

An operation knows the role that may call it. It lets the caller in before it reads the body, and
refuses what it did not ask for: unknown parameters, bodies that are not announced as JSON.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from certsvc.api.calling import Endpoint, calling
from certsvc.api.problems import Fault, Problem
from certsvc.api.roles import PUBLIC, Needed
from certsvc.store.api_keys import Role


class JsonRequest(Request):
    """A request whose JSON is read strictly: UTF-8 only, no NaN, no lone surrogates, bounded in
    depth; what is out of range in a double is no number."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json: Any = orjson.loads(await self.body())
        return self._json


class Operation(APIRoute):
    """A route of the contract."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app = _served(_checked(self, calling(self)))


def _served(handle: Endpoint) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(JsonRequest(scope, receive))
        await response(scope, receive, send)

    return app


def _checked(route: APIRoute, handle: Endpoint) -> Endpoint:
    """Let in who may, with what was asked for, before anything is read."""
    role = (route.openapi_extra or {}).get("x-role", PUBLIC)
    needed = None if role == PUBLIC else Role(role)
    declared, repeatable = _parameters(route)
    has_body = route.body_field is not None

    async def handle_checked(request: Request) -> Response:
        scope = request.scope
        if needed is not None:
            scope["certsvc.caller"] = await scope["app"].state.service.admit(request, needed)
        if scope["query_string"]:
            _check_parameters(request, declared, repeatable)
        if has_body:
            _check_media_type(request)
        return await handle(request)

    return handle_checked


def _parameters(route: APIRoute) -> tuple[set[str], set[str]]:
    """The names of the query parameters, and which of them may be repeated. A model stands for
    its fields."""
    found: dict[str, Any] = {}
    for field in route.dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, inner in annotation.model_fields.items():
                found[inner.alias or name] = inner.annotation
        else:
            found[field.alias] = annotation
    return set(found), {name for name, annotation in found.items() if "list[" in str(annotation)}


def _check_parameters(request: Request, declared: set[str], repeatable: set[str]) -> None:
    seen: set[str] = set()
    for name, value in request.query_params.multi_items():
        if name not in declared:
            # An unknown name is not repeated back: it is input like any other.
            known = ", ".join(sorted(declared)) or "none"
            raise Problem("unknown_parameter", f"The parameters of this operation are: {known}.")
        if "\ufffd" in value:
            # What the bytes were is lost: they were no UTF-8.
            fault = Fault(code="not_utf8", detail="must be UTF-8", parameter=name)
            raise Problem("invalid_request", "A parameter is not UTF-8.", (fault,))
        if name in seen and name not in repeatable:
            fault = Fault(code="repeated", detail="may be given once", parameter=name)
            raise Problem("invalid_request", "A parameter is given twice.", (fault,))
        seen.add(name)


def _check_media_type(request: Request) -> None:
    announced = request.headers.get("content-type")
    if announced is None:
        if request.headers.get("content-length", "0") == "0" and (
            "transfer-encoding" not in request.headers
        ):
            return
    elif announced.partition(";")[0].strip().lower() == "application/json":
        return
    raise Problem("unsupported_media_type", "Bodies are application/json.")


class Operations(APIRouter):
    """Collects the operations of one noun."""

    def __init__(self, tag: str, prefix: str = "/v1") -> None:
        super().__init__(prefix=prefix, tags=[tag], route_class=Operation)

    def operation(
        self,
        method: str,
        path: str,
        answer: Any,
        *,
        role: Needed,
        status: int = 200,
        refusals: Iterable[str] = (),
        **more: Any,
    ) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
        """Declare an operation. Its id is the function's name; `refusals` are the codes of the
        problems that it answers beside those that every operation may."""

        def declare(endpoint: Callable[..., Awaitable[Response]]) -> Any:
            extra = {"x-role": str(role), "x-problems": sorted(refusals)}
            name = more.pop("name", endpoint.__name__)
            self.add_api_route(
                path,
                endpoint,
                methods=[method],
                response_model=answer,
                status_code=status,
                name=name,
                operation_id=name,
                openapi_extra=extra,
                # The problems themselves are written into the contract afterwards; naming one
                # here keeps the framework from describing its own.
                responses={422: {"description": "Wrong content"}, **more.pop("responses", {})},
                **more,
            )
            return endpoint

        return declare


class RouteTable(BaseRoute):
    """All routes as a tree of path segments. Trying a hundred patterns in turn would cost more
    than all else that the edge does; and only a table can tell every method of a path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.path[1:].split("/"):
                node = node.descend(segment)
            places = tuple(
                (part[1:-1], place)
                for place, part in enumerate(route.path[1:].split("/"))
                if part.startswith("{")
            )
            for method in route.methods or ("GET",):
                node.methods[method] = (route, places)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Every HTTP request is this table's: it also says 404 and 405."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the route and hand over."""
        segments = get_route_path(scope)[1:].split("/")
        node = self._root.find(segments, 0)
        if node is None:
            raise HTTPException(404)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        found = node.methods.get(method)
        if found is None:
            await self._other(node, scope, receive, send)
            return
        route, places = found
        scope["path_params"] = {name: segments[place] for name, place in places}
        scope["route"] = route
        scope["endpoint"] = route.endpoint
        await route.app(scope, receive, send)

    async def _other(self, node: "_Node", scope: Scope, receive: Receive, send: Send) -> None:
        allowed = {*node.methods, "OPTIONS"} | ({"HEAD"} if "GET" in node.methods else set())
        headers = {"allow": ", ".join(sorted(allowed))}
        if scope["method"] != "OPTIONS":
            raise HTTPException(405, headers=headers)
        await Response(status_code=204, headers=headers)(scope, receive, send)


class _Node:
    """One place in the tree: literal segments first, then any segment."""

    __slots__ = ("any", "children", "methods")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, tuple[Route, tuple[tuple[str, int], ...]]] = {}

    def descend(self, segment: str) -> "_Node":
        """The place of a segment of a pattern, made where there is none."""
        if segment.startswith("{"):
            self.any = self.any or _Node()
            return self.any
        return self.children.setdefault(segment, _Node())

    def find(self, segments: list[str], at: int) -> "_Node | None":
        """The place of a path, or None."""
        if at == len(segments):
            return self if self.methods else None
        child = self.children.get(segments[at])
        found = child.find(segments, at + 1) if child is not None else None
        if found is None and self.any is not None and segments[at]:
            found = self.any.find(segments, at + 1)
        return found
