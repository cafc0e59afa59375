"""The timetable: what runs by itself, how often, and where.

A new duty gets a row in TABLE, and a function in duties.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.settings import Settings
from certsvc.worker import duties

Run = Callable[[AsyncEngine, Settings, asyncio.Event], Awaitable[int]]
"""A duty's function. The event is set when the process is to end: finish the batch, and return.
It answers how many rows it moved."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One row: a name, the pause between two runs, the function, and whether every replica runs
    it; otherwise one at a time does, whichever comes first."""

    name: str
    seconds: Callable[[Settings], float]
    run: Run
    every_replica: bool


def _minutes(number: float) -> Callable[[Settings], float]:
    return lambda _: number * 60


TABLE: tuple[Duty, ...] = (
    Duty("tick", lambda settings: settings.tick_seconds, duties.tick, every_replica=True),
    Duty("group-work", lambda settings: settings.tick_seconds, duties.do_group_work, True),
    Duty("seats", lambda settings: settings.tick_seconds, duties.hand_on_seats, False),
    Duty("bulk", lambda settings: settings.tick_seconds, duties.run_bulk_operations, True),
    Duty("settle-feed", _minutes(1), duties.settle_feed, every_replica=False),
    Duty(
        "webhooks", lambda settings: min(1.0, settings.tick_seconds), duties.deliver_webhooks, True
    ),
    Duty("wake-again", _minutes(5), duties.wake_again, every_replica=False),
    Duty("retry-set-aside", _minutes(15), duties.retry_set_aside, every_replica=False),
    Duty("purge-idempotency-keys", _minutes(15), duties.purge_keys, every_replica=False),
    Duty("purge-webhooks", _minutes(15), duties.purge_webhooks, every_replica=False),
)
