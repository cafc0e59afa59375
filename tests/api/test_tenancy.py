"""Nothing is ever visible across tenants: every operation, with another tenant's ids."""

from typing import Any

from tests.api.client import Json, operations
from tests.api.samples import body_of, path_of
from tests.api.world import House

OURS = {"enrollment_id", "assignment_id", "certificate_id", "certification", "api_key_id"}


async def belongings(house: House) -> dict[str, str]:
    """One of everything that has an id."""
    certification = await house.programme()
    certified = await house.certified()
    return {
        "certification": certification["id"],
        "enrollment_id": certified["id"],
        "assignment_id": certified["assignments"][0]["id"],
        "certificate_id": certified["certificate"]["id"],
        "api_key_id": next(iter(house.keys.values())).id.hex,
        "learner_id": certified["learner_id"],
        "number": "1",
    }


async def test_another_tenants_ids_name_nothing(house: House, neighbour: House) -> None:
    theirs = await belongings(neighbour)
    theirs["api_key_id"] = str(next(iter(neighbour.keys.values())).id)
    before = await house.admin.get("/v1/enrollments")
    for operation in operations():
        names = {p["name"] for p in operation.parameters if p["in"] == "path"}
        if not names & OURS:
            continue
        sent = {"json": body_of(operation)} if operation.body else {}
        response = await house.admin.send(operation.method, path_of(operation, **theirs), **sent)
        assert response.status_code == 404, (operation.id, response.text)
    assert await house.admin.get("/v1/enrollments") == before
    untouched = await neighbour.admin.get(f"/v1/enrollments/{theirs['enrollment_id']}")
    assert untouched["status"] == "certified"


async def test_lists_hold_nothing_of_another_tenant(house: House, neighbour: House) -> None:
    theirs = await belongings(neighbour)
    for path in ("/v1/certifications", "/v1/enrollments", "/v1/certificates"):
        assert (await house.reader.get(path))["items"] == []
    queries: list[dict[str, Any]] = [
        {"certification": theirs["certification"]},
        {"learner_id": "u-17"},
    ]
    for query in queries:
        assert (await house.reader.get("/v1/enrollments", **query))["items"] == []
        assert (await house.reader.get("/v1/certificates", **query))["items"] == []
    learner = await house.reader.get("/v1/learners/u-17/enrollments")
    assert learner["items"] == []
    keys = {line["id"] for line in (await house.admin.get("/v1/api-keys"))["items"]}
    assert keys == {str(key.id) for key in house.keys.values()}


async def test_another_tenants_certification_cannot_be_named_in_a_body(
    house: House, neighbour: House
) -> None:
    theirs = await belongings(neighbour)
    await house.programme("first-aid")
    mine = await house.certified(certification="first-aid")
    await house.enroll(certification=theirs["certification"], expect=404)
    problem = await house.act(
        mine, "change-next-recertification", next=theirs["certification"], expect=422
    )
    assert problem["code"] == "unknown_certification"
    payment: Json = {
        "id": "p-1",
        "type": "payment",
        "learner_id": "u-17",
        "occurred_at": "2026-01-05T08:00:00Z",
        "outcome": "paid",
        "certification": theirs["certification"],
    }
    (item,) = (await house.record(payment))["items"]
    assert (item["result"], item["problem"]["code"]) == ("rejected", "unknown_certification")


async def test_two_tenants_may_use_the_same_keys_and_ids(house: House, neighbour: House) -> None:
    for one in (house, neighbour):
        await one.programme()
        assert (await one.certified())["status"] == "certified"
