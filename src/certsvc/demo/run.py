"""The demo as a program: start a service, live the lives, show them, and say how long it took."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from certsvc import clock, telemetry
from certsvc.demo.lettering import register
from certsvc.demo.lives import BEGINNING, END, REVISIONS, everybody
from certsvc.demo.lms import Lms, Trouble
from certsvc.demo.play import Play, Played
from certsvc.demo.programmes import Programme, read_programmes
from certsvc.demo.sandbox import sandbox
from certsvc.demo.script import instant
from certsvc.demo.timeline import Gallery

COHORT = 40


@dataclass(frozen=True, slots=True)
class Timing:
    """How long it took, in seconds."""

    starting: float
    living: float


def main(*, learners: int = COHORT, programmes: Sequence[str] = (), plain: bool = False) -> int:
    """Play and show the demo; the exit code. `learners` is the size of the cohort that shares one
    date; `programmes` are the keys to play, by default all; `plain` is without colours."""
    console, aside = _console(sys.stdout, plain), _console(sys.stderr, plain)
    known = read_programmes()
    unknown = [key for key in programmes if key not in known]
    if unknown:
        aside.print(f"There is no programme {unknown[0]!r}; there are {', '.join(known)}.")
        return 1
    telemetry.configure_logging("warning", "auto")
    chosen = {key: one for key, one in known.items() if not programmes or key in programmes}
    console.print()
    console.print(Text("Real programmes, lived through.", style="bold"))
    try:
        requests, played, timing = _play(aside, chosen, learners)
    except Trouble as trouble:
        aside.print(Text(f"{trouble.request} failed", style="bold red"))
        aside.print_json(data=trouble.problem)
        return 1
    _show(console, chosen, played)
    _figures(console, played, requests, timing)
    return 0


def play(lms: Lms, programmes: dict[str, Programme], learners: int, watch: "Watch") -> Played:
    """Live all lives of these programmes through an interface."""
    lives = [life for life in everybody(learners) if life.programme in programmes]
    revisions = [one for one in REVISIONS if one.programme in programmes]
    return Play(lms, programmes, lives, revisions, instant(END)).run(watch.see)


def _play(
    aside: Console, programmes: dict[str, Programme], learners: int
) -> tuple[int, Played, Timing]:
    began = clock.monotonic()
    with _watching(aside) as watch:
        watch.say("Starting a PostgreSQL and a service of its own")
        with sandbox(instant(BEGINNING)) as place:
            started = clock.monotonic()
            with Lms(place.address, place.key) as lms:
                played = play(lms, programmes, learners, watch)
                timing = Timing(started - began, clock.monotonic() - started)
                return lms.requests, played, timing


class Watch:
    """Where the play stands, for whoever waits: a bar on a terminal, a line a year elsewhere."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        self._console = console
        self._progress = progress
        self._task = None if progress is None else progress.add_task("", total=None)
        self._year = 0

    def say(self, text: str) -> None:
        """What is being done before the first year."""
        if self._progress is None or self._task is None:
            self._console.print(f"{text} ...")
        else:
            self._progress.update(self._task, description=text)

    def see(self, done: int, of: int, at: datetime) -> None:
        """An instant is over."""
        if self._progress is None or self._task is None:
            if at.year != self._year:
                self._console.print(f"Living through {at.year} ...")
        else:
            text = f"{at:%b %Y}"
            self._progress.update(self._task, completed=done, total=of, description=text)
        self._year = at.year


@contextmanager
def _watching(console: Console) -> Iterator[Watch]:
    if not console.is_terminal:
        yield Watch(console, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None))
    with Progress(*columns, console=console, transient=True) as progress:
        yield Watch(console, progress)


def _show(console: Console, programmes: dict[str, Programme], played: Played) -> None:
    gallery = Gallery(console, instant(BEGINNING), instant(END))
    console.print()
    gallery.legend()
    for programme in programmes.values():
        gallery.programme(programme, played.of(programme.key))


def _figures(console: Console, played: Played, requests: int, timing: Timing) -> None:
    events = [event for one in played.lived for event in one.history]
    certificates = sum(event["type"] == "certificate.issued" for event in events)
    years = (instant(END) - instant(BEGINNING)).days / 365.25
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    for number, what in (
        (f"{len(played.lived):,}", "learners, each with one enrollment"),
        (f"{certificates:,}", "certificates issued"),
        (f"{len(events):,}", "events in their histories"),
        (f"{played.due_instants:,}", "instants at which time alone did something"),
        (f"{requests:,}", "requests over HTTP"),
        (f"{years:.1f}", "years on the sandbox's clock"),
        (f"{timing.living:.1f} s", f"to live them, after {timing.starting:.1f} s to start"),
    ):
        table.add_row(number, what)
    console.print()
    console.print(Rule(Text("In figures", style="bold"), align="left", style="dim"))
    console.print(Padding(table, (0, 0, 1, 2)))


def _console(file: TextIO, plain: bool) -> Console:
    if isinstance(file, TextIOWrapper):
        file.reconfigure(errors=register())
    colours = False if plain else None
    return Console(file=file, no_color=plain, force_terminal=colours, highlight=False)
