"""Trying again: as long as it cannot do harm, and not for ever."""

import pytest

from certsvc import clock
from certsvc.api.persistence import PERSISTENCE_SECONDS, Attempt, persistently
from certsvc.api.problems import Problem
from certsvc.store.errors import Busy, Conflict, StoreError, Unavailable


class Work:
    """Fails as often as it is told to, before or at its commit, then succeeds."""

    def __init__(self, *failures: StoreError, at_commit: bool = False) -> None:
        self.failures = list(failures)
        self.at_commit = at_commit
        self.done = 0

    async def __call__(self, attempt: Attempt) -> int:
        self.done += 1
        attempt.committing = self.at_commit
        if self.failures:
            raise self.failures.pop(0)
        return self.done


@pytest.mark.parametrize("error", [Conflict("lost"), Unavailable("away")])
async def test_a_conflict_or_a_lost_connection_is_tried_again(error: StoreError) -> None:
    assert await persistently(Work(error, error), repeatable=False) == 3


async def test_what_may_have_been_committed_is_not_done_twice() -> None:
    work = Work(Unavailable("away"), at_commit=True)
    with pytest.raises(Problem) as raised:
        await persistently(work, repeatable=False)
    assert (raised.value.row.status, work.done) == (503, 1)
    assert "Idempotency-Key" in raised.value.detail


async def test_what_is_done_once_anyway_is_tried_again_even_then() -> None:
    assert await persistently(Work(Unavailable("away"), at_commit=True)) == 2


async def test_a_conflict_at_the_commit_was_rolled_back_for_certain() -> None:
    assert await persistently(Work(Conflict("lost"), at_commit=True), repeatable=False) == 2


async def test_what_takes_too_long_is_not_tried_again() -> None:
    work = Work(Busy("too long"))
    with pytest.raises(Busy):
        await persistently(work)
    assert work.done == 1


async def test_it_ends() -> None:
    began = clock.monotonic()
    with pytest.raises(Unavailable):
        await persistently(Work(*[Unavailable("away")] * 1000))
    assert clock.monotonic() - began < PERSISTENCE_SECONDS + 0.5
