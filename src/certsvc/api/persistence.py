"""Tries again after a conflict or a lost connection, as long as that cannot do harm."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from certsvc import clock
from certsvc.api.problems import Problem
from certsvc.store.errors import Conflict, Unavailable

T = TypeVar("T")
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.2
PERSISTENCE_SECONDS = 2.0
"""For how long a request is tried again: well under what a load balancer waits, and long enough
for a database that only restarted."""


@dataclass(slots=True)
class Attempt:
    """Whether an attempt came as far as its commit: after that, nobody knows what was done."""

    committing: bool = False


async def persistently(work: Callable[[Attempt], Awaitable[T]], *, repeatable: bool = True) -> T:
    """Do the work, whole, until it succeeds or the time is up. What is not `repeatable` is not
    done again once it came as far as its commit."""
    until = clock.monotonic() + PERSISTENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        attempt = Attempt()
        try:
            return await work(attempt)
        except (Conflict, Unavailable) as error:
            if isinstance(error, Unavailable) and attempt.committing and not repeatable:
                raise _unknown() from error
            if clock.monotonic() + pause > until:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _unknown() -> Problem:
    return Problem(
        "unavailable",
        "The database went away while the change was being saved: look whether it was made. With "
        "an Idempotency-Key the same request can be repeated safely.",
    )
