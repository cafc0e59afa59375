"""A fact is kept once, as it was first told."""

import asyncio
from dataclasses import replace

from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.store import evidence, learners
from certsvc.store.db import driver, transaction
from certsvc.store.evidence import Recorded
from tests.support.programmes import CERTIFICATION
from tests.support.stage import MONDAY, TENANT, Stage, days

WHOLE = Recorded(
    Fact(
        id="F-1",
        type=FactType.EXTERNAL,
        occurred_at=MONDAY,
        recorded_at=MONDAY + days(1),
        outcome=FactOutcome.ACCEPTED,
        grade=99.5,
        course_id="C-1",
        session_id="S-1",
        exam_id="X-1",
        attempt_id="A-1",
        certification_id=CERTIFICATION,
        step="practice",
        amount=0.1,
        category="ethics",
        retracts="F-0",
    ),
    "u-1",
    {"by": "Zoë", "of": [1, None]},
    "key:lms",
)
BARE = Recorded(
    Fact(id="F-2", type=FactType.PAYMENT, occurred_at=MONDAY, recorded_at=MONDAY),
    "u-1",
    None,
    "cli",
)


async def test_a_fact_reads_back_with_everything_that_was_told(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        inserted = await evidence.insert(conn, TENANT, [WHOLE, BARE])
        assert inserted == evidence.Inserted(frozenset({"F-1", "F-2"}), {})
        kept = await evidence.known(conn, TENANT, ["F-1", "F-2", "F-3"])
    assert kept == {"F-1": WHOLE, "F-2": BARE}


async def test_what_is_told_again_is_not_kept_and_what_was_told_first_is_returned(
    stage: Stage,
) -> None:
    other = replace(WHOLE, learner_id="u-2", metadata=None)
    new = replace(BARE, fact=replace(BARE.fact, id="F-3"))
    async with transaction(stage.engine) as conn:
        await evidence.insert(conn, TENANT, [WHOLE])
        inserted = await evidence.insert(conn, TENANT, [other, new])
        again = await evidence.insert(conn, TENANT, [])
    assert inserted.new == {"F-3"}
    assert inserted.known == {"F-1": WHOLE}
    assert again == evidence.Inserted(frozenset(), {})


async def test_of_one_id_told_twice_in_a_batch_the_first_is_kept(stage: Stage) -> None:
    twice = [WHOLE, replace(WHOLE, learner_id="u-2")]
    async with transaction(stage.engine) as conn:
        inserted = await evidence.insert(conn, TENANT, twice)
        assert inserted.new == {"F-1"}
        assert await evidence.known(conn, TENANT, ["F-1"]) == {"F-1": WHOLE}


async def test_a_thousand_facts_take_two_statements(stage: Stage) -> None:
    items = [replace(BARE, fact=replace(BARE.fact, id=f"F-{n}")) for n in range(1000)]
    seen: list[str] = []
    async with transaction(stage.engine) as conn:
        await evidence.insert(conn, TENANT, items[:500])
        with driver(conn).query_logger(lambda query: seen.append(query.query)):
            inserted = await evidence.insert(conn, TENANT, items)
    assert (len(inserted.new), len(inserted.known)) == (500, 500)
    assert len(seen) == 2


async def test_a_learners_facts_are_listed_in_the_order_in_which_they_were_true(
    stage: Stage,
) -> None:
    def attempt(id: str, day: int, exam: str = "X-1") -> Recorded:
        fact = Fact(
            id=id,
            type=FactType.EXAM_ATTEMPT,
            occurred_at=MONDAY + days(day),
            recorded_at=MONDAY,
            exam_id=exam,
        )
        return Recorded(fact, "u-1", None, "cli")

    items = [attempt("b", 1), attempt("a", 1), attempt("c", 0, "X-2"), attempt("d", 2), BARE]
    async with transaction(stage.engine) as conn:
        await evidence.insert(conn, TENANT, [*items, replace(WHOLE, learner_id="u-2")])

        async def ids(**asked: object) -> list[str]:
            found = await evidence.page(conn, TENANT, "u-1", limit=3, **asked)  # type: ignore[arg-type]
            return [one.fact.id for one in found]

        assert await ids() == ["F-2", "c", "a"]
        assert await ids(after=(MONDAY + days(1), "a")) == ["b", "d"]
        assert await ids(types=[FactType.EXAM_ATTEMPT]) == ["c", "a", "b"]
        assert await ids(exam_ids=["X-1"]) == ["a", "b", "d"]
        assert await ids(exam_ids=[]) == []


async def test_enrolling_and_hearing_of_the_same_learner_wait_for_each_other(
    stage: Stage,
) -> None:
    async def hold(*names: str) -> None:
        async with transaction(stage.engine) as conn:
            await learners.hold(conn, TENANT, names)

    async with transaction(stage.engine) as conn:
        await learners.hold(conn, TENANT, ["u-1", "u-2"])
        await learners.hold(conn, TENANT, [])
        same = asyncio.create_task(hold("u-3", "u-1"))
        await hold("u-5")  # shares its number with none of them
        await asyncio.sleep(0.05)
        assert not same.done()
    await same


async def test_holding_very_many_learners_takes_a_bounded_number_of_locks(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await learners.hold(conn, TENANT, [f"u-{n}" for n in range(20_000)])
        held = await driver(conn).fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
    assert 256 < held <= 512
