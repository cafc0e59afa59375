"""Calls an operation: reads its parameters and its body, and hands them over.

FastAPI would prepare for nested dependencies, forms, streams and background tasks as well, which
no operation of ours has, and which takes about as long as deciding a command. What a parameter or
a body may be is judged by the fields that FastAPI made of the signature, the same that the
contract is written from; so is what is told of wrong content.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from certsvc.api.exchange import Exchange, open_exchange

Endpoint = Callable[[Request], Awaitable[Response]]


def calling(route: APIRoute) -> Endpoint:
    """What answers a request for an operation, once its caller is let in."""
    takes = route.dependant
    _expect_plain(takes)
    endpoint: Any = takes.call
    exchange = next((one.name for one in takes.dependencies), None)

    async def answer(request: Request) -> Response:
        values, errors = _parameters(takes, request)
        body = PydanticUndefined
        if takes.body_params:
            body = await _body(request)
            found, wrong = await request_body_to_args(
                body_fields=takes.body_params, received_body=body, embed_body_fields=False
            )
            values.update(found)
            errors.extend(wrong)
        if errors:
            raise RequestValidationError(errors, body=body)
        if exchange is not None:
            values[exchange] = Exchange(request)
        if takes.request_param_name is not None:
            values[takes.request_param_name] = request
        response: Response = await endpoint(**values)
        return response

    return answer


def _expect_plain(takes: Dependant) -> None:
    """Refuse, at import, an operation that asks for more than is given here."""
    others = [one.call for one in takes.dependencies if one.call is not open_exchange]
    more = (
        others,
        takes.header_params,
        takes.cookie_params,
        takes.http_connection_param_name,
        takes.response_param_name,
        takes.background_tasks_param_name,
        takes.body_params[1:],
    )
    if any(more):
        raise TypeError(f"{takes.call} takes more than its call, parameters and one body")


def _parameters(takes: Dependant, request: Request) -> tuple[dict[str, Any], list[Any]]:
    """The parameters of the path and of the query, and what is wrong with them."""
    values: dict[str, Any] = {}
    errors: list[Any] = []
    for field in takes.path_params:
        found = request.path_params[field.alias]
        value, wrong = field.validate(found, values, loc=("path", field.alias))
        values[field.name] = value
        errors += wrong
    if takes.query_params:
        found, wrong = request_params_to_args(takes.query_params, request.query_params)
        values.update(found)
        errors += wrong
    return values, errors


async def _body(request: Request) -> Any:
    """What the body says as JSON; nothing, where there is none."""
    try:
        return await request.json() if await request.body() else PydanticUndefined
    except json.JSONDecodeError as error:
        place = {"type": "json_invalid", "loc": ("body", error.pos), "msg": error.msg}
        raise RequestValidationError([place]) from error
    except HTTPException:
        raise
    except Exception as error:
        raise HTTPException(400) from error
