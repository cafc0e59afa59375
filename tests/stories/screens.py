"""What the screens of an LMS ask the service for and send to it, for stories told through them."""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at


async def seen(house: House, enrolled: Json, **query: Any) -> Json:
    """The enrollment as it is now."""
    return await house.reader.get(f"/v1/enrollments/{enrolled['id']}", **query)


async def listed(house: House, **filters: Any) -> list[str]:
    """The learners whom a filter finds, by name."""
    page = await house.reader.get("/v1/enrollments", limit=200, **filters)
    return sorted(item["learner_id"] for item in page["items"])


async def told(house: House, enrolled: Json, type: str | None = None) -> list[Json]:
    """The history, oldest line first; of one type only, if it is named."""
    path = f"/v1/enrollments/{enrolled['id']}/history"
    lines = (await house.reader.get(path, limit=200))["items"]
    return [line for line in lines if type in (None, line["type"])]


async def held(house: House, learner: str = "u-17", **query: Any) -> dict[str, Json]:
    """What a learner holds, by the keys of the certifications."""
    page = await house.reader.get(f"/v1/learners/{learner}/enrollments", **query)
    return {item["certification_key"]: item for item in page["items"]}


async def actions(house: House, enrolled: Json) -> dict[str, Json]:
    """Every action, allowed or not, by its name."""
    page = await house.reader.get(f"/v1/enrollments/{enrolled['id']}/actions")
    return {line["action"]: line for line in page["items"]}


async def switch(house: House, certification: str = "forklift", **switches: Any) -> Json:
    """An admin turns switches of a certification."""
    path = f"/v1/certifications/{certification}"
    return await house.admin.call("PATCH", path, json=switches)


async def publish(house: House, document: Json, certification: str = "forklift") -> Json:
    """An admin drafts the next version and publishes it."""
    versions = f"/v1/certifications/{certification}/versions"
    draft = await house.admin.post(versions, document, expect=201)
    return await house.admin.post(f"{versions}/{draft['number']}/publish")


async def unassign(house: House, enrolled: Json, assignment: Json) -> Json:
    """One assignment is taken away."""
    path = f"/v1/enrollments/{enrolled['id']}/assignments/{assignment['id']}"
    return await house.lms.delete(path)


async def members(house: House, group: str, *learners: str) -> Json:
    """The LMS says who is in a group."""
    return await house.lms.put(f"/v1/groups/{group}/members", {"learner_ids": learners})


async def target(house: House, group: str, certification: str = "forklift") -> Json:
    """A certification is for a group from now on."""
    return await house.lms.put(f"/v1/certifications/{certification}/groups/{group}")


async def session(house: House, course_id: str, id: str, capacity: int, starts_at: str) -> Json:
    """The LMS tells of a live session."""
    session = {"capacity": capacity, "starts_at": at(starts_at)}
    return await house.lms.put(f"/v1/courses/{course_id}/sessions/{id}", session)


async def unregistered(house: House, course_id: str) -> list[str]:
    """Who waits for a seat in a live session, in order."""
    page = await house.reader.get(f"/v1/courses/{course_id}/unregistered-learners")
    return [item["learner_id"] for item in page["items"]]


def attended(learner: str, moment: str, course_id: str, session_id: str) -> Json:
    """A learner was in a live session."""
    return {
        "id": f"s-{learner}-{session_id}",
        "type": "session_attendance",
        "learner_id": learner,
        "occurred_at": at(moment),
        "course_id": course_id,
        "session_id": session_id,
        "outcome": "attended",
    }


def exam(learner: str, moment: str, grade: int | None, **more: Any) -> Json:
    """An exam attempt; without a grade it has only begun."""
    outcome = {"outcome": "started"} if grade is None else {"grade": grade}
    return {
        "id": f"x-{learner}-{moment}",
        "type": "exam_attempt",
        "learner_id": learner,
        "occurred_at": at(moment),
        "exam_id": "X-1",
        **outcome,
        **more,
    }


def payment(learner: str, moment: str, outcome: str = "paid") -> Json:
    """The fee, paid or given back."""
    return {
        "id": f"p-{learner}-{moment}-{outcome}",
        "type": "payment",
        "learner_id": learner,
        "occurred_at": at(moment),
        "certification": "forklift",
        "outcome": outcome,
    }


def passed(learner: str, moment: str, course_id: str = "C-1", grade: int = 85) -> Json:
    """A course taken to its end, with a grade."""
    return {
        "id": f"c-{learner}-{course_id}-{moment}",
        "type": "course_completion",
        "learner_id": learner,
        "occurred_at": at(moment),
        "course_id": course_id,
        "grade": grade,
    }
