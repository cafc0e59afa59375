"""The application: operations, errors as problems, the door, the contract."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute, Route

from certsvc.api import contract
from certsvc.api.edge import Edge
from certsvc.api.routes import (
    actions,
    assignments,
    attempts,
    bulk_operations,
    calendars,
    certificates,
    certifications,
    courses,
    cycles,
    docs,
    enrollments,
    events,
    evidence,
    finding,
    groups,
    health,
    history,
    keys,
    reports,
    review_queue,
    sessions,
    test_clock,
    verification,
    versions,
    webhook_deliveries,
    webhook_endpoints,
    xapi,
    xapi_activities,
)
from certsvc.api.routing import RouteTable
from certsvc.api.service import Heartbeat, Service
from certsvc.settings import Settings

ROUTERS = (
    certifications.router,
    versions.router,
    finding.router,
    enrollments.router,
    review_queue.router,
    bulk_operations.router,
    actions.router,
    assignments.router,
    cycles.router,
    attempts.router,
    history.router,
    events.router,
    evidence.router,
    xapi.router,
    xapi_activities.router,
    groups.router,
    courses.router,
    sessions.router,
    certificates.router,
    verification.router,
    calendars.router,
    webhook_endpoints.router,
    webhook_deliveries.router,
    reports.router,
    keys.router,
    test_clock.router,
)
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


def create_app(
    settings: Settings,
    engine: AsyncEngine | None,
    *,
    heartbeat: Heartbeat | None = None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The application over a database. Without one it only has a contract.

    `heartbeat` tells the age of the scheduler's last round in this process, for /livez.
    `lifespan` runs around the serving: whoever composes the process starts its scheduler there.
    """

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        service: Service = app.state.service
        if lifespan is None:
            yield
        else:
            async with lifespan():
                yield
        service.drain()

    app = FastAPI(
        title="certsvc",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=living,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.service = Service(settings, engine, heartbeat)
    app.state.contract = cache(lambda: orjson.dumps(app.openapi()))
    _lay_out(app)
    # All of the door is ours: the framework's layers would add nothing but time.
    app.middleware_stack = Edge(app.router, body_limit=settings.body_limit_bytes)
    return app


def _lay_out(app: FastAPI) -> None:
    served: list[Route] = [
        Route("/livez", health.livez),
        Route("/readyz", health.readyz),
        Route("/metrics", health.metrics),
        Route("/docs", docs.page),
        Route("/docs/start.js", docs.start),
        Route("/docs/assets/{name}", docs.asset),
        Route("/openapi.json", docs.contract),
    ]
    described: list[BaseRoute] = [route for router in ROUTERS for route in router.routes]
    served += [route for route in described if isinstance(route, Route)]
    # The table finds every route; the routes behind it are there to be described.
    app.router.routes[:] = [RouteTable(served), *served]
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = contract.describe(app)
    return app.openapi_schema
