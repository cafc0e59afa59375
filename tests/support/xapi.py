"""Statements written after the specification, as a Learning Record Store forwards them."""

from typing import Any
from uuid import UUID, uuid5

ADL = "http://adlnet.gov/expapi/verbs/"
CMI5 = "https://w3id.org/xapi/adl/verbs/"
LMS = "https://lms.example"
COURSE = "https://lms.example/activities/safety-101"
SESSION = "https://lms.example/activities/first-aid-monday"
EXAM = "https://lms.example/activities/final-exam"
TEST_OUT = "https://lms.example/activities/placement"
PUBLISHER = "https://publisher.example/au/safety-101"
CMI5_CATEGORY = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
CMI5_SESSION = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
NAMES = UUID("018cc251-f400-7000-8000-00000000c0de")
Json = dict[str, Any]

MAPPINGS: list[Json] = [
    {"activity_id": COURSE, "kind": "course", "course_id": "C-1"},
    {"activity_id": SESSION, "kind": "session", "course_id": "C-9", "session_id": "S-1"},
    {"activity_id": EXAM, "kind": "exam", "exam_id": "X-1"},
    {"activity_id": TEST_OUT, "kind": "test_out", "exam_id": "T-1"},
]


def named(name: str) -> str:
    """The id of the statement of that name."""
    return str(uuid5(NAMES, name))


def statement(name: str = "s-1", verb: str = ADL + "passed", **more: Any) -> Json:
    """Ann passed the course on Monday morning; whatever is given replaces that, None leaves out."""
    whole: Json = {
        "id": named(name),
        "actor": agent("ann"),
        "verb": {"id": verb, "display": {"en-US": verb.rpartition("/")[2]}},
        "object": activity(COURSE),
        "timestamp": "2026-01-05T08:00:00.000Z",
        "stored": "2026-01-05T08:00:01.000Z",
        "authority": {"account": {"homePage": LMS, "name": "content"}},
        "version": "1.0.3",
        **more,
    }
    return {key: value for key, value in whole.items() if value is not None}


def agent(name: str, home_page: str = LMS) -> Json:
    """A person with an account."""
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def activity(id: str) -> Json:
    """What a statement is about."""
    return {"objectType": "Activity", "id": id, "definition": {"name": {"en": "Safety 101"}}}


def score(**numbers: float) -> Json:
    """A result with a score."""
    return {"score": numbers}


def voiding(name: str, voided: str, **more: Any) -> Json:
    """The statement of that name voids another."""
    ref = {"objectType": "StatementRef", "id": named(voided)}
    return statement(name, ADL + "voided", **{"object": ref, "actor": agent("boss"), **more})


def cmi5(name: str, verb: str, session: str, **more: Any) -> Json:
    """A statement that cmi5 defines: the LMS has made up an id of its own for the object."""
    context = {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "contextActivities": {
            "category": [{"id": CMI5_CATEGORY}],
            "grouping": [{"id": PUBLISHER}],
        },
        "extensions": {CMI5_SESSION: session},
    }
    made_up = activity("https://lms.example/generated/5f2")
    return statement(name, verb, **{"context": context, "object": made_up, **more})
