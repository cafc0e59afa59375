"""Courses: what the LMS tells, and what follows from it."""

import asyncio
from typing import Any

import pytest

from tests.api.client import Json
from tests.api.world import House, course
from tests.support.programmes import COURSE, EXAM, PRACTICE, definition, path

C1 = "/v1/courses/C-1"
FORKLIFT = "/v1/certifications/forklift"
EITHER: Json = {
    "key": "either",
    "ways": [{"type": "course", "course_id": "C-1"}, {"type": "course", "course_id": "C-2"}],
}


async def tell(house: House, id: str = "C-1", *, expect: int = 200, **said: Any) -> Json:
    """The LMS tells of a course."""
    return await house.lms.call("PUT", f"/v1/courses/{id}", expect=expect, json=said)


async def known(house: House, id: str = "C-1") -> Json:
    return await house.reader.get(f"/v1/courses/{id}")


async def enrolled(house: House, enrollment: Json) -> Json:
    return await house.reader.get(f"/v1/enrollments/{enrollment['id']}")


async def history(house: House, enrollment: Json, type: str) -> list[Json]:
    listed = await house.reader.get(f"/v1/enrollments/{enrollment['id']}/history", limit=200)
    return [line for line in listed["items"] if line["type"] == type]


def without_effect(answer: Json) -> Json:
    return {name: value for name, value in answer.items() if name != "effect"}


# Telling


async def test_a_course_that_was_never_told_of_is_not_there(house: House) -> None:
    problem = await house.reader.get(C1, expect=404)
    assert problem["code"] == "course_not_found"
    assert (await house.reader.get("/v1/courses"))["items"] == []


async def test_a_course_is_told_with_defaults_and_read(house: House) -> None:
    told = await tell(house)
    assert told.pop("effect") == {"dry_run": False, "opened": 0, "sample": []}
    now = "2026-01-05T09:00:00Z"
    assert told == await known(house)
    assert told == {
        "id": "C-1",
        "title": None,
        "state": "published",
        "revision": None,
        "groups": None,
        "overbooking": False,
        "metadata": {},
        "created_at": now,
        "updated_at": now,
        "revisions": [],
        "certifications": [],
    }


async def test_what_is_told_replaces_what_was_known_and_keeps_the_revision(house: House) -> None:
    full: dict[str, Any] = {
        "title": "Safety 101",
        "state": "unpublished",
        "revision": "2024.1",
        "groups": ["drivers", "fitters"],
        "overbooking": True,
        "metadata": {"colour": "red"},
    }
    told = await tell(house, **full, reason="Nightly", on_behalf_of="u-2")
    assert {name: told[name] for name in full} == full
    await house.travel("2026-01-06T09:00")
    again = await tell(house, title="Safety")
    assert (again["title"], again["state"], again["groups"]) == ("Safety", "published", None)
    assert (again["revision"], again["overbooking"], again["metadata"]) == ("2024.1", False, {})
    assert again["updated_at"] == "2026-01-06T09:00:00Z"
    assert again["created_at"] == told["created_at"]
    assert again["revisions"] == [{"revision": "2024.1", "since": "2026-01-05T09:00:00Z"}]


async def test_the_same_again_changes_nothing(house: House) -> None:
    said: dict[str, Any] = {"title": "Safety", "revision": "1", "groups": ["b", "a"]}
    first = await tell(house, **said)
    await house.travel("2026-01-06T09:00")
    assert await tell(house, **{**said, "groups": ["a", "b"]}) == first
    assert await known(house) == without_effect(first)


async def test_a_revision_that_is_counted_is_a_text(house: House) -> None:
    assert (await tell(house, revision=1))["revision"] == "1"
    again = await tell(house, revision="1")
    assert [one["revision"] for one in again["revisions"]] == ["1"]


async def test_a_dry_run_writes_nothing(house: House) -> None:
    tried = await tell(house, state="archived", dry_run=True)
    assert (tried["state"], tried["effect"]["dry_run"]) == ("archived", True)
    await house.reader.get(C1, expect=404)
    told = await tell(house)
    assert (await tell(house, state="archived", dry_run=True))["state"] == "archived"
    assert await known(house) == without_effect(told)


async def test_courses_are_listed_in_order_of_their_ids(house: House) -> None:
    for id in ("b", "a", "d", "c"):
        await tell(house, id, state="archived" if id == "d" else None)
    first = await house.reader.get("/v1/courses", limit=3)
    assert [line["id"] for line in first["items"]] == ["a", "b", "c"]
    rest = await house.reader.get("/v1/courses", limit=3, cursor=first["next_cursor"])
    assert ([line["id"] for line in rest["items"]], rest["next_cursor"]) == (["d"], None)
    archived = await house.reader.get("/v1/courses", state="archived")
    assert [line["id"] for line in archived["items"]] == ["d"]
    await house.reader.get("/v1/courses", state="lost", expect=422)
    other = await house.reader.get(
        "/v1/courses", state="archived", cursor=first["next_cursor"], expect=400
    )
    assert other["code"] == "invalid_cursor"


async def test_of_twenty_who_tell_first_one_makes_the_course(house: House) -> None:
    answers = await asyncio.gather(*(tell(house, title="Safety") for _ in range(20)))
    assert {answer["created_at"] for answer in answers} == {"2026-01-05T09:00:00Z"}
    assert len((await house.reader.get("/v1/courses"))["items"]) == 1


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"state": "gone"}, "/state"),
        ({"state": 1}, "/state"),
        ({"title": ""}, "/title"),
        ({"title": ["x"]}, "/title"),
        ({"revision": ""}, "/revision"),
        ({"revision": "x" * 129}, "/revision"),
        ({"revision": True}, "/revision"),
        ({"revision": 1.5}, "/revision"),
        ({"groups": "drivers"}, "/groups"),
        ({"groups": ["two words"]}, "/groups/0"),
        ({"overbooking": "yes"}, "/overbooking"),
        ({"metadata": []}, "/metadata"),
        ({"dry_run": 1}, "/dry_run"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    house: House, said: Json, pointer: str
) -> None:
    before = await tell(house, title="Safety", revision="1")
    problem = await tell(house, expect=422, **said)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert await known(house) == without_effect(before)


@pytest.mark.parametrize("id", ["two%20words", "x" * 129, "a%00b", "%C3%A4"])
async def test_a_course_goes_by_an_id_of_the_lms(house: House, id: str) -> None:
    await tell(house, id, expect=422)
    await house.reader.get(f"/v1/courses/{id}", expect=422)
    assert (await house.reader.get("/v1/courses"))["items"] == []


async def test_a_reader_tells_nothing(house: House) -> None:
    await house.reader.call("PUT", C1, json={}, expect=403)


async def test_courses_of_another_tenant_are_out_of_sight(house: House, neighbour: House) -> None:
    await house.programme()
    await neighbour.programme()
    mine = await tell(house, title="Mine")
    await neighbour.reader.get(C1, expect=404)
    theirs = await tell(neighbour, title="Theirs", state="archived")
    assert {line["id"] for line in theirs["certifications"]}.isdisjoint(
        line["id"] for line in mine["certifications"]
    )
    assert await known(house) == without_effect(mine)
    assert [line["title"] for line in (await house.reader.get("/v1/courses"))["items"]] == ["Mine"]


# Revisions


async def test_a_course_that_has_a_new_revision_is_not_archived(house: House) -> None:
    await tell(house, revision="1")
    newest = await tell(house, revision="2")
    replaced = await tell(house, revision="1", state="archived")
    assert without_effect(replaced) == without_effect(newest)
    assert (replaced["state"], replaced["revision"]) == ("published", "2")
    assert (await tell(house, revision="2", state="archived"))["state"] == "archived"


async def test_a_new_revision_brings_an_archived_course_back(house: House) -> None:
    await tell(house, revision="1")
    assert (await tell(house, state="archived"))["state"] == "archived"
    back = await tell(house, revision="2")
    assert (back["state"], back["revision"]) == ("published", "2")
    late = await tell(house, revision="1")
    assert (late["revision"], [one["revision"] for one in late["revisions"]]) == ("2", ["1", "2"])


# Publishing


async def draft(house: House, document: Json | None = None) -> None:
    await house.certification()
    await house.admin.post(f"{FORKLIFT}/versions", document or definition(), expect=201)


async def refused(house: House, **body: Any) -> list[tuple[str, str]]:
    problem = await house.admin.post(f"{FORKLIFT}/versions/1/publish", body, expect=422)
    assert problem["code"] == "not_publishable"
    return [(fault["code"], fault["pointer"]) for fault in problem["errors"]]


@pytest.mark.parametrize("state", ["archived", "unpublished"])
async def test_a_course_that_nobody_can_take_keeps_a_version_from_being_published(
    house: House, state: str
) -> None:
    await draft(house, definition(recertification=path(PRACTICE, EITHER)))
    await tell(house, "C-2", state=state)
    place = "/recertification/steps/1/ways/1/course_id"
    assert await refused(house) == [(f"course_{state}", place)]
    assert await refused(house, dry_run=True) == [(f"course_{state}", place)]
    await tell(house, "C-2")
    await house.admin.post(f"{FORKLIFT}/versions/1/publish")


async def test_a_course_that_is_limited_to_groups_is_fine_where_none_is_targeted(
    house: House,
) -> None:
    await draft(house)
    await tell(house, groups=[])
    await house.admin.post(f"{FORKLIFT}/versions/1/publish")


async def test_a_course_that_is_closed_to_a_targeted_group_keeps_a_version_from_being_published(
    house: House,
) -> None:
    await draft(house)
    for group in ("drivers", "fitters"):
        await house.lms.call("PUT", f"{FORKLIFT}/groups/{group}")
    await tell(house, groups=["drivers"])
    assert await refused(house) == [("course_closed_to_group", "/initial/steps/0/ways/0/course_id")]
    await tell(house, groups=["drivers", "fitters", "clerks"])
    await house.admin.post(f"{FORKLIFT}/versions/1/publish")


async def test_every_course_is_judged_beside_every_other_reason(house: House) -> None:
    await draft(house, definition(path(EITHER), renewal_opens="P2Y"))
    await tell(house, "C-1", state="archived")
    await tell(house, "C-2", state="unpublished")
    codes = {code for code, _ in await refused(house)}
    assert codes >= {"course_archived", "course_unpublished", "renewal_opens_too_long"}


# The certifications concerned


async def test_the_certifications_concerned_are_listed(house: House) -> None:
    needs = await house.programme()
    without = definition(path(EITHER, exam=EXAM))
    other = await house.programme("crane", definition(), without, title={"en": "Crane"})
    await house.programme("first-aid", definition(path(PRACTICE, exam=EXAM)))
    await house.certification("drafted")
    await house.admin.post("/v1/certifications/drafted/versions", definition(), expect=201)
    told = await tell(house)
    line = {"key": "forklift", "title": {"en": "Forklift"}, "versions": [1], "required": True}
    assert told["certifications"] == [
        {"id": needs["id"], **line, "blocked": False},
        {
            "id": other["id"],
            "key": "crane",
            "title": {"en": "Crane"},
            "versions": [1, 2],
            "required": False,
            "blocked": False,
        },
    ]
    gone = await tell(house, state="archived")
    assert [one["blocked"] for one in gone["certifications"]] == [True, False]
    assert await known(house) == without_effect(gone)
    (listed,) = (await house.reader.get("/v1/courses"))["items"]
    assert listed == without_effect(gone)
    second = await tell(house, "C-2", state="archived")
    assert [(one["key"], one["blocked"]) for one in second["certifications"]] == [("crane", True)]


async def test_a_certifications_own_revision_stays(house: House) -> None:
    await house.programme()
    before = await house.reader.get(FORKLIFT)
    await tell(house, state="archived")
    await tell(house, revision="2")
    assert await house.reader.get(FORKLIFT) == before


# Recertification


async def renewing(house: House) -> Json:
    """Certified in a programme whose recertification opens by itself on 6 December."""
    await house.programme("forklift", definition(), automatic_recertification=True)
    await tell(house, revision="1")
    return await house.certified()


async def test_a_cycle_notes_the_revision_that_it_was_opened_with(house: House) -> None:
    mine = await renewing(house)
    await house.travel("2026-06-01T00:00")
    await tell(house, revision="2")
    await house.travel("2026-12-20T00:00")
    now = await enrolled(house, mine)
    assert (now["status"], now["work"]) == ("recertifying", "not_started")
    assert now["cycle"]["courses"] == [{"course_id": "C-1", "revision": "2"}]
    cycles = await house.reader.get(f"/v1/enrollments/{mine['id']}/cycles")
    noted = [cycle["courses"] for cycle in cycles["items"]]
    assert sorted(noted, key=str) == [
        [{"course_id": "C-1", "revision": "1"}],
        [{"course_id": "C-1", "revision": "2"}],
    ]


async def test_archiving_a_course_ends_the_recertification_and_says_so(house: House) -> None:
    mine = await renewing(house)
    await house.travel("2026-06-01T00:00")
    gone = await tell(house, state="archived")
    assert gone["certifications"][0]["blocked"] is True
    await house.travel("2026-12-20T00:00")
    now = await enrolled(house, mine)
    assert now["work"] == "waiting"
    (told,) = await history(house, mine, "recertification.blocked")
    assert told["data"]["course_ids"] == ["C-1"]


async def test_a_new_revision_lets_recertification_go_on_with_the_newest(house: House) -> None:
    mine = await renewing(house)
    await tell(house, state="archived")
    await house.travel("2026-12-20T00:00")
    tried = await tell(house, revision="2", dry_run=True)
    assert tried["effect"] == {"dry_run": True, "opened": 1, "sample": [mine["id"]]}
    assert (await enrolled(house, mine))["work"] == "waiting"
    back = await tell(house, revision="2")
    assert back["effect"] == {"dry_run": False, "opened": 1, "sample": [mine["id"]]}
    assert back["certifications"][0]["blocked"] is False
    now = await enrolled(house, mine)
    assert (now["status"], now["work"]) == ("recertifying", "not_started")
    assert now["cycle"]["opened_at"] == "2026-12-20T00:00:00Z"
    assert now["cycle"]["courses"] == [{"course_id": "C-1", "revision": "2"}]
    await house.record(course("again", "u-17", "2026-12-20T00:00:00Z"))
    assert (await enrolled(house, mine))["status"] == "certified"


async def test_a_course_that_is_archived_while_learners_wait_keeps_them_waiting(
    house: House,
) -> None:
    await house.programme()
    await tell(house)
    mine = await house.enroll(opens_at="2026-02-01T00:00:00Z")
    await tell(house, state="archived")
    await house.travel("2026-02-02T00:00")
    assert (await enrolled(house, mine))["work"] == "waiting"
    assert (await tell(house))["effect"]["opened"] == 1
    now = await enrolled(house, mine)
    assert (now["status"], now["work"]) == ("not_started", "not_started")


async def test_a_path_that_can_do_without_the_course_is_not_held_up(house: House) -> None:
    document = definition(path(COURSE), recertification=path(EITHER))
    await house.programme("forklift", document, automatic_recertification=True)
    mine = await house.certified()
    await tell(house, state="archived")
    await house.travel("2026-12-20T00:00")
    now = await enrolled(house, mine)
    assert (now["work"], now["cycle"]["kind"]) == ("not_started", "recertification")
