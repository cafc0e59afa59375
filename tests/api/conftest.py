"""The application over a real database, and tenants to live in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api.app import create_app
from certsvc.settings import Settings
from tests.api.client import Client
from tests.api.world import House, open_house


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Defaults, whatever the environment says; small bodies."""
    return Settings(_env_file=None, data_dir=tmp_path, body_limit_bytes=1_000_000)


@pytest.fixture
def app(settings: Settings, engine: AsyncEngine) -> FastAPI:
    """The application."""
    return create_app(settings, engine)


@pytest.fixture
async def house(engine: AsyncEngine, app: FastAPI) -> House:
    """A sandbox, on a Monday morning of January 2026."""
    return await open_house(engine, app, "acme")


@pytest.fixture
async def neighbour(engine: AsyncEngine, app: FastAPI) -> House:
    """Another sandbox beside it."""
    return await open_house(engine, app, "neighbour")


@pytest.fixture
async def live_house(engine: AsyncEngine, app: FastAPI) -> House:
    """A tenant that lives by the wall clock."""
    return await open_house(engine, app, "live", clock_at=None)


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[Client]:
    """Somebody without a key."""
    client = Client(app)
    yield client
    await client.close()
