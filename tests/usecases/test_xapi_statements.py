"""Statements read: verbs, results, actors, activities, instants; and whatever JSON there is."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.api.schemas.values import LMS_ID
from certsvc.store.activity_tables import ActivityKind
from certsvc.usecases.xapi import statement as reading
from certsvc.usecases.xapi.meaning import MEANINGS
from certsvc.usecases.xapi.statement import Ignored, Mailbox, Reason, Rules, Statement, Wrong, read
from certsvc.usecases.xapi.verbs import VERBS, Says
from tests.support.xapi import (
    ADL,
    CMI5,
    CMI5_CATEGORY,
    COURSE,
    LMS,
    PUBLISHER,
    Json,
    activity,
    agent,
    cmi5,
    named,
    score,
    statement,
    voiding,
)

EVERYONE = Rules()


def sound(value: Json, rules: Rules = EVERYONE) -> Statement:
    found = read(value, rules)
    assert isinstance(found, Statement), found
    return found


def ignored(value: Json, rules: Rules = EVERYONE) -> Reason:
    found = read(value, rules)
    assert isinstance(found, Ignored), found
    return found.reason


def wrong(value: Any) -> tuple[str, str]:
    found = read(value, EVERYONE)
    assert isinstance(found, Wrong), found
    return found.code, found.pointer


def test_a_statement_says_who_did_what_when() -> None:
    found = sound(statement())
    assert found.id == named("s-1")
    assert (found.learner_id, found.says, found.activities) == ("ann", Says.PASSED, (COURSE,))
    assert found.at == datetime(2026, 1, 5, 8, tzinfo=UTC)
    assert (found.grade, found.attempt_id) == (None, None)


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        (ADL + "attempted", Says.BEGUN),
        (ADL + "launched", Says.BEGUN),
        (ADL + "initialized", Says.BEGUN),
        (ADL + "completed", Says.COMPLETED),
        (ADL + "passed", Says.PASSED),
        (ADL + "mastered", Says.PASSED),
        (ADL + "failed", Says.FAILED),
        (ADL + "attended", Says.ATTENDED),
        (CMI5 + "waived", Says.PASSED),
        (CMI5 + "satisfied", Says.PASSED),
        ("http://www.adlnet.gov/expapi/verbs/completed", Says.COMPLETED),
        ("https://adlnet.gov/expapi/verbs/completed", Says.COMPLETED),
        ("http://activitystrea.ms/schema/1.0/complete", Says.COMPLETED),
        ("http://activitystrea.ms/attend", Says.ATTENDED),
    ],
)
def test_what_a_verb_says(verb: str, says: Says) -> None:
    assert sound(statement(verb=verb)).says is says


@pytest.mark.parametrize(
    "verb",
    [
        ADL + "experienced",
        ADL + "answered",
        ADL + "terminated",
        ADL + "suspended",
        CMI5 + "abandoned",
        "completed",
        "ftp://adlnet.gov/expapi/verbs/completed",
        "\x00://adlnet.gov/expapi/verbs/completed",
    ],
)
def test_other_verbs_mean_nothing(verb: str) -> None:
    assert ignored(statement(verb=verb)) is Reason.MEANINGLESS_VERB


@pytest.mark.parametrize(
    ("verb", "result", "says"),
    [
        ("attempted", {"completion": True, "success": True}, Says.PASSED),
        ("attempted", {"completion": True, "success": False}, Says.FAILED),
        ("attempted", {"completion": True}, Says.COMPLETED),
        ("attempted", {"completion": False}, Says.BEGUN),
        ("completed", {"success": True}, Says.PASSED),
        ("completed", {"success": False, "completion": True}, Says.FAILED),
        ("completed", {"completion": False}, Says.BEGUN),
        ("attended", {"completion": False}, Says.BEGUN),
        ("passed", {"success": False}, Says.PASSED),
        ("failed", {"success": True}, Says.FAILED),
    ],
)
def test_a_result_settles_what_the_verb_leaves_open(verb: str, result: Json, says: Says) -> None:
    assert sound(statement(verb=ADL + verb, result=result)).says is says


@pytest.mark.parametrize(
    ("numbers", "grade"),
    [
        ({"scaled": 1}, 100.0),
        ({"scaled": 0.95}, 95.0),
        ({"scaled": 0.29}, 29.0),
        ({"scaled": 0}, 0.0),
        ({"scaled": -0.5}, 0.0),
        ({"scaled": -1}, 0.0),
        ({"scaled": 0.5, "raw": 99, "min": 0, "max": 100}, 50.0),
        ({"raw": 17, "min": 0, "max": 20}, 85.0),
        ({"raw": 17, "max": 20}, 85.0),
        ({"raw": 15, "min": 10, "max": 20}, 50.0),
        ({"raw": -5, "min": -10, "max": 0}, 50.0),
        ({"raw": 17}, None),
        ({"raw": 0, "min": 0, "max": 0}, None),
        ({"raw": 0, "min": -1.7e308, "max": 1.7e308}, None),
        ({}, None),
    ],
)
def test_scores_become_grades(numbers: dict[str, float], grade: float | None) -> None:
    assert sound(statement(result=score(**numbers))).grade == grade


@pytest.mark.parametrize(
    ("result", "pointer"),
    [
        (score(scaled=1.01), "/result/score/scaled"),
        (score(scaled=-1.01), "/result/score/scaled"),
        (score(raw=21, min=0, max=20), "/result/score/raw"),
        (score(raw=1, min=5, max=3), "/result/score/raw"),
        ({"score": {"scaled": "0.9"}}, "/result/score/scaled"),
        ({"score": {"scaled": True}}, "/result/score/scaled"),
        ({"score": {"scaled": float("nan")}}, "/result/score/scaled"),
        ({"score": {"raw": 10**400}}, "/result/score/raw"),
        ({"score": 0.9}, "/result/score"),
        ({"success": "yes"}, "/result/success"),
        ({"completion": 1}, "/result/completion"),
        ([], "/result"),
    ],
)
def test_a_result_that_is_none_is_told(result: Any, pointer: str) -> None:
    assert wrong(statement(result=result))[1] == pointer


@pytest.mark.parametrize("duration", ["PT40M", "PT1H0M7.25S", "P1Y2M3DT4H5M6S", "P3W", "PT0S"])
def test_durations_are_kept(duration: str) -> None:
    assert sound(statement(result={"duration": duration})).kept["duration"] == duration


@pytest.mark.parametrize("duration", ["40 minutes", "P", "PT", "P1DT", "\x00", 40, {"a": 1}])
def test_a_duration_that_is_none_is_not_kept(duration: Any) -> None:
    assert "duration" not in sound(statement(result={"duration": duration})).kept


def test_other_people_and_groups_are_nobodys() -> None:
    group = {"objectType": "Group", "name": "Team", "member": [agent("ann")]}
    assert ignored(statement(actor=group)) is Reason.GROUP
    assert ignored(statement(actor={"mbox": "mailto:ann@lms.example"})) is Reason.NO_ACCOUNT
    assert ignored(statement(actor={"openid": "https://ann.example"})) is Reason.NO_ACCOUNT
    assert ignored(statement(actor=agent("Ann Lee"))) is Reason.NO_LEARNER_ID
    assert ignored(statement(actor=agent("a" * 129))) is Reason.NO_LEARNER_ID
    assert ignored(statement(actor=agent("ann\n"))) is Reason.NO_LEARNER_ID


def test_accounts_may_be_those_of_one_home_page() -> None:
    ours = Rules(frozenset({LMS}))
    assert sound(statement(), ours).learner_id == "ann"
    assert sound(statement(actor=agent("ann", LMS + "/")), ours).learner_id == "ann"
    assert ignored(statement(actor=agent("ann", "https://x.example")), ours) is (
        Reason.FOREIGN_ACCOUNT
    )


@pytest.mark.parametrize(
    ("mailbox", "learner"), [(Mailbox.ADDRESS, "ann@lms.example"), (Mailbox.LOCAL_PART, "ann")]
)
def test_a_mailbox_may_name_the_learner(mailbox: Mailbox, learner: str) -> None:
    sent = statement(actor={"mbox": "mailto:ann@lms.example"})
    assert sound(sent, Rules(mailbox=mailbox)).learner_id == learner
    assert sound(statement(), Rules(mailbox=mailbox)).learner_id == "ann"
    nobody = statement(actor={"mbox": "mailto:"})
    assert ignored(nobody, Rules(mailbox=mailbox)) is Reason.NO_LEARNER_ID


def test_learner_ids_are_those_of_the_interface() -> None:
    assert f"^{reading._LMS_ID.pattern}$" == LMS_ID


@pytest.mark.parametrize(
    "about",
    [
        agent("bob"),
        {"objectType": "SubStatement", "actor": agent("bob"), "verb": {}, "object": {}},
        {"objectType": "StatementRef", "id": named("s-2")},
    ],
    ids=["a person", "a statement within", "another statement"],
)
def test_what_is_not_about_an_activity_is_ignored(about: Json) -> None:
    assert ignored(statement(object=about)) is Reason.NO_ACTIVITY


def test_cmi5_knows_the_object_by_the_publishers_id_too() -> None:
    found = sound(cmi5("s-1", ADL + "passed", "sess-1"))
    assert found.activities == ("https://lms.example/generated/5f2", PUBLISHER)
    assert found.attempt_id == "sess-1"
    assert found.kept["registration"] == "ec531277-b57b-4c15-8d91-d292c5b2b8f7"


def test_what_others_group_by_is_not_what_a_statement_is_about() -> None:
    context = {
        "contextActivities": {"parent": [{"id": COURSE}], "grouping": [{"id": COURSE}]},
    }
    quiz = activity("https://lms.example/activities/safety-101/quiz-3")
    assert sound(statement(object=quiz, context=context)).activities == (quiz["id"],)
    single = {"contextActivities": {"category": {"id": CMI5_CATEGORY}, "grouping": {"id": COURSE}}}
    assert sound(statement(object=quiz, context=single)).activities == (quiz["id"], COURSE)


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        ("2026-01-05T08:00:00Z", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T08:00:00.123456789Z", "2026-01-05T08:00:00.123456+00:00"),
        ("2026-01-05T09:30:00+01:30", "2026-01-05T08:00:00+00:00"),
        ("2026-01-05T03:00:00-0500", "2026-01-05T08:00:00+00:00"),
    ],
)
def test_timestamps_have_offsets(timestamp: str, at: str) -> None:
    found = sound(statement(timestamp=timestamp)).at
    assert found is not None
    assert found.isoformat() == at


@pytest.mark.parametrize(
    "timestamp",
    ["2026-01-05T08:00:00", "2026-01-05", "yesterday", "0001-01-01T00:00:00+14:00", 7, {"a": 1}],
)
def test_a_timestamp_without_offset_is_none(timestamp: Any) -> None:
    assert wrong(statement(timestamp=timestamp)) == ("timestamp", "/timestamp")


def test_without_a_timestamp_it_is_when_the_store_heard_of_it() -> None:
    assert sound(statement(timestamp=None)).at == datetime(2026, 1, 5, 8, 0, 1, tzinfo=UTC)
    assert sound(statement(timestamp=None, stored=None)).at is None


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"id": "s-1"}, "/id"),
        ({"id": 7}, "/id"),
        ({"actor": None}, "/actor"),
        ({"actor": []}, "/actor"),
        ({"actor": {"account": {"name": "ann"}}}, "/actor/account"),
        ({"verb": "completed"}, "/verb"),
        ({"verb": {}}, "/verb/id"),
        ({"object": None}, "/object"),
        ({"object": {}}, "/object/id"),
        ({"object": {"id": "safety 101"}}, "/object/id"),
        ({"object": {"id": "urn:a\x00b"}}, "/object/id"),
    ],
)
def test_what_is_missing_is_pointed_at(changes: Json, pointer: str) -> None:
    assert wrong({**statement(), **changes})[1] == pointer


def test_voiding_names_a_statement() -> None:
    found = sound(voiding("v-1", "s-1"))
    assert (found.says, found.voids) == (Says.VOIDED, named("s-1"))
    assert wrong(statement(verb=ADL + "voided"))[1] == "/object"


def test_ids_are_told_apart_without_regard_to_case() -> None:
    assert sound(statement(id=named("s-1").upper())).id == named("s-1")
    assert sound(voiding("v-1", "s-1", id=named("v-1").upper())).id == named("v-1")


def test_the_same_statement_has_the_same_digest_whatever_a_store_adds() -> None:
    one = sound(statement())
    assert sound(statement(stored=None, authority=None, version="2.0.0")).digest == one.digest
    for other in (
        statement(verb=ADL + "failed"),
        statement(actor=agent("bob")),
        statement(object=activity(PUBLISHER)),
        statement(result=score(scaled=0.5)),
        statement(timestamp="2026-01-05T08:00:01Z"),
    ):
        assert sound(other).digest != one.digest


def test_the_page_names_every_verb_and_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "xapi.md").read_text()
    for verb, _ in VERBS:
        base, _, name = verb.rpartition("/")
        assert f"{base}/" in page
        assert re.search(rf"[`/]{name}`", page), verb
    for reason in Reason:
        assert f"| `{reason}` |" in page


def test_every_kind_of_activity_has_its_meaning() -> None:
    assert set(MEANINGS) == set(ActivityKind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PARTS = ("id", "actor", "verb", "object", "result", "context", "timestamp", "stored")


@given(JSON)
def test_any_json_is_read(value: Any) -> None:
    assert isinstance(read(value, EVERYONE), Wrong)


@given(st.dictionaries(st.sampled_from(PARTS), JSON), st.sampled_from([None, *Mailbox]))
def test_any_json_may_stand_for_any_part(parts: Json, mailbox: Mailbox | None) -> None:
    read({**statement(), **parts}, Rules(mailbox=mailbox))


@given(
    st.sampled_from(PARTS[1:6]),
    st.dictionaries(
        st.sampled_from(
            (
                *("id", "objectType", "account", "mbox", "score", "success", "completion"),
                *("duration", "contextActivities", "registration", "extensions"),
                *("scaled", "raw", "min", "max"),
            )
        ),
        JSON,
    ),
)
def test_any_json_may_stand_within_any_part(part: str, value: Json) -> None:
    read({**statement(), part: {**statement().get(part, {}), **value}}, EVERYONE)
    read({**statement(), "result": {"score": value}}, EVERYONE)
