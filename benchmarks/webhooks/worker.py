"""`python -m benchmarks.webhooks.worker URL`: a worker whose one duty is to deliver, when told to.

It says how many attempts it made when nothing is left for it to send.
"""

import asyncio
import sys

from certsvc import clock
from certsvc.cli.living import live
from certsvc.settings import Settings
from certsvc.store.db import open_engine, transaction
from certsvc.usecases.webhooks.delivering import deliver
from certsvc.usecases.webhooks.terms import terms_of
from certsvc.webhooks.sending import Sender

PAUSE_SECONDS = 0.01
PATIENCE = 5.0


async def _work(url: str) -> None:
    settings = Settings()
    engine = open_engine(url)
    sender = Sender(settings)
    try:
        async with transaction(engine):
            print(0, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        sent = 0
        give_up = clock.monotonic() + PATIENCE
        while not sent and clock.monotonic() < give_up:
            # As the timetable does: it may be that another has only just begun to fan out.
            sent = await deliver(engine, lambda: sender, terms_of(settings))
            await asyncio.sleep(PAUSE_SECONDS)
        print(sent, flush=True)
    finally:
        await sender.aclose()
        await engine.dispose()


if __name__ == "__main__":
    live(_work(sys.argv[1]))
