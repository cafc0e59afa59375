"""Conditional requests: a change that expects a revision, a reading that has one."""

import pytest

from tests.api.world import House


async def remind(house: House, enrollment_id: str, if_match: str, **body: int) -> int:
    response = await house.admin.send(
        "POST",
        f"/v1/enrollments/{enrollment_id}/actions/remind",
        json=body,
        headers={"if-match": if_match},
    )
    if response.status_code == 412:
        assert response.json()["code"] == "stale_revision"
    return response.status_code


async def test_the_entity_tag_is_the_revision(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}"
    response = await house.reader.send("GET", path)
    assert response.headers["etag"] == f'"{response.json()["revision"]}"'
    acted = await house.admin.send("POST", f"{path}/actions/remind", json={})
    assert acted.headers["etag"] == f'"{acted.json()["revision"]}"'
    assert acted.headers["etag"] != response.headers["etag"]


async def test_a_change_on_a_stale_revision_is_refused_and_changes_nothing(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    revision = enrolled["revision"]
    assert await remind(house, enrolled["id"], f'"{revision - 1}"') == 412
    assert await remind(house, enrolled["id"], f'"{revision}"') == 200
    assert await remind(house, enrolled["id"], f'"{revision}"') == 412
    assert await remind(house, enrolled["id"], "*") == 200
    now = await house.reader.get(f"/v1/enrollments/{enrolled['id']}")
    assert now["revision"] == revision + 2


@pytest.mark.parametrize("tag", ['W/"{}"', '"x{}"', '"{}x"', '"-1"', '""', '"99999999999"'])
async def test_a_tag_that_is_not_the_present_one_never_matches(house: House, tag: str) -> None:
    await house.programme()
    enrolled = await house.enroll()
    assert await remind(house, enrolled["id"], tag.format(enrolled["revision"])) == 412


@pytest.mark.parametrize("tag", ["1", '"1", "2"', "nonsense", ""])
async def test_what_is_no_tag_is_wrong_content(house: House, tag: str) -> None:
    await house.programme()
    enrolled = await house.enroll()
    assert await remind(house, enrolled["id"], tag) == 422


async def test_the_body_may_say_the_expected_revision(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    revision = enrolled["revision"]
    await house.act(enrolled, "remind", expected_revision=revision + 1, expect=412)
    await house.act(enrolled, "remind", expected_revision=revision)


async def test_header_and_body_that_differ_cannot_both_hold(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    revision = enrolled["revision"]
    tag = f'"{revision}"'
    assert await remind(house, enrolled["id"], tag, expected_revision=revision + 1) == 412
    assert await remind(house, enrolled["id"], tag, expected_revision=revision) == 200


async def test_what_a_reader_has_already_is_not_sent_again(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}"
    tag = f'"{enrolled["revision"]}"'
    for given in (tag, f"W/{tag}", f'"0", {tag}', "*"):
        response = await house.reader.send("GET", path, headers={"if-none-match": given})
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == tag
    response = await house.reader.send("GET", path, headers={"if-none-match": '"0"'})
    assert response.status_code == 200


async def test_taking_an_assignment_away_may_be_conditional(house: House) -> None:
    await house.programme()
    enrolled = await house.enroll()
    path = f"/v1/enrollments/{enrolled['id']}/assignments/{enrolled['assignments'][0]['id']}"
    stale = await house.lms.send("DELETE", path, headers={"if-match": '"0"'})
    assert stale.status_code == 412
    await house.lms.call("DELETE", f"{path}?expected_revision=0", expect=412)
    gone = await house.lms.call("DELETE", f"{path}?expected_revision={enrolled['revision']}")
    assert gone["status"] == "removed"


async def test_a_certification_is_changed_on_its_revision(house: House) -> None:
    made = await house.certification()
    path = "/v1/certifications/forklift"
    first = await house.admin.call(
        "PATCH", path, json={"hidden": True, "expected_revision": made["revision"]}
    )
    assert first["revision"] == made["revision"] + 1
    stale = await house.admin.send(
        "PATCH", path, json={"hidden": False}, headers={"if-match": f'"{made["revision"]}"'}
    )
    assert stale.status_code == 412
    assert (await house.reader.get(path))["hidden"] is True
