"""Tenants, their keys and their clocks."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.store import api_keys, tenants
from certsvc.store.api_keys import ApiKey, KeyParts, Known, Role
from certsvc.store.db import transaction
from certsvc.store.tenants import Tenant
from tests.support.stage import MONDAY, TENANT, Stage, days

SECRET = bytes(range(32))
KEY = ApiKey(
    tenant_id=TENANT,
    id=UUID(int=5),
    name="the LMS",
    role=Role.LMS,
    secret_hash=api_keys.hash_secret(SECRET),
    created_at=MONDAY,
)


async def test_a_tenant_is_found_by_its_id_and_by_its_key(engine: AsyncEngine) -> None:
    live = Tenant(UUID(int=1), "b", False, None, MONDAY)
    sandbox = Tenant(UUID(int=2), "a", True, MONDAY, MONDAY)
    async with transaction(engine) as conn:
        assert await tenants.insert(conn, live)
        assert await tenants.insert(conn, sandbox)
        assert not await tenants.insert(conn, replace(live, id=UUID(int=3)))
        assert await tenants.by_id(conn, live.id) == live
        assert await tenants.by_key(conn, "a") == sandbox
        assert await tenants.by_key(conn, "c") is None
        assert await tenants.every(conn) == [sandbox, live]


async def test_the_clock_of_a_sandbox_moves_and_a_live_tenant_has_none(
    engine: AsyncEngine,
) -> None:
    sandbox = await Stage.set(engine, UUID(int=1), key="s", sandbox=True)
    live = await Stage.set(engine, UUID(int=2), key="l")
    async with transaction(engine) as conn:
        for stage in (sandbox, live):
            await tenants.set_clock(conn, stage.tenant.id, MONDAY + days(1))
        moved = await tenants.lock_clock(conn, sandbox.tenant.id)
        still = await tenants.share_clock(conn, live.tenant.id)
    assert moved == replace(sandbox.tenant, clock_at=MONDAY + days(1))
    assert still == live.tenant


async def test_a_clock_waits_for_those_who_read_it(engine: AsyncEngine) -> None:
    sandbox = await Stage.set(engine, sandbox=True)

    async def move() -> None:
        async with transaction(engine) as conn:
            await tenants.lock_clock(conn, sandbox.tenant.id)
            await tenants.set_clock(conn, sandbox.tenant.id, MONDAY + days(1))

    async with transaction(engine) as one, transaction(engine) as other:
        assert await tenants.share_clock(one, sandbox.tenant.id)
        assert await tenants.share_clock(other, sandbox.tenant.id)
        task = asyncio.create_task(move())
        await asyncio.sleep(0.05)
        assert not task.done()
    await task


def test_a_key_reads_back_from_its_text() -> None:
    text = api_keys.make_key(KEY.tenant_id, KEY.id, SECRET)
    assert text.startswith("cs_")
    assert api_keys.read_key(text) == KeyParts(KEY.tenant_id, KEY.id, SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cs_",
        api_keys.make_key(KEY.tenant_id, KEY.id, SECRET)[:-1],
        api_keys.make_key(KEY.tenant_id, KEY.id, SECRET) + "A",
        "xx_" + api_keys.make_key(KEY.tenant_id, KEY.id, SECRET)[3:],
        "cs_" + "é" * 86,
        "cs_" + "=" * 86,
        "cs_" + "!" * 86,
    ],
)
def test_what_is_no_key_reads_as_none(text: str) -> None:
    assert api_keys.read_key(text) is None


def test_only_its_own_secret_matches_a_key_and_none_a_revoked_one() -> None:
    assert api_keys.matches(KEY, SECRET)
    assert not api_keys.matches(KEY, bytes(32))
    assert not api_keys.matches(replace(KEY, revoked_at=MONDAY), SECRET)
    with pytest.raises(ValueError, match="32 bytes"):
        api_keys.make_key(KEY.tenant_id, KEY.id, b"short")


async def test_a_key_is_found_with_its_tenant_listed_and_revoked_once(stage: Stage) -> None:
    second = replace(KEY, id=UUID(int=6), role=Role.ADMIN)
    async with transaction(stage.engine) as conn:
        await api_keys.insert(conn, KEY)
        await api_keys.insert(conn, second)
        assert await api_keys.find(conn, TENANT, KEY.id) == Known(KEY, stage.tenant)
        assert await api_keys.find(conn, UUID(int=9), KEY.id) is None
        assert await api_keys.page(conn, TENANT, limit=5) == [KEY, second]
        assert await api_keys.page(conn, TENANT, after=KEY.id, limit=5) == [second]
        revoked = await api_keys.revoke(conn, TENANT, KEY.id, MONDAY + days(1))
        again = await api_keys.revoke(conn, TENANT, KEY.id, MONDAY + days(2))
        assert revoked == again == replace(KEY, revoked_at=MONDAY + days(1))
        assert await api_keys.revoke(conn, TENANT, UUID(int=7), MONDAY) is None
