"""The limit of a command: one Starlette route on asyncpg, written by hand for this one action.

It locks the row, writes it and its event and commits, with no rules, no validation beyond types,
no roles and no evidence; who calls is compared with the one key there is. Its answer is the
stored document.
"""

import os
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

from benchmarks.command.client import CONNECTIONS
from benchmarks.pools import pooled
from benchmarks.population.programmes import TENANT

ACTOR = "key:bare"

_LOCK = """
SELECT doc, certification_id, learner_id, status, standing
FROM enrollments WHERE tenant_id = $1 AND id = $2 FOR UPDATE"""

_MOVE = """
UPDATE enrollments SET revision = $3, sequence = $4, updated_at = $5, due_at = $6,
  next_due_at = $7, flags = $8, doc = $9
WHERE tenant_id = $1 AND id = $2"""

_TELL = """
INSERT INTO events (
  tenant_id, id, enrollment_id, certification_id, learner_id, sequence, revision, type,
  effective_at, recorded_at, stale, actor, before_status, before_standing, data, after)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'enrollment.dates_changed', $8, $8, false, $9, $10, $11, $12,
  $13)"""


async def change_dates(request: Request) -> Response:
    """Set another due date."""
    if not compare_digest(request.headers["authorization"], os.environ["BENCH_AUTHORIZATION"]):
        return Response(status_code=401)
    id = UUID(request.path_params["id"])
    due_at = datetime.fromisoformat(orjson.loads(await request.body())["due_at"])
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        document = await _change(connection, id, due_at)
    if document is None:
        return Response(status_code=404)
    return Response(document, media_type="application/json")


async def _change(connection: Any, id: UUID, due_at: datetime) -> bytes | None:
    found = await connection.fetchrow(_LOCK, TENANT, id)
    if found is None:
        return None
    now = datetime.now(UTC)
    e = orjson.loads(found["doc"])
    cycle = e["cycle"]
    data = {"changes": {"due_at": {"before": cycle["due_at"], "after": due_at}}}
    cycle |= {"due_at": due_at, "armed_at": now, "told_through": now}
    e |= {"revision": e["revision"] + 1, "sequence": e["sequence"] + 1, "updated_at": now}
    limit_at = datetime.fromisoformat(cycle["limit_at"])
    next_due_at = min(due_at - timedelta(days=15), limit_at)
    document = orjson.dumps(e, option=orjson.OPT_UTC_Z)
    await connection.execute(
        _MOVE, TENANT, id, e["revision"], e["sequence"], now, due_at, next_due_at, [], document
    )
    await connection.execute(
        _TELL,
        TENANT,
        uuid7(),
        id,
        found["certification_id"],
        found["learner_id"],
        e["sequence"],
        e["revision"],
        now,
        ACTOR,
        found["status"],
        found["standing"],
        orjson.dumps(data, option=orjson.OPT_UTC_Z),
        document,
    )
    return document


app = Starlette(
    routes=[
        Route("/v1/enrollments/{id}/actions/change-dates", change_dates, methods=["POST"]),
        Route("/livez", lambda _: Response()),
    ],
    lifespan=pooled(CONNECTIONS),
)
