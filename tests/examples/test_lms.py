"""The reference client lives through its year against a running service."""

import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.client import operations
from tests.examples.conftest import Campus, Generated

EVERYBODY = ("ana", "ben", "cleo", "dan", "eve", "finn", "gus", "hana", "ida", "jon")
RECERTIFIED = tuple(name for name in EVERYBODY if name not in ("eve", "jon"))


@pytest.fixture(scope="module")
def story(campus: Campus) -> str:
    """What the example says while it lives through its year."""
    return campus.run("all")


def asked(campus: Campus, path: str, **query: Any) -> list[Any]:
    """A page of the service, as anybody with the key sees it."""
    headers = {"Authorization": f"Bearer {campus.key}"}
    answer = httpx.get(f"{campus.url}/v1{path}", params=query, headers=headers, timeout=30)
    answer.raise_for_status()
    items: list[Any] = answer.json()["items"]
    return items


def recorded(file: Path, sql: str) -> list[Any]:
    """Rows of the LMS's own database."""
    with sqlite3.connect(file) as database:
        rows = database.execute(sql).fetchall()
    database.close()
    return rows


def test_the_generator_takes_every_operation_and_has_nothing_to_complain_about(
    generated: Generated,
) -> None:
    assert "warning" not in generated.said.lower()
    made = {path.stem for path in generated.folder.glob("certsvc_client/api/*/*.py")}
    named = {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", one.id).lower() for one in operations()}
    assert named - made == set()


def test_a_year_ends_with_everybody_recertified_on_one_day(campus: Campus, story: str) -> None:
    ended = asked(campus, "/enrollments", certification="fire-safety")
    good_through = {
        one["learner_id"]: one["certificate"]["valid_through"]
        for one in ended
        if one["status"] == "certified"
    }
    assert good_through == dict.fromkeys(RECERTIFIED, "2027-11-20")
    assert {one["learner_id"]: one["status"] for one in ended if one["status"] != "certified"} == {
        "eve": "suspended",
        "jon": "not_started",
    }


def test_the_yearly_steps_are_taken_in_their_order(story: str) -> None:
    steps = [line for line in story.splitlines() if re.match(r"\d\. ", line)]
    assert [line[0] for line in steps] == ["1", "2", "3", "1", "2", "3", "4", "5"]
    assert "this concerns 8 people" in story
    assert "dry run of recertify: 9 succeeded" in story
    assert "recertify: 8 succeeded, 1 refused" in story
    assert re.search(r"refused: eve: action_not_allowed", story)


def test_one_decision_over_many_can_be_told_from_many_decisions(campus: Campus, story: str) -> None:
    ordered = asked(campus, "/bulk-operations")
    (decision,) = (one for one in ordered if one["action"] == "recertify")
    opened = [
        line
        for one in asked(campus, "/enrollments", certification="fire-safety")
        for line in asked(campus, f"/enrollments/{one['id']}/history", limit=200)
        if line["type"] == "recertification.opened"
    ]
    assert [line["bulk_operation_id"] for line in opened] == [decision["id"]] * len(RECERTIFIED)


def test_what_was_mistyped_is_rejected_and_taken_once_it_is_right(
    campus: Campus, story: str
) -> None:
    assert "rejected: yard-monday:ben" in story
    became = Counter(row[0] for row in recorded(campus.records, "SELECT became FROM results"))
    assert became == {"recorded": 26}


def test_courses_are_assigned_again_where_a_cycle_opens(campus: Campus, story: str) -> None:
    assigned = Counter(recorded(campus.records, "SELECT learner_id, course_id FROM assigned"))
    assert {who for (who, course), times in assigned.items() if times == 2} == set(RECERTIFIED)
    assert {course for (_, course), times in assigned.items() if times == 2} == {"FIRE-1"}


def test_telling_everything_again_changes_nothing(campus: Campus, story: str) -> None:
    assert "group warehouse: 6 people, 0 new, 0 gone" in campus.run("sync")
    assert campus.run("report") == ""
    assert campus.run("follow") == "heard 0 events\n"


def test_hearing_everything_again_sends_no_mail_twice(campus: Campus, story: str) -> None:
    sent = recorded(campus.records, "SELECT count(*) FROM mails")
    recorded(campus.records, "DELETE FROM kept")
    assert campus.run("follow") != "heard 0 events\n"
    assert recorded(campus.records, "SELECT count(*) FROM mails") == sent


def test_the_same_decision_on_the_same_day_is_ordered_once(
    campus: Campus, story: str, importable: None
) -> None:
    from certsvc_client.models import EnrollmentFilter

    from lms.bulk import carry_out, everybody, order
    from lms.service import connect

    decision = order("remind", everybody(EnrollmentFilter(learner_id=["jon"])), "Once more")
    before = len(asked(campus, "/bulk-operations"))
    said: list[str] = []
    with connect(campus.url, campus.key) as client:
        first, again = (carry_out(client, decision, said.append) for _ in range(2))
    assert first.id == again.id
    assert len(asked(campus, "/bulk-operations")) == before + 1


def test_a_clerk_decides_on_what_was_seen_or_not_at_all(
    campus: Campus, story: str, importable: None
) -> None:
    from lms import desk
    from lms.service import Refused, connect

    with connect(campus.url, campus.key) as client:
        seen = desk.look_up(client, "ana", "fire-safety")
        desk.suspend(client, seen, "clerk-7", "First")
        with pytest.raises(Refused, match="stale_revision"):
            desk.suspend(client, seen, "clerk-8", "Second")
