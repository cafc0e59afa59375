"""The reference client as an LMS developer has it: generated, in an environment of its own."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certsvc.demo.sandbox import sandbox

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "lms"
ENVIRONMENT = ROOT / ".venv-client" / "bin"
FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Generated:
    """The client as it was generated, and what the generator said to it."""

    folder: Path
    said: str


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """The client, generated from the contract as committed."""
    program = ENVIRONMENT / "openapi-python-client"
    if not program.exists():
        pytest.fail("the client's generator is not installed: run make client")
    folder = tmp_path_factory.mktemp("client")
    arguments = [
        *("generate", "--meta", "none", "--fail-on-warning"),
        *("--path", str(ROOT / "openapi" / "openapi.json")),
        *("--config", str(EXAMPLE / "generator.yaml")),
        *("--output-path", str(folder / "certsvc_client")),
    ]
    made = subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return Generated(folder, made.stdout + made.stderr)


@dataclass(frozen=True, slots=True)
class Campus:
    """The example's LMS beside a running service."""

    url: str
    key: str
    records: Path
    client: Path

    def run(self, *arguments: str) -> str:
        """What a command of the example prints."""
        environment = {
            **{name: value for name, value in os.environ.items() if "CERTSVC" not in name},
            "CERTSVC_URL": self.url,
            "CERTSVC_KEY": self.key,
            "PYTHONPATH": os.pathsep.join([str(self.client), str(EXAMPLE)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [str(ENVIRONMENT / "python"), "-m", "lms", "--records", str(self.records), *arguments],
            env=environment,
            cwd=self.records.parent,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def campus(generated: Generated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campus]:
    """A service that runs, on a Monday of January 2026, and an LMS that knows its people."""
    with sandbox(FIRST_DAY) as service:
        records = tmp_path_factory.mktemp("lms") / "records.sqlite3"
        yield Campus(service.address, service.key, records, generated.folder)


@pytest.fixture
def importable(generated: Generated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's modules can be imported here."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(generated.folder))
