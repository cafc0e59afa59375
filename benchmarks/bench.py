"""What every benchmark is given: the server, the sizes, and the bar that shows how far it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from rich.progress import Progress, TaskID

Run = Callable[[], Awaitable[float]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, and how often."""

    many: int
    due: int
    few: int
    ready: int
    sweeps: int
    recertifications: int
    idle_rounds: int
    idle_ticks: int
    command_rounds: int
    command_seconds: float
    page_rounds: int
    pages: int


FULL = Sizes(1_000_000, 100_000, 10_000, 100_000, 3, 3, 15, 300, 5, 6.0, 5, 200)
QUICK = Sizes(20_000, 4_000, 10_000, 10_000, 2, 2, 5, 100, 3, 2.0, 3, 50)
"""Whether everything runs, and roughly where it stands; not for figures that are quoted."""


class Bar:
    """One line of progress on a terminal; nothing elsewhere."""

    def __init__(self, progress: Progress, title: str, steps: int) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(title, total=steps)

    def advance(self) -> None:
        """One step is done."""
        self._progress.advance(self._task)


@dataclass(frozen=True, slots=True)
class Bench:
    """The surroundings of a run of benchmarks. `now` is the last midnight: with the default day
    rule, that is when things come due."""

    url: str
    now: datetime
    sizes: Sizes
    progress: Progress

    def bar(self, title: str, steps: int) -> Bar:
        """A new line of progress."""
        return Bar(self.progress, title, steps)


async def alternately(
    rounds: int, ours: Run, limit: Run, bar: Bar
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The rates of either side, one after the other, so that both meet the same machine."""
    ours_rates, limit_rates = [], []
    for _ in range(rounds):
        ours_rates.append(await ours())
        bar.advance()
        limit_rates.append(await limit())
        bar.advance()
    return tuple(ours_rates), tuple(limit_rates)
