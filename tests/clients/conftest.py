"""What the tests of generated clients share: one running service."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.service import Service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A service that runs while the clients live."""
    # Not below pytest's own folder: the server may run as another user, who cannot look into it.
    with tempfile.TemporaryDirectory(
        prefix="certsvc-clients-", ignore_cleanup_errors=True
    ) as folder:
        running = Service(Path(folder))
        try:
            yield running
        finally:
            running.stop()
