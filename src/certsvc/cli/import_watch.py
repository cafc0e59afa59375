"""How far an import is, for whoever waits: a bar on a terminal, a line now and then elsewhere."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from certsvc import clock
from certsvc.cli.surroundings import voice
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState, ItemOutcome
from certsvc.usecases.bulk.importing import WENT_IN

EVERY_SECONDS = 10.0
"""So often a line is said where there is no terminal."""


class Watch:
    """What is said while the rows go in."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._counts: Counter[ItemOutcome] = Counter()
        self._here = 0
        self._began = self._said = clock.monotonic()
        self._task = None
        if progress is not None:
            self._task = progress.add_task("Importing", total=total, start=False, rate="")

    def begin(self, operation: OperationRow) -> None:
        """The import goes on from here."""
        self._counts = Counter(operation.counts)
        self._here = 0
        self._began = self._said = clock.monotonic()
        done = operation.done
        if operation.state is BulkState.COMPLETED:
            self.say(f"The import of this file was complete on {operation.finished_at:%Y-%m-%d}.")
        elif done:
            self.say(f"Going on behind the first {done:,} rows.")
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done)
            self._progress.start_task(self._task)

    def see(self, counts: Mapping[ItemOutcome, int]) -> None:
        """So many more rows are taken."""
        self._counts.update(counts)
        self._here += sum(counts.values())
        now = clock.monotonic()
        rate = f"{self._here / max(now - self._began, 0.001):,.0f} rows/s"
        if self._progress is not None and self._task is not None:
            left_out = f", {self._left_out:,} not" if self._left_out else ""
            done = self._counts.total()
            self._progress.update(self._task, completed=done, rate=f"{rate}{left_out}")
        elif now - self._said >= EVERY_SECONDS:
            self._said = now
            self.say(f"{self._counts.total():,} of {self._total:,} rows, {rate}")

    def say(self, text: str) -> None:
        """A line of its own."""
        voice.print(escape(text), soft_wrap=True)

    def end(self, operation: OperationRow, report: Path | None) -> None:
        """What it came to."""
        self._counts = Counter(operation.counts)
        if operation.state is not BulkState.COMPLETED:
            self.say(
                f"Stopped: {operation.done:,} of {self._total:,} rows are taken. "
                "The same command goes on behind them."
            )
        went_in = self._counts.total() - self._left_out
        unchanged = self._counts[ItemOutcome.UNCHANGED]
        known = f", {unchanged:,} of them were there already" if unchanged else ""
        self.say(f"{went_in:,} rows went in{known}.")
        if report is not None:
            self.say(f"{self._left_out:,} did not; {report} says why.")

    @property
    def _left_out(self) -> int:
        return sum(count for outcome, count in self._counts.items() if outcome not in WENT_IN)


@contextmanager
def watching(total: int) -> Iterator[Watch]:
    """Show how far it is, until the block ends."""
    if not voice.is_terminal:
        yield Watch(total, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=voice, transient=True) as progress:
        yield Watch(total, progress)
