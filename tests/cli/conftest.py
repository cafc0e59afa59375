"""What the tests of the command line share."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cli.place import Place
from tests.support.stage import Stage


@pytest.fixture
async def forklift(engine: AsyncEngine) -> Stage:
    stage = await Stage.set(engine)
    await stage.certification()
    return stage


@pytest.fixture
def place(
    forklift: Stage, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    monkeypatch.setenv("CERTSVC_DATABASE_URL", database_url)
    return Place(database_url, tmp_path)
