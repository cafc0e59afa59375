"""Health, figures, documentation: outside /v1, without a key."""

import re

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api.app import create_app
from certsvc.settings import Settings
from certsvc.store.db import open_engine
from tests.api.client import Client, contract
from tests.api.world import House

AWAY = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere"


async def test_a_process_with_its_database_is_alive_and_ready(stranger: Client) -> None:
    alive = await stranger.get("/livez")
    assert alive == {"status": "ok", "scheduler_age_seconds": None}
    assert await stranger.get("/readyz") == {"status": "ready"}


async def test_the_schedulers_age_is_told(settings: Settings, engine: AsyncEngine) -> None:
    client = Client(create_app(settings, engine, heartbeat=lambda: 1.5))
    assert (await client.get("/livez"))["scheduler_age_seconds"] == 1.5


async def test_without_its_database_it_is_alive_and_not_ready(settings: Settings) -> None:
    engine = open_engine(AWAY, pool_size=1, pool_timeout=0.2)
    client = Client(create_app(settings, engine))
    await client.get("/livez")
    response = await client.send("GET", "/readyz")
    assert response.status_code == 503
    assert response.json()["reason"] == "database_unreachable"
    assert response.headers["retry-after"] == "1"


async def test_a_draining_process_is_not_ready(app: FastAPI, stranger: Client) -> None:
    app.state.service.drain()
    answer = await stranger.get("/readyz", expect=503)
    assert answer["reason"] == "draining"


async def test_a_database_with_another_schema_is_not_ready(
    stranger: Client, engine: AsyncEngine
) -> None:
    change = "UPDATE alembic_version SET version_num = '{}'"
    async with engine.begin() as conn:
        known = (await conn.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
        await conn.execute(text(change.format("0000")))
    try:
        answer = await stranger.get("/readyz", expect=503)
        assert answer["reason"] == "migrations_pending"
    finally:
        async with engine.begin() as conn:
            await conn.execute(text(change.format(known)))


async def test_the_lifespan_of_whoever_composes_the_process_runs_around_the_serving(
    settings: Settings, engine: AsyncEngine
) -> None:
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    diary: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        diary.append("start")
        yield
        diary.append("stop")

    app = create_app(settings, engine, lifespan=lifespan)
    async with app.router.lifespan_context(app):
        assert diary == ["start"]
    assert diary == ["start", "stop"]
    assert app.state.service.draining


async def test_figures_are_by_route_template_and_name_nobody(
    house: House, stranger: Client
) -> None:
    await house.programme()
    enrolled = await house.enroll()
    await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    await stranger.send("GET", "/v1/nothing/at/all")
    response = await stranger.send("GET", "/metrics")
    assert 'route="/v1/enrollments/{enrollment_id}"' in response.text
    assert 'route="none"' in response.text
    for name in (enrolled["id"], "u-17", str(house.tenant.id), "nothing"):
        assert name not in response.text


async def test_the_documentation_works_without_the_internet(stranger: Client) -> None:
    page = await stranger.send("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    for name in named:
        assert not name.startswith(("http", "//"))
        asset = await stranger.send("GET", f"/{name}")
        assert asset.status_code == 200
        assert asset.content
    assert "<script>" not in page.text
    await stranger.get("/docs/assets/other.js", expect=404)
    await stranger.get("/docs/assets/..%2fcore.py", expect=404)


async def test_the_contract_is_served(stranger: Client) -> None:
    assert await stranger.get("/openapi.json") == contract()


@pytest.mark.parametrize("path", ["/livez", "/docs", "/openapi.json", "/v1/enrollments"])
async def test_every_answer_is_guarded(stranger: Client, path: str) -> None:
    headers = (await stranger.send("GET", path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
