"""What happens to every request at the door, and what happens when things break."""

import asyncio
import logging
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.api.app import create_app
from certsvc.api.exchange import Exchange
from certsvc.settings import Settings
from certsvc.store.db import open_engine
from tests.api.client import Client, operations
from tests.api.samples import path_of
from tests.api.world import House

ALL = {"GET", "POST", "PUT", "PATCH", "DELETE"}


async def test_a_sane_request_id_is_kept_and_another_is_made(stranger: Client) -> None:
    response = await stranger.send("GET", "/v1/enrollments", headers={"x-request-id": "abc-1"})
    assert response.headers["x-request-id"] == "abc-1"
    assert response.json()["request_id"] == "abc-1"
    for hostile in ("a b", "x" * 129, "", "<script>", "é"):
        response = await stranger.send(
            "GET", "/v1/enrollments", headers={"x-request-id": hostile.encode("latin-1")}
        )
        made = response.headers["x-request-id"]
        assert made != hostile
        assert response.json()["request_id"] == made


async def test_a_traceparent_is_tolerated(house: House) -> None:
    for parent in ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "nonsense"):
        await house.reader.call("GET", "/v1/enrollments", headers={"traceparent": parent})


async def test_a_path_tells_all_methods_that_it_takes(house: House) -> None:
    for path in {operation.path for operation in operations()}:
        taken = {o.method for o in operations() if o.path == path}
        allowed = taken | {"OPTIONS"} | ({"HEAD"} if "GET" in taken else set())
        concrete = path_of(next(o for o in operations() if o.path == path))
        options = await house.admin.send("OPTIONS", concrete)
        assert options.status_code == 204
        assert set(options.headers["allow"].split(", ")) == allowed, path
        for method in ALL - taken:
            response = await house.admin.send(method, concrete)
            assert response.status_code == 405, (method, path)
            assert set(response.headers["allow"].split(", ")) == allowed
            assert response.json()["code"] == "method_not_allowed"


async def test_head_answers_like_get_without_a_body(house: House) -> None:
    response = await house.reader.send("HEAD", "/v1/enrollments")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/enrollments/", "/v2/enrollments", "/v1/enrollments//", "//"]
)
async def test_other_paths_are_not_found_and_nothing_redirects(stranger: Client, path: str) -> None:
    response = await stranger.send("GET", path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_body_that_says_it_is_too_large_is_not_read(house: House) -> None:
    for length in ("1000001", "99999999999999999999"):
        response = await house.admin.send(
            "POST",
            "/v1/evidence",
            content=b"{}",
            headers={"content-length": length, "content-type": "application/json"},
        )
        assert response.status_code == 413
        assert response.json()["code"] == "too_large"


async def test_a_failure_of_ours_tells_nothing_but_its_request_id(
    house: House, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(exchange: Exchange) -> Any:
        async def work(conn: AsyncConnection, now: Any) -> Any:
            raise RuntimeError("the secret of the house")

        return await exchange.read(work)

    from starlette.requests import Request
    from starlette.routing import Route

    from certsvc.api.keyring import Caller
    from certsvc.api.routing import RouteTable
    from certsvc.store.api_keys import Role

    async def endpoint(request: Request) -> Any:
        request.scope["certsvc.caller"] = Caller(
            house.tenant, house.keys[Role.ADMIN].id, Role.ADMIN
        )
        return await broken(Exchange(request))

    app.router.routes.insert(0, RouteTable([Route("/broken", endpoint)]))
    with caplog.at_level(logging.ERROR):
        response = await house.admin.send("GET", "/broken", headers={"x-request-id": "r-1"})
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert response.json()["request_id"] == "r-1"
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_database_that_is_away_is_answered_with_503(
    settings: Settings, house: House
) -> None:
    engine = open_engine(
        "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/nowhere", pool_size=1, pool_timeout=0.2
    )
    client = Client(create_app(settings, engine), house.admin.key)
    response = await client.send("GET", "/v1/enrollments")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    problem = response.json()
    assert (problem["code"], problem["retryable"]) == ("unavailable", True)


async def test_without_a_free_connection_it_is_answered_with_503(
    settings: Settings, house: House, database_url: str
) -> None:
    engine = open_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.2)
    client = Client(create_app(settings, engine), house.admin.key)
    try:
        await client.get("/v1/enrollments")
        async with engine.connect():
            response = await client.send("GET", "/v1/enrollments")
            assert response.status_code == 503
            await client.get("/livez")
        await client.get("/v1/enrollments")
    finally:
        await engine.dispose()


async def test_connections_that_are_cut_do_not_reach_the_client(
    house: House, engine: AsyncEngine
) -> None:
    await house.programme()
    enrolled = await house.enroll()
    url = f"/v1/enrollments/{enrolled['id']}"
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def keep_cutting() -> None:
        other = open_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
        for _ in range(5):
            async with other.connect() as conn:
                await conn.execute(cut)
            await asyncio.sleep(0.02)
        await other.dispose()

    async def keep_asking() -> set[int]:
        statuses = set()
        for _ in range(10):
            statuses.add((await house.reader.send("GET", url)).status_code)
            await asyncio.sleep(0.01)
        return statuses

    found = await asyncio.gather(*(keep_asking() for _ in range(3)), keep_cutting())
    assert set.union(*(statuses for statuses in found if statuses)) <= {200}


async def test_commands_at_once_on_one_enrollment_all_come_through(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}/actions/remind"
    responses = await asyncio.gather(*(house.admin.send("POST", path, json={}) for _ in range(12)))
    assert {response.status_code for response in responses} == {200}
    revisions = sorted(response.json()["revision"] for response in responses)
    assert revisions == list(range(enrolled["revision"] + 1, enrolled["revision"] + 13))
