"""API keys: who may speak for a tenant. Of the secret only a hash is kept.

A key reads `cs_`, then tenant id, key id and secret in base64url: it is found by its primary key,
and what is compared is the hash of 32 random bytes, so a slow hash would add nothing.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver
from certsvc.store.tenants import COLUMNS as TENANT_COLUMNS
from certsvc.store.tenants import Tenant, tenant_of

PREFIX: Final = "cs_"
SECRET_BYTES: Final = 32
_KEY_BYTES: Final = 16 + 16 + SECRET_BYTES
_KEY_LENGTH: Final = len(PREFIX) + -(-_KEY_BYTES * 4 // 3)


class Role(StrEnum):
    """What a key may do."""

    READER = "reader"
    LMS = "lms"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept."""

    tenant_id: UUID
    id: UUID
    name: str
    role: Role
    secret_hash: bytes
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyParts:
    """What a key in a request says."""

    tenant_id: UUID
    key_id: UUID
    secret: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """A key that exists, and its tenant."""

    key: ApiKey
    tenant: Tenant


def make_key(tenant_id: UUID, id: UUID, secret: bytes) -> str:
    """The text of a key."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"a secret has {SECRET_BYTES} bytes")
    content = tenant_id.bytes + id.bytes + secret
    return PREFIX + urlsafe_b64encode(content).decode().rstrip("=")


def read_key(text: str) -> KeyParts | None:
    """What the text of a key says, or None where it is none."""
    if len(text) != _KEY_LENGTH or not text.startswith(PREFIX) or not text.isascii():
        return None
    body = text.removeprefix(PREFIX)
    try:
        content = urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except NotBase64:
        return None
    if len(content) != _KEY_BYTES:
        return None
    return KeyParts(UUID(bytes=content[:16]), UUID(bytes=content[16:32]), content[32:])


def hash_secret(secret: bytes) -> bytes:
    """What is kept of a secret."""
    return sha256(secret).digest()


def matches(key: ApiKey, secret: bytes) -> bool:
    """Whether the secret is the key's and the key is good, in a time that tells nothing."""
    return compare_digest(key.secret_hash, hash_secret(secret)) and key.revoked_at is None


_COLUMNS = "k.tenant_id, k.id, k.name, k.role, k.secret_hash, k.created_at, k.revoked_at"
_INSERT = """
INSERT INTO api_keys (tenant_id, id, name, role, secret_hash, created_at, revoked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_FIND = f"""
SELECT {TENANT_COLUMNS}, {_COLUMNS}
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
WHERE k.tenant_id = $1 AND k.id = $2"""
_PAGE = f"""
SELECT {_COLUMNS} FROM api_keys k
WHERE k.tenant_id = $1 AND ($2::uuid IS NULL OR k.id > $2)
ORDER BY k.id LIMIT $3"""
_REVOKE = f"""
UPDATE api_keys k SET revoked_at = coalesce(k.revoked_at, $3)
WHERE k.tenant_id = $1 AND k.id = $2
RETURNING {_COLUMNS}"""


def _key_of(row: Any) -> ApiKey:
    tenant_id, id, name, role, secret_hash, created_at, revoked_at = row
    return ApiKey(
        tenant_id=tenant_id,
        id=id,
        name=name,
        role=Role(role),
        secret_hash=secret_hash,
        created_at=created_at,
        revoked_at=revoked_at,
    )


async def insert(conn: AsyncConnection, key: ApiKey) -> None:
    """A new key."""
    await driver(conn).execute(
        _INSERT,
        key.tenant_id,
        key.id,
        key.name,
        key.role,
        key.secret_hash,
        key.created_at,
        key.revoked_at,
    )


async def find(conn: AsyncConnection, tenant_id: UUID, key_id: UUID) -> Known | None:
    """The key and its tenant, whether revoked or not."""
    row = await driver(conn).fetchrow(_FIND, tenant_id, key_id)
    return None if row is None else Known(_key_of(tuple(row)[5:]), tenant_of(row))


async def page(
    conn: AsyncConnection, tenant_id: UUID, *, after: UUID | None = None, limit: int
) -> list[ApiKey]:
    """Keys in order of their ids."""
    rows = await driver(conn).fetch(_PAGE, tenant_id, after, limit)
    return [_key_of(row) for row in rows]


async def revoke(
    conn: AsyncConnection, tenant_id: UUID, key_id: UUID, at: datetime
) -> ApiKey | None:
    """End a key; the first revocation counts."""
    row = await driver(conn).fetchrow(_REVOKE, tenant_id, key_id, at)
    return None if row is None else _key_of(row)
