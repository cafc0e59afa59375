"""What is measured, as it is kept: two rates, their ratio, and what they count."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import orjson
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One benchmark: the rates of every run of either side, and the ratio that is asked for."""

    name: str
    unit: str
    ours: tuple[float, ...]
    limit: tuple[float, ...]
    needed: float

    @property
    def ratio(self) -> float:
        """Above 1: ours is better."""
        return median(self.ours) / median(self.limit)

    def entry(self) -> dict[str, float | str]:
        """As it stands in the file of results."""
        return {
            "ours": round(median(self.ours), 1),
            "limit": round(median(self.limit), 1),
            "ratio": round(self.ratio, 3),
            "unit": self.unit,
        }


def keep(figures: Iterable[Figure], path: Path = RESULTS) -> None:
    """Write the results; those of benchmarks that did not run now stay as they were."""
    path.parent.mkdir(exist_ok=True)
    known = orjson.loads(path.read_bytes()) if path.exists() else {}
    known |= {figure.name: figure.entry() for figure in figures}
    path.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def show(figures: Iterable[Figure], console: Console) -> None:
    """Print the results as a table."""
    table = Table(title="Medians; in brackets the slowest and the fastest run")
    table.add_column("benchmark")
    table.add_column("ours", justify="right")
    table.add_column("limit", justify="right")
    table.add_column("unit")
    table.add_column("ratio", justify="right")
    table.add_column("needed", justify="right")
    for figure in figures:
        reached = figure.ratio >= figure.needed
        ratio = f"[{'green' if reached else 'red'}]{figure.ratio:.2f}[/]"
        rates = (_rates(figure.ours), _rates(figure.limit))
        table.add_row(figure.name, *rates, figure.unit, ratio, f"{figure.needed:.2f}")
    console.print(table)


def _rates(rates: tuple[float, ...]) -> str:
    return f"{median(rates):,.0f} [dim]({min(rates):,.0f}–{max(rates):,.0f})[/]"
