"""API keys: made, listed, revoked."""

import asyncio

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.api.app import create_app
from certsvc.api.keyring import REMEMBERED_SECONDS
from certsvc.settings import Settings
from tests.api.client import Client
from tests.api.samples import NOBODY
from tests.api.world import House


async def test_a_new_key_works_with_its_role(house: House, app: FastAPI) -> None:
    made = await house.admin.post("/v1/api-keys", {"name": "LMS", "role": "reader"}, expect=201)
    client = Client(app, made["key"])
    await client.get("/v1/enrollments")
    await client.post("/v1/certifications", {"key": "x"}, expect=403)
    listed = (await house.admin.get("/v1/api-keys"))["items"]
    line = next(line for line in listed if line["id"] == made["id"])
    assert "key" not in line
    assert (line["name"], line["role"], line["revoked_at"]) == ("LMS", "reader", None)


async def test_a_revoked_key_is_refused(
    house: House, app: FastAPI, settings: Settings, engine: AsyncEngine
) -> None:
    made = await house.admin.post("/v1/api-keys", {"name": "LMS", "role": "lms"}, expect=201)
    elsewhere = create_app(settings, engine)
    here, fresh = Client(app, made["key"]), Client(elsewhere, made["key"])
    await here.get("/v1/enrollments")
    url = f"/v1/api-keys/{made['id']}"
    await house.admin.call("DELETE", url, expect=204)
    await here.get("/v1/enrollments", expect=401)
    await fresh.get("/v1/enrollments", expect=401)
    await house.admin.call("DELETE", url, expect=204)
    listed = (await house.admin.get("/v1/api-keys"))["items"]
    assert next(line for line in listed if line["id"] == made["id"])["revoked_at"]


async def test_elsewhere_a_revoked_key_is_remembered_for_a_moment_only(
    house: House, settings: Settings, engine: AsyncEngine
) -> None:
    made = await house.admin.post("/v1/api-keys", {"name": "LMS", "role": "lms"}, expect=201)
    elsewhere = create_app(settings, engine)
    client = Client(elsewhere, made["key"])
    await client.get("/v1/enrollments")
    await house.admin.call("DELETE", f"/v1/api-keys/{made['id']}", expect=204)
    await asyncio.sleep(REMEMBERED_SECONDS + 0.05)
    await client.get("/v1/enrollments", expect=401)


def test_a_key_is_remembered_for_well_under_five_seconds() -> None:
    assert REMEMBERED_SECONDS <= 2


async def test_an_unknown_key_is_not_found(house: House) -> None:
    problem = await house.admin.call("DELETE", f"/v1/api-keys/{NOBODY}", expect=404)
    assert problem["code"] == "api_key_not_found"


async def test_an_unknown_role_is_refused(house: House) -> None:
    await house.admin.post("/v1/api-keys", {"name": "x", "role": "owner"}, expect=422)
