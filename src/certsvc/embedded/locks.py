"""File locks between the processes that share a data folder.

The operating system frees a lock when its holder dies, however it dies, so none can go stale.

    users.lock      shared by every process that uses the server. Who gets it exclusively knows that
                    nobody uses the server any more, and stops it.
    start.lock      exclusive while a process looks whether the server runs, and starts it.
    watchdog.lock   exclusive for the life of the watchdog, so that there is one.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from certsvc.embedded.errors import EmbeddedPostgresError

try:
    import fcntl
except ImportError as missing:
    raise EmbeddedPostgresError(
        "the embedded PostgreSQL needs Linux or macOS; elsewhere set CERTSVC_DATABASE_URL"
    ) from missing


class FileLock:
    """One open lock file. Python opens it close-on-exec: a server started meanwhile has no part."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)

    def share(self) -> None:
        """Hold it together with others, waiting while somebody holds it alone."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def hold(self) -> None:
        """Hold it alone, waiting until nobody else holds it."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def try_hold(self) -> bool:
        """Hold it alone if nobody else holds it. Whether so or not, a share held before is gone."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            return False
        return True

    def close(self) -> None:
        """Let go; twice does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
