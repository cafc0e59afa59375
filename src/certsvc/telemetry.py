"""What certsvc says about itself: logs on stderr, and figures for Prometheus.

No label carries a tenant, a learner or any other id: their number has no bound, and a dashboard has
no business with them. Routes are labelled by template.
"""

import logging
import sys
from typing import Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import Processor

REGISTRY = CollectorRegistry()

COMMANDS = Counter(
    "certsvc_commands",
    "Commands decided, by action and outcome (applied, unchanged, or the code of a refusal)",
    ["action", "outcome"],
    registry=REGISTRY,
)
TICKS = Counter(
    "certsvc_ticks", "Runs of a job of the timetable", ["job", "outcome"], registry=REGISTRY
)
TICK_SECONDS = Histogram(
    "certsvc_tick_seconds", "How long a run of a job took", ["job"], registry=REGISTRY
)
TICK_ROWS = Counter(
    "certsvc_tick_rows", "Rows that a job of the timetable moved", ["job"], registry=REGISTRY
)
SET_ASIDE_ROWS = Counter(
    "certsvc_set_aside_rows",
    "Rows set aside because advancing them failed; each needs a person to look at it",
    registry=REGISTRY,
)
DUE_LAG_SECONDS = Gauge(
    "certsvc_due_lag_seconds", "How late the oldest due enrollment is", registry=REGISTRY
)
WEBHOOK_ATTEMPTS = Counter(
    "certsvc_webhook_attempts",
    "Attempts to deliver a webhook, by result",
    ["result"],
    registry=REGISTRY,
)
WEBHOOKS_PENDING = Gauge(
    "certsvc_webhooks_pending",
    "Deliveries of webhooks that wait to be sent; counted up to 100000",
    registry=REGISTRY,
)
WEBHOOK_LAG_SECONDS = Gauge(
    "certsvc_webhook_lag_seconds",
    "How late the oldest due delivery of an enabled endpoint is",
    registry=REGISTRY,
)
HTTP_REQUESTS = Counter(
    "certsvc_http_requests",
    "Requests answered, by route template, method and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "certsvc_http_request_duration_seconds",
    "How long a request took",
    ["route", "method"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)


def configure_logging(level: str, form: Literal["auto", "json", "console"]) -> None:
    """Send all logs, the libraries' too, to stderr: lines of JSON, or colours on a terminal."""
    on_terminal = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The default prints every local variable: rows of learners, and takes seconds.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if on_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _quieten()


def _quieten() -> None:
    """Libraries that say at info what our own logs and figures already say."""
    for name in ("apscheduler", "httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
