"""What time it is for the service. In a sandbox time passes when it is told to."""

from datetime import UTC, datetime

from certsvc_client import AuthenticatedClient
from certsvc_client.api.test_clock import advance_test_clock, get_test_clock
from certsvc_client.models import ClockAdvance

from lms.service import Refused, answered


class NotYet(Exception):
    """Outside a sandbox a day is waited for by coming back on it."""


def now(client: AuthenticatedClient) -> datetime:
    """The sandbox's time, or everybody's."""
    clock = _sandbox_time(client)
    return datetime.now(UTC) if clock is None else clock


def wait_until(client: AuthenticatedClient, moment: datetime) -> None:
    """Let time pass in a sandbox: whatever is due on the way happens, in order."""
    clock = _sandbox_time(client)
    if clock is None:
        if datetime.now(UTC) < moment:
            raise NotYet(f"come back at {moment.isoformat()}")
    elif clock < moment:
        answered(advance_test_clock.sync(client=client, body=ClockAdvance(to=moment)))


def _sandbox_time(client: AuthenticatedClient) -> datetime | None:
    try:
        return answered(get_test_clock.sync(client=client)).now
    except Refused as no:
        if no.problem.code == "not_a_sandbox":
            return None
        raise
