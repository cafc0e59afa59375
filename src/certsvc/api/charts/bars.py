"""Lying bars: one for each line, in one colour or in parts, with the numbers on them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certsvc.api.charts.library import Axes, boxes, width
from certsvc.api.charts.sheet import DARK, FAINT, INK, LINE, MARGIN, Sheet, number, small

ROW: Final = 25
"""The height of a line."""

LABELS: Final = 200
"""From the left edge to the bars."""

MOST: Final = 8
"""So many lines are shown; of the rest, how many there are."""

_RIGHT: Final = 690
"""The right end of the longest bar; its number stands after it."""

_THICK: Final = 0.68
_PART: Final = 10.5
_WHOLE: Final = 12.0


@dataclass(frozen=True, slots=True)
class Line:
    """A bar: its label, and its parts by colour, from the left."""

    label: str
    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        """Its length."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Bars:
    """The lines that are shown, from the top, and how many are not."""

    lines: Sequence[Line]
    more: int = 0

    @classmethod
    def ranked(cls, found: Iterable[tuple[str, Mapping[str, int]]]) -> "Bars":
        """The longest of these labels with their parts."""
        lines = sorted((Line(*one) for one in found), key=lambda line: (-line.total, line.label))
        return cls(lines[:MOST], max(0, len(lines) - MOST))

    @property
    def height(self) -> int:
        """What they take."""
        return ROW * (len(self.lines) + (self.more > 0))

    def draw(self, sheet: Sheet, top: int) -> None:
        """Draw them from there on."""
        lines = self.lines
        if self.more:
            below = top + ROW * len(lines) + 16
            sheet.write(LABELS - 9, below, f"and {self.more} more", size=_WHOLE, align="right")
        axes = sheet.panel(LABELS, top, _RIGHT, top + ROW * len(lines))
        longest = max(line.total for line in lines) or 1
        axes.set_xlim(0, longest)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks(range(len(lines)), [_fitting(line.label) for line in lines])
        axes.spines["left"].set(visible=True, color=LINE)
        _parts(axes, lines)
        _numbers(axes, lines, longest / (_RIGHT - LABELS))


def _fitting(label: str) -> str:
    """As much of a label as there is room for."""
    room = LABELS - MARGIN - 9
    if width(label, _WHOLE) <= room:
        return label
    while label and width(f"{label}…", _WHOLE) > room:
        label = label[:-1].rstrip()
    return f"{label}…"


def _parts(axes: Axes, lines: Sequence[Line]) -> None:
    corners: dict[str, list[tuple[float, float, float, float]]] = {}
    for row, line in enumerate(lines):
        left = 0
        for color, count in line.parts.items():
            if count:
                box = (left, row + _THICK / 2, left + count, row - _THICK / 2)
                corners.setdefault(color, []).append(box)
                left += count
    for color, found in corners.items():
        boxes(axes, color, found)


def _numbers(axes: Axes, lines: Sequence[Line], pixel: float) -> None:
    """The length of each bar after it, and of its parts within them where there is room."""
    middle: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": small(_PART)}
    for row, line in enumerate(lines):
        left = 0
        for color, count in line.parts.items():
            text = number(count)
            if count < line.total and count > (width(text, _PART) + 8) * pixel:
                ink = "white" if color in DARK else INK
                axes.text(left + count / 2, row, text, color=ink, **middle)
            left += count
        axes.text(
            left + 6 * pixel,
            row,
            number(left),
            va="center_baseline",
            color=INK if left else FAINT,
            fontsize=small(_WHOLE),
        )
