"""The connections of a handler that was written by hand: the bare driver, JSON as it is stored."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from starlette.applications import Starlette


async def _kept(_: Any) -> None:
    """Connections go back as they are: resetting them would cost a round trip."""


def pooled(
    size: int, first: str = "SELECT 1"
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """The life of an application with so many connections at `app.state.pool`, on each of which
    this was said first."""

    async def prepare(connection: Any) -> None:
        await connection.set_type_codec(
            "jsonb",
            encoder=lambda value: b"\x01" + value,
            decoder=lambda value: value[1:],
            schema="pg_catalog",
            format="binary",
        )
        await connection.execute(first)

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        url = os.environ["BENCH_DATABASE_URL"]
        async with asyncpg.create_pool(
            url, min_size=size, max_size=size, init=prepare, reset=_kept
        ) as pool:
            app.state.pool = pool
            yield

    return living
