"""The embedded PostgreSQL, with real servers and real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certsvc.embedded import Cluster, EmbeddedPostgresError, account, binaries, postmaster
from certsvc.embedded.account import Account

USE = """
import sys
from pathlib import Path
from certsvc.embedded import Cluster
with Cluster(Path(sys.argv[1]), fast=True) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def ask(url: str, *statements: str) -> Any:
    """Run the statements over one connection; the value of the last."""

    async def run() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


@contextmanager
def user_process(data_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.communicate(timeout=30)


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def eventually(condition: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_stopped(data_dir: Path) -> bool:
    return postmaster.find(data_dir / "postgres") is None


def server_pid(data_dir: Path) -> int:
    running = postmaster.find(data_dir / "postgres")
    assert running is not None
    return running.pid


def test_data_and_url_are_kept_between_runs_and_the_server_is_down_between_them(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "not" / "there" / "yet"
    with Cluster(data_dir) as first:
        assert ask(first, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT 1")
    assert is_stopped(data_dir)
    with Cluster(data_dir) as second:
        assert ask(second, "SELECT n FROM kept") == 7
    assert second == first
    assert is_stopped(data_dir)


def test_two_starts_at_once_on_a_new_folder_yield_one_server(tmp_path: Path) -> None:
    with (
        user_process(tmp_path) as one,
        user_process(tmp_path) as other,
        user_process(tmp_path) as x,
    ):
        urls = {url_of(one), url_of(other), url_of(x)}
        assert len(urls) == 1
        assert ask(urls.pop(), "SELECT 1") == 1
    assert eventually(lambda: is_stopped(tmp_path))


def test_a_later_user_joins_and_only_the_last_to_leave_stops_the_server(tmp_path: Path) -> None:
    with user_process(tmp_path) as other:
        url = url_of(other)
        before = server_pid(tmp_path)
        with Cluster(tmp_path, fast=True) as joined:
            assert joined == url
        assert server_pid(tmp_path) == before
        with Cluster(tmp_path, fast=True) as stays:
            other.communicate(timeout=30)
            assert server_pid(tmp_path) == before
            assert ask(stays, "SELECT 1") == 1
    assert is_stopped(tmp_path)


def test_a_killed_user_leaves_no_server_behind_and_the_next_start_works(tmp_path: Path) -> None:
    with user_process(tmp_path) as doomed:
        url = url_of(doomed)
        ask(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT 1")
        doomed.kill()
    # At once, while the server may still be stopping.
    with Cluster(tmp_path, fast=True) as again:
        assert ask(again, "SELECT n FROM kept") == 7
    with user_process(tmp_path) as doomed:
        url_of(doomed)
        doomed.kill()
    assert eventually(lambda: is_stopped(tmp_path))


def test_a_killed_server_is_started_again_with_its_data(tmp_path: Path) -> None:
    with Cluster(tmp_path, fast=True) as url:
        ask(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT 1")
        os.kill(server_pid(tmp_path), signal.SIGKILL)
        assert eventually(lambda: is_stopped(tmp_path))
        with Cluster(tmp_path, fast=True) as again:
            assert ask(again, "SELECT n FROM kept") == 7


def test_a_number_in_the_pid_file_that_another_program_got_does_no_harm(tmp_path: Path) -> None:
    with Cluster(tmp_path, fast=True):
        left_behind = (tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()
    stranger = "\n".join([str(os.getpid()), *left_behind[1:]]) + "\n"
    (tmp_path / "postgres" / "postmaster.pid").write_text(stranger)
    assert is_stopped(tmp_path)
    with Cluster(tmp_path, fast=True) as url:
        assert ask(url, "SELECT 1") == 1


def test_the_server_listens_on_loopback_only_and_asks_for_the_password(tmp_path: Path) -> None:
    with Cluster(tmp_path, fast=True) as url:
        assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
        assert ask(url, "SHOW unix_socket_directories") == ""
        assert ask(url, "SHOW server_encoding") == "UTF8"
        password = (tmp_path / "password").read_text()
        with pytest.raises(asyncpg.InvalidPasswordError):
            ask(url.replace(password, "guessed"), "SELECT 1")
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0


def test_a_durable_server_syncs_and_a_fast_one_keeps_commits_synchronous(tmp_path: Path) -> None:
    with Cluster(tmp_path) as url:
        assert ask(url, "SHOW fsync") == "on"
    with Cluster(tmp_path, fast=True) as url:
        assert ask(url, "SHOW fsync") == "off"
        assert ask(url, "SHOW synchronous_commit") == "on"


def test_an_interrupted_first_start_leaves_nothing_that_hurts_the_next(tmp_path: Path) -> None:
    (tmp_path / ".new-interrupted" / "postgres").mkdir(parents=True)
    with Cluster(tmp_path, fast=True) as url:
        assert ask(url, "SELECT 1") == 1
    assert not list(tmp_path.glob(".new-*"))


def test_a_start_that_fails_says_why_and_lets_go(tmp_path: Path) -> None:
    with Cluster(tmp_path, fast=True):
        pass
    settings = tmp_path / "postgres" / "postgresql.conf"
    intact = settings.read_text()
    settings.write_text(intact + "\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        Cluster(tmp_path, fast=True).start()
    settings.write_text(intact)
    with Cluster(tmp_path, fast=True) as url:
        assert ask(url, "SELECT 1") == 1


def test_a_system_without_file_locks_is_told_what_to_set_instead() -> None:
    program = "import sys; sys.modules['fcntl'] = None; import certsvc.embedded.locks"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "elsewhere set CERTSVC_DATABASE_URL" in ended.stderr


def test_data_of_another_version_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="version 9, which made the existing data"):
        Cluster(tmp_path, fast=True).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
class TestAsRoot:
    def test_a_folder_under_a_closed_one_works_and_stays_closed(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        with Cluster(closed / "data", fast=True) as url:
            assert ask(url, "SELECT 1") == 1
            owner = Path(f"/proc/{server_pid(closed / 'data')}").stat().st_uid
        assert owner != 0
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0

    def test_an_open_folder_is_used_by_its_own_name(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            with Cluster(folder / "data", fast=True) as url:
                assert ask(url, "SHOW data_directory") == str(folder / "data" / "postgres")

    def test_programs_in_a_closed_folder_are_run_from_a_copy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = binaries.find()
        nobody = Account(65534, 65534, other=True)
        really = Account.reaches
        monkeypatch.setattr(
            Account, "reaches", lambda self, path: path != found.postgres and really(self, path)
        )
        copy = account.runnable(found, nobody)
        try:
            assert copy.folder != found.folder
            said = subprocess.run(
                [copy.postgres, "--version"], capture_output=True, check=True, cwd="/", user=65534
            )
            assert str(found.major) in said.stdout.decode()
            assert account.runnable(found, nobody) == copy
        finally:
            subprocess.run(["rm", "-rf", copy.folder.parent], check=True)
