"""How fast one key may call."""

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api.app import create_app
from certsvc.settings import Settings
from tests.api.world import open_house


def hurried(settings: Settings, engine: AsyncEngine, per_second: float, burst: int) -> FastAPI:
    """A service that lets a key make so many requests."""
    limits = {"requests_per_second": per_second, "requests_at_once": burst}
    return create_app(settings.model_copy(update=limits), engine)


async def test_a_key_that_calls_too_often_is_told_to_wait(
    settings: Settings, engine: AsyncEngine
) -> None:
    house = await open_house(engine, hurried(settings, engine, 0.001, 3), "hasty")
    for _ in range(3):
        await house.reader.get("/v1/enrollments")
    response = await house.reader.send("GET", "/v1/enrollments")
    assert response.status_code == 429
    assert response.headers["retry-after"]
    assert (response.json()["code"], response.json()["retryable"]) == ("too_many_requests", True)


async def test_one_key_in_a_hurry_slows_no_other(settings: Settings, engine: AsyncEngine) -> None:
    house = await open_house(engine, hurried(settings, engine, 0.001, 1), "hasty")
    await house.reader.get("/v1/enrollments")
    await house.reader.get("/v1/enrollments", expect=429)
    await house.admin.get("/v1/enrollments")


async def test_without_a_rate_there_is_no_limit(settings: Settings, engine: AsyncEngine) -> None:
    house = await open_house(engine, hurried(settings, engine, 0.0, 1), "free")
    for _ in range(5):
        await house.reader.get("/v1/enrollments")
