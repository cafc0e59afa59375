"""Rows are locked in order, claimed by one at a time, and come with everything the rules need."""

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.domain.commands import Enroll
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.ids import derived_id
from certsvc.store import certifications, enrollments, evidence
from certsvc.store.db import driver, transaction
from certsvc.store.enrollments import Wanted
from certsvc.store.evidence import Recorded
from tests.support.plans import fill, indexes
from tests.support.programmes import CERTIFICATION
from tests.support.stage import MONDAY, TENANT, Stage, days, first_enrollment

FAR = MONDAY + days(10_000)


def course(id: str, at: datetime = MONDAY, outcome: FactOutcome = FactOutcome.FAILED) -> Fact:
    return Fact(
        id=id,
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=outcome,
    )


async def due(stage: Stage, *learners: str) -> list[UUID]:
    """Enrollments whose certificate expires within the year."""
    certification = await stage.certification()
    ids = await stage.enroll(certification, *learners)
    for learner in learners:
        fact = course(f"F-{learner}", MONDAY + days(1), FactOutcome.PASSED)
        await stage.report(learner, fact, at=MONDAY + days(2))
    return ids


async def test_rows_come_in_the_order_of_their_ids_with_their_evidence(stage: Stage) -> None:
    certification = await stage.certification()
    ids = await stage.enroll(certification, "u-1", "u-2", "u-3")
    await stage.report("u-2", course("F-2"), course("F-1"), at=MONDAY + days(1))
    async with transaction(stage.engine) as conn:
        locked = await enrollments.lock(conn, TENANT, ids)
        pairs = [(certification.id, learner) for learner in ("u-3", "u-9", "u-1")]
        by_pair = await enrollments.lock_learners(conn, TENANT, pairs)
        by_learner = await enrollments.lock_of_learners(conn, TENANT, ["u-2", "u-1"])
        walked = await enrollments.lock_of_certification(
            conn, TENANT, certification.id, after=locked[0].enrollment.id, limit=1
        )
        assert await enrollments.lock(conn, TENANT, []) == []
    assert [one.enrollment.id for one in locked] == sorted(ids)
    assert {one.enrollment.learner_id for one in by_pair} == {"u-1", "u-3"}
    assert {one.enrollment.learner_id for one in by_learner} == {"u-1", "u-2"}
    assert [one.enrollment.id for one in walked] == [locked[1].enrollment.id]
    (second,) = (one for one in locked if one.enrollment.learner_id == "u-2")
    assert [fact.id for fact in second.enrollment.evidence] == ["F-1", "F-2"]
    assert second.certification == certification


async def test_evidence_that_can_no_longer_count_is_left_out_unless_asked_for(
    stage: Stage,
) -> None:
    (id,) = await due(stage, "u-1")
    old = course("F-old", MONDAY - days(300))
    taken_back = Fact(
        id="F-back",
        type=FactType.RETRACTION,
        occurred_at=MONDAY - days(299),
        recorded_at=MONDAY,
        retracts="F-old",
    )
    await stage.report("u-1", old, taken_back, at=MONDAY + days(3))
    async with transaction(stage.engine) as conn:
        (few,) = await enrollments.lock(conn, TENANT, [id])
        (all_,) = await enrollments.lock(conn, TENANT, [id], every_fact=True)
    assert few.evidence_from == MONDAY + days(1)
    assert [fact.id for fact in few.enrollment.evidence] == ["F-back", "F-u-1"]
    assert [fact.id for fact in all_.enrollment.evidence] == ["F-old", "F-back", "F-u-1"]


async def test_facts_for_learners_who_are_not_enrolled_come_in_the_order_asked(
    stage: Stage,
) -> None:
    await stage.report("u-1", course("F-1"), course("F-2", MONDAY + days(2)))
    async with transaction(stage.engine) as conn:
        found = await enrollments.facts_for(
            conn,
            TENANT,
            [
                Wanted(CERTIFICATION, "u-2"),
                Wanted(CERTIFICATION, "u-1", MONDAY + days(1)),
                Wanted(CERTIFICATION, "u-1"),
            ],
        )
        assert await enrollments.facts_for(conn, TENANT, []) == []
    assert [[fact.id for fact in facts] for facts in found] == [[], ["F-2"], ["F-1", "F-2"]]


async def test_what_was_written_while_waiting_for_a_lock_is_seen(stage: Stage) -> None:
    """The facts are read after the lock is held, from a fresh look at the database."""
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    waiting = asyncio.Event()

    async def wait_and_read() -> list[str]:
        async with transaction(stage.engine) as conn:
            await driver(conn).execute("SELECT 1")
            waiting.set()
            (locked,) = await enrollments.lock(conn, TENANT, [id])
            return [fact.id for fact in locked.enrollment.evidence]

    async with transaction(stage.engine) as conn:
        await enrollments.lock(conn, TENANT, [id])
        task = asyncio.create_task(wait_and_read())
        await waiting.wait()
        await asyncio.sleep(0.05)
        await evidence.insert(conn, TENANT, [Recorded(course("F-1"), "u-1", None, "cli")])
    assert await task == ["F-1"]


async def test_two_claims_never_meet(stage: Stage) -> None:
    await due(stage, *(f"u-{n}" for n in range(6)))
    async with transaction(stage.engine) as one, transaction(stage.engine) as other:
        first = await enrollments.claim_due(one, TENANT, FAR, 4)
        second = await enrollments.claim_due(other, TENANT, FAR, 4)
        ids = [row.enrollment.id for row in (*first.rows, *second.rows)]
        assert (len(first.rows), len(second.rows)) == (4, 2)
        assert len(set(ids)) == 6


async def test_a_claim_that_waits_takes_what_another_holds_once_it_is_free(stage: Stage) -> None:
    await due(stage, "u-1")

    async def wait() -> int:
        async with transaction(stage.engine) as conn:
            claim = await enrollments.claim_due(conn, TENANT, FAR, 9, skip_locked=False)
            return len(claim.rows)

    async with transaction(stage.engine) as conn:
        assert len((await enrollments.claim_due(conn, TENANT, FAR, 9)).rows) == 1
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
        assert not task.done()
    assert await task == 1


async def test_the_longest_due_are_claimed_first_and_what_is_not_due_is_left(
    stage: Stage,
) -> None:
    early, late, never = await due(stage, "u-1", "u-2", "u-3")
    async with transaction(stage.engine) as conn:
        for id, at in ((early, 1), (late, 2), (never, 9)):
            await driver(conn).execute(
                "UPDATE enrollments SET next_due_at = $1 WHERE id = $2", FAR + days(at), id
            )
        now = FAR + days(5)
        both = await enrollments.claim_due(conn, TENANT, now, 5)
        first = await enrollments.claim_due(conn, TENANT, now, 1)
        assert [row.enrollment.id for row in both.rows] == [early, late]
        assert [row.enrollment.id for row in first.rows] == [early]
        assert await enrollments.next_due_of(conn, TENANT) == FAR + days(1)
        assert await enrollments.stored_as_of(conn, TENANT, now) == FAR + days(1)
        assert await enrollments.stored_as_of(conn, TENANT, FAR) == FAR
        assert await enrollments.next_due_of(conn, UUID(int=9)) is None


@pytest.mark.parametrize(
    "damage",
    [
        "doc = '{}'",
        'doc = doc || \'{"standing": "excellent"}\'',
        "certification_id = '00000000-0000-0000-0000-000000000009'",
    ],
)
async def test_a_row_that_cannot_be_read_does_not_keep_the_others_from_being_claimed(
    stage: Stage, damage: str
) -> None:
    good, bad = await due(stage, "u-1", "u-2")
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(f"UPDATE enrollments SET {damage} WHERE id = $1", bad)
        claim = await enrollments.claim_due(conn, TENANT, FAR, 10)
    assert [row.enrollment.id for row in claim.rows] == [good]
    assert [broken.id for broken in claim.broken] == [bad]


async def test_tenants_with_something_due_are_told_unless_they_are_sandboxes(
    engine: AsyncEngine,
) -> None:
    stages = [
        await Stage.set(engine, UUID(int=1), key="a"),
        await Stage.set(engine, UUID(int=2), key="b", sandbox=True),
        await Stage.set(engine, UUID(int=3), key="c"),
    ]
    for stage in stages:
        certification = await stage.certification()
        await stage.enroll(certification, "u-1", "u-2")
        fact = course("F-1", MONDAY + days(1), FactOutcome.PASSED)
        await stage.report("u-1", fact, at=MONDAY + days(2))
    async with transaction(engine) as conn:
        await driver(conn).execute(
            "UPDATE enrollments SET next_due_at = $1 WHERE tenant_id = $2", MONDAY, UUID(int=3)
        )
        assert await enrollments.due_tenants(conn, MONDAY - days(1), 10) == []
        assert await enrollments.due_tenants(conn, FAR, 10) == [UUID(int=3), UUID(int=1)]
        assert await enrollments.due_tenants(conn, FAR, 1) == [UUID(int=3)]
        assert await enrollments.next_due_of(conn, UUID(int=2)) is not None


async def test_a_certification_that_changed_is_read_anew_and_one_that_did_not_is_not(
    stage: Stage,
) -> None:
    certification = await stage.certification()
    await stage.enroll(certification, "u-1")
    async with transaction(stage.engine) as conn:
        again = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
        assert again[CERTIFICATION] is certification
        row = await certifications.get(conn, TENANT, "forklift", lock=True)
        assert row is not None
        switched = replace(row, automatic=row.automatic.turned(True, MONDAY), revision=2)
        await certifications.update(conn, TENANT, switched, 1)
        inside = await certifications.load_by_ids(conn, TENANT, [CERTIFICATION])
        assert inside[CERTIFICATION].automatic.now
        await conn.rollback()
    async with transaction(stage.engine) as conn:
        await certifications.update(conn, TENANT, replace(row, hidden=True, revision=2), 1)
    async with transaction(stage.engine) as conn:
        (locked,) = await enrollments.lock_learners(conn, TENANT, [(CERTIFICATION, "u-1")])
    assert locked.certification.hidden
    assert not locked.certification.automatic.now


# Plans: what is asked often is found by the index that is there for it, however many rows there are


async def test_what_the_tick_asks_is_found_by_its_indexes(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        for now in (MONDAY, MONDAY + days(2), FAR):
            tenants = await indexes(conn, enrollments.DUE_TENANTS, now, 10)
            assert tenants == {"enrollments_due_live"}, now
        claim = await indexes(conn, enrollments.CLAIM_DUE, TENANT, MONDAY + days(2), 100)
        assert claim == {"enrollments_due_of_tenant"}


async def test_the_facts_of_learners_are_found_by_their_indexes(stage: Stage) -> None:
    certification = await stage.certification()
    facts = [
        Recorded(course(f"F-{n}", MONDAY + days(n % 300)), f"u-{n % 400}", None, "cli")
        for n in range(8000)
    ]
    async with transaction(stage.engine) as conn:
        await evidence.insert(conn, TENANT, facts)
        await driver(conn).execute("ANALYZE evidence")
        since = [MONDAY + days(200)] * 20
        learners = [f"u-{n}" for n in range(20)]
        nobody = [None] * 20
        asked = (TENANT, list(range(20)), nobody, [certification.id] * 20, learners, since)
        used = await indexes(conn, enrollments.FACTS.many, *asked)
        one = (TENANT, 0, None, certification.id, "u-1", MONDAY + days(200))
        used_for_one = await indexes(conn, enrollments.FACTS.one, *one)
    for names in (used, used_for_one):
        others = ("certifications", "bulk_items")
        of_evidence = {name for name in names if not any(other in name for other in others)}
        assert of_evidence == {"evidence_of_learner", "evidence_retractions"}


async def test_a_new_enrollment_reads_the_same_by_every_way(stage: Stage) -> None:
    certification = await stage.certification()
    change = first_enrollment(certification, "u-1", Enroll(source=Source.MANUAL))
    await stage.save([change])
    id = derived_id(MONDAY, certification.id, "u-1")
    async with transaction(stage.engine) as conn:
        ways = [
            await enrollments.read(conn, TENANT, [id]),
            await enrollments.lock(conn, TENANT, [id]),
            await enrollments.lock_learners(conn, TENANT, [(certification.id, "u-1")]),
            await enrollments.lock_of_learners(conn, TENANT, ["u-1"]),
            await enrollments.lock_of_certification(conn, TENANT, certification.id, limit=5),
        ]
    assert all(way == ways[0] for way in ways)
    assert ways[0][0].enrollment == change.decision.enrollment
