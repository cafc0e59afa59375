"""Looking for webhooks to send, taking them in hand and listing them goes by indexes, however many
there are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc import clock
from certsvc.store import webhook_claims, webhook_deliveries, webhook_fanout
from certsvc.store.db import driver, transaction
from certsvc.store.webhook_claims import Place, Wanted
from tests.support.plans import indexes
from tests.support.stage import MONDAY, TENANT, Stage
from tests.support.statements import counted
from tests.support.webhooks import endpoint

ENDPOINTS = 5
TENANTS = 200


async def fill(conn: AsyncConnection) -> list[UUID]:
    """Many events of many tenants, all fanned out but the newest; many deliveries, most done."""
    raw = driver(conn)
    await raw.execute(
        """
        INSERT INTO events (tenant_id, id, type, effective_at, recorded_at, actor, data)
        SELECT CASE WHEN n % 2 = 0 THEN $1 ELSE md5((n % $3)::text)::uuid END, gen_random_uuid(),
          'certification.published', $2, $2, 'x', '{}'
        FROM generate_series(1, 20000) AS n""",
        TENANT,
        MONDAY,
        TENANTS,
    )
    await raw.execute(
        "INSERT INTO webhook_cursors SELECT DISTINCT tenant_id, 9000000000, 0 FROM events"
        " WHERE tenant_id <> $1",
        TENANT,
    )
    ids = [row[0] for row in await raw.fetch("SELECT id FROM webhook_endpoints ORDER BY id")]
    await raw.execute(
        """
        INSERT INTO webhook_deliveries (
          tenant_id, endpoint_id, id, type, state, created_at, next_attempt_at)
        SELECT $1, e, gen_random_uuid(), 'certification.published',
          CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 100 = 1 THEN 'failed' ELSE 'succeeded' END,
          $3::timestamptz + n * interval '1 second',
          CASE WHEN n % 100 = 0 THEN $3 + n * interval '1 second' END
        FROM unnest($2::uuid[]) AS e, generate_series(1, 4000) AS n""",
        TENANT,
        ids,
        MONDAY,
    )
    await raw.execute("ANALYZE events, webhook_deliveries, webhook_endpoints, webhook_cursors")
    return ids


@pytest.fixture
async def conn(stage: Stage) -> AsyncIterator[AsyncConnection]:
    """Tables that are well filled, in a transaction."""
    for number in range(ENDPOINTS):
        await endpoint(stage, f"e{number}")
    async with transaction(stage.engine) as conn:
        await fill(conn)
    async with transaction(stage.engine) as conn:
        yield conn


async def test_tenants_with_new_events_are_found_by_their_cursors(conn: AsyncConnection) -> None:
    found = await indexes(conn, webhook_fanout._WAITING, 1000)
    assert "events_in_order" in found
    assert "scan of events" not in found
    assert await webhook_fanout.waiting(conn, 1000) == [TENANT]


async def test_new_events_are_read_in_their_order(conn: AsyncConnection) -> None:
    found = await indexes(conn, webhook_fanout._FAN_OUT, TENANT, 500, clock.now())
    assert "events_in_order" in found
    assert not found & {"scan of events", "scan of webhook_deliveries"}


async def test_endpoints_with_something_due_are_found_one_by_one(conn: AsyncConnection) -> None:
    found = await indexes(conn, webhook_claims._DUE, clock.now())
    assert "webhook_deliveries_due" in found
    assert "scan of webhook_deliveries" not in found
    assert len(await webhook_claims.due(conn, clock.now())) == ENDPOINTS


async def test_a_claim_reads_what_it_takes(conn: AsyncConnection) -> None:
    rows = await driver(conn).fetch("SELECT id FROM webhook_endpoints")
    ids = [row[0] for row in rows]
    now = clock.now()
    before = Place(MONDAY, str(UUID(int=0)))
    values = ([7] * len(ids), [before.at] * len(ids), [before.id] * len(ids))
    found = await indexes(
        conn, webhook_claims._CLAIM, TENANT, ids, *values, now, now + timedelta(minutes=1)
    )
    assert found >= {"webhook_deliveries_due", "webhook_deliveries_pkey"}
    assert "scan of webhook_deliveries" not in found
    wanted = [Wanted(id, 7, before) for id in ids]
    claimed = await webhook_claims.claim(conn, TENANT, wanted, now, now + timedelta(minutes=1))
    assert len(claimed) == 7 * len(ids)
    again = await webhook_claims.claim(conn, TENANT, wanted, now, now + timedelta(minutes=1))
    assert not {(one.wanted, one.id) for one in claimed} & {(one.wanted, one.id) for one in again}


async def test_a_claim_moves_no_entry_of_an_index(conn: AsyncConnection) -> None:
    """Its update stays within the page as long as there is room: no index knows of claims."""
    indexed = await driver(conn).fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'webhook_deliveries'"
    )
    assert indexed
    assert not any("claimed_until" in row[0] for row in indexed)


async def test_a_page_of_deliveries_is_read_from_the_index(conn: AsyncConnection) -> None:
    ids = await driver(conn).fetch("SELECT id FROM webhook_endpoints LIMIT 1")
    for states in (["failed"], ["pending", "succeeded", "failed"]):
        for types in (None, ["certification.published"]):
            found = await indexes(
                conn,
                webhook_deliveries._PAGE,
                *(TENANT, ids[0][0], states, types, MONDAY, UUID(int=5), 51),
            )
            assert "webhook_deliveries_by_state" in found
            assert "scan of webhook_deliveries" not in found


async def test_purging_reads_what_it_deletes(conn: AsyncConnection) -> None:
    ids = await driver(conn).fetch("SELECT id FROM webhook_endpoints LIMIT 1")
    found = await indexes(
        conn,
        webhook_deliveries._PURGE,
        *(TENANT, ids[0][0], ["failed", "succeeded"], clock.now(), 100),
    )
    assert "webhook_deliveries_by_state" in found
    assert "scan of webhook_deliveries" not in found


async def test_fanning_out_is_one_statement_for_each_batch(stage: Stage) -> None:
    from certsvc.usecases.webhooks.fanning import Round, fan_out

    for number in range(ENDPOINTS):
        await endpoint(stage, f"e{number}")
    await stage.enroll(await stage.certification(), *(f"u-{n}" for n in range(20)))
    with counted(stage.engine) as statements:
        round = await fan_out(stage.engine, Round())
    assert round.deliveries == ENDPOINTS * round.events > 100
    assert len(statements.work) == 3, "who has something, which replays, and one that writes"
    with counted(stage.engine) as statements:
        await fan_out(stage.engine, Round())
    assert len(statements.work) == 2


async def test_what_nobody_has_figures_of_yet_is_found_by_index_all_the_same(
    stage: Stage,
) -> None:
    """A table that has just been filled looks empty to the database."""
    made = await endpoint(stage)
    async with transaction(stage.engine) as conn:
        raw = driver(conn)
        await raw.execute("ALTER TABLE webhook_deliveries SET (autovacuum_enabled = off)")
        await raw.execute(
            "INSERT INTO webhook_deliveries (tenant_id, endpoint_id, id, type, state, created_at,"
            " next_attempt_at) SELECT $1, $2, gen_random_uuid(), 'x', 'pending', $3, $3"
            " FROM generate_series(1, 20000)",
            TENANT,
            made.id,
            MONDAY,
        )
        now = clock.now()
        before = Place(MONDAY - timedelta(days=1), str(UUID(int=0)))
        await raw.execute(webhook_claims._BY_INDEX)
        values = ([made.id], [100], [before.at], [before.id], now, now + timedelta(minutes=1))
        found = await indexes(conn, webhook_claims._CLAIM, TENANT, *values)
        assert found == {"webhook_deliveries_due", "webhook_deliveries_pkey"}
        await raw.execute(f"PREPARE settling AS {webhook_claims._SETTLE}")
        nothing = ", ".join(
            f"'{{}}'::{kind}[]"
            for kind in ("uuid", "text", "text", *["timestamptz"] * 3, "int", "int", "text")
        )
        plan = await raw.fetch(f"EXPLAIN EXECUTE settling('{TENANT}', {nothing}, '{{}}'::bytea[])")
        await raw.execute("DEALLOCATE settling")
        text = "\n".join(row[0] for row in plan)
        assert "Index Scan using webhook_deliveries_pkey" in text
        assert "id = (n.id)::uuid" in text.partition("Index Cond")[2]
        await raw.execute("ALTER TABLE webhook_deliveries RESET (autovacuum_enabled)")
