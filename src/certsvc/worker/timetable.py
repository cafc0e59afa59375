"""The timetable: what runs by itself, how often, and where.

A new duty gets a row in TABLE. Each is a function that may run at any time, on several replicas at
once, and be cut off anywhere without harm.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.settings import Settings
from certsvc.worker import duties


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a duty works with. `stop` is set when the process is to end: finish the batch."""

    engine: AsyncEngine
    settings: Settings
    stop: asyncio.Event


Run = Callable[[AsyncEngine, Settings, asyncio.Event], Awaitable[int]]
"""A duty's function: it answers how many rows it moved."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One row: a name, the pause between two runs, the function, and whether every replica runs
    it (otherwise one at a time does, whichever comes first)."""

    name: str
    seconds: Callable[[Settings], float]
    run: Run
    every_replica: bool


def _quarter_hour(_: Settings) -> float:
    return 900.0


TABLE: tuple[Duty, ...] = (
    Duty("tick", lambda settings: settings.tick_seconds, duties.tick, every_replica=True),
    Duty("retry-set-aside", _quarter_hour, duties.retry_set_aside, every_replica=False),
    Duty("purge-idempotency-keys", _quarter_hour, duties.purge_keys, every_replica=False),
)
