"""Evidence in batches: what becomes of each item, who moves, in a fixed number of statements."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.domain.status import Status
from certsvc.store import evidence
from certsvc.store.db import driver, transaction
from certsvc.usecases.record import EvidenceItem, ItemOutcome, Recorded, record
from tests.support.programmes import ELSEWHERE, EXAM, PRACTICE, definition, path
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.support.statements import counted

TUESDAY = MONDAY + days(1)


def item(id: str = "F-1", learner: str = "ann", **fields: Any) -> EvidenceItem:
    given = {
        "type": FactType.COURSE_COMPLETION,
        "occurred_at": TUESDAY,
        "course_id": "C-1",
        "outcome": FactOutcome.PASSED,
        "grade": 90.0,
        **fields,
    }
    return EvidenceItem(id=id, learner_id=learner, **given)


async def reported(stage: Stage, *items: EvidenceItem, at: datetime = TUESDAY) -> Recorded:
    async with transaction(stage.engine) as conn:
        return await record(conn, stage.tenant, at, items, BOSS)


def results(answer: Recorded) -> list[tuple[str, str | None]]:
    return [(result.result.value, result.code) for result in answer.items]


async def test_evidence_moves_every_enrollment_that_it_concerns(stage: Stage) -> None:
    one = await stage.certification()
    other = await stage.certification(id=ELSEWHERE, key="other")
    ids = [*await stage.enroll(one, "ann", "bob"), *await stage.enroll(other, "ann")]
    answer = await reported(stage, item())
    assert results(answer) == [("recorded", None)]
    assert {moved.enrollment_id for moved in answer.moved} == {ids[0], ids[2]}
    assert {moved.status for moved in answer.moved} == {Status.CERTIFIED}
    rows = await stage.read(*ids)
    revisions = {row.enrollment.id: row.enrollment.revision for row in rows}
    assert all(moved.revision == revisions[moved.enrollment_id] for moved in answer.moved)


async def test_learners_and_courses_nobody_heard_of_are_fine(stage: Stage) -> None:
    answer = await reported(stage, item(learner="stranger", course_id="C-404"))
    assert results(answer) == [("recorded", None)]
    assert answer.moved == ()


async def test_a_repeat_is_a_duplicate_and_other_content_is_rejected(stage: Stage) -> None:
    await reported(stage, item(metadata={"a": 1}))
    answer = await reported(
        stage,
        item(),
        item(grade=91.0),
        item(learner="bob"),
        at=TUESDAY + days(1),
    )
    assert results(answer) == [
        ("duplicate", None),
        ("rejected", "evidence_id_reused"),
        ("rejected", "evidence_id_reused"),
    ]
    async with transaction(stage.engine) as conn:
        kept = await evidence.known(conn, stage.tenant.id, ["F-1"])
    assert (kept["F-1"].fact.grade, kept["F-1"].metadata) == (90.0, {"a": 1})


async def test_repeats_within_one_batch(stage: Stage) -> None:
    answer = await reported(stage, item(), item(), item(grade=10.0), item("F-2"))
    assert results(answer) == [
        ("recorded", None),
        ("duplicate", None),
        ("rejected", "evidence_id_reused"),
        ("recorded", None),
    ]


async def test_an_echo_of_a_rejected_item_is_rejected_too(stage: Stage) -> None:
    await reported(stage, item())
    answer = await reported(stage, item(grade=10.0), item(grade=10.0))
    assert results(answer) == [("rejected", "evidence_id_reused")] * 2


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        (timedelta(minutes=5), ("recorded", None)),
        (timedelta(minutes=5, microseconds=1), ("rejected", "occurred_in_future")),
    ],
    ids=["five minutes ahead is taken as now", "later is rejected"],
)
async def test_clocks_differ(
    stage: Stage, ahead: timedelta, outcome: tuple[str, str | None]
) -> None:
    early = item(occurred_at=TUESDAY + ahead)
    assert results(await reported(stage, early)) == [outcome]
    async with transaction(stage.engine) as conn:
        kept = await evidence.known(conn, stage.tenant.id, ["F-1"])
    assert [row.fact.occurred_at for row in kept.values()] == [TUESDAY] * (outcome[1] is None)
    if outcome[1] is None:
        again = await reported(stage, early, at=TUESDAY + timedelta(minutes=1))
        assert results(again) == [("duplicate", None)]


async def test_a_certification_is_named_by_key_or_id_and_must_exist(stage: Stage) -> None:
    await stage.certification()
    other = await stage.certification(
        definition(path(PRACTICE, exam=EXAM)), id=ELSEWHERE, key="other"
    )
    await stage.enroll(other, "ann")
    work = item(
        type=FactType.EXTERNAL,
        course_id=None,
        step="practice",
        outcome=FactOutcome.ACCEPTED,
        certification="other",
    )
    answer = await reported(
        stage,
        replace(work, id="F-1"),
        replace(work, id="F-2", certification=str(ELSEWHERE)),
        replace(work, id="F-3", certification="nowhere"),
    )
    assert results(answer)[:2] == [("recorded", None)] * 2
    assert results(answer)[2] == ("rejected", "unknown_certification")
    assert len(answer.moved) == 1


async def test_what_names_another_certification_moves_nothing_here(stage: Stage) -> None:
    await stage.enroll(await stage.certification(definition(path(payment_required=True))), "ann")
    await stage.certification(id=ELSEWHERE, key="other")
    paid = item(
        type=FactType.PAYMENT, course_id=None, outcome=FactOutcome.PAID, certification="other"
    )
    assert (await reported(stage, paid)).moved == ()
    answer = await reported(stage, replace(paid, id="F-2", certification="forklift"))
    assert len(answer.moved) == 1


async def test_a_retraction_may_come_before_what_it_takes_back(stage: Stage) -> None:
    (id,) = await stage.enroll(await stage.certification(), "ann")
    taken_back = item("R-1", type=FactType.RETRACTION, retracts="F-1", course_id=None)
    missing = item("R-2", type=FactType.RETRACTION, course_id=None)
    answer = await reported(stage, taken_back, missing)
    assert results(answer) == [("recorded", None), ("rejected", "retracts_missing")]
    await reported(stage, item())
    (row,) = await stage.read(id)
    assert row.enrollment.status is Status.NOT_STARTED


async def test_a_batch_is_judged_as_a_set(stage: Stage) -> None:
    await stage.enroll(await stage.certification(definition(path(exam=EXAM))), "ann")
    exam = item(
        "F-2",
        type=FactType.EXAM_ATTEMPT,
        course_id=None,
        exam_id="X-1",
        occurred_at=TUESDAY - timedelta(hours=1),
    )
    answer = await reported(stage, item(occurred_at=TUESDAY - timedelta(hours=2)), exam)
    assert [moved.status for moved in answer.moved] == [Status.CERTIFIED]


async def test_a_thousand_items_take_as_many_statements_as_a_few(stage: Stage) -> None:
    certification = await stage.certification()
    await stage.enroll(certification, *(f"u-{n}" for n in range(600)))

    async def statements(first: int, last: int) -> int:
        items = [item(f"F-{n}", f"u-{n % 600}", grade=10.0 + n % 80) for n in range(first, last)]
        with counted(stage.engine) as heard:
            answer = await reported(stage, *items)
        assert {result.result for result in answer.items} == {ItemOutcome.RECORDED}
        return len(heard.work)

    await statements(0, 1)
    few, many = await statements(1, 200), await statements(200, 1200)
    assert few == many <= 8


async def test_nothing_is_recorded_where_the_transaction_fails(stage: Stage) -> None:
    async def failing() -> None:
        async with transaction(stage.engine) as conn:
            await record(conn, stage.tenant, TUESDAY, [item()], BOSS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    async with transaction(stage.engine) as conn:
        assert await driver(conn).fetchval("SELECT count(*) FROM evidence") == 0
