"""`python -m benchmarks.webhooks.bare URL HOOK SECRET`: the limit of delivering.

The service's HTTP client in a bare loop: as many messages at once as the service sends to one
endpoint, each within its deadline, of the same events. They are rendered before it begins; they are
signed as they go out, because a signature is one of the instant. Nothing is claimed, judged or
written down.
"""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.population.programmes import TENANT
from certsvc import clock
from certsvc.cli.living import live
from certsvc.settings import Settings
from certsvc.store.db import open_engine, transaction
from certsvc.store.feed import BEGINNING, Place, look
from certsvc.webhooks.addresses import Refusal, Target, allowance_of, target_of
from certsvc.webhooks.connecting import Connector, connect
from certsvc.webhooks.http import Answer, Http, trusted
from certsvc.webhooks.payloads import body, payloads
from certsvc.webhooks.resolving import Names
from certsvc.webhooks.signing import headers_of

RENDERED_AT_ONCE = 1000
_Message = tuple[str, bytes]


async def _messages(url: str) -> list[_Message]:
    """The ids and bodies of all events of the feed."""
    engine = open_engine(url)
    messages: list[_Message] = []
    place: Place = BEGINNING
    try:
        while True:
            async with transaction(engine) as conn:
                found = await look(conn, TENANT, place, RENDERED_AT_ONCE)
                items = await payloads(conn, TENANT, found.events)
            messages += [(str(item["id"]), body(item)) for item in items]
            place = found.place
            if not items:
                return messages
    finally:
        await engine.dispose()


async def _loop(
    http: Http, target: Target, deadline: float, secret: str, messages: Iterator[_Message]
) -> int:
    taken = 0
    for id, said in messages:
        answer = Answer()
        headers = headers_of(id, clock.now(), said, [secret])
        async with asyncio.timeout(deadline):
            await http.post(target, headers, said, answer)
        taken += answer.status == 204
    return taken


async def _work(url: str, hook: str, secret: str) -> None:
    settings = Settings()
    allowance = allowance_of(settings)
    target: Any = target_of(hook, allowance)
    assert not isinstance(target, Refusal), target
    connector = Connector(
        allowance,
        Names(),
        connect,
        trusted(settings.webhook_ca_file),
        settings.webhook_connect_seconds,
    )
    http = Http(connector, settings.webhook_response_bytes)
    messages = iter(await _messages(url))
    print(0, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    deadline = settings.webhook_deadline_seconds
    places = settings.webhook_in_flight
    taken = await asyncio.gather(
        *(_loop(http, target, deadline, secret, messages) for _ in range(places))
    )
    print(sum(taken), flush=True)
    await http.aclose()


if __name__ == "__main__":
    live(_work(*sys.argv[1:]))
