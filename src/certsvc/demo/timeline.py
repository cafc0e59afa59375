"""Draws lives for a terminal: a strip of months, then a line for each day that mattered."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from certsvc.demo.lms import read_instant
from certsvc.demo.play import Lived
from certsvc.demo.programmes import Programme
from certsvc.demo.script import Report
from certsvc.demo.state import Worth, cells, cover, standing_at, stretches
from certsvc.demo.telling import Line, lines, written_day

LONG_GAP_DAYS = 75
CHIPS = {
    "certified": "black on green",
    "recertifying": "black on cyan",
    "in_progress": "white on blue",
    "not_started": "white on blue",
    "pending_approval": "black on yellow",
    "expired": "black on yellow",
    "suspended": "black on yellow",
    "inactive": "black on yellow",
    "lapsed": "white on red",
    "revoked": "white on magenta",
    "disallowed": "white on magenta",
    "removed": "white on magenta",
}
BARS = " ▁▂▃▄▅▆▇█"
YEAR = 4
MARGIN = 16
"""What stands left of the words of a line: the day, the mark, and the spaces around them."""


class Gallery:
    """Everything that is shown of the lives, on one console, over one span of time."""

    def __init__(self, console: Console, begins: datetime, end: datetime) -> None:
        self._console = console
        self._begins = begins
        self._end = end
        self._borders = _borders(begins, end, console.width - 4)

    def legend(self) -> None:
        """What the marks of the strips mean."""
        shown = (worth for worth in Worth if worth is not Worth.NOTHING)
        marks = [Text.assemble((one.mark * 2, one.colour), f" {one.meaning}") for one in shown]
        self._print(Columns(marks, padding=(0, 3), equal=False, expand=False))

    def programme(self, programme: Programme, lived: Sequence[Lived]) -> None:
        """One programme: its rule, and the lives that it shaped."""
        self._console.print()
        title = Text(programme.name, style="bold")
        if programme.title != programme.name:
            title.append(f" · {programme.title}", style="not bold dim")
        self._console.print(Rule(title, align="left", style="dim"))
        self._print(Text(programme.rule))
        self._print(Text(programme.source, style="dim"))
        for one in lived:
            if one.life.shown:
                self._console.print()
                self._print(self._life(one, programme))
        crowd = next((one.life for one in lived if not one.life.shown), None)
        if crowd is not None:
            self._console.print()
            self._print(self._everybody(lived, programme, crowd.tale))

    def _print(self, what: RenderableType) -> None:
        self._console.print(Padding(what, (0, 0, 0, 2), expand=False))

    def _life(self, one: Lived, programme: Programme) -> RenderableType:
        known = stretches(one.history)
        strip = Text(no_wrap=True, overflow="crop")
        for worth in cells(known, self._borders, self._end):
            strip.append(worth.mark, style=worth.colour)
        strip.rstrip()
        return Group(
            Text(one.life.role, style="bold"),
            Text(one.life.tale, style="italic"),
            _ruler(self._borders),
            strip,
            self._told(one, programme),
        )

    def _told(self, one: Lived, programme: Programme) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", no_wrap=True, width=11)
        table.add_column(no_wrap=True, width=1)
        table.add_column()
        last: date | None = None
        status: tuple[str | None, str | None] = (None, None)
        for line in _with_credits(lines(one.history, programme), one):
            passed = None if last is None else _passed(last, line.day)
            if passed is not None:
                table.add_row("", Text("┊", style="dim"), Text(passed, style="dim"))
            text = _text(line)
            if line.status is not None and status != (line.status, line.standing):
                status = line.status, line.standing
                self._add(text, self._chip(line.status, line.standing or ""))
            table.add_row(written_day(line.day), Text(line.mark, style=line.colour), text)
            last = line.day
        covered = cover(stretches(one.history), self._end)
        if covered.of:
            told = f"covered on {covered.days:,} of {covered.of:,} days since first certified"
            table.add_row("", Text("=", style="dim"), Text(told, style="dim"))
        return table

    def _add(self, text: Text, chip: Text) -> None:
        """A chip beside the words, on a line of its own where it would be broken in two."""
        room = self._console.width - MARGIN
        last = text.wrap(self._console, room)[-1]
        last.rstrip()
        text.append("  " if last.cell_len + 2 + chip.cell_len <= room else "\n")
        text.append_text(chip)

    def _chip(self, status: str, standing: str) -> Text:
        text = status.replace("_", " ")
        if status in ("recertifying", "pending_approval") and standing != "none":
            text = f"{text}, {standing}"
        if self._console.color_system is None or self._console.no_color:
            return Text(f"[{text}]")
        return Text(f" {text} ", style=CHIPS.get(status, "reverse"))

    def _everybody(self, lived: Sequence[Lived], programme: Programme, tale: str) -> RenderableType:
        """A year in a line for all: when they were certified, and who was good at its end."""
        known = [stretches(one.history) for one in lived]
        table = Table.grid(padding=(0, 2))
        heads = ("", "Jan to Dec", "certificates", "good as the next year begins")
        table.add_row(*(Text(head, style="dim") for head in heads))
        for year in range(self._begins.year, self._end.year):
            months = _months(lived, programme, year)
            turn = datetime(year + 1, 1, 1, tzinfo=programme.zone)
            here = [state for state in known if state and state[0].since < turn]
            good = sum(standing_at(state, turn) == "valid" for state in here)
            colour = "green" if good == len(here) else "yellow"
            counted = Text(f"{good} of {len(here)}", style=colour)
            table.add_row(str(year), Text(_bars(months), style="green"), str(sum(months)), counted)
        head = Text(f"Everybody: {len(lived)} people, one date", style="bold")
        return Group(head, Text(tale, style="italic"), table)


def _borders(begins: datetime, end: datetime, width: int) -> list[datetime]:
    """The borders of the cells: as many months in each as the width asks for."""
    first = begins.year * 12 + begins.month - 1
    last = end.year * 12 + end.month - 1
    sizes = (1, 2, 3, 4, 6, 12)
    months = next((size for size in sizes if (last - first) / size <= width), 12)
    return [
        datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        for month in range(first, last + months, months)
    ]


def _ruler(borders: Sequence[datetime]) -> Text:
    """The years over the cells in which they begin, where there is room for them."""
    marks = [" "] * (len(borders) - 1)
    free = 0
    for place, border in enumerate(borders[:-1]):
        begins_year = place == 0 or border.year != borders[place - 1].year
        if begins_year and place >= free and place + YEAR <= len(marks):
            marks[place : place + YEAR] = str(border.year)
            free = place + YEAR + 1
    return Text("".join(marks).rstrip(), style="dim", no_wrap=True, overflow="crop")


def _months(lived: Sequence[Lived], programme: Programme, year: int) -> list[int]:
    """How many certificates each month of a year brought."""
    months = [0] * 12
    for one in lived:
        for event in one.history:
            if event["type"] == "certificate.issued":
                at = read_instant(event["effective_at"]).astimezone(programme.zone)
                months[at.month - 1] += at.year == year
    return months


def _bars(numbers: Sequence[int]) -> str:
    most = max(*numbers, 1)
    return "".join(BARS[-(-number * (len(BARS) - 1) // most)] for number in numbers)


def _with_credits(told: list[Line], one: Lived) -> list[Line]:
    """Units of continuing education are silent in the history until they suffice: what was
    reported of them stands between its lines."""
    earned: dict[date, list[str]] = {}
    for dated in one.life.dated:
        if isinstance(dated.deed, Report) and dated.deed.fact["type"] == "credits":
            fact = dated.deed.fact
            text = f"{fact['amount']:g} units ({fact['category']})"
            earned.setdefault(dated.at.date(), []).append(text)
    between = [Line(day, "+", "blue", ", ".join(units)) for day, units in earned.items()]
    return sorted([*between, *told], key=lambda line: line.day)


def _text(line: Line) -> Text:
    text = Text.assemble((line.text, "bold" if line.mark == "●" else ""))
    if line.reason is not None:
        text.append(f"  “{line.reason}”", style="italic")
    if line.notes:
        text.append(f"  ({'; '.join(line.notes)})", style="dim")
    return text


def _passed(since: date, until: date) -> str | None:
    """The time between two lines, where it is long enough to be felt."""
    days = (until - since).days
    if days < LONG_GAP_DAYS:
        return None
    years, months = divmod(round(days / 30.4375), 12)
    return " ".join(part for part in (_many(years, "year"), _many(months, "month")) if part)


def _many(number: int, word: str) -> str:
    return "" if not number else f"{number} {word}{'' if number == 1 else 's'}"
