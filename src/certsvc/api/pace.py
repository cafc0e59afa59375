"""How fast one API key may call: a leaky bucket for each key, in this replica alone.

The generic cell rate algorithm: one instant for each key says when its bucket will be empty again.
A limit that held over all replicas would cost every request a statement.
"""

from collections import OrderedDict
from uuid import UUID

from certsvc import clock
from certsvc.api.problems import Problem

REMEMBERED_KEYS = 10_000


class Pace:
    """So many requests a second for each key, and so many at once. A rate of 0 is no limit."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._slack = self._interval * burst
        self._empty_at: OrderedDict[UUID, float] = OrderedDict()

    def admit(self, api_key_id: UUID) -> None:
        """Count a request; refused when the bucket is full."""
        if not self._interval:
            return
        now = clock.monotonic()
        empty_at = max(now, self._empty_at.get(api_key_id, now)) + self._interval
        if empty_at - now > self._slack:
            raise Problem("too_many_requests", "This key calls more often than it may.")
        self._empty_at[api_key_id] = empty_at
        self._empty_at.move_to_end(api_key_id)
        if len(self._empty_at) > REMEMBERED_KEYS:
            self._empty_at.popitem(last=False)
