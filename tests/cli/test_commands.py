"""The command line: what machines read on stdout, everything else on stderr, and exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from certsvc.cli.program import app
from certsvc.store.api_keys import read_key
from tests.support.database import new_database

PROGRAM = [sys.executable, "-c", "from certsvc.cli import main; main()"]


@pytest.fixture
def run(database_url: str, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.setenv("CERTSVC_DATABASE_URL", database_url)
    return Run()


class Run:
    """Commands against the test's database."""

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)


def test_a_tenant_and_a_key_are_made_and_printed(run: Run) -> None:
    made = run("tenant", "create", "acme")
    assert made.exit_code == 0
    tenant_id = UUID(made.stdout.strip())
    key = run("key", "create", "--tenant", "acme", "--role", "lms")
    assert key.exit_code == 0
    parts = read_key(key.stdout.strip())
    assert parts is not None
    assert parts.tenant_id == tenant_id


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("tenant", "create", "Not A Key"), 1),
        (("tenant", "create", "acme", "--clock", "2026-01-01T00:00:00Z"), 1),
        (("tenant", "create", "acme", "--sandbox", "--clock", "yesterday"), 2),
        (("tenant", "create", "acme", "--sandbox", "--clock", "2026-01-01T00:00:00"), 2),
        (("key", "create", "--tenant", "nobody", "--role", "admin"), 1),
        (("key", "create", "--tenant", "nobody", "--role", "king"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_is_wrong_is_said_on_stderr(run: Run, arguments: tuple[str, ...], code: int) -> None:
    failed = run(*arguments)
    assert failed.exit_code == code
    assert failed.stdout == ""


def test_a_tenants_key_is_taken_once(run: Run) -> None:
    assert run("tenant", "create", "acme", "--sandbox").exit_code == 0
    assert run("tenant", "create", "acme").exit_code == 1


def test_the_check_of_an_empty_database_finds_nothing(run: Run) -> None:
    run("tenant", "create", "acme")
    checked = run("check")
    assert (checked.exit_code, checked.stdout) == (0, "")


def test_migrating_what_is_migrated_changes_nothing(run: Run) -> None:
    assert run("migrate").exit_code == 0


def test_a_restored_database_is_said_to_be_one(
    database_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_database(database_server) as url:
        monkeypatch.setenv("CERTSVC_DATABASE_URL", url)
        run = Run()
        assert "restored" not in run("migrate").stderr
        assert "restored" in run("migrate", "--restored").stderr
        assert "restored" not in run("migrate").stderr


def test_the_contract_is_printed_without_a_database() -> None:
    printed = CliRunner().invoke(app, ["openapi"])
    assert printed.exit_code == 0
    assert json.loads(printed.stdout)["openapi"].startswith("3.1")


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_BATCH_SIZE", "0")
    failed = CliRunner().invoke(app, ["check"])
    assert failed.exit_code == 1


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not below pytest's own folder: the server may run as another user, who cannot look into it.
    with tempfile.TemporaryDirectory(prefix="certsvc-test-") as name:
        yield Path(name)


class Serving:
    """`certsvc serve` on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if "CERTSVC" not in name},
            "CERTSVC_DATA_DIR": str(folder / "data"),
        }
        self._process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.said = ""
        for line in self._process.stderr:
            self.said += line
            if "listens on" in line:
                break
        found = re.search(r"http://[0-9.]+:\d+", self.said)
        assert found is not None, self.said
        self.url = found.group()

    def get(self, path: str, key: str = "") -> bytes:
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
            return body

    def stop(self, how: signal.Signals) -> tuple[int, str]:
        """The exit code, and what was printed."""
        self._process.send_signal(how)
        printed, _ = self._process.communicate(timeout=60)
        return self._process.returncode, printed


def test_serving_makes_a_first_key_once_and_ends_when_told(folder: Path) -> None:
    first = Serving(folder)
    assert first.get("/readyz") == b'{"status":"ready"}'
    beside = subprocess.run(
        [*PROGRAM, "key", "create", "--tenant", "default", "--role", "admin"],
        env=first.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # A command beside a running service uses its database.
    listed = json.loads(first.get("/v1/api-keys", beside.stdout.strip()))
    assert len(listed["items"]) == 2
    code, printed = first.stop(signal.SIGTERM)
    assert code == 0
    assert read_key(printed.strip()) is not None
    assert read_key(beside.stdout.strip()) is not None

    second = Serving(folder)
    assert b"certsvc_ticks_total" in second.get("/metrics")
    assert second.get("/v1/api-keys", printed.strip()) is not None
    assert second.stop(signal.SIGINT) == (0, "")
