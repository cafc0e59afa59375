"""Tenants and their keys, as operators make them."""

from datetime import datetime
from secrets import token_bytes
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc.domain.outcome import Refusal
from certsvc.store import api_keys, tenants
from certsvc.store.api_keys import SECRET_BYTES, ApiKey, Role
from certsvc.store.tenants import Tenant


async def create_tenant(
    conn: AsyncConnection,
    now: datetime,
    key: str,
    *,
    sandbox: bool = False,
    clock_at: datetime | None = None,
) -> Tenant | Refusal:
    """Make a tenant. A sandbox has a test clock, which starts at `clock_at`, by default now."""
    clock = (clock_at or now) if sandbox else None
    tenant = Tenant(id=uuid7(), key=key, sandbox=sandbox, clock_at=clock, created_at=now)
    if await tenants.insert(conn, tenant):
        return tenant
    return Refusal(
        reason_code="key_taken",
        detail=f"There is a tenant {key!r} already.",
        code="key_taken",
        parameter="key",
    )


async def create_key(
    conn: AsyncConnection, now: datetime, tenant_id: UUID, role: Role, name: str
) -> str:
    """Make an API key; this text is the only time that its secret is seen."""
    secret = token_bytes(SECRET_BYTES)
    key = ApiKey(
        tenant_id=tenant_id,
        id=uuid7(),
        name=name,
        role=role,
        secret_hash=api_keys.hash_secret(secret),
        created_at=now,
    )
    await api_keys.insert(conn, key)
    return api_keys.make_key(tenant_id, key.id, secret)
