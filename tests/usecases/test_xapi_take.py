"""Statements taken as evidence: what becomes of each, who moves, each once and in any order."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import Status
from certsvc.store import activities, evidence
from certsvc.store.activities import Activity
from certsvc.store.activity_tables import ActivityKind
from certsvc.store.db import driver, transaction
from certsvc.usecases.xapi.statement import Rules
from certsvc.usecases.xapi.take import TakenAll, take
from tests.support.programmes import EXAM as FINAL
from tests.support.programmes import definition, path
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.support.statements import counted
from tests.support.xapi import (
    ADL,
    CMI5,
    COURSE,
    EXAM,
    MAPPINGS,
    PUBLISHER,
    SESSION,
    TEST_OUT,
    Json,
    activity,
    agent,
    cmi5,
    named,
    score,
    statement,
    voiding,
)

TUESDAY = MONDAY + days(1)
SOON = {"timestamp": TUESDAY.isoformat()}


@pytest.fixture
async def mapped(stage: Stage) -> Stage:
    """A tenant that knows what activities mean."""
    await mean(stage, *MAPPINGS)
    return stage


async def mean(stage: Stage, *mappings: Json) -> None:
    rows = [
        Activity(
            **{**mapping, "kind": ActivityKind(mapping["kind"])},
            id=uuid4(),
            created_at=MONDAY,
            updated_at=MONDAY,
        )
        for mapping in mappings
    ]
    async with transaction(stage.engine) as conn:
        await activities.put(conn, stage.tenant.id, rows)


async def taken(stage: Stage, *sent: Any, at: datetime = TUESDAY) -> TakenAll:
    async with transaction(stage.engine) as conn:
        return await take(conn, stage.tenant, at, sent, BOSS)


def became(answer: TakenAll) -> list[str]:
    return [
        one.reason.value if one.reason else one.wrong.code if one.wrong else one.became.value
        for one in answer.items
    ]


async def fact(stage: Stage, name: str) -> Fact:
    async with transaction(stage.engine) as conn:
        return (await evidence.known(conn, stage.tenant.id, [named(name)]))[named(name)].fact


async def test_a_course_passed_moves_who_is_enrolled(mapped: Stage) -> None:
    await mapped.enroll(await mapped.certification(), "ann")
    answer = await taken(mapped, statement(result=score(scaled=0.85), **SOON))
    assert became(answer) == ["recorded"]
    assert [moved.status for moved in answer.moved] == [Status.CERTIFIED]
    kept = await fact(mapped, "s-1")
    assert (kept.type, kept.outcome, kept.grade, kept.course_id) == (
        FactType.COURSE_COMPLETION,
        FactOutcome.PASSED,
        85.0,
        "C-1",
    )


@pytest.mark.parametrize(
    ("about", "verb", "type", "outcome"),
    [
        (COURSE, "initialized", FactType.COURSE_COMPLETION, FactOutcome.STARTED),
        (COURSE, "completed", FactType.COURSE_COMPLETION, FactOutcome.COMPLETED),
        (COURSE, "attended", FactType.COURSE_COMPLETION, FactOutcome.COMPLETED),
        (COURSE, "mastered", FactType.COURSE_COMPLETION, FactOutcome.PASSED),
        (COURSE, "failed", FactType.COURSE_COMPLETION, FactOutcome.FAILED),
        (SESSION, "attended", FactType.SESSION_ATTENDANCE, FactOutcome.ATTENDED),
        (SESSION, "completed", FactType.SESSION_ATTENDANCE, FactOutcome.ATTENDED),
        (EXAM, "attempted", FactType.EXAM_ATTEMPT, FactOutcome.STARTED),
        (EXAM, "passed", FactType.EXAM_ATTEMPT, FactOutcome.PASSED),
        (EXAM, "failed", FactType.EXAM_ATTEMPT, FactOutcome.FAILED),
        (TEST_OUT, "passed", FactType.TEST_OUT_ATTEMPT, FactOutcome.PASSED),
    ],
)
async def test_what_activities_of_each_kind_give(
    mapped: Stage, about: str, verb: str, type: FactType, outcome: FactOutcome
) -> None:
    answer = await taken(mapped, statement(verb=ADL + verb, object=activity(about)))
    assert became(answer) == ["recorded"]
    kept = await fact(mapped, "s-1")
    assert (kept.type, kept.outcome) == (type, outcome)
    ids = {COURSE: "C-1", SESSION: "C-9", EXAM: "X-1", TEST_OUT: "T-1"}
    assert (kept.course_id or kept.exam_id) == ids[about]
    assert kept.session_id == ("S-1" if about == SESSION else None)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (statement(object=activity("urn:nothing")), "unknown_activity"),
        (statement(verb=ADL + "experienced"), "verb_without_meaning"),
        (statement(verb=ADL + "initialized", object=activity(SESSION)), "verb_without_meaning"),
        (statement(verb=ADL + "completed", object=activity(EXAM)), "no_result"),
        (statement(actor={"mbox": "mailto:ann@lms.example"}), "actor_without_account"),
        (statement(object=activity("urn:" + "x" * 5000)), "unknown_activity"),
        (voiding("v-1", "never-heard-of"), "unknown_statement"),
    ],
)
async def test_what_comes_to_nothing_says_why(mapped: Stage, sent: Json, reason: str) -> None:
    answer = await taken(mapped, sent)
    assert became(answer) == [reason]
    async with transaction(mapped.engine) as conn:
        assert await driver(conn).fetchval("SELECT count(*) FROM evidence") == 0


async def test_an_end_with_a_score_is_judged_by_the_passing_score(mapped: Stage) -> None:
    certification = await mapped.certification(definition(path(exam=FINAL)))
    await mapped.enroll(certification, "ann")
    ended = statement(
        "s-2", ADL + "completed", object=activity(EXAM), result=score(raw=18, max=20), **SOON
    )
    answer = await taken(mapped, statement(**SOON), ended)
    assert became(answer) == ["recorded", "recorded"]
    assert [moved.status for moved in answer.moved] == [Status.CERTIFIED]


async def test_a_rejected_statement_does_not_stop_the_others(mapped: Stage) -> None:
    answer = await taken(
        mapped,
        7,
        statement("s-2", id="x"),
        statement("s-3", timestamp=(TUESDAY + timedelta(minutes=6)).isoformat()),
        statement("s-4", timestamp=(TUESDAY + timedelta(minutes=5)).isoformat()),
    )
    assert became(answer) == ["not_a_statement", "statement_id", "occurred_in_future", "recorded"]
    pointers = [one.wrong.pointer for one in answer.items if one.wrong]
    assert pointers == ["", "/id", "/timestamp"]


async def test_a_repeat_is_a_duplicate_whatever_was_not_said(mapped: Stage) -> None:
    await mapped.enroll(await mapped.certification(), "ann")
    sent = statement(timestamp=None, stored=None)
    assert became(await taken(mapped, sent, sent)) == ["recorded", "duplicate"]
    again = await taken(mapped, sent, at=TUESDAY + days(1))
    assert (became(again), again.moved) == (["duplicate"], ())


async def test_a_repeat_is_known_although_the_activity_means_something_else(mapped: Stage) -> None:
    await taken(mapped, statement())
    await mean(mapped, {"activity_id": COURSE, "kind": "exam", "exam_id": "X-1"})
    assert became(await taken(mapped, statement())) == ["duplicate"]


async def test_the_same_id_with_another_content_is_rejected(mapped: Stage) -> None:
    await taken(mapped, statement())
    answer = await taken(mapped, statement(verb=ADL + "failed"))
    assert became(answer) == ["evidence_id_reused"]


async def test_what_was_ignored_counts_once_the_activity_means_something(stage: Stage) -> None:
    assert became(await taken(stage, statement())) == ["unknown_activity"]
    await mean(stage, *MAPPINGS)
    assert became(await taken(stage, statement())) == ["recorded"]


async def test_a_voided_statement_is_taken_back(mapped: Stage) -> None:
    (id,) = await mapped.enroll(await mapped.certification(), "ann")
    await taken(mapped, statement(verb=ADL + "initialized", **SOON))
    (row,) = await mapped.read(id)
    assert row.enrollment.status is Status.IN_PROGRESS
    answer = await taken(mapped, voiding("v-1", "s-1", **SOON))
    assert became(answer) == ["recorded"]
    assert [moved.learner_id for moved in answer.moved] == ["ann"]
    (row,) = await mapped.read(id)
    assert row.enrollment.status is Status.NOT_STARTED
    assert became(await taken(mapped, voiding("v-1", "s-1", **SOON))) == ["duplicate"]


async def test_a_voiding_may_come_before_what_it_voids(mapped: Stage) -> None:
    assert became(await taken(mapped, voiding("v-1", "s-1"))) == ["unknown_statement"]
    assert became(await taken(mapped, statement(), voiding("v-1", "s-1"))) == [
        "voided",
        "unknown_statement",
    ]


async def test_a_voiding_is_not_voided(mapped: Stage) -> None:
    await taken(mapped, statement())
    await taken(mapped, voiding("v-1", "s-1"))
    assert became(await taken(mapped, voiding("v-2", "v-1"))) == ["voiding_is_final"]


async def test_cmi5_sessions_join_the_parts_of_an_attempt(mapped: Stage) -> None:
    await mean(mapped, {"activity_id": PUBLISHER, "kind": "exam", "exam_id": "X-1"})
    certification = await mapped.certification(definition(path(exam=FINAL)))
    (id,) = await mapped.enroll(certification, "ann")
    await taken(mapped, statement(**SOON))
    ended = {"result": {"success": False, "score": {"scaled": 0.2}}, **SOON}
    answer = await taken(
        mapped,
        cmi5("a-1", ADL + "launched", "one", **SOON),
        cmi5("a-2", ADL + "initialized", "one", **SOON),
        cmi5("a-3", ADL + "completed", "one", result={"completion": True}, **SOON),
        cmi5("a-4", ADL + "failed", "one", **ended),
        cmi5("a-5", ADL + "terminated", "one", **SOON),
    )
    assert became(answer) == [
        "recorded",
        "recorded",
        "no_result",
        "recorded",
        "verb_without_meaning",
    ]
    (row,) = await mapped.read(id)
    assert row.enrollment.cycle is not None
    exam = row.enrollment.cycle.progress.exam
    assert (exam.attempts, exam.open_attempt) == (1, False)


async def test_what_cmi5_knows_by_two_ids_that_mean_something_is_not_guessed(
    mapped: Stage,
) -> None:
    await mean(mapped, {"activity_id": PUBLISHER, "kind": "exam", "exam_id": "X-1"})
    sent = cmi5("s-1", CMI5 + "satisfied", "one")
    sent["context"]["contextActivities"]["grouping"].append({"id": COURSE})
    assert became(await taken(mapped, sent)) == ["ambiguous_activity"]
    assert became(await taken(mapped, {**sent, "object": activity(COURSE)})) == ["recorded"]


async def test_tenants_have_their_own_activities_and_statements(mapped: Stage) -> None:
    other = await Stage.set(mapped.engine, uuid4(), key="other")
    assert became(await taken(other, statement())) == ["unknown_activity"]
    assert became(await taken(other, voiding("v-1", "s-1"))) == ["unknown_statement"]
    assert became(await taken(mapped, statement())) == ["recorded"]


async def test_rules_say_whose_statements_count(mapped: Stage) -> None:
    async with transaction(mapped.engine) as conn:
        foreign = Rules(home_pages=frozenset({"https://elsewhere.example"}))
        answer = await take(conn, mapped.tenant, TUESDAY, [statement()], BOSS, foreign)
    assert became(answer) == ["foreign_account"]


async def test_a_thousand_statements_take_as_many_database_statements_as_a_few(
    mapped: Stage,
) -> None:
    certification = await mapped.certification()
    await mapped.enroll(certification, *(f"u-{n}" for n in range(300)))

    async def asked(first: int, last: int) -> int:
        sent = [
            statement(f"s-{n}", actor=agent(f"u-{n % 300}"), result=score(scaled=0.1), **SOON)
            for n in range(first, last)
        ]
        with counted(mapped.engine) as heard:
            answer = await taken(mapped, *sent)
        assert set(became(answer)) == {"recorded"}
        return len(heard.work)

    await asked(0, 1)
    few, many = await asked(1, 100), await asked(100, 1100)
    assert few == many <= 12


async def test_the_same_statement_many_times_at_once_is_recorded_once(mapped: Stage) -> None:
    await mapped.enroll(await mapped.certification(), "ann")
    sent = statement(timestamp=None, stored=None)
    later = [TUESDAY + timedelta(seconds=number) for number in range(8)]
    answers = await asyncio.gather(*(taken(mapped, sent, at=at) for at in later))
    every = sorted(word for answer in answers for word in became(answer))
    assert every == ["duplicate"] * 7 + ["recorded"]
    assert sum(len(answer.moved) for answer in answers) == 1


async def test_a_statement_and_its_voiding_at_once_leave_nothing_that_counts(
    mapped: Stage,
) -> None:
    certification = await mapped.certification()
    for number in range(10):
        (id,) = await mapped.enroll(certification, f"u-{number}")
        sent = statement(f"s-{number}", ADL + "initialized", actor=agent(f"u-{number}"), **SOON)
        void = voiding(f"v-{number}", f"s-{number}", **SOON)
        await asyncio.gather(taken(mapped, sent), taken(mapped, void))
        (row,) = await mapped.read(id)
        assert row.enrollment.status is Status.NOT_STARTED


LIVES = st.lists(
    st.builds(
        lambda number, verb, about, who, hour, result: statement(
            f"s-{number}",
            ADL + verb,
            object=activity(about),
            actor=agent(who),
            timestamp=(MONDAY + timedelta(hours=hour)).isoformat(),
            result=result,
        ),
        st.integers(0, 10**6),
        st.sampled_from(["attempted", "completed", "passed", "failed", "attended", "launched"]),
        st.sampled_from([COURSE, EXAM, SESSION, TEST_OUT, "urn:nothing"]),
        st.sampled_from(["ann", "bob"]),
        st.integers(0, 24),
        st.sampled_from([None, {"success": True}, score(scaled=0.9), score(scaled=0.1)]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda sent: sent["id"],
)


async def fresh(stage: Stage) -> Stage:
    """Another tenant with the same programme, and the same learners in it."""
    other = await Stage.set(stage.engine, uuid4(), key=uuid4().hex)
    await mean(other, *MAPPINGS)
    document = definition(path(exam=FINAL))
    await other.enroll(await other.certification(document, id=uuid4()), "ann", "bob")
    return other


async def outcome(stage: Stage) -> list[tuple[Any, ...]]:
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT learner_id, status, standing, certified_at FROM enrollments"
            " WHERE tenant_id = $1 ORDER BY learner_id",
            stage.tenant.id,
        )
    return [tuple(row) for row in rows]


def results(sent: Sequence[Json], answer: TakenAll) -> dict[str, str]:
    return dict(zip((one["id"] for one in sent), became(answer), strict=True))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
async def test_order_does_not_matter_and_twice_moves_nothing_twice(
    stage: Stage, data: st.DataObject
) -> None:
    sent = data.draw(LIVES)
    voids = [
        voiding(f"v-{number}", "", timestamp=TUESDAY.isoformat(), object=reference(one["id"]))
        for number, one in enumerate(data.draw(st.lists(st.sampled_from(sent), max_size=2)))
    ]
    batch = [*sent, *voids]
    shuffled = data.draw(st.permutations(batch))
    one, other = await fresh(stage), await fresh(stage)
    first, second = await taken(one, *batch), await taken(other, *shuffled)
    assert results(batch, first) == results(shuffled, second)
    assert await outcome(one) == await outcome(other)
    before = await outcome(one)
    again = await taken(one, *shuffled)
    assert again.moved == ()
    assert "recorded" not in became(again)
    assert await outcome(one) == before


def reference(id: str) -> Json:
    return {"objectType": "StatementRef", "id": id}
