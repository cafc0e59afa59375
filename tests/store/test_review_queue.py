"""The queue of what waits for a person: in order, by its filters, found by an index of its own."""

import runpy
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.awaiting import AwaitingKind, awaiting
from certsvc.domain.commands import Act, Enroll
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.store import migrate, review_queue
from certsvc.store.db import driver, transaction
from certsvc.store.enrollment_pages import Position
from certsvc.store.review_queue import Chosen
from tests.support.plans import fill, indexes
from tests.support.programmes import CERTIFICATION, COURSE, ELSEWHERE, PRACTICE, definition, path
from tests.support.stage import MONDAY, TENANT, Stage, days, first_enrollment


def fact(learner: str, day: int, type: FactType = FactType.EXTERNAL) -> Fact:
    external = type is FactType.EXTERNAL
    return Fact(
        id=f"F-{learner}-{type}",
        type=type,
        occurred_at=MONDAY + days(day),
        recorded_at=MONDAY + days(day),
        outcome=FactOutcome.SUBMITTED if external else FactOutcome.PASSED,
        grade=None if external else 90,
        step="practice" if external else None,
        course_id=None if external else "C-1",
    )


async def queue(stage: Stage) -> dict[str, UUID]:
    """Two who handed something in, the later one first, and one who waits for a sign-off."""
    practice = await stage.certification(definition(path(COURSE, PRACTICE)))
    signed = await stage.certification(
        definition(path(approval_required=True)), id=ELSEWHERE, key="signed"
    )
    ann, bob, _ = await stage.enroll(practice, "ann", "bob", "idle", group="G1")
    (cid,) = await stage.enroll(signed, "cid", group="G2")
    await stage.report("ann", fact("ann", 5), at=MONDAY + days(5))
    await stage.report("bob", fact("bob", 3), at=MONDAY + days(5))
    await stage.report("cid", fact("cid", 4, FactType.COURSE_COMPLETION), at=MONDAY + days(5))
    return {"ann": ann, "bob": bob, "cid": cid}


async def found(stage: Stage, after: Position | None = None, **chosen: Any) -> list[str]:
    async with transaction(stage.engine) as conn:
        page = await review_queue.page(conn, TENANT, Chosen(**chosen), after, 100)
    return [row.enrollment.learner_id for row in page.items]


async def test_who_waits_longest_comes_first(stage: Stage) -> None:
    await queue(stage)
    assert await found(stage) == ["bob", "cid", "ann"]


async def test_every_filter_leaves_out_the_others(stage: Stage) -> None:
    await queue(stage)
    external, approval = AwaitingKind.EXTERNAL_EVIDENCE, AwaitingKind.APPROVAL
    assert await found(stage, kinds=[external]) == ["bob", "ann"]
    assert await found(stage, kinds=[approval, AwaitingKind.APPLICATION]) == ["cid"]
    assert await found(stage, certifications=[ELSEWHERE]) == ["cid"]
    assert await found(stage, certifications=[ELSEWHERE, CERTIFICATION]) == ["bob", "cid", "ann"]
    assert await found(stage, group="G1") == ["bob", "ann"]
    assert await found(stage, group="G1", kinds=[approval]) == []


async def test_pages_neither_skip_nor_repeat(stage: Stage) -> None:
    await queue(stage)
    seen: list[str] = []
    after: Position | None = None
    async with transaction(stage.engine) as conn:
        for _ in range(3):
            page = await review_queue.page(conn, TENANT, Chosen(), after, 1)
            seen += [row.enrollment.learner_id for row in page.items]
            after = page.next
    assert seen == ["bob", "cid", "ann"]
    assert after is None


async def test_the_columns_follow_every_step(stage: Stage) -> None:
    ids = await queue(stage)

    async def stored() -> tuple[str | None, datetime | None]:
        async with transaction(stage.engine) as conn:
            sql = "SELECT awaiting, awaiting_since FROM enrollments WHERE id = $1"
            row = await driver(conn).fetchrow(sql, ids["ann"])
        assert row is not None
        (locked,) = await stage.read(ids["ann"])
        waits = awaiting(locked.enrollment, locked.certification)
        expected = (None, None) if waits is None else (waits.kind, waits.since)
        assert (row[0], row[1]) == expected
        return row[0], row[1]

    assert await stored() == ("external_evidence", MONDAY + days(5))
    course = fact("ann", 6, FactType.COURSE_COMPLETION)
    await stage.report("ann", course, at=MONDAY + days(6))
    assert await stored() == ("external_evidence", MONDAY + days(5))
    await stage.act(ids["ann"], Act(action=Action.APPROVE), MONDAY + days(7))
    assert await stored() == (None, None)


async def test_the_migration_finds_who_waited_before_there_was_a_queue(stage: Stage) -> None:
    ids = await queue(stage)
    asked = await stage.certification(id=UUID(int=7), key="asked")
    asked = replace(asked, self_enrollment="with_approval")
    applied = first_enrollment(asked, "dan", Enroll(source=Source.SELF), MONDAY + days(1))
    await stage.save([applied])
    fact_of_bob = fact("bob", 6, FactType.COURSE_COMPLETION)
    await stage.report("bob", fact_of_bob, at=MONDAY + days(6))
    columns = "SELECT id, awaiting, awaiting_since FROM enrollments ORDER BY id"
    folder = migrate.folder() / "versions"
    migration = runpy.run_path(str(folder / "0002_groups_courses_and_sessions.py"))
    async with transaction(stage.engine) as conn:
        before = await driver(conn).fetch(columns)
        await driver(conn).execute("UPDATE enrollments SET awaiting = NULL, awaiting_since = NULL")
        await driver(conn).execute(migration["WAITING"])
        after = await driver(conn).fetch(columns)
    assert after == before
    kinds = {row["id"]: row["awaiting"] for row in after}
    assert kinds[applied.decision.enrollment.id] == "application"
    assert [kinds[ids[name]] for name in ("ann", "bob", "cid")] == [
        "external_evidence",
        "external_evidence",
        "approval",
    ]


async def test_another_tenant_has_a_queue_of_its_own(stage: Stage) -> None:
    await queue(stage)
    async with transaction(stage.engine) as conn:
        page = await review_queue.page(conn, UUID(int=9), Chosen(), None, 100)
    assert page.items == []


@pytest.mark.parametrize("onwards", [False, True])
async def test_the_queue_is_read_from_an_index_of_its_own(stage: Stage, onwards: bool) -> None:
    after = Position(UUID(int=2**100), MONDAY + days(3)) if onwards else None
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await driver(conn).execute(
            """
            UPDATE enrollments SET awaiting = 'approval', awaiting_since = enrolled_at
            WHERE abs(hashtext(learner_id)) % 50 = 0"""
        )
        await driver(conn).execute("ANALYZE enrollments")
        for chosen in (
            Chosen(),
            Chosen(kinds=[AwaitingKind.APPLICATION]),
            Chosen(certifications=[ELSEWHERE]),
        ):
            statement, values = review_queue.asked(TENANT, chosen, after, 51)
            used = await indexes(conn, statement, *values)
            assert used == {"enrollments_awaiting_a_person"}, chosen
