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
    evidence: int
    evidence_rounds: int
    events: int
    events_to_nine: int
    webhook_rounds: int


FULL = Sizes(
    many=1_000_000,
    due=100_000,
    few=10_000,
    ready=100_000,
    sweeps=3,
    recertifications=3,
    idle_rounds=15,
    idle_ticks=300,
    command_rounds=5,
    command_seconds=6.0,
    page_rounds=5,
    pages=200,
    evidence=30_000,
    evidence_rounds=3,
    events=30_000,
    events_to_nine=3_000,
    webhook_rounds=5,
)
QUICK = Sizes(
    many=20_000,
    due=4_000,
    few=10_000,
    ready=10_000,
    sweeps=2,
    recertifications=2,
    idle_rounds=5,
    idle_ticks=100,
    command_rounds=3,
    command_seconds=2.0,
    page_rounds=3,
    pages=50,
    evidence=12_000,
    evidence_rounds=3,
    events=10_000,
    events_to_nine=1_500,
    webhook_rounds=3,
)
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
