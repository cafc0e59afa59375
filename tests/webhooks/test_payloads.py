"""What the outside sees of an event: whole, flat, and always the same."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.describe import describe
from certsvc.domain.events import EventType
from certsvc.store import events, feed
from certsvc.store.db import driver, transaction
from certsvc.store.events import EventRow
from certsvc.store.feed import FedEvent
from certsvc.webhooks.payloads import body, payloads
from tests.support.programmes import CERTIFICATION, ELSEWHERE
from tests.support.stage import MONDAY, TENANT, Stage, days
from tests.support.statements import counted

BULK = UUID("018cc251-f400-7000-8000-00000000b001")
FACT = EventRow(
    id=UUID("018cc251-f400-7000-8000-00000000f001"),
    type=EventType.BULK_OPERATION_COMPLETED,
    effective_at=MONDAY,
    recorded_at=MONDAY,
    actor="key:boss",
    reason="Annual",
    on_behalf_of="u-2",
    bulk_operation_id=BULK,
    data={"counts": {"succeeded": 2}},
)


@pytest.fixture
async def stage(engine: AsyncEngine) -> Stage:
    """Two people in two certifications, for a year, and something that concerns neither."""
    stage = await Stage.set(engine)
    for id, key in ((CERTIFICATION, "forklift"), (ELSEWHERE, "crane")):
        certification = await stage.certification(id=id, key=key)
        first, _ = await stage.enroll(certification, "u-1", "u-2")
        await stage.act(first, Act(action=Action.CERTIFY), MONDAY + days(1))
    await stage.tick(MONDAY + days(400))
    async with transaction(engine) as conn:
        await events.insert(conn, TENANT, [FACT])
    return stage


async def fed(conn: AsyncConnection) -> list[FedEvent]:
    """Everything in the feed."""
    return (await feed.look(conn, TENANT, None, 1000)).events


async def items(stage: Stage) -> list[dict[str, Any]]:
    """All of it, as the outside sees it."""
    async with transaction(stage.engine) as conn:
        return await payloads(conn, TENANT, await fed(conn))


async def test_after_is_the_enrollment_as_it_read_when_it_was_recorded(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        rows = await fed(conn)
        told = await payloads(conn, TENANT, rows)
    certification = (await stage.read(*{row.enrollment_id for row in rows if row.enrollment_id}))[
        0
    ].certification
    checked = 0
    for row, item in zip(rows, told, strict=True):
        if row.after is not None and row.certification_id == certification.id:
            assert item["after"] == describe(row.after, certification, row.recorded_at)
            assert item["certification_key"] == certification.key
            assert item["before"] == {"status": row.before_status, "standing": row.before_standing}
            checked += 1
    assert checked > 8


async def test_what_concerns_no_enrollment_says_so_with_nulls(stage: Stage) -> None:
    item = (await items(stage))[-1]
    assert {name: value for name, value in item.items() if value is not None} == {
        "id": FACT.id,
        "type": "bulk_operation.completed",
        "effective_at": MONDAY,
        "recorded_at": MONDAY,
        "stale": False,
        "actor": "key:boss",
        "on_behalf_of": "u-2",
        "reason": "Annual",
        "bulk_operation_id": BULK,
        "data": {"counts": {"succeeded": 2}},
    }


async def test_every_item_has_every_field(stage: Stage) -> None:
    assert {tuple(item) for item in await items(stage)} == {tuple((await items(stage))[0])}


async def test_the_body_is_the_item_in_its_envelope(stage: Stage) -> None:
    for item in await items(stage):
        document = json.loads(body(item))
        assert list(document) == ["type", "timestamp", "data"]
        assert document["type"] == document["data"]["type"] == item["type"]
        assert document["timestamp"] == document["data"]["recorded_at"]
        assert document["timestamp"].endswith("Z")
        assert document["data"]["id"] == str(item["id"])


async def test_the_same_event_always_reads_the_same(stage: Stage) -> None:
    before = [body(item) for item in await items(stage)]
    (first, *_) = await ids(stage)
    await stage.act(first, Act(action=Action.REVOKE), MONDAY + days(800))
    again = [body(item) for item in await items(stage)]
    assert again[: len(before)] == before
    assert len(again) > len(before)


async def ids(stage: Stage) -> list[UUID]:
    """Of the enrollments that were certified."""
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch(
            "SELECT DISTINCT enrollment_id FROM events WHERE type = 'certificate.issued'"
        )
    return [row[0] for row in rows]


async def test_however_many_events_the_certifications_are_read_once(stage: Stage) -> None:
    await items(stage)
    with counted(stage.engine) as statements:
        async with transaction(stage.engine) as conn:
            rows = await fed(conn)
            await payloads(conn, TENANT, rows * 3)
    assert len(statements.work) == 2


async def test_a_certification_that_nobody_knows_hides_no_event(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        rows = [replace(row, certification_id=BULK) for row in await fed(conn)]
        told = await payloads(conn, TENANT, rows)
    assert len(told) == len(rows)
    assert {(item["certification_key"], item["after"]) for item in told} == {(None, None)}
