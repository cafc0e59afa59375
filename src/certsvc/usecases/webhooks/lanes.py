"""A lane for each endpoint: what is in hand for it, and how much it can take.

Every endpoint has places of its own, so one that hangs occupies those and nobody else's. One that
does not answer at all is left fewer, down to one, and gets them back as it answers. How far ahead
deliveries are taken in hand follows from how fast the endpoint is: for a second, and at least
for its places.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from certsvc.store.webhook_claims import Claimed, Place
from certsvc.store.webhook_endpoints import EndpointRow
from certsvc.webhooks.attempt import Attempt

AHEAD_SECONDS = 1.0
MOST_IN_HAND = 512
BEGINNING = Place(datetime(1, 1, 1, tzinfo=UTC), str(UUID(int=0)))


class Item(NamedTuple):
    """A delivery in hand. After `begin_by` (monotonic) it is not to be begun any more. Without a
    body it could not be rendered."""

    claimed: Claimed
    body: bytes | None
    claimed_until: datetime
    begin_by: float


@dataclass(slots=True)
class Lane:
    """One endpoint, as long as there is something for it."""

    tenant_id: UUID
    endpoint_id: UUID
    most_places: int
    endpoint: EndpointRow | None = None
    secrets: tuple[str, ...] | None = None
    places: int = 0
    busy: int = 0
    items: deque[Item] = field(default_factory=deque)
    due: bool = False
    news: bool = False
    behind: Place = BEGINNING
    ahead: int = 0
    sent: int = 0
    taken_at: float = 0.0

    def __post_init__(self) -> None:
        self.places = self.ahead = self.most_places

    @property
    def in_hand(self) -> int:
        """Deliveries that are claimed, whether under way or not."""
        return self.busy + len(self.items)

    @property
    def idle(self) -> bool:
        """Whether nothing of it is to be done."""
        return not (self.due or self.busy or self.items)

    @property
    def low(self) -> bool:
        """Whether it is time to take more in hand."""
        return self.due and 2 * self.in_hand <= self.ahead

    @property
    def lowish(self) -> bool:
        """Whether it is worth taking more in hand when others do."""
        return self.due and 4 * self.in_hand <= 3 * self.ahead

    @property
    def room(self) -> int:
        """How many more can be taken in hand."""
        return max(0, self.ahead - self.in_hand) if self.due else 0

    def look_again(self) -> None:
        """Something is due, from the beginning on."""
        self.due = True
        self.behind = BEGINNING

    def tell(self) -> None:
        """Something more came to be due, which a claim that is under way may have missed."""
        if self.due:
            self.news = True
        else:
            self.look_again()

    def took(self, items: list[Item], wanted: int, now: float) -> None:
        """So many were wanted, and these are in hand now."""
        self.items.extend(items)
        if len(items) < wanted and self.news:
            self.look_again()
        elif len(items) < wanted:
            self.due = False
        elif items:
            last = items[-1].claimed
            self.behind = Place(last.next_attempt_at, last.id)
        pace = self.sent / max(now - self.taken_at, 0.001) if self.taken_at else 0.0
        self.ahead = min(MOST_IN_HAND, max(self.places, int(pace * AHEAD_SECONDS)))
        self.sent, self.taken_at = 0, now

    def heard(self, attempt: Attempt) -> None:
        """An attempt is over: who answers gets his places back, who does not loses them."""
        self.sent += 1
        if attempt.status is None:
            self.places = max(1, self.places // 2)
            self.ahead = self.places
        else:
            self.places = min(self.most_places, self.places + 1)

    def close(self) -> list[Item]:
        """Nothing more goes there: what was not begun, to be given back."""
        self.due = False
        left = list(self.items)
        self.items.clear()
        return left
