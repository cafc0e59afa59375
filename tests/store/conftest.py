"""What the tests of the store share."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.stage import Stage


@pytest.fixture
async def stage(engine: AsyncEngine) -> Stage:
    """A tenant without anything."""
    return await Stage.set(engine)
