"""A database that was restored elsewhere goes on behind what it told before."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.embedded import Cluster
from certsvc.embedded.binaries import find
from certsvc.store import feed, feed_homes, migrate
from certsvc.store.db import driver, open_engine, transaction
from certsvc.store.feed import HOME_BITS
from tests.store.test_feed import Reader, event, tell, under_way
from tests.support.database import execute, new_database, plain
from tests.support.stage import MONDAY, Stage

BURN = "DO $$ BEGIN FOR n IN 1..3000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"


@pytest.fixture
def own_database(database_server: str) -> Iterator[str]:
    """A database of one's own: its events are numbered by other defaults afterwards."""
    with new_database(database_server) as url:
        asyncio.run(migrate.upgrade(url))
        yield url


@pytest.fixture
async def home(own_database: str) -> AsyncIterator[Stage]:
    """A tenant in it."""
    engine = open_engine(own_database, pool_size=2)
    yield await Stage.set(engine)
    await engine.dispose()


async def settle(engine: AsyncEngine, *, restored: bool = False) -> bool:
    async with transaction(engine) as conn:
        return await feed_homes.settle(conn, MONDAY, restored=restored)


async def homes(engine: AsyncEngine) -> list[int]:
    async with transaction(engine) as conn:
        rows = await driver(conn).fetch("SELECT number FROM feed_homes ORDER BY number")
        return [row[0] for row in rows]


async def move(engine: AsyncEngine, *, ahead: int = 0, home: str = "elsewhere/00000001") -> None:
    """As if the database came from a server that had counted so much further."""
    async with transaction(engine) as conn:
        raw = driver(conn)
        await raw.execute("UPDATE feed_homes SET home = $1", home)
        await raw.execute("UPDATE events SET xid = xid + $1, written_by = written_by + $1", ahead)


async def test_at_home_nothing_changes(home: Stage) -> None:
    assert not await settle(home.engine)
    told = await tell(home, event(1))
    assert not await settle(home.engine)
    assert await homes(home.engine) == [0]
    assert await Reader(home.engine).read_all() == told


@pytest.mark.parametrize("ahead", [0, 1_000_000])
async def test_after_a_move_readers_go_on_where_they_were(home: Stage, ahead: int) -> None:
    await settle(home.engine)
    before = await tell(home, event(1), event(2), event(3))
    await move(home.engine, ahead=ahead)
    reader = Reader(home.engine, limit=2)
    # The old server's horizon, and a reader who was told there of what the dump does not hold.
    place = Reader(home.engine, place=feed.Place(10**12, 1))
    assert await settle(home.engine)
    assert not await settle(home.engine)
    await reader.read()
    after = await tell(home, event(4), event(5))
    assert await reader.read_all() == before + after
    assert await place.read_all() == after
    assert await homes(home.engine) == [0, 1]


async def test_rows_alone_that_come_from_further_ahead_are_noticed(home: Stage) -> None:
    before = await tell(home, event(1))
    await move(home.engine, ahead=5_000_000 + (3 << HOME_BITS))
    async with transaction(home.engine) as conn:
        assert await driver(conn).fetchval("SELECT count(*) FROM feed_homes") == 0
    assert await settle(home.engine)
    assert await homes(home.engine) == [4]
    after = await tell(home, event(2))
    assert await Reader(home.engine).read_all() == before + after


async def test_it_can_be_said_that_the_files_were_put_back(home: Stage) -> None:
    await settle(home.engine)
    before = await tell(home, event(1))
    lost = Reader(home.engine, place=feed.Place(10**12, 1))
    assert await settle(home.engine, restored=True)
    after = await tell(home, event(2))
    assert await lost.read_all() == after
    assert await Reader(home.engine).read_all() == before + after


async def test_nobody_numbers_events_by_the_old_home_once_it_has_moved(home: Stage) -> None:
    await settle(home.engine)
    await move(home.engine)
    reader = Reader(home.engine)
    slow = event(1)
    async with under_way(home, slow):
        moving = asyncio.create_task(settle(home.engine))
        await asyncio.sleep(0.05)
        assert not moving.done()
    assert await moving
    quick = await tell(home, event(2))
    assert await reader.read_all() == [slow.id, *quick]


async def test_two_who_start_at_once_agree_on_one_home(home: Stage) -> None:
    await settle(home.engine)
    await move(home.engine)
    moved = await asyncio.gather(settle(home.engine), settle(home.engine))
    assert sorted(moved) == [False, True]
    assert await homes(home.engine) == [0, 1]


@pytest.fixture
async def embedded_home() -> AsyncIterator[Stage]:
    """A tenant in an embedded server, of the version that the dumping program is of."""
    with (
        tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder,
        Cluster(Path(folder) / "data", fast=True) as url,
    ):
        await migrate.upgrade(url)
        engine = open_engine(url, pool_size=2)
        yield await Stage.set(engine)
        await engine.dispose()


async def test_a_dump_is_restored_into_a_server_that_has_counted_less(
    embedded_home: Stage,
) -> None:
    home, engine = embedded_home, embedded_home.engine
    await settle(engine)
    url = engine.url.render_as_string(hide_password=False)
    await execute(url, BURN)
    before = await tell(home, event(1), event(2))
    reader = Reader(engine, limit=1)
    await reader.read()
    dump = await run("pg_dump", "--dbname", plain(url))
    await tell(home, event(3))
    with (
        tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder,
        Cluster(Path(folder) / "data", fast=True) as elsewhere,
    ):
        await run("psql", "--quiet", "--dbname", plain(elsewhere), stdin=dump)
        other = open_engine(elsewhere, pool_size=2)
        assert await settle(other)
        reader.engine = other
        after = await tell(Stage(other, home.tenant), event(4))
        assert await reader.read_all() == before + after
        await other.dispose()


async def run(program: str, *arguments: str, stdin: bytes = b"") -> bytes:
    """What a program of PostgreSQL says."""
    process = await asyncio.create_subprocess_exec(
        str(find().folder / program),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate(stdin)
    assert process.returncode == 0, errors.decode()
    return said
