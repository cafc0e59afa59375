"""The feed: nothing is skipped and nothing comes twice, whoever writes at the same moment."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid_utils.compat import uuid7

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.events import EventType
from certsvc.store import events, feed, migrate
from certsvc.store.db import driver, open_engine, transaction
from certsvc.store.events import EventRow
from certsvc.store.feed import BEGINNING, FedEvent, Place
from tests.support import plans
from tests.support.database import new_database
from tests.support.programmes import CERTIFICATION, ELSEWHERE
from tests.support.stage import BOSS, MONDAY, TENANT, Stage, days

NEIGHBOUR = UUID("018cc251-f400-7000-8000-0000000000a2")
TYPES = (
    EventType.CERTIFICATE_ISSUED,
    EventType.CERTIFICATE_EXPIRED,
    EventType.ENROLLMENT_STARTED,
    EventType.ENROLLMENT_OVERDUE,
)


def event(number: int = 0, **more: Any) -> EventRow:
    """Something that happened; what it is and of which certification follows from the number."""
    given: dict[str, Any] = {
        "type": TYPES[number % len(TYPES)],
        "certification_id": (CERTIFICATION, ELSEWHERE)[number // len(TYPES) % 2],
        **more,
    }
    return EventRow(id=uuid7(), effective_at=MONDAY, recorded_at=MONDAY, actor="test", **given)


async def tell(stage: Stage, *rows: EventRow) -> list[UUID]:
    """Events, in one transaction; their ids."""
    async with transaction(stage.engine) as conn:
        await events.insert(conn, stage.tenant.id, rows)
    return [row.id for row in rows]


@dataclass
class Reader:
    """Reads on from where it was, and keeps what it saw."""

    engine: AsyncEngine
    limit: int = 100
    types: Sequence[str] = ()
    certification_id: UUID | None = None
    tenant_id: UUID = TENANT
    place: Place | None = None
    seen: list[FedEvent] = field(default_factory=list)

    async def read(self) -> list[FedEvent]:
        """The next stretch."""
        async with transaction(self.engine) as conn:
            found = await feed.look(
                conn,
                self.tenant_id,
                self.place,
                self.limit,
                types=self.types,
                certification_id=self.certification_id,
            )
        assert len(found.events) <= self.limit
        assert self.place is None or found.place >= self.place
        self.place = found.place
        self.seen += found.events
        self.more = found.more
        return found.events

    async def read_all(self) -> list[UUID]:
        """Everything that there is; the ids of all that was seen."""
        await self.read()
        while self.more:
            await self.read()
        return self.ids

    @property
    def ids(self) -> list[UUID]:
        """What was seen, in its order."""
        return [one.id for one in self.seen]

    def wants(self, row: Any) -> bool:
        """Whether the filters let an event through."""
        if self.types and row["type"] not in self.types:
            return False
        return self.certification_id in (None, row["certification_id"])


@asynccontextmanager
async def under_way(stage: Stage, *rows: EventRow) -> AsyncIterator[AsyncConnection]:
    """A transaction that has written these, and commits at the end of the block."""
    async with transaction(stage.engine) as conn:
        await events.insert(conn, stage.tenant.id, rows)
        yield conn


async def write(stage: Stage, seed: int, enrollments: Sequence[UUID]) -> None:
    """Transactions as they come: long and short, large and small, some given up. In each, after
    something else was written, one enrollment is held and goes on."""
    chance = random.Random(seed)
    for number in range(25):
        rows = [event(seed + number + n) for n in range(chance.choice((1, 1, 2, 7)))]
        try:
            async with under_way(stage, *rows) as conn:
                await asyncio.sleep(chance.choice((0, 0.001, 0.02)))
                await go_on(conn, chance.choice(enrollments))
                await asyncio.sleep(chance.choice((0, 0.001, 0.005, 0.03)))
                if chance.random() < 0.2:
                    raise InterruptedError
        except InterruptedError:
            pass


async def go_on(conn: AsyncConnection, enrollment_id: UUID) -> None:
    """Hold an enrollment, as a decision does, and tell the next two things of it."""
    raw = driver(conn)
    await raw.execute("SELECT pg_advisory_xact_lock(hashtext($1))", str(enrollment_id))
    last = await raw.fetchval(
        "SELECT coalesce(max(sequence), 0) FROM events WHERE tenant_id = $1 AND enrollment_id = $2",
        TENANT,
        enrollment_id,
    )
    told = [event(n, enrollment_id=enrollment_id, sequence=n) for n in (last + 1, last + 2)]
    await events.insert(conn, TENANT, told)


async def follow(reader: Reader, over: asyncio.Event) -> None:
    """Read without a pause until all is written and nothing more comes."""
    while True:
        last_look = over.is_set()
        found = await reader.read()
        if last_look and not found and not reader.more:
            return
        if not found:
            await asyncio.sleep(0.002)


async def test_with_many_writers_nothing_is_skipped_and_nothing_comes_twice(stage: Stage) -> None:
    over = asyncio.Event()
    readers = [
        Reader(stage.engine, limit=1),
        Reader(stage.engine, limit=3),
        Reader(stage.engine, limit=200),
        Reader(stage.engine, limit=2, types=TYPES[:1]),
        Reader(stage.engine, limit=200, types=TYPES[1:3], certification_id=ELSEWHERE),
        Reader(stage.engine, limit=5, certification_id=CERTIFICATION),
    ]
    following = [asyncio.create_task(follow(reader, over)) for reader in readers]
    enrollments = [uuid7() for _ in range(3)]
    await asyncio.gather(*(write(stage, seed, enrollments) for seed in range(10)))
    over.set()
    await asyncio.gather(*following)
    async with transaction(stage.engine) as conn:
        written = await driver(conn).fetch(
            "SELECT id, type, certification_id FROM events ORDER BY xid, position"
        )
    assert len(written) > 500
    for reader in readers:
        assert reader.ids == [row["id"] for row in written if reader.wants(row)]
    for enrollment_id in enrollments:
        told = [one.sequence for one in readers[0].seen if one.enrollment_id == enrollment_id]
        assert told == list(range(1, len(told) + 1))
        assert len(told) > 20


async def test_what_commits_late_is_waited_for(stage: Stage) -> None:
    reader = Reader(stage.engine)
    slow, quick = event(1), event(2)
    async with under_way(stage, slow):
        await tell(stage, quick)
        assert await reader.read() == []
    assert await reader.read_all() == [slow.id, quick.id]


async def test_what_is_given_up_holds_nobody_up_any_longer(stage: Stage) -> None:
    reader = Reader(stage.engine)
    quick = event(2)
    async with under_way(stage, event(1)) as conn:
        await tell(stage, quick)
        assert await reader.read() == []
        await conn.rollback()
    assert await reader.read_all() == [quick.id]


async def test_without_the_horizon_what_commits_late_would_be_skipped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests above would notice."""
    assert feed.SAFE in feed._ALL
    monkeypatch.setattr(feed, "_ALL", feed._ALL.replace(feed.SAFE, "true"))
    reader = Reader(stage.engine)
    slow, quick = event(1), event(2)
    async with under_way(stage, slow):
        await tell(stage, quick)
        await reader.read()
    assert await reader.read_all() == [quick.id]


async def test_who_waited_for_another_comes_after_it_however_early_it_began(stage: Stage) -> None:
    enrollment_id = uuid7()
    first = event(1, enrollment_id=enrollment_id, sequence=1)
    second = event(2, enrollment_id=enrollment_id, sequence=2)
    async with under_way(stage, event(3)) as conn:
        await tell(stage, first)
        await events.insert(conn, TENANT, [second])
    seen = await Reader(stage.engine).read_all()
    assert seen[-2:] == [first.id, second.id]


async def test_the_last_event_is_told_although_nobody_writes_after_it(stage: Stage) -> None:
    async with under_way(stage, event(1)) as conn:
        for number in range(3):
            await tell(stage, event(number))
        last = event(4)
        await events.insert(conn, TENANT, [last])
    assert last.id in await Reader(stage.engine).read_all()


@pytest.mark.parametrize("limit", [1, 2, 7, 200])
@pytest.mark.parametrize("types", [(), TYPES[:1], TYPES[1:], ("no.such",)])
@pytest.mark.parametrize("certification_id", [None, ELSEWHERE, NEIGHBOUR])
async def test_a_filter_gives_what_reading_all_would(
    stage: Stage, limit: int, types: Sequence[str], certification_id: UUID | None
) -> None:
    rows = [event(number) for number in range(17)]
    await tell(stage, *rows)
    reader = Reader(stage.engine, limit, types, certification_id)
    wanted = [
        row.id
        for row in rows
        if (not types or row.type in types) and certification_id in (None, row.certification_id)
    ]
    assert await reader.read_all() == wanted


async def test_a_filter_looks_at_so_many_and_goes_on_behind_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOKED_AT", 5)
    rare = event(type=EventType.BULK_OPERATION_COMPLETED)
    await tell(stage, *(event(number) for number in range(12)), rare)
    reader = Reader(stage.engine, types=[rare.type])
    assert [len(await reader.read()) for _ in range(3)] == [0, 0, 1]
    assert not reader.more
    async with transaction(stage.engine) as conn:
        assert reader.place == await feed.end(conn, TENANT)


async def test_the_end_is_behind_what_was_told_and_before_what_comes(stage: Stage) -> None:
    other = await Stage.set(stage.engine, NEIGHBOUR, key="neighbour")
    async with transaction(stage.engine) as conn:
        assert await feed.end(conn, TENANT) == BEGINNING
    await tell(stage, event(1), event(2))
    async with transaction(stage.engine) as conn:
        end = await feed.end(conn, TENANT)
        assert await feed.ends(conn, [TENANT, NEIGHBOUR]) == {TENANT: end}
        assert await feed.given(conn, end)
        assert not await feed.given(conn, Place(end.xid + 1_000_000, 0))
    reader = Reader(stage.engine, place=end)
    assert await reader.read() == []
    told = await tell(stage, event(3))
    await tell(other, event(4))
    assert await reader.read_all() == told


async def test_nobody_sees_the_events_of_another_tenant(stage: Stage) -> None:
    other = await Stage.set(stage.engine, NEIGHBOUR, key="neighbour")
    mine = await tell(stage, event(1))
    theirs = await tell(other, event(1), event(2))
    assert await Reader(stage.engine).read_all() == mine
    assert await Reader(stage.engine, tenant_id=NEIGHBOUR).read_all() == theirs
    filtered = Reader(stage.engine, types=[TYPES[1]], tenant_id=NEIGHBOUR)
    assert await filtered.read_all() == theirs[:1]


@pytest.mark.parametrize("types", [(), tuple(EventType)])
async def test_every_event_of_a_step_shows_the_state_at_its_end(
    stage: Stage, types: Sequence[str]
) -> None:
    certification = await stage.certification()
    (id,) = await stage.enroll(certification, "u-1")
    await stage.act(id, Act(action=Action.CERTIFY), MONDAY + days(1))
    await stage.tick(MONDAY + days(400))
    reader = Reader(stage.engine, limit=1, types=types)
    await reader.read_all()
    steps: dict[int | None, set[Any]] = {}
    for one in reader.seen:
        assert one.after is not None
        assert one.after.revision == one.revision
        assert one.recorded_at == one.after.updated_at
        steps.setdefault(one.revision, set()).add(one.after)
    assert {len(states) for states in steps.values()} == {1}
    assert len(reader.seen) > len(steps)
    assert [one.sequence for one in reader.seen] == list(range(1, len(reader.seen) + 1))
    assert {one.actor for one in reader.seen} == {BOSS.actor, "time"}


def test_what_was_there_before_the_feed_stands_in_the_order_it_was_recorded_in(
    database_server: str,
) -> None:
    with new_database(database_server) as url:
        assert asyncio.run(_numbered(url)) == [3, 1, 2, 4, 5]


async def _numbered(url: str) -> list[int]:
    """The sequences of old events and of a new one, as the feed tells them."""
    await migrate.upgrade(url, "0004")
    insert = """
        INSERT INTO events (tenant_id, id, enrollment_id, sequence, type, effective_at, recorded_at,
          actor, data)
        SELECT $1, gen_random_uuid(), $2, n.sequence, 'enrollment.started', n.at, n.at, 'test', '{}'
        FROM unnest($3::int[], $4::timestamptz[]) AS n (sequence, at)"""
    engine = open_engine(url, pool_size=1)
    first, other = uuid7(), uuid7()
    async with transaction(engine) as conn:
        raw = driver(conn)
        moments = [MONDAY + days(2), MONDAY + days(1), MONDAY + days(1)]
        await raw.execute(insert, TENANT, first, [4, 2, 1], moments)
        await raw.execute(insert, TENANT, other, [3], [MONDAY])
    await migrate.upgrade(url)
    async with transaction(engine) as conn:
        await driver(conn).execute(insert, TENANT, first, [5], [MONDAY])
    found = Reader(engine, limit=2)
    await found.read_all()
    await engine.dispose()
    return [one.sequence or 0 for one in found.seen]


async def test_the_feed_is_read_by_its_index(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            """
            INSERT INTO events (tenant_id, id, type, effective_at, recorded_at, actor, data,
              certification_id, enrollment_id, sequence)
            SELECT CASE WHEN n % 4 = 0 THEN $1::uuid ELSE $2::uuid END, gen_random_uuid(),
              'enrollment.started', $3::timestamptz, $3, 'test', '{}', $4,
              gen_random_uuid(), 1
            FROM generate_series(1, 20000) AS n""",
            NEIGHBOUR,
            TENANT,
            MONDAY,
            CERTIFICATION,
        )
        await driver(conn).execute("ANALYZE events")
    async with transaction(stage.engine) as conn:
        asked = (TENANT, 1, 0, 51)
        filtered = (*asked, feed.LOOKED_AT, ["enrollment.started"], CERTIFICATION)
        for statement, values in (
            (feed._ALL, asked),
            (feed._SOME, filtered),
            (feed._ENDS, ([TENANT, NEIGHBOUR],)),
        ):
            read = await plans.indexes(conn, statement, *values)
            assert read - _BESIDE == {"events_in_order"}, statement


_BESIDE = {
    # Where the state at the end of a step is looked for.
    "events_tenant_id_enrollment_id_sequence_key",
    # One row for each home that the database has had.
    "scan of feed_homes",
    "feed_homes_pkey",
}
