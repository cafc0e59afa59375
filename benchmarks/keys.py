"""The API key with which the service is asked."""

from secrets import token_bytes
from uuid import UUID

from benchmarks.population.programmes import LONG_AGO, TENANT
from certsvc.store import api_keys
from certsvc.store.api_keys import SECRET_BYTES, ApiKey, Role, hash_secret, make_key
from certsvc.store.db import open_engine, transaction


async def new_key(url: str, id: UUID, role: Role = Role.ADMIN) -> str:
    """The text of a new key."""
    secret = token_bytes(SECRET_BYTES)
    key = ApiKey(
        tenant_id=TENANT,
        id=id,
        name="bench",
        role=role,
        secret_hash=hash_secret(secret),
        created_at=LONG_AGO,
    )
    engine = open_engine(url)
    try:
        async with transaction(engine) as conn:
            await api_keys.insert(conn, key)
    finally:
        await engine.dispose()
    return make_key(TENANT, id, secret)
