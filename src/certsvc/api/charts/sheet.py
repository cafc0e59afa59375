"""The sheet that a chart is drawn on: its width, its heading, its panels, its words and colours.

Sizes are in pixels of the PNG, from the top left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from certsvc.api.charts.library import DPI, Axes, Figure, printable, width
from certsvc.store.reports import Subject

WIDTH: Final = 760
HEADING: Final = 74
"""From the top to what stands below the heading."""

MARGIN: Final = 24
SECTION: Final = 42
"""From the end of what stands above to the first bar of a section."""

INK: Final = "#1f2933"
FAINT: Final = "#616e7c"
LINE: Final = "#d9dee4"

# Told apart by people who see colours differently (after Okabe and Ito).
BLUE: Final = "#0072b2"
SKY: Final = "#56b4e9"
GREEN: Final = "#009e73"
AMBER: Final = "#e69f00"
RED: Final = "#d55e00"
PURPLE: Final = "#a35c8c"
GREY: Final = "#b4bcc6"
DARK: Final = frozenset({BLUE, GREEN, RED, PURPLE})
"""Colours on which writing is white."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A figure of a fixed width, whose heading is written."""

    figure: Figure
    height: int

    @classmethod
    def titled(cls, title: str, subtitle: str, height: int) -> "Sheet":
        """A new sheet."""
        figure = Figure((WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
        sheet = cls(figure, height)
        sheet.write(MARGIN, 34, title, size=17, color=INK, weight="bold")
        sheet.write(MARGIN, 56, subtitle, size=12)
        return sheet

    @classmethod
    def empty(cls, title: str, subtitle: str) -> "Sheet":
        """A sheet that says that there is nothing to show."""
        sheet = cls.titled(title, subtitle, 190)
        sheet.write(WIDTH / 2, 128, "Nothing to show", size=15, align="center")
        return sheet

    def write(
        self,
        left: float,
        baseline: float,
        text: str,
        *,
        size: float,
        color: str = FAINT,
        weight: str = "normal",
        align: str = "left",
    ) -> None:
        """Write a line."""
        self.figure.text(
            left / WIDTH,
            1 - baseline / self.height,
            text,
            fontsize=small(size),
            color=color,
            weight=weight,
            ha=align,
            va="baseline",
        )

    def panel(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """A plot without a frame, with these edges."""
        axes = self.figure.add_axes(
            (
                left / WIDTH,
                1 - bottom / self.height,
                (right - left) / WIDTH,
                (bottom - top) / self.height,
            )
        )
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=small(12), colors=INK, pad=6)
        axes.set_axisbelow(True)
        return axes

    def section(self, top: float, title: str) -> None:
        """Name what follows."""
        self.write(MARGIN, top + 30, title, size=14, color=INK, weight="bold")

    def legend(self, baseline: float, entries: Sequence[tuple[str, str]]) -> None:
        """Colours and what they mean, in one line."""
        left = float(MARGIN)
        for text, color in entries:
            self.write(left, baseline, "\u25a0", size=13, color=color)
            self.write(left + 15, baseline, text, size=12, color=INK)
            left += 15 + width(text, 12) + 18


def small(pixels: float) -> float:
    """A size of letters as the library counts it."""
    return pixels * 72 / DPI


def number(count: int) -> str:
    """A count, with its thousands set apart."""
    return f"{count:,}"


def counted(count: int, one: str, many: str) -> str:
    """So many of something."""
    return f"{number(count)} {one if count == 1 else many}"


def about(subjects: Sequence[Subject], *more: str) -> str:
    """The line below a title: which certifications, and what else is to be said."""
    if len(subjects) == 1:
        return " · ".join((named(subjects[0]), *more))
    if subjects:
        return " · ".join((counted(len(subjects), "certification", "certifications"), *more))
    return " · ".join(more)


def day(instant: datetime) -> str:
    """A day in UTC."""
    return f"{instant.day} {instant:%b %Y}"


def moment(instant: datetime) -> str:
    """An instant in UTC."""
    return f"{day(instant)}, {instant:%H:%M} UTC"


def worded(word: str) -> str:
    """A word of the interface, for people."""
    return word.replace("_", " ").capitalize()


def named(subject: Subject) -> str:
    """What a certification is called: in English, else in its first language, as long as the font
    has the letters; else its key."""
    titles = subject.title if isinstance(subject.title, dict) else {"en": str(subject.title)}
    title = str(titles.get("en") or next(iter(titles.values()), ""))
    if not title or not printable(title):
        return subject.key
    return title if len(title) <= 60 else f"{title[:59].rstrip()}…"
