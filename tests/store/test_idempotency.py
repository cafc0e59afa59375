"""A key is claimed once; its answer stands with the change that it tells of."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.store import idempotency
from certsvc.store.db import driver, transaction
from certsvc.store.idempotency import Answer, Claim, Fresh, Mismatch, Replay, Running
from tests.support.stage import MONDAY, TENANT, days

CALLER = UUID(int=5)
ANSWER = Answer(201, {"ETag": '"1"'}, b'{"id": 1}\x00\xff')


async def claim(
    conn: AsyncConnection, fingerprint: bytes = b"one", key: str = "k", day: float = 0
) -> Claim:
    now = MONDAY + days(1) * day
    return await idempotency.claim(
        conn, TENANT, CALLER, key, fingerprint, now=now, expires_at=now + days(1)
    )


async def finish(conn: AsyncConnection, key: str = "k") -> None:
    await idempotency.finish(conn, TENANT, CALLER, key, ANSWER)


async def test_the_same_request_is_answered_the_same_again(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        assert await claim(conn) == Fresh()
        await finish(conn)
    async with transaction(engine) as conn:
        assert await claim(conn) == Replay(ANSWER)
        assert await claim(conn, b"two") == Mismatch()
        assert await claim(conn, b"two", "other key") == Fresh()


async def test_an_answer_is_forgotten_with_the_change_that_was_rolled_back(
    engine: AsyncEngine,
) -> None:
    async def fail() -> None:
        async with transaction(engine) as conn:
            await claim(conn)
            await finish(conn)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with transaction(engine) as conn:
        assert await claim(conn, b"two") == Fresh()


async def test_a_second_request_is_told_at_once_that_the_first_still_runs(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as conn, transaction(engine) as other:
        assert await claim(conn) == Fresh()
        assert await claim(other) == Running()
        assert await driver(other).fetchval("SELECT 1") == 1
        assert await claim(other, key="another") == Fresh()


async def test_a_claim_that_was_never_finished_still_runs_for_all_that_is_known(
    engine: AsyncEngine,
) -> None:
    async with transaction(engine) as conn:
        await claim(conn)
    async with transaction(engine) as conn:
        assert await claim(conn) == Running()


async def test_a_key_may_be_used_anew_when_its_time_is_over(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        await claim(conn)
        await finish(conn)
    async with transaction(engine) as conn:
        assert await claim(conn, b"two", day=0.9) == Mismatch()
        assert await claim(conn, b"two", day=1) == Fresh()
        assert await claim(conn, b"two", day=1) == Running()


async def test_what_was_kept_long_enough_is_swept_away(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        for day in range(4):
            await claim(conn, key=f"k-{day}", day=day)
        assert await idempotency.sweep(conn, MONDAY + days(2)) == 2
        assert await idempotency.sweep(conn, MONDAY + days(2)) == 0


async def test_of_a_hundred_requests_at_once_one_is_done(engine: AsyncEngine) -> None:
    done: list[int] = []

    async def ask(number: int) -> str:
        async with transaction(engine) as conn:
            claimed = await claim(conn)
            if claimed == Fresh():
                await asyncio.sleep(0.01)
                done.append(number)
                await finish(conn)
            return type(claimed).__name__

    answers = await asyncio.gather(*map(ask, range(100)))
    assert len(done) == 1
    assert answers.count("Fresh") == 1
    assert set(answers) <= {"Fresh", "Running", "Replay"}
    async with transaction(engine) as conn:
        assert await claim(conn) == Replay(ANSWER)


async def test_a_claim_that_meets_the_first_request_s_end_sees_its_answer(
    engine: AsyncEngine,
) -> None:
    """However the two fall together, the second is never done again."""

    async def ask() -> Claim:
        async with transaction(engine) as conn:
            claimed = await claim(conn)
            if claimed == Fresh():
                await finish(conn)
            return claimed

    async def two(number: int) -> None:
        async with transaction(engine) as conn:
            await driver(conn).execute("TRUNCATE idempotency")
        answers = await asyncio.gather(ask(), ask())
        assert Fresh() in answers
        assert answers.count(Fresh()) == 1, number

    for number in range(30):
        await two(number)
