"""Stops the server when its last user is gone, however that user went.

A process of its own: python -m certsvc.embedded.watchdog DATA_DIR [--immediate]. It sleeps on the
lock that all users share. Whoever dies lets go of it, even killed; so no server is left running.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from certsvc.embedded import postmaster
from certsvc.embedded.locks import FileLock

SOURCE = Path(__file__).resolve().parents[2]


def ensure(data_dir: Path, *, immediate: bool) -> None:
    """Start a watchdog unless one is there. To be called by a user of the server."""
    with FileLock(data_dir / "watchdog.lock") as lock:
        if not lock.try_hold():
            return
    path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH"))))
    words = [sys.executable, "-m", "certsvc.embedded.watchdog", str(data_dir)]
    if immediate:
        words.append("--immediate")
    with (data_dir / "postgres.log").open("ab") as out:
        # What we wait for leaves at once; its child is the watchdog, and nobody has to wait for it.
        subprocess.run(
            words,
            cwd="/",
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            check=True,
        )


def watch(data_dir: Path, own_lock: FileLock, *, immediate: bool) -> None:
    """Sleep until nobody uses the server, then stop it."""
    # The watchdog's own lock goes first (the order of contexts): who then gets the users' lock and
    # starts the server anew must not find a watchdog that is about to leave.
    with FileLock(data_dir / "users.lock") as users, own_lock:
        users.hold()
        postmaster.stop(data_dir / "postgres", immediate=immediate)


def main() -> None:
    """Become a background process and watch, if nobody does."""
    data_dir, immediate = Path(sys.argv[1]), "--immediate" in sys.argv[2:]
    own_lock = FileLock(data_dir / "watchdog.lock")
    # Held before the fork, and inherited by it: whoever started us finds a watchdog from now on.
    if not own_lock.try_hold():
        return
    if os.fork() != 0:
        os._exit(0)
    # What ends a session or a terminal must not end the watchdog before the server's users.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(data_dir, own_lock, immediate=immediate)


if __name__ == "__main__":
    main()
