"""The items of bulk operations: numbered, claimed by one at a time, settled without a long look."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import HELD
from certsvc.store import bulk_items, exclusive
from certsvc.store.bulk_items import ItemRow, Settled
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.db import driver, transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.rows import turned
from tests.support.plans import indexes
from tests.support.stage import MONDAY, TENANT, Stage, days

OPERATION = UUID("018cc251-f400-7000-8000-0000000b0001")


async def numbered(stage: Stage, count: int, operation: UUID = OPERATION) -> None:
    """Items that mean nobody."""
    async with transaction(stage.engine) as conn:
        rows = [ItemRow(number=n) for n in range(1, count + 1)]
        await bulk_items.insert(conn, TENANT, operation, rows, held=False)


async def test_whom_a_filter_selects_is_numbered_in_order_of_the_ids(stage: Stage) -> None:
    certification = await stage.certification()
    ids = await stage.enroll(certification, *(f"u-{n}" for n in range(7)))
    async with transaction(stage.engine) as conn:
        filters = Filters(learners=["u-1", "u-2", "u-5", "u-99"])
        assert await bulk_items.select(conn, TENANT, OPERATION, filters, held=False) == 3
        found = await bulk_items.page(conn, TENANT, OPERATION, limit=10)
    chosen = sorted(ids[n] for n in (1, 2, 5))
    assert [(one.number, one.enrollment_id) for one in found] == list(enumerate(chosen, start=1))


async def test_what_one_has_in_hand_the_other_passes_by(stage: Stage) -> None:
    await numbered(stage, 10)

    async def claimed(conn: AsyncConnection, limit: int, after: int = 0) -> list[int]:
        found = await bulk_items.claim(conn, TENANT, OPERATION, limit, after=after)
        return [one.number for one in found]

    async with transaction(stage.engine) as one, transaction(stage.engine) as other:
        assert await claimed(one, 3) == [1, 2, 3]
        assert await claimed(other, 3) == [4, 5, 6]
        assert await claimed(one, 9, after=7) == [8, 9, 10]
        assert await claimed(other, 9) == [4, 5, 6, 7]
        again = await bulk_items.claim_again(other, TENANT, OPERATION, [3, 4, 8])
        assert [item.number for item in again] == [4]


async def test_what_is_settled_is_done_and_told_by_its_outcome(stage: Stage) -> None:
    await numbered(stage, 5)
    settled = [
        Settled(4, ItemOutcome.SUCCEEDED),
        Settled(2, ItemOutcome.REFUSED, "action_not_allowed", "status_forbids", "Not now."),
    ]
    async with transaction(stage.engine) as conn:
        await bulk_items.settle(conn, TENANT, OPERATION, settled, MONDAY)
    async with transaction(stage.engine) as conn:
        left = await bulk_items.claim(conn, TENANT, OPERATION, 10)
        (refused,) = await bulk_items.page(conn, TENANT, OPERATION, outcomes=["refused"], limit=9)
    assert [item.number for item in left] == [1, 3, 5]
    assert refused == ItemRow(
        number=2,
        outcome=ItemOutcome.REFUSED,
        code="action_not_allowed",
        reason_code="status_forbids",
        detail="Not now.",
        done_at=MONDAY,
    )


async def test_whoever_is_released_is_looked_at_again(stage: Stage) -> None:
    certification = await stage.certification()
    ids = sorted(await stage.enroll(certification, "u-1", "u-2", "u-3"))
    at = MONDAY + days(1)
    async with transaction(stage.engine) as conn:
        await bulk_items.select(conn, TENANT, OPERATION, Filters(), held=True)
    assert {row.enrollment.held_until for row in await stage.read(*ids)} == {HELD}
    async with transaction(stage.engine) as conn:
        await bulk_items.release(conn, TENANT, OPERATION, at, [2])
    found = [(row.enrollment.held_until, row.next_due_at) for row in await stage.read(*ids)]
    assert found == [(HELD, None), (at, at), (HELD, None)]
    async with transaction(stage.engine) as conn:
        await bulk_items.release(conn, TENANT, OPERATION, at + days(1))
    found = [(row.enrollment.held_until, row.next_due_at) for row in await stage.read(*ids)]
    assert found == [(at + days(1), at + days(1)), (at, at), (at + days(1), at + days(1))]


async def test_neither_claiming_nor_settling_looks_through_the_whole_operation(
    stage: Stage,
) -> None:
    """Right after they were put in, when the planner knows nothing of them, as well as later."""
    await numbered(stage, 5_000)
    numbers = range(4_001, 4_101)
    rows = [(number, "succeeded", None, None, None) for number in numbers]
    async with transaction(stage.engine) as conn:
        for _ in range(2):
            claim = await indexes(conn, bulk_items._CLAIM, TENANT, OPERATION, 100, 4_000)
            settle = await indexes(
                conn, bulk_items._SETTLE, TENANT, OPERATION, MONDAY, *turned(rows), 4_001, 4_100
            )
            assert claim == {"bulk_items_to_do"}
            assert settle <= {"bulk_items_pkey", "bulk_items_to_do"}
            await driver(conn).execute("ANALYZE bulk_items")


async def test_whoever_has_a_thing_alone_waits_for_all_who_share_it(stage: Stage) -> None:
    async with transaction(stage.engine) as one, transaction(stage.engine) as other:
        await exclusive.share(one, "thing")
        await exclusive.share(other, "thing")
        async with transaction(stage.engine) as third:
            assert not await exclusive.try_alone(third, "thing")
    async with transaction(stage.engine) as one, transaction(stage.engine) as other:
        await exclusive.alone(one, "thing")
        await exclusive.alone(other, "another thing")
        assert not await exclusive.try_alone(other, "thing")
