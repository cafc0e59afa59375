"""Makes a new cluster: whole, or not at all."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from certsvc.embedded.account import Account, Handed, handed
from certsvc.embedded.binaries import Binaries
from certsvc.embedded.errors import EmbeddedPostgresError
from certsvc.embedded.postmaster import environment

ROLE = "certsvc"
DATABASE = "certsvc"


def initialise(
    data_dir: Path, cluster: Path, binaries: Binaries, account: Account, *, fast: bool
) -> None:
    """Make the cluster, its role and its database beside, and put them in place by one rename."""
    for left_behind in data_dir.glob(".new-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=data_dir))
    password = _password(data_dir)
    secret = draft / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    for path in (draft, secret):
        account.own(path)
    try:
        with handed(draft, account) as folder:
            _initdb(folder, binaries, account, fast=fast)
            _create_database(folder, binaries, account)
        (draft / "postgres").rename(cluster)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _password(data_dir: Path) -> str:
    """The role's password; made once, on the disk before the cluster that asks for it."""
    path = data_dir / "password"
    if not path.exists():
        draft = data_dir / ".password"
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    return path.read_text().strip()


def _initdb(folder: Handed, binaries: Binaries, account: Account, *, fast: bool) -> None:
    words = [
        str(binaries.initdb),
        f"--pgdata={folder.path}/postgres",
        f"--username={ROLE}",
        f"--pwfile={folder.path}/password",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]
    if fast:
        words.append("--no-sync")
    _run(words, "", folder, account)


def _create_database(folder: Handed, binaries: Binaries, account: Account) -> None:
    """By a server for a single user: it listens nowhere, so nobody finds a cluster half made."""
    words = [str(binaries.postgres), "--single", "-D", f"{folder.path}/postgres", "postgres"]
    _run(words, f"CREATE DATABASE {DATABASE};\n", folder, account)


def _run(words: list[str], text: str, folder: Handed, account: Account) -> None:
    done = subprocess.run(
        words,
        input=text,
        cwd="/",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        pass_fds=folder.descriptors,
        **account.credentials,
    )
    # A server for a single user answers an error in words, and ends well.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        said = f"{done.stdout}\n{done.stderr}".strip()[-2000:]
        raise EmbeddedPostgresError(f"the embedded PostgreSQL's data could not be made:\n{said}")
