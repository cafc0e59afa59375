"""A database in which something has just happened, endpoints that are to be told of it, and who
hears it."""

import base64
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from standardwebhooks import Webhook

from benchmarks.bench import Bench
from benchmarks.database import connected, copy_of
from benchmarks.page.client import connection
from benchmarks.population.filling import FEW
from benchmarks.population.programmes import TENANT
from benchmarks.webhooks import receiver
from certsvc import clock
from certsvc.settings import Settings
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.webhooks import endpoints
from certsvc.usecases.webhooks.endpoints import Changes, WithSecret
from certsvc.usecases.webhooks.terms import keeper_of
from certsvc.webhooks.addresses import allowance_of

COPY = "webhooks"

LOCAL = {"CERTSVC_WEBHOOK_LOCAL": "true", "CERTSVC_WEBHOOK_DEADLINE_SECONDS": "1"}
"""What a worker is told by its surroundings: that it may send to this machine; and who does not
answer keeps it waiting so short that it comes to an end, more than once, while it is measured."""

# Of learner after learner something is told, with the state at its end, as anything is.
_HAPPEN = """
INSERT INTO events (
  tenant_id, id, enrollment_id, certification_id, learner_id, sequence, revision, type,
  effective_at, recorded_at, stale, actor, before_status, before_standing, data, after)
SELECT $1, md5(e.id::text || n)::uuid, e.id, e.certification_id, e.learner_id, e.sequence + n,
  e.revision + n, 'enrollment.progressed', e.updated_at, e.updated_at, false, 'time', e.status,
  e.standing, jsonb_build_object('steps', '["theory"]'::jsonb), e.doc
FROM generate_series(1, $2 / (SELECT count(*) FROM enrollments) + 1) AS n
CROSS JOIN enrollments e
ORDER BY n, e.id LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the receiver has heard: messages by path, how many different ones, and some of them."""

    counts: dict[str, int]
    ids: int
    kept: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The database, the URLs that are told, their secrets, and where to ask what was heard."""

    url: str
    hooks: tuple[str, ...]
    secrets: tuple[str, ...]
    port: int

    async def heard(self) -> Heard:
        """Everything so far."""
        async with connection(self.port, "") as asking:
            return Heard(**orjson.loads(await asking.get(receiver.HEARD)))


@asynccontextmanager
async def stage(bench: Bench, paths: Sequence[str], events: int) -> AsyncIterator[Stage]:
    """So many events have just happened, and an endpoint at each path is to be told."""
    async with _receiver() as port, copy_of(bench.url, FEW, COPY) as url:
        hooks = tuple(f"http://127.0.0.1:{port}{path}" for path in paths)
        secrets = await _endpoints(url, hooks)
        async with connected(url) as driver:
            await driver.execute(_HAPPEN, TENANT, events)
            await driver.execute("VACUUM (ANALYZE) events")
        yield Stage(url, hooks, secrets, port)


async def _endpoints(url: str, hooks: Sequence[str]) -> tuple[str, ...]:
    settings = Settings(webhook_local=True)
    engine = open_engine(url)
    secrets = []
    try:
        for hook in hooks:
            async with transaction(engine) as conn:
                made: Any = await endpoints.create(
                    conn,
                    TENANT,
                    clock.now(),
                    Changes(url=hook),
                    keeper_of(settings),
                    allowance_of(settings),
                )
            assert isinstance(made, WithSecret), made
            secrets.append(made.secret)
    finally:
        await engine.dispose()
    return tuple(secrets)


@asynccontextmanager
async def _receiver() -> AsyncIterator[int]:
    process = await create_subprocess_exec(sys.executable, "-m", receiver.__name__, stdout=PIPE)
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


def expect_signed(heard: Heard, secret: str) -> None:
    """What was kept of the messages bears a signature that the standard's own library accepts."""
    if not heard.kept:
        raise AssertionError("no message was kept")
    for message in heard.kept:
        said = base64.b64decode(message["body"]).decode()
        headers = {name: message[name] for name in message if name.startswith("webhook-")}
        Webhook(secret).verify(said, headers)


def bodies(heard: Heard) -> dict[str, str]:
    """The kept bodies, by the messages' ids."""
    return {message["webhook-id"]: message["body"] for message in heard.kept}
