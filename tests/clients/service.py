"""A service as an operator starts it, with a sandbox for each client that lives a life in it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread

PROGRAM = [sys.executable, "-c", "from certsvc.cli import main; main()"]
BEGINNING = "2026-01-05T09:00:00Z"


class Service:
    """`certsvc serve` with its own PostgreSQL, on a free port of this machine."""

    def __init__(self, folder: Path) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if "CERTSVC" not in name},
            "CERTSVC_DATA_DIR": str(folder / "data"),
            "CERTSVC_WEBHOOK_LOCAL": "true",
        }
        self._process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        said = ""
        for line in self._process.stderr:
            said += line
            if "listens on" in line:
                break
        found = re.search(r"http://[0-9.]+:\d+", said)
        assert found is not None, said
        self.url = found.group()
        # Nobody reads on what it says; without this it would wait once the pipe is full.
        self._drain = Thread(target=self._process.stderr.read, daemon=True)
        self._drain.start()

    def sandbox(self, tenant: str) -> str:
        """A tenant with a clock of its own, and the key of its administrator."""
        self._run("tenant", "create", tenant, "--sandbox", "--clock", BEGINNING)
        return self._run("key", "create", "--tenant", tenant, "--role", "admin")

    def stop(self) -> None:
        """End it, and its database with it."""
        self._process.terminate()
        self._process.wait(timeout=60)
        self._drain.join(timeout=10)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*PROGRAM, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
