"""The account that the server runs as, and how that account gets at files that root can see.

PostgreSQL refuses to run as root. Started as root, it runs as the owner of the data folder if that
is somebody else, and as `nobody` otherwise. No user is created and no permission of a parent folder
is changed. Where a parent folder is closed to the account (a home of mode 0700, say):

* the data stays where it is: root opens the folder and hands the open folder down, and the server
  knows it as /proc/self/fd/N (Linux);
* the programs are copied once to a folder open to all, as a cache that may be lost at any time.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from certsvc.embedded.binaries import Binaries
from certsvc.embedded.errors import EmbeddedPostgresError


class Credentials(TypedDict, total=False):
    """What subprocess wants to know to start a program as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server: ourselves, or another user if we are root."""

    uid: int
    gid: int
    other: bool

    @property
    def credentials(self) -> Credentials:
        if not self.other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to the account."""
        if self.other:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether every folder on the way to `path` lets the account through."""
        return not self.other or all(self._may_pass(parent) for parent in path.resolve().parents)

    def _may_pass(self, folder: Path) -> bool:
        seen = folder.stat()
        if seen.st_uid == self.uid:
            return bool(seen.st_mode & stat.S_IXUSR)
        if seen.st_gid == self.gid:
            return bool(seen.st_mode & stat.S_IXGRP)
        return bool(seen.st_mode & stat.S_IXOTH)


@dataclass(frozen=True, slots=True)
class Handed:
    """A folder as the account may call it, and the descriptors to hand down for that."""

    path: Path
    descriptors: tuple[int, ...]


def choose(data_dir: Path, cluster: Path) -> Account:
    """Ourselves; or, as root, who owns the cluster or the data folder; or nobody."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), other=False)
    for folder in (cluster, data_dir):
        if not folder.exists():
            continue
        owner = _known(folder.stat().st_uid)
        if owner is not None:
            return owner
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, other=True)


def _known(uid: int) -> Account | None:
    """The owner, unless it is root or has no name, which initdb would refuse."""
    if uid == 0:
        return None
    try:
        return Account(uid, pwd.getpwuid(uid).pw_gid, other=True)
    except KeyError:
        return None


@contextmanager
def handed(folder: Path, account: Account) -> Iterator[Handed]:
    """The folder under a name that works for the account, for a program started meanwhile."""
    if account.reaches(folder):
        yield Handed(folder, ())
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        name = Path(f"/proc/self/fd/{descriptor}")
        if not name.is_dir():
            raise EmbeddedPostgresError(
                f"the account with id {account.uid}, which is to run PostgreSQL, may not enter "
                f"a folder above {folder}; choose another CERTSVC_DATA_DIR"
            )
        yield Handed(name, (descriptor,))
    finally:
        os.close(descriptor)


def runnable(binaries: Binaries, account: Account) -> Binaries:
    """The programs where the account may run them: where they are, or a copy."""
    if account.reaches(binaries.postgres):
        return binaries
    source = binaries.folder.resolve().parent
    changed = (source / "bin" / "postgres").stat().st_mtime_ns
    mark = hashlib.sha256(f"{source}\n{changed}".encode()).hexdigest()[:12]
    name = f"certsvc-postgres-{binaries.major}-{mark}"
    for shelf in (Path("/var/cache"), Path(tempfile.gettempdir()).resolve()):
        copy = shelf / name
        if _trusted(copy) or _copied(source, copy):
            return Binaries(copy / "bin", binaries.major)
    raise EmbeddedPostgresError(
        f"the account with id {account.uid}, which is to run PostgreSQL, may not run {source}, "
        "and no copy could be made; name programs that it may run in CERTSVC_PG_BIN"
    )


def _trusted(copy: Path) -> bool:
    """Whether the copy is there and nobody but root can have made or changed it."""
    if not copy.is_dir() or copy.is_symlink():
        return False
    seen = copy.stat()
    return seen.st_uid == 0 and not seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _copied(source: Path, copy: Path) -> bool:
    """Copy beside and rename, so that a half-made copy is never used."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{copy.name}-", dir=copy.parent))
    except OSError:
        return False
    try:
        for part in ("bin", "lib", "share"):
            if (source / part).is_dir():
                shutil.copytree(source / part, draft / part, symlinks=True)
        for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        draft.rename(copy)
    except OSError:
        # Somebody else may have made the same copy meanwhile.
        shutil.rmtree(draft, ignore_errors=True)
    return _trusted(copy)
