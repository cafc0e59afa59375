"""The embedded PostgreSQL of one data folder, as its users see it: start, use, stop."""

import os
import socket
import time
from pathlib import Path
from types import TracebackType

from certsvc import clock
from certsvc.embedded import account as accounts
from certsvc.embedded import binaries as installations
from certsvc.embedded import postmaster, watchdog
from certsvc.embedded.account import Account
from certsvc.embedded.binaries import Binaries
from certsvc.embedded.errors import EmbeddedPostgresError
from certsvc.embedded.initialise import DATABASE, ROLE, initialise
from certsvc.embedded.locks import FileLock
from certsvc.embedded.postmaster import HOST

START_SECONDS = 60.0
LOG_BYTES = 10 * 1024 * 1024
# Passing troubles of a start: the port was taken meanwhile; a killed server's children still leave.
PASSING = ("could not create any TCP/IP sockets", "shared memory block", "is still in use")


class Cluster:
    """A share in the server of a data folder.

    The first user starts the server, later ones join it, the last one to leave stops it; these may
    be threads or processes. `fast` is for tests: the data need not survive a crash of the machine.
    """

    def __init__(self, data_dir: Path, *, fast: bool = False, pg_bin: Path | None = None) -> None:
        # The watchdog and the server have other working folders.
        self._data_dir = data_dir.absolute()
        self._cluster = self._data_dir / "postgres"
        self._log = self._data_dir / "postgres.log"
        self._fast = fast
        self._pg_bin = pg_bin
        self._share: FileLock | None = None

    def start(self) -> str:
        """Join the server, starting it if need be. Returns the URL of its database."""
        if self._share is None:
            self._make_folder()
            share = FileLock(self._data_dir / "users.lock")
            # While somebody stops the server, this waits until it is down.
            share.share()
            self._share = share
        try:
            with FileLock(self._data_dir / "start.lock") as lock:
                lock.hold()
                port = self._running_port()
                watchdog.ensure(self._data_dir, immediate=self._fast)
        except OSError as error:
            self.stop()
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL did not start: {error}"
            ) from error
        except BaseException:
            self.stop()
            raise
        password = (self._data_dir / "password").read_text().strip()
        return f"postgresql+asyncpg://{ROLE}:{password}@{HOST}:{port}/{DATABASE}"

    def stop(self) -> None:
        """Leave; the last one to leave stops the server and waits until it is down."""
        share, self._share = self._share, None
        if share is None:
            return
        with share:
            if share.try_hold():
                postmaster.stop(self._cluster, immediate=self._fast)
            else:
                # There are others; or the watchdog was quicker, and this waits until it is done.
                share.share()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_folder(self) -> None:
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            (self._data_dir / "users.lock").touch()
        except OSError as error:
            raise EmbeddedPostgresError(
                f"CERTSVC_DATA_DIR cannot be written: {error}; choose another folder"
            ) from error

    def _running_port(self) -> int:
        """The port of a server that is ready, after whatever that takes."""
        deadline = clock.monotonic() + START_SECONDS
        account, programs = self._prepare()
        launched = None
        begins_at = 0
        while clock.monotonic() < deadline:
            running = postmaster.find(self._cluster)
            if running is not None and running.ready:
                (self._data_dir / "port").write_text(f"{running.port}\n")
                return running.port
            if launched is not None and launched.poll() is not None:
                self._accept_passing(begins_at)
                time.sleep(0.3)
                launched = None
            if running is None and launched is None:
                postmaster.forget_strangers(self._cluster)
                begins_at = self._trim_log()
                launched = postmaster.launch(
                    self._cluster, programs, account, self._free_port(), self._log, fast=self._fast
                )
            time.sleep(0.02)
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL was not ready after {START_SECONDS:.0f} seconds; "
            f"the end of {self._log}:\n{self._log_since(begins_at)}"
        )

    def _prepare(self) -> tuple[Account, Binaries]:
        """Who runs what; the cluster is made at the first start."""
        account = accounts.choose(self._data_dir, self._cluster)
        version = self._cluster / "PG_VERSION"
        try:
            major = int(version.read_text()) if version.exists() else None
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"{self._cluster} belongs to another user; start certsvc as that user, "
                "or choose another CERTSVC_DATA_DIR"
            ) from error
        found = installations.find(self._pg_bin, major=major)
        programs = accounts.runnable(found, account)
        if major is None:
            initialise(self._data_dir, self._cluster, programs, account, fast=self._fast)
        return account, programs

    def _accept_passing(self, begins_at: int) -> None:
        """Go on if the start failed for a reason that passes; else say why it failed."""
        said = self._log_since(begins_at)
        if not any(trouble in said for trouble in PASSING):
            raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start:\n{said}")

    def _free_port(self) -> int:
        """The port of the last time if it is free, so that URLs stay valid; else any."""
        remembered = self._data_dir / "port"
        wanted = int(remembered.read_text()) if remembered.exists() else 0
        for port in (wanted, 0):
            with socket.socket() as probe:
                # As PostgreSQL does: connections of the last run that linger do not matter.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                chosen: int = probe.getsockname()[1]
                return chosen
        raise EmbeddedPostgresError(f"no free port on {HOST}")

    def _trim_log(self) -> int:
        """Begin the log anew when it has grown; returns where the next lines will begin."""
        self._log.touch()
        if self._log.stat().st_size > LOG_BYTES:
            os.truncate(self._log, 0)
        return self._log.stat().st_size

    def _log_since(self, offset: int) -> str:
        with self._log.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace").strip()[-2000:]
