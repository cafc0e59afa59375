"""Webhooks for tests: endpoints, receivers that need no network, and what became of deliveries."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc import clock
from certsvc.store import webhook_deliveries, webhook_endpoints
from certsvc.store.db import driver, transaction
from certsvc.store.webhook_deliveries import DeliveryRow
from certsvc.store.webhook_endpoints import EndpointRow
from certsvc.usecases.webhooks import endpoints
from certsvc.usecases.webhooks.delivering import deliver
from certsvc.usecases.webhooks.endpoints import Changes, WithSecret
from certsvc.usecases.webhooks.keeping import Keeper
from certsvc.usecases.webhooks.terms import Terms
from certsvc.webhooks.addresses import Allowance
from certsvc.webhooks.attempt import Attempt, Failure, Message
from tests.support.stage import Stage

TAKEN = Attempt(status=204)
DOWN = Attempt(error=Failure.CONNECTION_FAILED)
BROKEN = Attempt(status=500, error=Failure.HTTP_ERROR, response=b"sorry")
GONE = Attempt(status=410, error=Failure.GONE, gone=True)
PLAIN = Keeper(())
PUBLIC = Allowance()
TERMS = Terms(
    in_flight=8,
    deadline=timedelta(seconds=1),
    pauses=(timedelta(seconds=5), timedelta(minutes=5)),
    disable_after=timedelta(days=5),
    keeper=PLAIN,
)
Answer = Attempt | Callable[[Message], Attempt | Awaitable[Attempt]]


@dataclass
class Receivers:
    """Sends to nobody: answers by URL as a test says, by default that it was taken."""

    answers: dict[str, Answer] = field(default_factory=dict)
    heard: list[Message] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    async def send(self, message: Message) -> Attempt:
        """One attempt."""
        url = message.url
        self.heard.append(message)
        self.under_way[url] += 1
        self.most[url] = max(self.most[url], self.under_way[url])
        try:
            answer = self.answers.get(url, TAKEN)
            if isinstance(answer, Attempt):
                await asyncio.sleep(0)
                return answer
            given = answer(message)
            return given if isinstance(given, Attempt) else await given
        finally:
            self.under_way[url] -= 1

    def ids(self, url: str) -> list[str]:
        """The messages that came to a URL, in their order."""
        return [message.id for message in self.heard if message.url == url]

    def documents(self, url: str) -> list[Any]:
        """Their bodies."""
        return [orjson.loads(message.body) for message in self.heard if message.url == url]


def hook(name: str) -> str:
    """A URL that an endpoint may have."""
    return f"https://{name}.example/hook"


async def endpoint(
    stage: Stage, name: str = "lms", *, types: Sequence[str] = (), keeper: Keeper = PLAIN
) -> EndpointRow:
    """A new endpoint."""
    async with transaction(stage.engine) as conn:
        wanted = Changes(url=hook(name), types=types)
        made = await endpoints.create(conn, stage.tenant.id, clock.now(), wanted, keeper, PUBLIC)
    assert isinstance(made, WithSecret), made
    return made.endpoint


async def endpoint_now(stage: Stage, id: UUID) -> EndpointRow:
    """The endpoint as it is stored."""
    async with transaction(stage.engine) as conn:
        row = await webhook_endpoints.get(conn, stage.tenant.id, id)
    assert row is not None
    return row


async def changed(stage: Stage, id: UUID, **changes: Any) -> EndpointRow:
    """The endpoint after a change."""
    async with transaction(stage.engine) as conn:
        row = await endpoints.change(
            conn, stage.tenant.id, clock.now(), id, Changes(**changes), PUBLIC
        )
    assert isinstance(row, EndpointRow), row
    return row


async def sent(
    engine: AsyncEngine,
    receivers: Receivers | None = None,
    *,
    stop: asyncio.Event | None = None,
    **terms: Any,
) -> Receivers:
    """Everything due is sent; who received it."""
    receivers = receivers or Receivers()
    await deliver(engine, lambda: receivers, replace(TERMS, **terms), stop=stop)
    return receivers


async def events_of(stage: Stage, type: str | None = None) -> list[str]:
    """The ids of all events of the tenant, in the order of the feed."""
    rows = await ask(
        stage,
        "SELECT id::text FROM events WHERE tenant_id = $1 AND ($2::text IS NULL OR type = $2)"
        " ORDER BY xid, position",
        type,
    )
    return [row[0] for row in rows]


async def deliveries(stage: Stage, id: UUID, *states: str) -> list[DeliveryRow]:
    """The deliveries of an endpoint."""
    async with transaction(stage.engine) as conn:
        return await webhook_deliveries.page(
            conn, stage.tenant.id, id, states=states, limit=100_000
        )


async def states(stage: Stage, id: UUID) -> Counter[str]:
    """How many deliveries of an endpoint are in which state."""
    return Counter(row.state.value for row in await deliveries(stage, id))


async def ask(stage: Stage, sql: str, *values: Any) -> list[Any]:
    """Rows of the tenant ($1)."""
    async with transaction(stage.engine) as conn:
        return list(await driver(conn).fetch(sql, stage.tenant.id, *values))


async def make_due(stage: Stage) -> None:
    """As if the time had come for everything that waits, and all claims were over."""
    await ask(
        stage,
        "UPDATE webhook_deliveries SET next_attempt_at = created_at, claimed_until = NULL"
        " WHERE tenant_id = $1 AND state = 'pending'",
    )
