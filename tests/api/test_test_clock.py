"""The test clock: time passes when it is told to, in sandboxes only."""

import pytest

from tests.api.world import House, at


async def test_time_passes_when_it_is_told_to(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    assert (await house.reader.get("/v1/test-clock"))["now"] == at("2026-01-05T09:00")
    answer = await house.travel("2027-03-01T00:00")
    assert answer["now"] == at("2027-03-01T00:00")
    assert answer["instants"] >= 4
    assert answer["events"] >= 4
    assert answer["set_aside"] == 0
    assert (await house.reader.get("/v1/test-clock"))["now"] == at("2027-03-01T00:00")
    now = await house.reader.get(f"/v1/enrollments/{certified['id']}")
    assert now["status"] == "lapsed"


async def test_the_clock_only_goes_forward(house: House) -> None:
    problem = await house.admin.post(
        "/v1/test-clock/advance", {"to": at("2026-01-05T08:59")}, expect=422
    )
    assert problem["code"] == "to_in_the_past"


async def test_the_clock_does_not_go_too_far_at_once(house: House) -> None:
    problem = await house.admin.post(
        "/v1/test-clock/advance", {"to": at("2100-01-01T00:00")}, expect=422
    )
    assert problem["code"] == "too_far"


@pytest.mark.parametrize("path", ["/v1/test-clock", "/v1/test-clock/advance"])
async def test_other_tenants_have_none(live_house: House, path: str) -> None:
    problem = (
        await live_house.reader.get(path, expect=409)
        if path.endswith("clock")
        else await live_house.admin.post(path, {"to": at("2030-01-01T00:00")}, expect=409)
    )
    assert problem["code"] == "not_a_sandbox"


async def test_another_sandbox_keeps_its_time(house: House, neighbour: House) -> None:
    await house.travel("2027-01-01T00:00")
    assert (await neighbour.reader.get("/v1/test-clock"))["now"] == at("2026-01-05T09:00")
