"""Once only: the same key with the same request gives the first answer again."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.client import Client, operations
from tests.api.samples import body_of, path_of
from tests.api.world import House, at, course

KEY = "order-1"
PATH = "/v1/enrollments"


def body(learner: str = "u-17") -> dict[str, Any]:
    return {"certification": "forklift", "learner_id": learner, "reason": "Because"}


async def post(
    client: Client, sent: Any, key: str = KEY, path: str = PATH, **headers: str
) -> httpx.Response:
    return await client.send("POST", path, json=sent, headers={"idempotency-key": key, **headers})


async def test_the_first_answer_comes_again_byte_for_byte(house: House) -> None:
    await house.programme()
    first = await post(house.lms, body())
    again = await post(house.lms, body())
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["etag"] == again.headers["etag"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_the_change_is_made_once(house: House) -> None:
    await house.programme()
    enrolled = (await post(house.lms, body())).json()
    path = f"/v1/enrollments/{enrolled['id']}/actions/remind"
    for _ in range(3):
        await post(house.admin, {"reason": "Please"}, "remind-1", path)
    history = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/history")
    told = [line["type"] for line in history["items"]]
    assert told.count("enrollment.reminder") == 1


async def test_a_quoted_key_is_the_same_key(house: House) -> None:
    await house.programme()
    first = await post(house.lms, body(), KEY)
    again = await post(house.lms, body(), f'"{KEY}"')
    assert first.content == again.content


async def test_the_order_of_fields_does_not_matter(house: House) -> None:
    await house.programme()
    first = await post(house.lms, body())
    again = await post(house.lms, dict(reversed(body().items())))
    assert again.headers["idempotent-replayed"] == "true"
    assert first.content == again.content


async def test_another_request_with_the_same_key_is_refused(house: House) -> None:
    await house.programme()
    await post(house.lms, body())
    for response in (
        await post(house.lms, body("u-18")),
        await post(
            house.lms, {"items": [course("e", "u-17", at("2026-01-05T08:00"))]}, path="/v1/evidence"
        ),
        await post(house.lms, body(), **{"if-match": '"7"'}),
    ):
        assert response.status_code == 422
        assert response.json()["code"] == "idempotency_key_reused"
    assert len((await house.reader.get("/v1/enrollments"))["items"]) == 1


async def test_keys_of_different_callers_have_nothing_to_do_with_each_other(
    house: House, neighbour: House
) -> None:
    for one in (house, neighbour):
        await one.programme()
    await post(house.lms, body())
    for client in (house.admin, neighbour.lms):
        other = await post(client, body())
        assert "idempotent-replayed" not in other.headers


async def test_a_refusal_is_kept_too(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}/actions/lift"
    first = await post(house.admin, {}, path=path)
    again = await post(house.admin, {}, path=path)
    assert first.status_code == again.status_code == 409
    assert first.content == again.content
    assert again.headers["idempotent-replayed"] == "true"


async def test_what_is_not_found_is_kept_too(house: House) -> None:
    assert (await post(house.lms, body())).status_code == 404
    await house.programme()
    again = await post(house.lms, body())
    assert (again.status_code, again.headers["idempotent-replayed"]) == (404, "true")


async def test_a_role_that_is_too_small_is_not_kept(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    path = f"/v1/enrollments/{certified['id']}/actions/recertify"
    for _ in range(2):
        response = await post(house.lms, {"early": True}, path=path)
        assert response.status_code == 403
        assert "idempotent-replayed" not in response.headers


async def test_malformed_requests_are_not_kept(house: House) -> None:
    await house.programme()
    assert (await post(house.lms, {"learner_id": "u 17"})).status_code == 422
    assert (await post(house.lms, body())).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, '"', '""', "é"])
async def test_a_key_that_is_none_is_refused(house: House, key: str) -> None:
    response = await house.lms.send(
        "POST", PATH, json=body(), headers={"idempotency-key": key.encode("latin-1")}
    )
    assert response.status_code == 422
    assert response.json()["errors"][0]["header"] == "Idempotency-Key"


async def test_many_at_once_change_once(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}/actions/remind"
    responses = await asyncio.gather(*(post(house.admin, {}, path=path) for _ in range(20)))
    assert {response.status_code for response in responses} <= {200, 409}
    assert sum(r.status_code == 200 for r in responses) >= 1
    for response in responses:
        if response.status_code == 409:
            assert response.json()["code"] == "in_progress"
            assert response.json()["retryable"] is True
    history = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/history")
    told = [line["type"] for line in history["items"]]
    assert told.count("enrollment.reminder") == 1


async def test_after_a_day_the_key_is_free_again(house: House, engine: AsyncEngine) -> None:
    await house.programme()
    first = await post(house.lms, body())
    async with engine.begin() as conn:
        kept = await conn.execute(text("SELECT created_at, expires_at FROM idempotency"))
        created_at, expires_at = kept.one()
        assert expires_at - created_at >= timedelta(hours=24)
        await conn.execute(text("UPDATE idempotency SET expires_at = now() - interval '1 s'"))
    again = await post(house.lms, body())
    assert (first.status_code, again.status_code) == (201, 200)


async def test_a_new_api_key_comes_again_but_is_not_stored(
    house: House, engine: AsyncEngine
) -> None:
    sent = {"name": "LMS", "role": "lms"}
    first = await post(house.admin, sent, path="/v1/api-keys")
    again = await post(house.admin, sent, path="/v1/api-keys")
    assert first.content == again.content
    secret = first.json()["key"]
    async with engine.connect() as conn:
        (stored,) = (await conn.execute(text("SELECT body FROM idempotency"))).one()
        (headers,) = (await conn.execute(text("SELECT headers::text FROM idempotency"))).one()
    assert secret.encode() not in stored
    assert secret not in headers
    assert secret[60:].encode() not in stored
    assert "seal" not in again.headers


async def test_every_post_takes_a_key(house: House) -> None:
    for operation in operations():
        if operation.method != "POST":
            continue
        sent = {**body_of(operation)} if operation.body else {}
        path = path_of(operation)
        first = await post(house.admin, sent, operation.id, path)
        again = await post(house.admin, sent, operation.id, path)
        assert first.status_code < 500, operation.id
        if again.status_code != 422 or "idempotent-replayed" in again.headers:
            assert first.content == again.content, operation.id
            assert again.headers["idempotent-replayed"] == "true", operation.id
