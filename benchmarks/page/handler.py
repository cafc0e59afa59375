"""The limit of a page: one Starlette route on asyncpg, written by hand for these three filters and
this one programme.

It answers the same to the last value, and knows all of it by heart: what may be done with a valid
certificate, what time does next, how many days are left. No rule is read, no value checked, no
role; who calls is compared with the one key there is.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any
from uuid import UUID

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.page import bare
from benchmarks.pools import pooled
from benchmarks.population.programmes import BY_HAND, TENANT

FIRST = UUID(int=0)
DAY = 86_400
FIRST_NOTICE = timedelta(days=31)

_AS_OF = """
SELECT next_due_at FROM enrollments
WHERE tenant_id = $1 AND next_due_at IS NOT NULL AND set_aside_at IS NULL
ORDER BY next_due_at LIMIT 1"""

ALWAYS = ["permanent-revoke", "suspend", "change-dates", "change-next-recertification", "certify"]
BEFORE = ["force-recertification", *ALWAYS]
IN_WINDOW = [
    "force-recertification",
    "recertify",
    *ALWAYS[:-1],
    "remind",
    "certify",
]


async def page(request: Request) -> Response:
    """A page of whom the programme has certified in a group."""
    if not compare_digest(request.headers["authorization"], os.environ["BENCH_AUTHORIZATION"]):
        return Response(status_code=401)
    asked = request.query_params
    limit = int(asked["limit"])
    after = UUID(bytes=urlsafe_b64decode(asked["cursor"])) if "cursor" in asked else FIRST
    async with request.app.state.pool.acquire() as connection:
        due = await connection.fetchval(_AS_OF, TENANT)
        rows = await bare.page(connection, asked["group"], after, limit + 1)
    as_of = min(datetime.now(UTC), due)
    found = {
        "items": [_item(row, as_of) for row in rows[:limit]],
        "next_cursor": None
        if len(rows) <= limit
        else urlsafe_b64encode(rows[limit - 1]["id"].bytes).decode(),
        "as_of": as_of,
    }
    body = orjson.dumps(found, option=orjson.OPT_UTC_Z)
    return Response(body, media_type="application/json")


def _item(row: Any, as_of: datetime) -> dict[str, Any]:
    e = orjson.loads(row["doc"])
    certificate = e["certificate"]
    at = max(as_of, row["updated_at"])
    return {
        "id": e["id"],
        "certification_id": e["certification_id"],
        "certification_key": BY_HAND.certification.key,
        "learner_id": e["learner_id"],
        "status": row["status"],
        "standing": row["standing"],
        "work": row["work"],
        "suspended": row["suspended"],
        "flags": _flags(row, at),
        "revision": e["revision"],
        "enrolled_at": e["enrolled_at"],
        "updated_at": e["updated_at"],
        "assignments": e["assignments"],
        "cycle": None,
        "seats": [],
        "certificate": _certificate(certificate, row["expires_at"], at),
        "certified_at": certificate["certified_at"],
        "expires_at": certificate["expires_at"],
        "lapses_at": certificate["lapses_at"],
        "recertification_at": certificate["window_at"],
        "due_at": None,
        "next_recertification": "latest",
        "next": {"at": row["next_due_at"], "event": _event(row, certificate)},
        "allowed_actions": IN_WINDOW if row["recertification_at"] <= at else BEFORE,
    }


def _flags(row: Any, at: datetime) -> list[str]:
    flags = ["expiring"] if row["expires_at"] - FIRST_NOTICE <= at else []
    return [*flags, "due_for_recertification"] if row["recertification_at"] <= at else flags


def _event(row: Any, certificate: dict[str, Any]) -> str:
    due = row["next_due_at"]
    if due == row["expires_at"]:
        return "certificate.expired"
    if due == row["recertification_at"] and not certificate.get("window_told"):
        return "recertification.due"
    return "certificate.expiring"


def _certificate(certificate: dict[str, Any], expires_at: datetime, at: datetime) -> dict[str, Any]:
    through = datetime.fromtimestamp(expires_at.timestamp() - DAY, UTC).date()
    return {
        "id": certificate["id"],
        "number": certificate["number"],
        "code": certificate["code"],
        "cycle": certificate["cycle"],
        "version": certificate["version"],
        "issued_at": certificate["certified_at"],
        "certified_at": certificate["certified_at"],
        "valid_from": certificate["valid_from"],
        "valid_through": through,
        "expires_at": certificate["expires_at"],
        "lapses_at": certificate["lapses_at"],
        "recertification_at": certificate["window_at"],
        "days_left": max(0, (through - at.date()).days),
        "superseded_at": None,
        "revoked_at": None,
        "evidence_retracted": False,
    }


app = Starlette(
    routes=[
        Route("/v1/enrollments", page),
        Route("/livez", lambda _: Response()),
    ],
    lifespan=pooled(2, bare.PREPARE),
)
"""What uvicorn serves."""
