"""Reads the time. Nothing else in certsvc does: everywhere else `now` is a parameter."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that only grow, for measuring and for deadlines; unmoved when the clock is set."""
    return time.monotonic()
