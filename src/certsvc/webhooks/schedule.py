"""When a message is sent again. The pauses are a setting; chance is a parameter."""

from collections.abc import Sequence
from datetime import timedelta

from certsvc.webhooks.attempt import Attempt

SPREAD = 0.15
"""How far chance moves a pause either way: what failed together does not return together."""
OVERLOADED = frozenset({429, 502, 504})
PENALTY = timedelta(minutes=1)
"""What is added where the receiver, or what stands before it, has too much to do."""
LONGEST_ASKED = timedelta(days=1)
"""A receiver may ask for more time with Retry-After, but for no more than this."""


def next_attempt(
    number: int, attempt: Attempt, pauses: Sequence[timedelta], jitter: float
) -> timedelta | None:
    """How long to wait after attempt `number`, counted from 1; None if it was the last one.

    `jitter` lies between -1 and 1. Retry-After makes a pause longer and never shorter: a receiver
    that answers "in 1 second" for ever would otherwise use up three days' attempts in ten seconds.
    """
    if attempt.succeeded or attempt.gone or number > len(pauses):
        return None
    pause = pauses[number - 1]
    if attempt.status in OVERLOADED:
        pause += PENALTY
    return max(pause * (1 + SPREAD * jitter), _asked(attempt) * (1 + SPREAD * abs(jitter)))


def _asked(attempt: Attempt) -> timedelta:
    """What Retry-After asks for. Chance adds to it only: not before the receiver is ready."""
    return timedelta(seconds=min(attempt.retry_after or 0, LONGEST_ASKED.total_seconds()))
