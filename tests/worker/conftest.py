"""What the tests of the scheduler share."""

import pytest

from certsvc import telemetry


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Failures that a test causes are logged as they are in service, without colours."""
    telemetry.configure_logging("error", "json")
