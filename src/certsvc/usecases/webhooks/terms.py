"""On what terms deliveries are sent: what the operator set, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from certsvc.settings import Settings
from certsvc.usecases.webhooks.keeping import Keeper
from certsvc.webhooks.attempt import Attempt, Message

MARGIN = timedelta(seconds=10)
"""For writing down what became of an attempt, however busy the database is."""

IN_HAND = timedelta(seconds=20)
"""For so long a delivery may wait in this process until its attempt begins."""


class Sends(Protocol):
    """Whoever can send a message; it never raises for a receiver."""

    async def send(self, message: Message) -> Attempt:
        """One attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every endpoint."""

    in_flight: int
    deadline: timedelta
    pauses: Sequence[timedelta]
    disable_after: timedelta
    keeper: Keeper

    @property
    def claim(self) -> timedelta:
        """How long a delivery is claimed: waiting, one attempt, and writing it down."""
        return IN_HAND + self.deadline + MARGIN


def terms_of(settings: Settings) -> Terms:
    """The terms that the operator set."""
    return Terms(
        in_flight=settings.webhook_in_flight,
        deadline=timedelta(seconds=settings.webhook_deadline_seconds),
        pauses=settings.webhook_retries,
        disable_after=timedelta(days=settings.webhook_disable_after_days),
        keeper=keeper_of(settings),
    )


def keeper_of(settings: Settings) -> Keeper:
    """Keeps secrets under the operator's keys."""
    return Keeper([key.get_secret_value() for key in settings.webhook_secret_keys])
