"""`python -m benchmarks [sweep] [idle-tick] [command] [bulk-recertify] [bulk-memory] [page]
[page-query] [evidence] [webhooks] [webhooks-hanging] [--quick]`."""

import argparse
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import idle_tick
from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.bulk_recertify import measure as bulk_recertify
from benchmarks.bulk_recertify import memory as bulk_memory
from benchmarks.command import measure as command
from benchmarks.database import server
from benchmarks.evidence import measure as evidence
from benchmarks.figures import RESULTS, Figure, keep, show
from benchmarks.page import measure as page
from benchmarks.population.filling import (
    FEW,
    MANY,
    READY,
    WAITING,
    fill_new,
    fill_ready,
    fill_waiting,
)
from benchmarks.sweep import measure as sweep
from benchmarks.webhooks import measure as webhooks
from certsvc import clock
from certsvc.cli.living import live

BENCHMARKS: dict[str, Callable[[Bench], Awaitable[Figure]]] = {
    "sweep": sweep.measure,
    "idle-tick": idle_tick.measure,
    "command": command.measure,
    "bulk-recertify": bulk_recertify.measure,
    "bulk-memory": bulk_memory.measure,
    "page": page.measure,
    "page-query": page.measure_query,
    "evidence": evidence.measure,
    "webhooks": webhooks.measure,
    "webhooks-hanging": webhooks.measure_hanging,
}
ON_MANY = frozenset({"sweep", "idle-tick", "page", "page-query", "bulk-memory"})
ON_FEW = frozenset({"idle-tick", "command", "webhooks", "webhooks-hanging"})
ON_READY = frozenset({"bulk-recertify"})
ON_WAITING = frozenset({"evidence"})


async def run(bench: Bench, names: Sequence[str]) -> list[Figure]:
    """Fill what is needed, then run one benchmark after the other."""
    if ON_MANY.intersection(names):
        await fill_new(bench, MANY, bench.sizes.many, bench.sizes.due)
    if ON_FEW.intersection(names):
        await fill_new(bench, FEW, bench.sizes.few, 0)
    if ON_READY.intersection(names):
        await fill_ready(bench, READY, bench.sizes.ready)
    if ON_WAITING.intersection(names):
        await fill_waiting(bench, WAITING, bench.sizes.evidence)
    return [await BENCHMARKS[name](bench) for name in names]


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    if unknown := set(names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with (
        server() as url,
        Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
        ) as progress,
    ):
        bench = Bench(url, midnight, QUICK if given.quick else FULL, progress)
        figures = live(run(bench, names))
    show(figures, console)
    keep(figures)
    console.print(f"Kept in {RESULTS.relative_to(RESULTS.parents[2])}.")


if __name__ == "__main__":
    main()
