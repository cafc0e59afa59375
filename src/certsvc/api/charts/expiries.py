"""The chart of what is ahead: a column for each month, in the parts that it is made of."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from certsvc.api.charts.library import Axes, Figure, MaxNLocator, boxes, width
from certsvc.api.charts.sheet import (
    AMBER,
    BLUE,
    HEADING,
    INK,
    LINE,
    MARGIN,
    RED,
    WIDTH,
    Sheet,
    about,
    counted,
    moment,
    number,
    small,
)
from certsvc.usecases.reports import Ahead, ExpiryReport

TITLE: Final = "Certificates by month ahead"
PARTS: Final = (
    (Ahead.WINDOW, "Window opens", BLUE),
    (Ahead.EXPIRE, "Expires", AMBER),
    (Ahead.LAPSE, "Lapses", RED),
)
HEIGHT: Final = 400
NAMED: Final = 18
"""Up to so many months there is room for the name of each."""

LEFT: Final = MARGIN + 48
RIGHT: Final = WIDTH - MARGIN
WIDEST: Final = 72
"""No column is wider, however few there are."""


def chart(report: ExpiryReport) -> Figure:
    """The chart."""
    months = counted(len(report.months), "month", "months")
    more = [f"{months} from {moment(report.as_of)}"]
    if late := report.totals.past.total():
        more.append(f"{number(late)} already past")
    subtitle = about(list(report.items), *more)
    if not report.totals.ahead.total():
        return Sheet.empty(TITLE, subtitle).figure
    sheet = Sheet.titled(TITLE, subtitle, HEIGHT)
    sheet.legend(HEADING + 10, [(text, color) for _, text, color in PARTS])
    axes = sheet.panel(LEFT, HEADING + 40, RIGHT, HEIGHT - 52)
    tops = _columns(axes, report)
    axes.set_xlim(-0.6, len(report.months) - 0.4)
    axes.set_ylim(0, max(tops) * 1.06)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.yaxis.set_major_formatter(lambda count, _: number(round(count)))
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.spines["bottom"].set(visible=True, color=LINE)
    _name_months(axes, report.months)
    return sheet.figure


def _columns(axes: Axes, report: ExpiryReport) -> list[int]:
    """Draw the columns; how high they are."""
    ahead = report.totals.ahead
    tops = [0] * len(report.months)
    room = (RIGHT - LEFT) / (len(tops) + 0.2)
    half = min(0.36, WIDEST / 2 / room)
    for what, _, color in PARTS:
        corners = []
        for place, bottom in enumerate(tops):
            tops[place] += ahead[place, what]
            if tops[place] > bottom:
                corners.append((place - half, bottom, place + half, tops[place]))
        boxes(axes, color, corners)
    if width(number(max(tops)), 11) + 3 <= room:
        for place, top in enumerate(tops):
            _note(axes, number(top), place, top, 3)
    return tops


def _note(axes: Axes, text: str, place: int, height: int, above: int) -> None:
    """Write over, or below, a place."""
    axes.annotate(
        text,
        (place, height),
        (0, above),
        textcoords="offset points",
        ha="center",
        color=INK,
        fontsize=small(11),
        annotation_clip=False,
    )


def _name_months(axes: Axes, months: Sequence[date]) -> None:
    """Name every month, or of many the first and every third or sixth; below them the years."""
    step = next((step for step in (1, 3) if len(months) <= NAMED * step), 6)
    shown = {place: month for place, month in enumerate(months) if (month.month - 1) % step == 0}
    room = len(months) / 16
    if min(shown, default=room) >= room:
        shown[0] = months[0]
    axes.set_xticks(list(shown), [f"{month:%b}" for month in shown.values()], va="baseline")
    axes.tick_params(axis="x", pad=14)
    years: dict[int, int] = {}
    for place, month in sorted(shown.items()):
        years.setdefault(month.year, place)
    for year, place in years.items():
        _note(axes, str(year), place, 0, -26)
