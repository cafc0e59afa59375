"""One running server: whether there is one in a folder, starting it, and stopping it."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from certsvc import clock
from certsvc.embedded.account import Account, handed
from certsvc.embedded.binaries import Binaries

HOST = "127.0.0.1"

# Commands share one machine with the service: enough for a few processes, little memory at rest.
ALWAYS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
DURABLE = {"max_connections": "100"}
# For tests. An operating system that crashes may lose data; a server or a client that dies may not.
FAST = {
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What postmaster.pid says of a server that is alive."""

    pid: int
    port: int
    ready: bool


def find(cluster: Path) -> Postmaster | None:
    """The server that runs in this folder, if one does."""
    said = _pid_file(cluster)
    if said is None or not _serves(said.pid, cluster):
        return None
    return said


def _pid_file(cluster: Path) -> Postmaster | None:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, ValueError, IndexError):
        # None yet, or one that is just being written.
        return None
    return Postmaster(pid, port, ready=len(lines) > 7 and lines[7].strip() == "ready")


def _serves(pid: int, cluster: Path) -> bool:
    """Whether the process is the server of this folder, and not another that got its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not Path("/proc/self").exists():
        # Not Linux: the number is all there is.
        return True
    if _program(pid) != "postgres":
        return False
    try:
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except PermissionError:
        # Root in a container may not look into other users' processes; the program has to do.
        return True
    except OSError:
        return False


def _program(pid: int) -> str:
    """The name of a process's program; empty for one that is gone, or dead and not waited for."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return Path(os.fsdecode(words[0])).name


def forget_strangers(cluster: Path) -> None:
    """Remove a postmaster.pid whose number another program got, as after a container's restart.

    PostgreSQL would take that program for a running server. If the number is free, PostgreSQL
    knows best what to do, as it also looks for what a killed server left behind in memory.
    """
    said = _pid_file(cluster)
    if said is not None and _program(said.pid) and not _serves(said.pid, cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def launch(
    cluster: Path, binaries: Binaries, account: Account, port: int, log: Path, *, fast: bool
) -> "subprocess.Popen[bytes]":
    """Start the server, apart from our terminal and session; its parent need not outlive it."""
    options = ALWAYS | (FAST if fast else DURABLE) | {"port": str(port)}
    with handed(cluster, account) as folder, log.open("ab") as out:
        process = subprocess.Popen(
            [
                binaries.postgres,
                "-D",
                folder.path,
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ],
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            pass_fds=folder.descriptors,
            **account.credentials,
        )
    # Wait for it for ever, so that it does not stay behind as a dead process under a living parent.
    threading.Thread(target=process.wait, name="certsvc-postmaster", daemon=True).start()
    return process


def environment() -> dict[str, str]:
    """Our environment without what would steer PostgreSQL, and with messages that we can read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def stop(cluster: Path, *, immediate: bool = False, patience: float = 60.0) -> None:
    """Stop the server of this folder and wait until it is gone. Only its last user may do so.

    These are the signals of pg_ctl's modes: fast rolls open transactions back and writes everything
    down; immediate leaves that to the next start.
    """
    deadline = clock.monotonic() + patience
    sent: signal.Signals | None = None
    while (running := find(cluster)) is not None:
        late = clock.monotonic() > deadline
        wanted = signal.SIGQUIT if immediate or late else signal.SIGINT
        if sent != wanted:
            try:
                os.kill(running.pid, wanted)
            except ProcessLookupError:
                return
            sent = wanted
        if clock.monotonic() > deadline + 10:
            return
        time.sleep(0.02)
