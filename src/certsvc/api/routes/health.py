"""Whether the process lives, whether it is ready, and its figures. Needs no key, tells no data."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.service import Service
from certsvc.store import migrate
from certsvc.store.db import reachable, transaction
from certsvc.store.errors import StoreError
from certsvc.telemetry import REGISTRY


async def livez(request: Request) -> Response:
    """The process answers. The database is not asked: it being away is no reason to restart."""
    service: Service = request.app.state.service
    return answer({"status": "ok", "scheduler_age_seconds": service.heartbeat()}).response()


async def readyz(request: Request) -> Response:
    """Requests may come here: not draining, the database answers, and has the newest schema."""
    reason = await _unready(request.app.state.service)
    if reason is None:
        return answer({"status": "ready"}).response()
    body = answer({"status": "not_ready", "reason": reason}, 503)
    return Answer(503, body.body, headers={"retry-after": "1"}).response()


async def _unready(service: Service) -> str | None:
    if service.draining:
        return "draining"
    if not await reachable(service.engine, seconds=1.0):
        return "database_unreachable"
    try:
        async with transaction(service.engine) as conn:
            return None if await migrate.at_head(conn) else "migrations_pending"
    except StoreError:
        return "database_unreachable"


async def metrics(_request: Request) -> Response:
    """The figures, in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
