"""Certificates, and what anybody may verify."""

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.samples import NOBODY
from tests.api.world import House, at, course


async def test_certificates_are_listed_by_enrollment_learner_and_certification(
    house: House,
) -> None:
    await house.programme("forklift")
    await house.programme("crane")
    first = await house.certified("u-1", "forklift")
    await house.certified("u-1", "crane")
    await house.certified("u-2", "forklift")
    url = "/v1/certificates"
    assert len((await house.reader.get(url))["items"]) == 3
    assert len((await house.reader.get(url, learner_id="u-1"))["items"]) == 3 - 1
    both = await house.reader.get(url, learner_id="u-1", certification="forklift")
    (line,) = both["items"]
    assert line["state"] == "valid"
    assert (line["learner_id"], line["certification_key"]) == ("u-1", "forklift")
    assert line["id"] == first["certificate"]["id"]
    assert await house.reader.get(f"{url}/{line['id']}") == line
    of_enrollment = await house.reader.get(f"/v1/enrollments/{first['id']}/certificates")
    assert of_enrollment["items"] == [line]
    assert (await house.reader.get(url, certification="nothing"))["items"] == []
    problem = await house.reader.get(f"{url}/{NOBODY}", expect=404)
    assert problem["code"] == "certificate_not_found"


async def verified(stranger: Client, code: str, **query: Any) -> str:
    answer = await stranger.get(f"/v1/verify/{code}", **query)
    assert "u-17" not in str(answer)
    return str(answer["state"])


async def test_anybody_may_verify_a_certificate_by_its_code(house: House, stranger: Client) -> None:
    await house.programme()
    certificate = (await house.certified())["certificate"]
    answer = await stranger.get(f"/v1/verify/{certificate['code']}")
    assert answer == {
        "code": certificate["code"],
        "number": certificate["number"],
        "state": "valid",
        "certification_key": "forklift",
        "certification_title": {"en": "Forklift"},
        "issued_at": certificate["issued_at"],
        "valid_from": certificate["valid_from"],
        "valid_through": "2027-01-05",
        "expires_at": certificate["expires_at"],
        "revoked_at": None,
        "superseded_at": None,
        "as_of": at("2026-01-05T09:00"),
    }
    lower = certificate["code"].lower()
    assert await verified(stranger, lower) == "valid"


async def test_a_certificate_is_valid_expired_superseded_or_revoked(
    house: House, stranger: Client
) -> None:
    await house.programme()
    enrolled = await house.certified()
    first = enrolled["certificate"]["code"]
    await house.travel("2027-01-06T00:00")
    assert await verified(stranger, first) == "expired"
    assert await verified(stranger, first, at=at("2027-01-05T23:59")) == "valid"
    await house.act(enrolled, "recertify")
    await house.record(course("e-2", "u-17", at("2027-01-06T00:00")))
    assert await verified(stranger, first) == "superseded"
    renewed = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    second = renewed["certificate"]["code"]
    assert await verified(stranger, second) == "valid"
    await house.travel("2027-02-01T00:00")
    await house.act(enrolled, "revoke", reason="Unsafe", expect=409)
    await house.act(enrolled, "force-recertification")
    assert await verified(stranger, second) == "revoked"
    assert await verified(stranger, second, at=at("2027-01-20T00:00")) == "valid"


@pytest.mark.parametrize("code", ["AAAA-BBBB-CCCC-DDDD", "0", "x" * 100, "%00", "a b", "ä"])
async def test_an_unknown_code_is_not_found(stranger: Client, code: str) -> None:
    problem = await stranger.get(f"/v1/verify/{code}", expect=404)
    assert problem["code"] == "certificate_not_found"


async def test_nothing_is_told_of_the_future_or_of_before(house: House, stranger: Client) -> None:
    await house.programme()
    code = (await house.certified())["certificate"]["code"]
    await stranger.get(f"/v1/verify/{code}", at=at("2026-01-05T09:01"), expect=422)
    await stranger.get(f"/v1/verify/{code}", at=at("2026-01-05T08:59"), expect=404)
