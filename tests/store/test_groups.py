"""Groups in the database: only what differs is written, and work is taken by one at a time."""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import group_work, groups
from certsvc.store.author import Author
from certsvc.store.db import driver, transaction
from certsvc.store.group_work import Work
from certsvc.store.groups import Difference, Member, Membership, TargetedGroup
from tests.support.plans import indexes
from tests.support.programmes import CERTIFICATION, ELSEWHERE
from tests.support.stage import BOSS, MONDAY, TENANT, Stage, days

TUESDAY = MONDAY + days(1)

BOB = CERTIFICATION, "bob"


async def joined(
    conn: AsyncConnection, group: str, *learners: str, at: datetime = MONDAY
) -> list[str]:
    await groups.hold(conn, TENANT, group, at)
    new = await groups.add(conn, TENANT, group, learners, at)
    await groups.count(conn, TENANT, group, len(new), at)
    return new


async def written(conn: AsyncConnection, table: str) -> int:
    """How many rows of the table this connection has written so far, as far as it has not told
    the server's statistics yet."""
    number: int | None = await driver(conn).fetchval(
        "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables WHERE relname = $1",
        table,
    )
    return number or 0


async def everything(conn: AsyncConnection) -> list[Work]:
    return await group_work.take(conn, TENANT, TUESDAY, 1000)


async def test_members_are_listed_page_by_page_and_join_once(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        assert await joined(conn, "G1", "bob", "ann", "ann") == ["bob", "ann"]
        assert await joined(conn, "G1", "ann", "eve", at=TUESDAY) == ["eve"]
        assert await groups.member_count(conn, TENANT, "G1") == 3
        first = await groups.members(conn, TENANT, "G1", limit=2)
        rest = await groups.members(conn, TENANT, "G1", after="bob", limit=2)
        assert [*first, *rest] == [
            Member("ann", MONDAY),
            Member("bob", MONDAY),
            Member("eve", TUESDAY),
        ]
        assert await groups.members(conn, TENANT, "G2", limit=2) == []
        assert await groups.member_count(conn, TENANT, "G2") == 0


async def test_the_groups_of_a_learner_are_listed(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        for group in ("G2", "G1", "G3"):
            await joined(conn, group, "ann")
        found = await groups.of_learner(conn, TENANT, "ann", after="G1", limit=5)
        assert found == [Membership("G2", MONDAY), Membership("G3", MONDAY)]


async def test_the_difference_names_who_joins_and_who_leaves(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await joined(conn, "G1", "ann", "bob", "eve")
        await joined(conn, "G2", "zoe")
        found = await groups.difference(conn, TENANT, "G1", ["bob", "dan", "zoe"])
        assert found == Difference(joining=["dan", "zoe"], leaving=["ann", "eve"])
        assert await groups.difference(conn, TENANT, "G3", []) == Difference([], [])
        assert await groups.remove(conn, TENANT, "G1", ["ann", "zoe"]) == ["ann"]


async def test_of_a_hundred_thousand_members_three_changes_write_three_rows(stage: Stage) -> None:
    before = [f"u-{n:06}" for n in range(100_000)]
    after = [*before[2:], "new"]
    async with transaction(stage.engine) as conn:
        await joined(conn, "G1", *before)
    async with transaction(stage.engine) as conn:
        so_far = await written(conn, "group_members")
        # Not one row has been counted by the planner yet: no plan may depend on that.
        found = await groups.difference(conn, TENANT, "G1", after)
        await groups.add(conn, TENANT, "G1", found.joining, TUESDAY)
        await groups.remove(conn, TENANT, "G1", found.leaving)
        assert found == Difference(["new"], ["u-000000", "u-000001"])
        assert await written(conn, "group_members") == so_far + 3


async def test_a_group_is_changed_by_one_transaction_at_a_time(stage: Stage) -> None:
    async def change() -> datetime:
        async with transaction(stage.engine) as conn:
            return await groups.hold(conn, TENANT, "G1", MONDAY)

    async with transaction(stage.engine) as conn:
        await joined(conn, "G1", "ann", at=TUESDAY)
        task = asyncio.create_task(change())
        await asyncio.sleep(0.05)
        assert not task.done()
    assert await task == TUESDAY


async def test_targets_are_listed_with_their_members(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await joined(conn, "G1", "ann", "bob")
        for group in ("G2", "G1"):
            await groups.target(conn, TENANT, CERTIFICATION, group, MONDAY)
        await groups.target(conn, TENANT, ELSEWHERE, "G3", MONDAY)
        assert await groups.targets(conn, TENANT, CERTIFICATION, limit=5) == [
            TargetedGroup("G1", MONDAY, 2),
            TargetedGroup("G2", MONDAY, 0),
        ]
        assert await groups.targeted_at(conn, TENANT, CERTIFICATION, "G3") is None
        assert await groups.targeted_of_learners(conn, TENANT, [BOB]) == {BOB: ("G1",)}
        assert await groups.untarget(conn, TENANT, CERTIFICATION, "G1")
        assert not await groups.untarget(conn, TENANT, CERTIFICATION, "G1")
        assert await groups.targeted_of_learners(conn, TENANT, [BOB]) == {}


async def test_the_last_word_replaces_what_was_to_be_done(stage: Stage) -> None:
    await stage.certification()
    other = Author("key:other", "u-2", "Left")
    async with transaction(stage.engine) as conn:
        await groups.target(conn, TENANT, CERTIFICATION, "G1", MONDAY)
        await group_work.put_joined(conn, TENANT, "G1", ["ann", "bob"], MONDAY, BOSS)
        await group_work.put_left(conn, TENANT, "G1", ["ann"], MONDAY, other)
        assert await group_work.pending(conn, TENANT, "G1") == 2
        works = sorted(await everything(conn), key=lambda work: work.learner_id)
        assert works == [
            Work(CERTIFICATION, "ann", "G1", False, other),
            Work(CERTIFICATION, "bob", "G1", True, Author(BOSS.actor, None, BOSS.reason)),
        ]
        assert await group_work.pending(conn, TENANT, "G1") == 0


async def test_work_that_somebody_does_is_passed_by_and_is_back_if_that_fails(
    stage: Stage,
) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        await groups.target(conn, TENANT, CERTIFICATION, "G1", MONDAY)
        learners = [f"u-{n}" for n in range(10)]
        await group_work.put_joined(conn, TENANT, "G1", learners, MONDAY, BOSS)
    async with transaction(stage.engine) as one:
        first = await group_work.take(one, TENANT, MONDAY, 4)
        async with transaction(stage.engine) as two:
            second = await group_work.take_of_group(two, TENANT, MONDAY, 100, "G1")
            await two.rollback()
        assert len(first) == 4
        assert len(second) == 6
        assert not {work.learner_id for work in first} & {work.learner_id for work in second}
    async with transaction(stage.engine) as conn:
        left = await group_work.take_of_certification(conn, TENANT, MONDAY, None, CERTIFICATION)
        assert {work.learner_id for work in left} == {work.learner_id for work in second}


async def test_work_that_was_put_off_waits(stage: Stage) -> None:
    await stage.certification()
    async with transaction(stage.engine) as conn:
        await groups.target(conn, TENANT, CERTIFICATION, "G1", MONDAY)
        await group_work.put_joined(conn, TENANT, "G1", ["ann"], MONDAY, BOSS)
        work = Work(CERTIFICATION, "ann", "G1", True, BOSS)
        await group_work.put_off(conn, TENANT, work, TUESDAY)
        assert await group_work.take(conn, TENANT, MONDAY, 5) == []
        assert await group_work.live_tenants(conn, MONDAY) == []
        assert await group_work.live_tenants(conn, TUESDAY) == [stage.tenant]
        assert len(await group_work.take_again(conn, TENANT, TUESDAY, work)) == 1
        assert await group_work.take_again(conn, TENANT, TUESDAY, work) == []


async def test_tenants_with_work_are_found_from_one_to_the_next(stage: Stage) -> None:
    stages = [stage]
    for n in range(1, 6):
        stages.append(await Stage.set(stage.engine, UUID(int=n), key=f"t-{n}", sandbox=n == 3))
    busy = [one for number, one in enumerate(stages) if number in (0, 2, 3, 5)]
    async with transaction(stage.engine) as conn:
        assert await group_work.live_tenants(conn, MONDAY) == []
    for one in busy:
        await one.certification()
        async with transaction(stage.engine) as conn:
            await groups.target(conn, one.tenant.id, CERTIFICATION, "G1", MONDAY)
            await group_work.put_joined(conn, one.tenant.id, "G1", ["a", "b"], MONDAY, BOSS)
    async with transaction(stage.engine) as conn:
        found = await group_work.live_tenants(conn, MONDAY)
    assert {tenant.key for tenant in found} == {"acme", "t-2", "t-5"}


async def test_taking_work_reads_an_index_and_finds_rows_by_their_places(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            """
            INSERT INTO group_work
              (tenant_id, certification_id, learner_id, group_id, assigned, since, actor)
            SELECT $1, $2, 'u-' || n, 'G' || n % 50, true, $3::timestamptz + n * interval '1 s', 'x'
            FROM generate_series(1, 20000) AS n""",
            TENANT,
            CERTIFICATION,
            MONDAY,
        )
        await driver(conn).execute("ANALYZE group_work")
        taken = await indexes(conn, group_work._TAKE, TENANT, TUESDAY, 500)
        assert taken == {"group_work_in_order"}
        taken = await indexes(conn, group_work._TAKE_OF_GROUP, TENANT, TUESDAY, 500, "G7")
        assert taken == {"group_work_pkey"}
