"""`certsvc import`: a file of people and the certificates that they hold already, taken in batch by
batch. Whenever it is stopped, the same command on the same file goes on where it was.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock
from certsvc.cli.import_account import summary, write_report
from certsvc.cli.import_watch import Watch, watching
from certsvc.cli.living import live, on_signal
from certsvc.cli.sheet import STDIN, Sheet, opened
from certsvc.cli.sheet_rows import COLUMNS, RowReader
from certsvc.cli.surroundings import Failure, database, engine_of, settle
from certsvc.settings import Settings
from certsvc.store import bulk_operations, tenants
from certsvc.store.author import CLI, Author
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState
from certsvc.store.db import transaction
from certsvc.store.errors import Busy, Conflict, Unavailable
from certsvc.store.exclusive import stay, try_alone
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.importing import WENT_IN, Moved, Origin, Row, begin, find, finish, take

BATCH = 1000
"""Rows of one transaction, at most: evidence of the same learners waits for it."""

ATTEMPTS = 8
"""How often a batch is tried again, while the database is away or others have the same people."""

WAIT_SECONDS = 10.0
"""For so long we wait for an import of the same file that is just being ended."""

ALL_IN, SOME_LEFT_OUT, STOPPED = 0, 2, 130
"""Exit codes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    file: str
    tenant: str | None = None
    delimiter: str | None = None
    time_zone: str = "UTC"
    report: Path | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """The open file, and where to tell of it."""

    asked: Asked
    sheet: Sheet
    reader: RowReader
    report: Path


def run(settings: Settings, asked: Asked) -> int:
    """Import the file; the exit code. The summary goes to stdout."""
    began = clock.monotonic()
    with opened(asked.file, COLUMNS, asked.delimiter) as sheet:
        reader = RowReader(sheet, asked.time_zone)
        report = _report_path(asked)
        with database(settings) as url:
            try:
                return live(_run(settings, url, _Source(asked, sheet, reader, report), began))
            except asyncio.CancelledError:
                return STOPPED


def _report_path(asked: Asked) -> Path:
    """Where the rows that did not go in are to be named."""
    source = Path("import.csv" if asked.file == STDIN else asked.file)
    path = asked.report or source.with_name(f"{source.stem}.refused.csv")
    if path.exists() and source.exists() and path.samefile(source):
        raise Failure(f"The report would overwrite {path}.")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise Failure(f"The report {path} cannot be written; name another with --report.")
    return path


async def _run(settings: Settings, url: str, source: _Source, began: float) -> int:
    asked, sheet = source.asked, source.sheet
    engine = engine_of(settings, url)
    try:
        await settle(engine)
        tenant = await _tenant(engine, asked.tenant)
        origin = Origin(sheet.name, sheet.sha256, asked.time_zone, sheet.rows)
        with watching(sheet.rows) as watch:
            size = min(BATCH, settings.batch_size)
            course = _Course(engine, tenant, origin, source.reader, watch, size, again=asked.again)
            with on_signal(course.stop):
                operation = await course.run()
        left_out = operation.done - sum(operation.counts[one] for one in WENT_IN)
        written = await write_report(
            engine, tenant, operation.id, source.report, any_rows=left_out > 0
        )
        print(summary(operation, written, clock.monotonic() - began))
    finally:
        await engine.dispose()
    watch.end(operation, written)
    if operation.state is not BulkState.COMPLETED:
        return STOPPED
    return SOME_LEFT_OUT if left_out else ALL_IN


async def _tenant(engine: AsyncEngine, key: str | None) -> Tenant:
    """The tenant that is named; without a name the only one."""
    async with transaction(engine) as conn:
        if key is not None:
            found = await tenants.by_key(conn, key)
            if found is None:
                raise Failure(f"There is no tenant {key!r}.")
            return found
        every = await tenants.every(conn)
    if len(every) != 1:
        raise Failure(f"There are {len(every)} tenants: name one with --tenant.")
    return every[0]


class _Course:
    """The way of one file into the database."""

    def __init__(
        self,
        engine: AsyncEngine,
        tenant: Tenant,
        origin: Origin,
        reader: RowReader,
        watch: Watch,
        size: int,
        *,
        again: bool,
    ) -> None:
        self._engine = engine
        self._tenant = tenant
        self._origin = origin
        self._reader = reader
        self._watch = watch
        self._size = size
        self._again = again
        self._told = asyncio.Event()
        self._task: asyncio.Task[OperationRow] | None = None
        self._id: UUID | None = None
        self._place = 0

    def stop(self) -> None:
        """Let the batch under way be the last; told twice, leave it to be taken the next time."""
        if self._told.is_set() and self._task is not None:
            self._watch.say(f"Stopped at once. {self._behind()}")
            self._task.cancel()
            return
        self._told.set()
        self._watch.say("Stopping after the batch under way ...")

    async def run(self) -> OperationRow:
        """Go to the end of the file, or until told to stop; the operation as it is then."""
        self._task = asyncio.current_task()
        failures = 0
        while True:
            before = self._place
            try:
                return await self._go()
            except (Unavailable, Conflict, Busy, Moved) as error:
                failures = 1 if self._place > before else failures + 1
                if self._id is None:
                    raise
                if failures >= ATTEMPTS or self._told.is_set():
                    raise Failure(f"{error}. {self._behind()}") from error
                self._watch.say(f"{error}; trying again.")
                await asyncio.sleep(min(0.2 * 2**failures, 5.0))

    def _behind(self) -> str:
        return f"{self._place} rows are taken; the same command goes on behind them."

    async def _go(self) -> OperationRow:
        async with transaction(self._engine) as alone:
            # This transaction holds nothing but the right to be the only import of the file.
            await self._be_alone(alone)
            operation = await self._operation()
            if operation.state is BulkState.COMPLETED:
                return operation
            with closing(self._reader.rows(self._place)) as rows:
                while batch := list(islice(rows, self._size)):
                    if self._told.is_set():
                        return await self._read(operation.id)
                    await self._take(operation.id, batch)
                    await stay(alone)
            async with transaction(self._engine) as conn:
                return await finish(conn, self._tenant, operation.id)

    async def _be_alone(self, alone: AsyncConnection) -> None:
        name = f"import:{self._tenant.id}:{self._origin.sha256}"
        until = clock.monotonic() + WAIT_SECONDS
        while not await try_alone(alone, name):
            if clock.monotonic() >= until or self._told.is_set():
                raise Failure("This file is being imported by somebody else.")
            await asyncio.sleep(0.1)

    async def _operation(self) -> OperationRow:
        """The import that is to go on, or a new one."""
        first = self._id is None
        if self._id is not None:
            operation = await self._read(self._id)
            if operation.state is BulkState.CANCELLED:
                raise Failure(f"The import was cancelled. {operation.done} rows are taken.")
        else:
            operation = await self._found()
        self._id, self._place = operation.id, operation.done
        if first or self._place:
            self._watch.begin(operation)
        return operation

    async def _found(self) -> OperationRow:
        async with transaction(self._engine) as conn:
            found = await find(conn, self._tenant, self._origin)
            if found is not None and not (self._again and found.state is BulkState.COMPLETED):
                return found
            author = Author(CLI.actor, reason=f"import of {ascii(self._origin.name)[1:-1]}")
            return await begin(conn, self._tenant, self._origin, author)

    async def _read(self, id: UUID) -> OperationRow:
        async with transaction(self._engine) as conn:
            operation = await bulk_operations.get(conn, self._tenant.id, id)
        assert operation is not None, "operations are never deleted"
        return operation

    async def _take(self, id: UUID, batch: Sequence[Row]) -> None:
        counts = await take(self._engine, self._tenant, id, self._place, batch)
        self._place += len(batch)
        self._watch.see(counts)
