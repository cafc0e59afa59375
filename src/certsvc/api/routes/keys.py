"""API keys: made, listed and revoked by an admin."""

from datetime import datetime
from secrets import token_bytes
from typing import Annotated, Any

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response
from uuid_utils.compat import uuid7

from certsvc import clock
from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, digest, page
from certsvc.api.problems import Problem
from certsvc.api.routing import Operations
from certsvc.api.schemas.keys import ApiKeyPage, ApiKeyRequest, NewApiKey
from certsvc.api.schemas.values import OurId
from certsvc.store import api_keys
from certsvc.store.api_keys import ApiKey as StoredKey
from certsvc.store.api_keys import Role

router = Operations("api-keys")
SECRET_BYTES = 32


def _described(key: StoredKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


@router.operation("POST", "/api-keys", NewApiKey, role=Role.ADMIN, status=201)
async def create_api_key(call: Call, body: ApiKeyRequest) -> Response:
    """Make a key. Its secret is shown this once: only a hash is stored."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        id, secret = uuid7(), token_bytes(SECRET_BYTES)
        made = StoredKey(
            tenant_id=call.tenant_id,
            id=id,
            name=body.name,
            role=Role(body.role),
            secret_hash=api_keys.hash_secret(secret),
            # Keys live by the wall clock, in a sandbox too.
            created_at=clock.now(),
            revoked_at=None,
        )
        await api_keys.insert(conn, made)
        text = api_keys.make_key(call.tenant_id, id, secret)
        return answer({**_described(made), "key": text}, 201).confidential(text)

    return await call.change(work)


@router.operation("GET", "/api-keys", ApiKeyPage, role=Role.ADMIN)
async def list_api_keys(
    call: Call, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the keys of the tenant."""
    mark = digest("api-keys", {})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        rows = await api_keys.page(conn, call.tenant_id, after=after, limit=limit + 1)
        return page(rows, limit, mark, now, lambda key: key.id, _described)

    return await call.read(work)


@router.operation(
    "DELETE",
    "/api-keys/{api_key_id}",
    None,
    role=Role.ADMIN,
    status=204,
    refusals=("api_key_not_found",),
)
async def revoke_api_key(call: Call, api_key_id: Annotated[OurId, Path()]) -> Response:
    """Revoke a key. Within seconds it is refused everywhere."""

    async def work(conn: AsyncConnection, _now: datetime) -> Answer:
        if not await api_keys.revoke(conn, call.tenant_id, api_key_id, clock.now()):
            problem = Problem("api_key_not_found", "There is no such API key.")
            return call.refused(problem)
        return Answer(204, b"")

    response = await call.change(work)
    call.service.keyring.forget(api_key_id)
    return response
