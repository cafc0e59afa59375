"""Certifications and their versions."""

import asyncio
from typing import Any

from tests.api.world import House
from tests.support.programmes import definition, path

FORKLIFT = "/v1/certifications/forklift"


async def test_a_certification_is_made_with_defaults(house: House) -> None:
    response = await house.admin.send(
        "POST", "/v1/certifications", json={"key": "forklift", "title": {"en": "Forklift"}}
    )
    made = response.json()
    assert response.status_code == 201
    assert response.headers["etag"] == f'"{made["revision"]}"'
    assert {name: made[name] for name in ("active", "hidden", "archived", "self_enrollment")} == {
        "active": True,
        "hidden": False,
        "archived": False,
        "self_enrollment": "closed",
    }
    for reference in (made["id"], "forklift"):
        assert await house.reader.get(f"/v1/certifications/{reference}") == made


async def test_a_key_is_unique_in_the_tenant(house: House) -> None:
    await house.certification()
    problem = await house.admin.post("/v1/certifications", {"key": "forklift"}, expect=409)
    assert problem["code"] == "key_taken"


async def test_two_who_take_a_key_at_once_are_told_apart(house: House) -> None:
    responses = await asyncio.gather(
        *(house.admin.send("POST", "/v1/certifications", json={"key": "k"}) for _ in range(5))
    )
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409, 409]


async def test_texts_and_switches_change(house: House) -> None:
    await house.certification()
    changes: dict[str, Any] = {
        "title": {"en": "Forklift", "de": "Stapler"},
        "description": {"en": "Drives."},
        "metadata": {"colour": "red"},
        "active": False,
        "hidden": True,
        "automatic_recertification": True,
        "self_enrollment": "with_approval",
        "acceptance_required": True,
    }
    changed = await house.admin.call("PATCH", FORKLIFT, json={**changes, "reason": "New"})
    assert {name: changed[name] for name in changes} == changes
    assert changed["effect"]["dry_run"] is False
    stays = await house.admin.call("PATCH", FORKLIFT, json={"hidden": False, "title": None})
    assert stays["title"] == changes["title"]
    assert stays["hidden"] is False


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(house: House) -> None:
    await house.programme()
    certified = await house.certified()
    await house.travel("2026-12-20T00:00")
    before = await house.reader.get(FORKLIFT)
    switch = {"automatic_recertification": True}
    tried = await house.admin.call("PATCH", FORKLIFT, json={**switch, "dry_run": True})
    assert tried["effect"]["recertifications_opened"] == 1
    assert tried["effect"]["sample"] == [certified["id"]]
    assert await house.reader.get(FORKLIFT) == before
    done = await house.admin.call("PATCH", FORKLIFT, json=switch)
    assert done["effect"]["recertifications_opened"] == 1
    now = await house.reader.get(f"/v1/enrollments/{certified['id']}")
    assert now["status"] == "recertifying"


async def test_turning_automatic_recertification_off_says_whom_it_concerns(house: House) -> None:
    await house.programme(automatic_recertification=True)
    certified = await house.certified()
    await house.enroll("u-18")
    before = await house.reader.get(FORKLIFT)
    off = {"automatic_recertification": False}
    tried = await house.admin.call("PATCH", FORKLIFT, json={**off, "dry_run": True})
    assert tried["automatic_recertification"] is False
    assert await house.reader.get(FORKLIFT) == before
    done = await house.admin.call("PATCH", FORKLIFT, json=off)
    assert done["effect"] == {**tried["effect"], "dry_run": False}
    assert done["effect"] == {
        "dry_run": False,
        "recertifications_opened": 0,
        "concerned": 1,
        "members_to_enroll": 0,
        "enrollments_by_status": {"certified": 1, "not_started": 1},
        "sample": [certified["id"]],
    }


async def test_a_dry_run_of_archiving_writes_nothing(house: House) -> None:
    await house.programme(automatic_recertification=True)
    certified = await house.certified()
    await house.enroll("u-18")
    before = await house.reader.get(FORKLIFT)
    tried = await house.admin.post(f"{FORKLIFT}/archive", {"dry_run": True})
    assert tried["archived"] is True
    assert await house.reader.get(FORKLIFT) == before
    done = await house.admin.post(f"{FORKLIFT}/archive", {"reason": "Retired"})
    assert done["effect"] == {**tried["effect"], "dry_run": False}
    assert done["effect"]["concerned"] == 2
    await house.travel("2026-12-20T00:00")
    tried = await house.admin.post(f"{FORKLIFT}/unarchive", {"dry_run": True})
    assert tried["effect"]["recertifications_opened"] == 1
    path = f"/v1/enrollments/{certified['id']}"
    assert (await house.reader.get(path))["status"] == "certified"
    done = await house.admin.post(f"{FORKLIFT}/unarchive")
    assert done["effect"] == {**tried["effect"], "dry_run": False}
    assert (await house.reader.get(path))["status"] == "recertifying"


async def test_an_archived_certification_takes_nobody_until_it_is_back(house: House) -> None:
    await house.programme()
    for _ in range(2):
        assert (await house.admin.post(f"{FORKLIFT}/archive"))["archived"] is True
    problem = await house.enroll(expect=409)
    assert problem["code"] == "certification_archived"
    assert (await house.reader.get("/v1/certifications", archived=False))["items"] == []
    archived = await house.reader.get("/v1/certifications", archived=True)
    assert [line["key"] for line in archived["items"]] == ["forklift"]
    assert (await house.admin.post(f"{FORKLIFT}/unarchive", {"reason": "Back"}))[
        "archived"
    ] is False
    await house.enroll()


async def test_a_version_goes_from_draft_to_published_to_superseded(house: House) -> None:
    await house.certification()
    versions = f"{FORKLIFT}/versions"
    document = definition()
    drafted = await house.admin.post(versions, document, expect=201)
    assert (drafted["number"], drafted["state"], drafted["published_at"]) == (1, "draft", None)
    problem = await house.admin.post(versions, document, expect=409)
    assert problem["code"] == "draft_exists"
    better = definition(grace="P10D")
    replaced = await house.admin.call("PUT", f"{versions}/1", json=better)
    assert replaced["policy"]["grace"] == "P10D"
    published = await house.admin.post(f"{versions}/1/publish")
    assert published["state"] == "published"
    problem = await house.admin.call("PUT", f"{versions}/1", json=document, expect=409)
    assert problem["code"] == "version_published"
    await house.admin.post(versions, document, expect=201)
    assert (await house.reader.get(f"{versions}/1"))["state"] == "published"
    await house.admin.post(f"{versions}/2/publish")
    listed = (await house.reader.get(versions))["items"]
    assert [line["state"] for line in listed] == ["superseded", "published"]
    assert (await house.reader.get(f"{versions}/1"))["state"] == "superseded"
    assert (await house.reader.get(versions, limit=1))["items"][0]["state"] == "superseded"


async def test_a_definition_comes_back_as_it_was_sent_but_for_nulls(house: House) -> None:
    await house.certification()
    document: dict[str, Any] = {
        "initial": {
            "steps": [
                {
                    "key": "safety",
                    "title": "Safety 101",
                    "ways": [
                        {"type": "course", "course_id": "C-1", "minimum_grade": 80},
                        {"type": "test_out", "exam_id": "X-9", "passing_score": 90},
                        {"type": "external", "instructions": "Show.", "approval_required": True},
                        {"type": "credits", "category": "ethics", "amount": 12.5},
                    ],
                }
            ],
            "exam": {"exam_id": "X-1", "passing_score": 70, "retry_after": "P1D"},
        },
        "recertification": None,
        "policy": {
            "due": "never",
            "completion_limit": {"after": "P90D", "from": "due"},
            "validity": {"period": "never"},
            "renewal_opens": "never",
            "grace": "never",
            "expiring_notices": [],
        },
    }
    made = await house.admin.post(f"{FORKLIFT}/versions", document, expect=201)
    del document["recertification"], document["policy"]["due"]
    answered = {part: made[part] for part in ("initial", "policy")}
    assert answered == document
    assert made["recertification"] is made["reinstatement"] is None


async def test_publishing_lists_every_reason_against_it(house: House) -> None:
    await house.certification()
    document = {
        "initial": {"steps": [{"key": "a", "ways": [{"type": "external"}]}]},
        "recertification": {"steps": []},
        "policy": {
            "validity": {"period": "P10D"},
            "renewal_opens": "P30D",
            "grace": "P5D",
            "lapsing_notices": ["P6D"],
        },
    }
    versions = f"{FORKLIFT}/versions"
    await house.admin.post(versions, document, expect=201)
    for dry_run in (True, False):
        problem = await house.admin.post(f"{versions}/1/publish", {"dry_run": dry_run}, expect=422)
        assert problem["code"] == "not_publishable"
        assert len(problem["errors"]) >= 4
        assert all(fault["pointer"] and fault["detail"] for fault in problem["errors"])
    assert (await house.reader.get(f"{versions}/1"))["state"] == "draft"


async def test_a_dry_run_of_publishing_writes_nothing(house: House) -> None:
    await house.programme()
    await house.enroll()
    versions = f"{FORKLIFT}/versions"
    await house.admin.post(versions, definition(), expect=201)
    tried = await house.admin.post(f"{versions}/2/publish", {"dry_run": True})
    assert tried["effect"].pop("sample")
    assert tried["effect"] == {
        "dry_run": True,
        "opened": 0,
        "concerned": 1,
        "members_to_enroll": 0,
        "open_cycles_by_version": {"1": 1},
        "enrollments_by_status": {"not_started": 1},
    }
    assert (await house.reader.get(f"{versions}/2"))["state"] == "draft"


async def test_new_cycles_use_the_latest_version_and_open_ones_stay(house: House) -> None:
    await house.programme()
    first = await house.enroll("u-1")
    versions = f"{FORKLIFT}/versions"
    await house.admin.post(versions, definition(path()), expect=201)
    await house.admin.post(f"{versions}/2/publish")
    second = await house.enroll("u-2")
    assert second["cycle"]["version"] == 2
    kept = await house.reader.get(f"/v1/enrollments/{first['id']}")
    assert kept["cycle"]["version"] == 1
    moved = await house.act(first, "move-to-version")
    assert moved["cycle"]["version"] == 2


async def test_unknown_versions_and_certifications_are_not_found(house: House) -> None:
    await house.certification()
    problem = await house.reader.get(f"{FORKLIFT}/versions/1", expect=404)
    assert problem["code"] == "version_not_found"
    problem = await house.reader.get("/v1/certifications/nothing/versions", expect=404)
    assert problem["code"] == "certification_not_found"
    await house.enroll(certification="nothing", expect=404)


async def test_nobody_is_enrolled_before_a_version_is_published(house: House) -> None:
    await house.certification()
    problem = await house.enroll(expect=409)
    assert problem["code"] == "no_published_version"
