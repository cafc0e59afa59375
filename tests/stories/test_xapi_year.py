"""A year that only a Learning Record Store tells of: content speaks xAPI and cmi5, the store
forwards it, and the learner is certified, recertified, and loses work that was voided.

The sandbox starts on Monday, 5 January 2026, 09:00 UTC.
"""

from typing import Any

from tests.api.client import Json
from tests.api.world import House, at
from tests.stories.screens import seen, told
from tests.support.programmes import COURSE, EXAM, definition, path
from tests.support.xapi import (
    ADL,
    CMI5,
    MAPPINGS,
    PUBLISHER,
    activity,
    agent,
    cmi5,
    score,
    statement,
    voiding,
)
from tests.support.xapi import EXAM as FINAL

PROGRAMME = definition(path(COURSE, exam=EXAM))


async def forwarded(house: House, *statements: Json) -> list[str]:
    """The store forwards statements; what became of each."""
    answer = await house.lms.call("POST", "/v1/xapi/statements", json=list(statements))
    return [item["reason"] or item["result"] for item in answer["items"]]


def exam(name: str, verb: str, moment: str, **result: Any) -> Json:
    """A word about the final exam."""
    about = {"object": activity(FINAL), "actor": agent("u-17"), "timestamp": at(moment)}
    return statement(name, ADL + verb, **about, result=result or None)


def unit(name: str, verb: str, moment: str, session: str = "one", **more: Any) -> Json:
    """A word of the course's content, which speaks cmi5."""
    more |= {"actor": agent("u-17"), "timestamp": at(moment)}
    return cmi5(name, verb, session, **more)


async def test_a_year_as_a_record_store_tells_it(house: House) -> None:
    await house.programme("forklift", PROGRAMME, automatic_recertification=True)
    enrolled = await house.enroll()
    published = {"activity_id": PUBLISHER, "kind": "course", "course_id": "C-1"}
    await house.lms.put("/v1/xapi/activities", {"items": [*MAPPINGS, published]})

    # The course is launched and passed; the store forwards everything, twice.
    first = [
        unit("1", ADL + "launched", "2026-01-05T08:00"),
        unit("2", ADL + "initialized", "2026-01-05T08:01"),
        statement("3", ADL + "answered", actor=agent("u-17")),
        unit("4", ADL + "passed", "2026-01-05T08:40", result=score(scaled=0.85)),
        unit("5", ADL + "terminated", "2026-01-05T08:41"),
    ]
    assert await forwarded(house, *first) == [
        "recorded",
        "recorded",
        "verb_without_meaning",
        "recorded",
        "verb_without_meaning",
    ]
    assert "recorded" not in await forwarded(house, *reversed(first))
    now = await seen(house, enrolled)
    assert (now["status"], now["cycle"]["steps"][0]["state"]) == ("in_progress", "done")

    # The exam is failed, and passed when it may be tried again.
    await house.travel("2026-01-06T12:00")
    failed = exam("6", "failed", "2026-01-05T09:30", score={"raw": 9, "max": 20})
    passed = exam("7", "completed", "2026-01-06T10:00", score={"raw": 18, "max": 20})
    assert await forwarded(house, passed, failed) == ["recorded", "recorded"]
    now = await seen(house, enrolled)
    assert (now["status"], now["certified_at"]) == ("certified", at("2026-01-06T10:00"))
    attempts = await told(house, enrolled, "exam.attempted")
    assert [line["data"]["grade"] for line in attempts] == [45.0, 90.0]

    # A year later the LMS says itself that the course is satisfied; then that this was an error.
    await house.travel("2026-12-20T09:00")
    assert (await seen(house, enrolled))["cycle"]["kind"] == "recertification"
    satisfied = unit("8", CMI5 + "satisfied", "2026-12-20T08:00", "two")
    assert await forwarded(house, satisfied) == ["recorded"]
    assert (await seen(house, enrolled))["cycle"]["steps"][0]["state"] == "done"
    error = voiding("9", "8", timestamp=at("2026-12-20T08:30"))
    assert await forwarded(house, error) == ["recorded"]
    now = await seen(house, enrolled)
    assert (now["status"], now["cycle"]["steps"][0]["state"]) == ("recertifying", "open")
    assert await forwarded(house, satisfied, error) == ["duplicate", "duplicate"]
