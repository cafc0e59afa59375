"""Fires the timetable inside a process, and ends cleanly. It decides nothing.

APScheduler counts in wall-clock time: set back by an hour, it would rest for an hour. A watchdog
that counts in monotonic time calls a duty that is late.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock, telemetry
from certsvc.settings import Settings
from certsvc.store.db import transaction
from certsvc.store.errors import Unavailable
from certsvc.store.exclusive import try_alone
from certsvc.worker.timetable import TABLE, Duty

WATCH_SECONDS = 1.0
"""How often the watchdog looks."""

LATE = 2.0
"""A duty that has not begun for this many of its intervals is called."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Heart:
    beat_at: float | None = None


_HEART = _Heart()


def heartbeat_age() -> float | None:
    """Seconds since the scheduler of this process last showed that it lives; None without one."""
    return None if _HEART.beat_at is None else clock.monotonic() - _HEART.beat_at


class Scheduler:
    """The timetable, running in this event loop between `start` and `stop`."""

    def __init__(
        self, engine: AsyncEngine, settings: Settings, table: tuple[Duty, ...] = TABLE
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._table = table
        self._timer = AsyncIOScheduler(timezone=UTC)
        self._ending = asyncio.Event()
        self._begun: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._watchdog: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; each duty runs at once, and then after every pause."""
        for duty in self._table:
            seconds = duty.seconds(self._settings)
            self._begun[duty.name] = clock.monotonic()
            self._timer.add_job(
                self._fire,
                "interval",
                seconds=seconds,
                # Replicas that start together would otherwise claim together for ever.
                jitter=min(seconds / 10, 30.0),
                args=[duty],
                id=duty.name,
                next_run_time=clock.now(),
                # A late run is run, once, however late; and never beside itself.
                misfire_grace_time=None,
                coalesce=True,
                max_instances=1,
            )
        self._timer.start()
        self._watchdog = asyncio.create_task(self._watch(), name="certsvc-watchdog")
        _HEART.beat_at = clock.monotonic()

    async def stop(self, timeout: float = 30.0) -> None:
        """Fire nothing more, let running duties finish their batch, and end."""
        self._ending.set()
        if self._timer.running:
            self._timer.pause()
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)
        running = tuple(self._running.values())
        if running:
            _, unfinished = await asyncio.wait(running, timeout=timeout)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        if self._timer.running:
            # The timer's own executor would cancel what still runs; nothing does any more.
            self._timer.shutdown(wait=False)
        _HEART.beat_at = None

    async def _fire(self, duty: Duty) -> None:
        """Run the duty in a task of its own, so that ending the timer does not cut it off."""
        if self._ending.is_set():
            return
        task = asyncio.create_task(self._run(duty), name=f"certsvc-{duty.name}")
        self._running[duty.name] = task
        try:
            await asyncio.shield(task)
        finally:
            if task.done():
                self._running.pop(duty.name, None)

    async def _run(self, duty: Duty) -> None:
        begun = self._begun[duty.name] = clock.monotonic()
        outcome = "failed"
        try:
            rows = await self._alone(duty)
            telemetry.TICK_ROWS.labels(duty.name).inc(rows or 0)
            outcome = "ok" if rows is not None else "elsewhere"
        except Unavailable as error:
            outcome = "unavailable"
            _log.warning("database away", duty=duty.name, error=str(error))
        except Exception:
            # The next run tries again; one failing duty must not end the others.
            _log.exception("duty failed", duty=duty.name)
        finally:
            telemetry.TICKS.labels(duty.name, outcome).inc()
            telemetry.TICK_SECONDS.labels(duty.name).observe(clock.monotonic() - begun)

    async def _alone(self, duty: Duty) -> int | None:
        """Run the duty; None where another replica is at it and one is enough."""
        if duty.every_replica:
            return await duty.run(self._engine, self._settings, self._ending)
        async with transaction(self._engine) as conn:
            if not await try_alone(conn, f"duty:{duty.name}"):
                return None
            return await duty.run(self._engine, self._settings, self._ending)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            _HEART.beat_at = clock.monotonic()
            for duty in self._table:
                self._call_if_late(duty)

    def _call_if_late(self, duty: Duty) -> None:
        waited = clock.monotonic() - self._begun[duty.name]
        allowed = LATE * duty.seconds(self._settings) + WATCH_SECONDS
        if duty.name not in self._running and waited > allowed:
            self._timer.modify_job(duty.name, next_run_time=clock.now())
