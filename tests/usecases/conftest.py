"""What the tests of the verbs share."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import telemetry
from tests.support.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Failures that a test causes are logged as they are in service, without colours."""
    telemetry.configure_logging("error", "json")


@pytest.fixture
async def stage(engine: AsyncEngine) -> Stage:
    """A live tenant without anything."""
    return await Stage.set(engine)


@pytest.fixture
async def sandbox(engine: AsyncEngine) -> Stage:
    """A sandbox, whose clock stands at MONDAY."""
    return await Stage.set(engine, sandbox=True)
