"""One life through the API: from the definition to the second certificate."""

from tests.api.world import House, at, course


async def test_a_learner_is_certified_expires_and_recertifies(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    assert (enrolled["status"], enrolled["revision"] > 0) == ("not_started", True)
    answer = await house.record(course("e-1", "u-17", at("2026-01-05T08:00")))
    assert answer["items"] == [{"id": "e-1", "result": "recorded", "problem": None}]
    path = f"/v1/enrollments/{enrolled['id']}"
    certified = await house.reader.get(path)
    assert certified["status"] == "certified"
    assert certified["certificate"]["valid_through"] == "2027-01-05"
    await house.travel("2027-01-20T00:00")
    assert (await house.reader.get(path))["status"] == "expired"
    again = await house.act(enrolled, "recertify", reason="Due")
    assert (again["status"], again["standing"]) == ("recertifying", "grace")
    await house.record(course("e-2", "u-17", at("2027-01-20T00:00")))
    renewed = await house.reader.get(path)
    assert renewed["status"] == "certified"
    listed = await house.reader.get(f"{path}/certificates")
    assert [line["state"] for line in listed["items"]] == ["superseded", "valid"]
    story = [line["type"] for line in (await house.reader.get(f"{path}/history"))["items"]]
    assert story[0] == "enrollment.created"
    assert "certificate.expired" in story
