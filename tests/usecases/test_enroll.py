"""Enrolment, one or many; twice at once is once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import Status
from certsvc.store import enrollments, learners
from certsvc.store.db import driver, transaction
from certsvc.store.errors import Conflict
from certsvc.store.evidence import Recorded, insert
from certsvc.usecases.answers import NotFound
from certsvc.usecases.apply import apply
from certsvc.usecases.decide import of_locked
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.record import EvidenceItem, record
from tests.support.programmes import ELSEWHERE, definition
from tests.support.stage import BOSS, MONDAY, Stage, days
from tests.support.statements import counted

ANN = EnrollRequest(certification="forklift", learner_id="ann")


async def answers(stage: Stage, *requests: EnrollRequest) -> list[Enrolled | NotFound]:
    async with transaction(stage.engine) as conn:
        return await enroll(conn, stage.tenant, MONDAY, requests, BOSS)


async def only(stage: Stage, request: EnrollRequest) -> Enrolled:
    (answer,) = await answers(stage, request)
    assert isinstance(answer, Enrolled)
    return answer


async def rows(stage: Stage) -> int:
    async with transaction(stage.engine) as conn:
        number: int = await driver(conn).fetchval("SELECT count(*) FROM enrollments")
        return number


async def report(stage: Stage, learner: str) -> None:
    """The course is passed."""
    item = EvidenceItem(
        id=f"F-{learner}",
        type=FactType.COURSE_COMPLETION,
        learner_id=learner,
        occurred_at=MONDAY,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=90.0,
    )
    async with transaction(stage.engine) as conn:
        await record(conn, stage.tenant, MONDAY, [item], BOSS)


async def test_a_new_learner_is_enrolled_and_created(stage: Stage) -> None:
    await stage.certification()
    answer = await only(stage, ANN)
    assert answer.created
    assert answer.enrollment.status is Status.NOT_STARTED
    (row,) = await stage.read(answer.enrollment.id)
    assert row.enrollment == answer.enrollment


async def test_the_same_again_is_answered_with_the_one_there_is(stage: Stage) -> None:
    await stage.certification()
    first, again = await only(stage, ANN), await only(stage, ANN)
    assert (again.created, again.enrollment) == (False, first.enrollment)


async def test_the_seed_of_certificate_codes_is_random(stage: Stage) -> None:
    await stage.certification()
    ann, bob = await only(stage, ANN), await only(stage, replace(ANN, learner_id="bob"))
    assert ann.enrollment.seed != bob.enrollment.seed
    assert len(ann.enrollment.seed) == 32


async def test_answers_come_in_the_order_of_the_requests(stage: Stage) -> None:
    certification = await stage.certification()
    given = await answers(
        stage,
        replace(ANN, learner_id="zoe"),
        replace(ANN, certification="nowhere"),
        replace(ANN, certification=certification.id),
        replace(ANN, source=Source.GROUP, group="G1"),
        replace(ANN, learner_id="bob"),
    )
    assert given[1] == NotFound("certification", "nowhere")
    zoe, ann, again, bob = (given[n] for n in (0, 2, 3, 4))
    for answer, learner, created in (
        (zoe, "zoe", True),
        (ann, "ann", True),
        (again, "ann", False),
        (bob, "bob", True),
    ):
        assert isinstance(answer, Enrolled)
        assert (answer.enrollment.learner_id, answer.created) == (learner, created)
    assert isinstance(again, Enrolled)
    assert [a.source for a in again.enrollment.assignments] == [Source.MANUAL, Source.GROUP]


async def test_a_refused_learner_is_not_stored(stage: Stage) -> None:
    await stage.certification()
    answer = await only(stage, replace(ANN, source=Source.SELF))
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.created) == ("self_enrollment_closed", False)
    assert await rows(stage) == 0


async def test_kept_evidence_counts_at_once_where_the_definition_gives_credit(
    stage: Stage,
) -> None:
    await stage.certification(definition(prior_credit="P90D"))
    fact = Fact(
        id="F-1",
        type=FactType.COURSE_COMPLETION,
        occurred_at=MONDAY - days(10),
        recorded_at=MONDAY - days(10),
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=90.0,
    )
    async with transaction(stage.engine) as conn:
        await insert(conn, stage.tenant.id, [Recorded(fact, "ann", None, "key:lms")])
    answer = await only(stage, ANN)
    assert answer.enrollment.status is Status.CERTIFIED


async def test_two_requests_at_once_enrol_once(stage: Stage) -> None:
    await stage.certification()
    given = await asyncio.gather(*(only(stage, ANN) for _ in range(6)))
    assert sorted(answer.created for answer in given) == [False] * 5 + [True]
    assert len({answer.enrollment.id for answer in given}) == 1
    assert await rows(stage) == 1


async def test_evidence_and_enrolment_at_once_do_not_miss_each_other(stage: Stage) -> None:
    await stage.certification(definition(prior_credit="P1D"))

    learners = [f"u-{n}" for n in range(12)]
    work = [only(stage, replace(ANN, learner_id=learner)) for learner in learners]
    await asyncio.gather(*work, *(report(stage, learner) for learner in learners))
    async with transaction(stage.engine) as conn:
        statuses = await driver(conn).fetch("SELECT DISTINCT status FROM enrollments")
    assert [row[0] for row in statuses] == ["certified"]


async def test_evidence_and_being_led_elsewhere_at_once_do_not_miss_each_other(
    stage: Stage,
) -> None:
    """Who waits for the other's rows begins again."""
    first = await stage.certification()
    await stage.certification(definition(prior_credit="P9D"), id=ELSEWHERE, key="other")
    people = [f"u-{n}" for n in range(12)]
    ids = await stage.enroll(first, *people)
    for id in ids:
        await stage.act(id, Act(action=Action.CERTIFY, certified_at=MONDAY))
    onwards = Act(
        action=Action.CHANGE_NEXT_RECERTIFICATION,
        next=str(ELSEWHERE),
        next_certification=ELSEWHERE,
        now=True,
    )

    async def lead(id: UUID) -> None:
        async with transaction(stage.engine) as conn:
            rows = await enrollments.lock(conn, stage.tenant.id, [id])
            await apply(conn, stage.tenant, MONDAY, of_locked(rows, BOSS, onwards))

    async def again(work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except Conflict:
                await asyncio.sleep(0.01)

    work = [partial(lead, id) for id in ids] + [
        partial(report, stage, learner) for learner in people
    ]
    await asyncio.gather(*map(again, work))
    async with transaction(stage.engine) as conn:
        there = await driver(conn).fetch(
            "SELECT status, count(*) FROM enrollments WHERE certification_id = $1 GROUP BY 1",
            ELSEWHERE,
        )
    assert [tuple(row) for row in there] == [("certified", len(people))]


async def test_two_who_hear_of_a_learner_do_not_wait_for_each_other_and_who_enrols_does(
    stage: Stage,
) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        await learners.share(conn, stage.tenant.id, ["ann"])
        async with transaction(stage.engine) as other:
            await asyncio.wait_for(learners.share(other, stage.tenant.id, ["ann"]), 5)
        enrolling = asyncio.create_task(only(stage, ANN))
        await asyncio.sleep(0.2)
        assert not enrolling.done()
    assert (await enrolling).created


async def test_the_number_of_statements_does_not_depend_on_how_many_are_enrolled(
    stage: Stage,
) -> None:
    await stage.certification()
    await stage.certification(id=ELSEWHERE, key="other")

    async def statements(first: int, number: int) -> int:
        requests = [
            replace(ANN, learner_id=f"u-{n}", certification=name)
            for n in range(first, first + number)
            for name in ("forklift", "other")
        ]
        with counted(stage.engine) as heard:
            given = await answers(stage, *requests)
        assert all(isinstance(answer, Enrolled) and answer.created for answer in given)
        return len(heard.work)

    await statements(0, 1)
    assert await statements(100, 40) == await statements(200, 150) <= 12
