"""Who may call what: read from the contract, held against the service."""

import pytest

from tests.api.client import Client, Operation, operations
from tests.api.samples import body_of, path_of
from tests.api.world import House

RANK = {"public": 0, "reader": 1, "lms": 2, "admin": 3}
SIDE_EFFECTS = {"create_api_key", "advance_test_clock"}


async def answered(client: Client, operation: Operation) -> int:
    """What a sound request about nothing is answered with."""
    sent = {"json": {**body_of(operation)}} if operation.body else {}
    # Recertifying early needs more than the operation itself does.
    sent.get("json", {}).pop("early", None)
    response = await client.send(operation.method, path_of(operation), **sent)
    return response.status_code


@pytest.mark.parametrize("role", ["reader", "lms", "admin"])
async def test_a_role_may_call_what_the_contract_says(house: House, role: str) -> None:
    client: Client = getattr(house, role)
    for operation in operations():
        allowed = RANK[role] >= RANK[operation.role]
        status = await answered(client, operation)
        assert (status == 403) is not allowed, operation.id


async def test_a_stranger_may_only_verify(stranger: Client) -> None:
    for operation in operations():
        expected = 404 if operation.role == "public" else 401
        assert await answered(stranger, operation) == expected, operation.id


async def test_readers_read_and_the_lms_reports() -> None:
    for operation in operations():
        if operation.method == "GET":
            assert operation.role in ("reader", "public") or operation.path == "/v1/api-keys"
    lms = {operation.id for operation in operations() if operation.role == "lms"}
    nouns = ("/groups", "/courses", "/xapi", "/calendars")
    told = {o.id for o in operations() if any(noun in o.path for noun in nouns)}
    assert lms - told == {
        "enroll_learner",
        "record_evidence",
        "accept",
        "recertify",
        "end_assignment",
    }


async def test_recertifying_before_it_is_due_needs_an_admin(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    path = f"/v1/enrollments/{certified['id']}/actions/recertify"
    await house.lms.post(path, {"early": True}, expect=403)
    problem = await house.lms.post(path, expect=409)
    assert problem["reason_code"] == "not_due_for_recertification"
    await house.admin.post(path, {"early": True})


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Basic abc",
        "Bearer cs_" + "A" * 86,
        "Bearer \u00e9",
        "Bearer " + "x" * 9000,
    ],
)
async def test_a_wrong_key_is_a_stranger(stranger: Client, header: str) -> None:
    headers = {"authorization": header.encode("latin-1")}
    response = await stranger.send("GET", "/v1/enrollments", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthenticated"


async def test_a_stranger_is_turned_away_before_the_body_is_read(stranger: Client) -> None:
    response = await stranger.send(
        "POST", "/v1/evidence", content=b"{not json", headers={"content-type": "text/plain"}
    )
    assert response.status_code == 401
