"""Webhook endpoints over HTTP: secrets that are shown once, URLs that are refused, rotations."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from certsvc.api.app import create_app
from certsvc.settings import Settings
from certsvc.usecases.webhooks import endpoints
from tests.api.client import Client, Json
from tests.api.samples import NOBODY
from tests.api.world import House

ENDPOINTS = "/v1/webhook-endpoints"
URL = "https://lms.example/hooks/certsvc"
TYPES = ["certificate.issued", "certificate.expired"]


async def made(house: House, *, expect: int = 201, **body: Any) -> Json:
    return await house.admin.post(ENDPOINTS, {"url": URL, **body}, expect=expect)


async def now_of(house: House, endpoint: Json) -> Json:
    return await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}")


async def changed(house: House, endpoint: Json, *, expect: int = 200, **body: Any) -> Json:
    path = f"{ENDPOINTS}/{endpoint['id']}"
    return await house.admin.call("PATCH", path, json=body, expect=expect)


async def rotated(house: House, endpoint: Json, *, expect: int = 200, **body: Any) -> Json:
    return await house.admin.post(
        f"{ENDPOINTS}/{endpoint['id']}/rotate-secret", body, expect=expect
    )


async def stored(engine: AsyncEngine) -> str:
    """Everything that is written down about endpoints."""
    async with engine.connect() as conn:
        rows = (await conn.execute(text("SELECT w::text FROM webhook_endpoints w"))).scalars()
        return "\n".join(rows)


def overlap(secret: Json) -> timedelta:
    expires_at = datetime.fromisoformat(secret["expires_at"])
    return expires_at - datetime.now(expires_at.tzinfo)


# Made, looked at, changed, deleted


async def test_a_new_endpoint_shows_its_secret_this_once(house: House) -> None:
    endpoint = await made(house, description="LMS", types=TYPES)
    secret = endpoint.pop("secret")
    Webhook(secret)
    assert secret.startswith("whsec_")
    assert endpoint["url"] == URL
    assert (endpoint["description"], endpoint["enabled"]) == ("LMS", True)
    assert endpoint["types"] == sorted(TYPES)
    assert [line["expires_at"] for line in endpoint["secrets"]] == [None]
    assert await now_of(house, endpoint) == endpoint
    assert (await house.reader.get(ENDPOINTS))["items"] == [endpoint]
    assert "secret" not in await changed(house, endpoint, description="New")


async def test_a_repeated_request_shows_the_same_secret_and_its_answer_is_kept_without_it(
    house: House, engine: AsyncEngine
) -> None:
    async def twice(path: str, key: str, body: Json) -> Json:
        headers = {"idempotency-key": key}
        first = await house.admin.send("POST", path, json=body, headers=headers)
        again = await house.admin.send("POST", path, json=body, headers=headers)
        assert first.content == again.content
        assert again.headers["idempotent-replayed"] == "true"
        async with engine.connect() as conn:
            kept = (await conn.execute(text("SELECT body FROM idempotency"))).scalars().all()
        assert kept
        assert not any(first.json()["secret"].encode() in one for one in kept)
        return first.json()

    endpoint = await twice(ENDPOINTS, "make", {"url": URL})
    new = await twice(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret", "rotate", {})
    assert new["secret"] != endpoint["secret"]
    (listed,) = (await house.reader.get(ENDPOINTS))["items"]
    assert len(listed["secrets"]) == 2


async def test_a_secret_is_encrypted_where_the_operator_gave_a_key(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    key = SecretStr(Fernet.generate_key().decode())
    sealed = settings.model_copy(update={"webhook_secret_keys": (key,)})
    client = Client(create_app(sealed, engine), house.admin.key)
    endpoint = await client.post(ENDPOINTS, {"url": URL}, expect=201)
    new = await client.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret")
    await client.close()
    kept = await stored(engine)
    for secret in (endpoint["secret"], new["secret"]):
        assert secret.removeprefix("whsec_") not in kept
    assert kept.count("fernet:") == 2


async def test_only_admins_change_endpoints_and_nobody_reads_secrets(house: House) -> None:
    endpoint = await made(house)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    for client in (house.reader, house.lms, house.admin):
        for shown in (ENDPOINTS, path, f"{path}/deliveries"):
            response = await client.send("GET", shown)
            assert response.status_code == 200
            assert endpoint["secret"] not in response.text
    for client in (house.reader, house.lms):
        await client.post(ENDPOINTS, {"url": URL}, expect=403)
        await client.call("PATCH", path, json={"enabled": False}, expect=403)
        await client.delete(path, expect=403)
        await client.call("POST", f"{path}/replay?since=2026-01-01T00:00:00Z", expect=403)
        for action in ("rotate-secret", "ping", f"deliveries/{NOBODY}/retry"):
            await client.post(f"{path}/{action}", expect=403)
    del endpoint["secret"]
    assert (await house.reader.get(ENDPOINTS))["items"] == [endpoint]


async def test_tenants_do_not_see_each_others_endpoints(house: House, neighbour: House) -> None:
    theirs = await made(neighbour)
    await house.programme()
    ping = await neighbour.admin.post(f"{ENDPOINTS}/{theirs['id']}/ping", expect=202)
    before = await now_of(neighbour, theirs)
    path = f"{ENDPOINTS}/{theirs['id']}"
    delivery = f"{path}/deliveries/{ping['id']}"
    assert (await house.reader.get(ENDPOINTS))["items"] == []
    for method, to in (
        ("GET", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/rotate-secret"),
        ("POST", f"{path}/ping"),
        ("POST", f"{path}/replay?since=2026-01-01T00:00:00Z"),
        ("GET", f"{path}/deliveries"),
        ("GET", delivery),
        ("POST", f"{delivery}/retry"),
    ):
        sent = {"json": {"enabled": False}} if method == "PATCH" else {}
        problem = await house.admin.call(method, to, expect=404, **sent)
        assert problem["code"] in ("webhook_endpoint_not_found", "webhook_delivery_not_found"), to
    assert await now_of(neighbour, theirs) == before
    # Nor does an endpoint of one's own lead to deliveries of another one.
    mine = await made(house)
    for end in ("", "/retry"):
        to = f"{ENDPOINTS}/{mine['id']}/deliveries/{ping['id']}{end}"
        problem = await house.admin.call("POST" if end else "GET", to, expect=404)
        assert problem["code"] == "webhook_delivery_not_found"


async def test_what_a_change_leaves_out_stays(house: House) -> None:
    endpoint = await made(house, description="LMS", types=TYPES)
    moved = await changed(house, endpoint, url="https://other.example/hook")
    assert (moved["description"], moved["types"]) == ("LMS", sorted(TYPES))
    named = await changed(house, endpoint, description="The other LMS")
    assert (named["url"], named["types"]) == ("https://other.example/hook", sorted(TYPES))
    everything = await changed(house, endpoint, types=[])
    assert (everything["types"], everything["description"]) == ([], "The other LMS")
    assert await changed(house, endpoint) == everything
    assert everything["updated_at"] > endpoint["updated_at"]


async def test_an_endpoint_is_turned_off_and_on(house: House) -> None:
    endpoint = await made(house)
    off = await changed(house, endpoint, enabled=False)
    assert (off["enabled"], off["disabled_reason"]) == (False, "requested")
    assert off["disabled_at"] is not None
    assert await changed(house, endpoint, enabled=False) == off
    on = await changed(house, endpoint, enabled=True)
    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    asleep = await made(house, enabled=False)
    assert (asleep["enabled"], asleep["disabled_reason"]) == (False, "requested")


async def test_a_deleted_endpoint_is_gone(house: House, engine: AsyncEngine) -> None:
    endpoint, other = await made(house), await made(house)
    await house.admin.delete(f"{ENDPOINTS}/{endpoint['id']}", expect=204)
    left = (await house.reader.get(ENDPOINTS))["items"]
    assert [item["id"] for item in left] == [other["id"]]
    await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}", expect=404)
    await house.reader.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries", expect=404)
    await changed(house, endpoint, enabled=True, expect=404)
    await house.admin.delete(f"{ENDPOINTS}/{endpoint['id']}", expect=404)
    assert endpoint["secret"] not in await stored(engine)


async def test_a_tenant_has_only_so_many_endpoints(
    house: House, neighbour: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 2)
    await made(neighbour)
    first = await made(house)
    await made(house)
    problem = await made(house, expect=409)
    assert problem["code"] == "too_many_webhook_endpoints"
    await house.admin.delete(f"{ENDPOINTS}/{first['id']}", expect=204)
    await made(house)


# What is refused


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://lms.example/hook", "url_needs_https"),
        ("https://user:word@lms.example/hook", "url_has_userinfo"),
        ("https://lms.example:22/hook", "url_port_refused"),
        ("https://lms.example/hook#part", "url_malformed"),
        ("ftp://lms.example/hook", "url_malformed"),
        ("file:///etc/passwd", "url_malformed"),
        ("lms.example", "url_malformed"),
        ("https://lms.example\\@10.0.0.1/", "url_has_userinfo"),
        ("https://0x7f000001/", "url_malformed"),
        ("https://127.1/", "url_malformed"),
        ("https://localhost/hook", "url_address_refused"),
        ("https://intranet/hook", "url_address_refused"),
        ("https://127.0.0.1/hook", "url_address_refused"),
        ("https://10.0.0.1/hook", "url_address_refused"),
        ("https://169.254.169.254/latest/meta-data/", "url_address_refused"),
        ("https://[::1]/hook", "url_address_refused"),
        ("https://[::ffff:10.0.0.1]/hook", "url_address_refused"),
        ("https://[64:ff9b::a00:1]/hook", "url_address_refused"),
        ("https://[fd00::1]/hook", "url_address_refused"),
    ],
)
async def test_a_hostile_url_is_refused_and_nothing_is_written(
    house: House, engine: AsyncEngine, url: str, code: str
) -> None:
    problem = await made(house, url=url, expect=422)
    assert (problem["code"], problem["reason_code"]) == ("webhook_url_refused", code)
    assert await stored(engine) == ""
    endpoint = await made(house)
    problem = await changed(house, endpoint, url=url, description="New", expect=422)
    assert (problem["code"], problem["reason_code"]) == ("webhook_url_refused", code)
    assert (await now_of(house, endpoint))["url"] == URL


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": None},
        {"url": ""},
        {"url": 7},
        {"url": "https://lms.example/" + "x" * 2048},
        {"url": "https://lms.example/h\u00f6\u00f6k"},
        {"url": "https://lms.example/a b"},
        {"url": URL, "types": ["enrollment.vanished"]},
        {"url": URL, "types": ["webhook.ping"]},
        {"url": URL, "types": "certificate.issued"},
        {"url": URL, "enabled": "perhaps"},
        {"url": URL, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    ],
    ids=lambda body: ",".join(body) or "nothing",
)
async def test_what_is_no_endpoint_is_refused(
    house: House, engine: AsyncEngine, body: Json
) -> None:
    await house.admin.post(ENDPOINTS, body, expect=422)
    assert await stored(engine) == ""


async def test_a_type_that_is_unknown_is_named(house: House) -> None:
    endpoint = await made(house)
    for problem in (
        await made(house, types=["certificate.issued", "enrollment.vanished"], expect=422),
        await changed(house, endpoint, types=["enrollment.vanished"], expect=422),
    ):
        assert problem["errors"][0]["code"] == "unknown_word"
    assert (await now_of(house, endpoint))["types"] == []


async def test_local_receivers_are_taken_where_the_operator_allows_them(
    house: House, engine: AsyncEngine, settings: Settings
) -> None:
    local = settings.model_copy(update={"webhook_local": True})
    client = Client(create_app(local, engine), house.admin.key)
    for url in ("http://127.0.0.1:9000/hook", "http://localhost:9000/hook", "http://[::1]:9000/"):
        assert (await client.post(ENDPOINTS, {"url": url}, expect=201))["url"] == url
    for url in ("http://10.0.0.1/hook", "https://169.254.169.254/"):
        await client.post(ENDPOINTS, {"url": url}, expect=422)
    await client.close()


# New secrets


async def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(house: House) -> None:
    endpoint = await made(house)
    new = await rotated(house, endpoint)
    assert new["secret"] != endpoint["secret"]
    present, old = new["secrets"]
    assert present["expires_at"] is None
    assert timedelta(hours=23, minutes=59) < overlap(old) <= timedelta(hours=24)
    shown = await now_of(house, endpoint)
    assert "secret" not in shown
    assert shown["secrets"] == new["secrets"]


async def test_how_long_the_old_secret_signs_is_asked_for(house: House) -> None:
    endpoint = await made(house)
    _, old = (await rotated(house, endpoint, keep_old_for="P30D"))["secrets"]
    assert overlap(old) > timedelta(days=29, hours=23)
    # Who takes a secret back early takes back those before it, too.
    new = await rotated(house, endpoint, keep_old_for="PT1H")
    assert all(overlap(one) <= timedelta(hours=1) for one in new["secrets"][1:])
    new = await rotated(house, endpoint, keep_old_for="PT0S")
    assert [one["expires_at"] for one in new["secrets"]] == [None]


@pytest.mark.parametrize("time", ["P31D", "P1M", "P1Y", "-P1D", "P99999999999D", "a day", "", 24])
async def test_an_overlap_that_makes_no_sense_is_refused(house: House, time: Json) -> None:
    endpoint = await made(house)
    await rotated(house, endpoint, keep_old_for=time, expect=422)
    assert len((await now_of(house, endpoint))["secrets"]) == 1


async def test_only_so_many_secrets_sign_at_once(house: House) -> None:
    endpoint = await made(house)
    for _ in range(endpoints.MOST_SECRETS - 1):
        await rotated(house, endpoint)
    problem = await rotated(house, endpoint, expect=409)
    assert problem["code"] == "too_many_webhook_secrets"
    assert len((await now_of(house, endpoint))["secrets"]) == endpoints.MOST_SECRETS
    await rotated(house, endpoint, keep_old_for="PT0S")
