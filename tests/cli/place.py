"""A tenant with a certification, a folder with a file of people, and `certsvc import`."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner, Result

from certsvc.cli.program import app
from certsvc.domain.enrollment import Enrollment
from certsvc.store import bulk_operations, enrollment_pages
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.db import driver, open_engine, transaction
from certsvc.store.enrollment_filters import Filters
from tests.support.stage import TENANT

PROGRAM = [sys.executable, "-c", "from certsvc.cli import main; main()"]
T = TypeVar("T")


class Place:
    """A live tenant with a certification, and the command against its database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.report = folder / "people.refused.csv"

    def ask(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Look into the database."""

        async def work() -> T:
            engine = open_engine(self.url, pool_size=1)
            try:
                async with transaction(engine) as conn:
                    return await question(conn)
            finally:
                await engine.dispose()

        return asyncio.run(work())

    def value(self, sql: str) -> Any:
        """One value."""

        async def question(conn: AsyncConnection) -> Any:
            return await driver(conn).fetchval(sql)

        return self.ask(question)

    def operation(self) -> OperationRow:
        """The newest bulk operation."""

        async def question(conn: AsyncConnection) -> OperationRow:
            return (await bulk_operations.page(conn, TENANT, limit=1))[0]

        return self.ask(question)

    def enrollments(self) -> dict[str, Enrollment]:
        """Everybody, by the learner."""

        async def question(conn: AsyncConnection) -> dict[str, Enrollment]:
            page = await enrollment_pages.page(conn, TENANT, Filters(), None, 200)
            return {one.enrollment.learner_id: one.enrollment for one in page.items}

        return self.ask(question)

    def file(self, *lines: str, encoding: str = "utf-8") -> Path:
        """A file of these lines."""
        path = self.folder / "people.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    def people(self, number: int) -> Path:
        """A file of so many people, each certified."""
        rows = (f"u-{n},forklift,2025-0{1 + n % 9}-10,2099-01-01" for n in range(number))
        return self.file("learner_id,certification,certified_at,expires_at", *rows)

    def run(self, path: Path | str, *options: str, stdin: bytes | None = None) -> Result:
        """The command, in this process."""
        return CliRunner().invoke(app, ["import", str(path), *options], input=stdin)

    def told(self, path: Path | str, *options: str, code: int = 0) -> dict[str, Any]:
        """The summary of a run that ends with this code."""
        result = self.run(path, *options)
        assert result.exit_code == code, result.stderr
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    def refused(self) -> list[dict[str, str]]:
        """The report."""
        with self.report.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def started(self, path: Path) -> "subprocess.Popen[str]":
        """The command in a process of its own, in small batches."""
        environment = {**os.environ, "CERTSVC_DATABASE_URL": self.url, "CERTSVC_BATCH_SIZE": "5"}
        return subprocess.Popen(
            [*PROGRAM, "import", str(path)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, rows: int, process: "subprocess.Popen[str]") -> None:
        """Until so many rows are taken, or the process is done with all."""

        async def work() -> None:
            engine = open_engine(self.url, pool_size=1)
            try:
                while process.poll() is None:
                    async with transaction(engine) as conn:
                        found = await bulk_operations.page(conn, TENANT, limit=1)
                    if found and found[0].done >= rows:
                        return
                    await asyncio.sleep(0.005)
            finally:
                await engine.dispose()

        asyncio.run(work())
