"""The plotting library, loaded without a trace outside the process, and set the same for every
picture.

It looks for a folder of its own in the home directory, and would make one there: while it is
loaded it is given a temporary one, unless the operator names one in MPLCONFIGDIR.
"""

import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cache
from io import BytesIO
from typing import Any, Final

_FOLDER = "MPLCONFIGDIR"

with tempfile.TemporaryDirectory(prefix="certsvc-drawing-") as folder:
    given = os.environ.setdefault(_FOLDER, folder)
    try:
        import matplotlib as library
        from matplotlib.axes import Axes
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import FontProperties, findfont, get_font
        from matplotlib.ft2font import FT2Font
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path
        from matplotlib.ticker import MaxNLocator
        from PIL import Image
    finally:
        if given == folder:
            del os.environ[_FOLDER]

__all__ = ["Axes", "Figure", "MaxNLocator", "boxes", "printable", "saved", "settled", "width"]

FONT: Final = "DejaVu Sans"
"""The font that comes with the library: the same picture everywhere."""

DPI: Final = 100
COLOURS: Final = 256
"""What a palette holds is enough for a PNG: most colours are the edges of letters."""

_SETTINGS: Final[dict[str, Any]] = {
    "backend": "agg",
    "font.family": ["sans-serif"],
    "font.sans-serif": [FONT],
    # A title is text, whatever signs of a formula it holds.
    "text.parse_math": False,
    # Text stays text: it is small, can be searched, copied and read aloud.
    "svg.fonttype": "none",
    # The same numbers give the same bytes.
    "svg.hashsalt": "certsvc",
}


_NOT_TURNED: Final = re.compile(rb'(<text [^>]*?) transform="rotate\(-0 [^"]*\)"')
"""What the library says of every text that stands upright."""


def settled() -> AbstractContextManager[None]:
    """The settings of every picture, whatever a file of the machine says."""
    settings: Any = {**library.rcParamsDefault, **_SETTINGS}
    return library.rc_context(settings)


def saved(figure: Figure, format: str, title: str) -> bytes:
    """The figure as a file of that format."""
    return _svg(figure, title) if format == "svg" else _png(figure)


def _svg(figure: Figure, title: str) -> bytes:
    file = BytesIO()
    undated: dict[str, Any] = {"Title": title, "Date": None, "Creator": None}
    figure.savefig(file, format="svg", metadata=undated)
    slim = _NOT_TURNED.sub(rb"\1", file.getvalue())
    return b"\n".join(line.strip() for line in slim.splitlines())


def _png(figure: Figure) -> bytes:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    file = BytesIO()
    plain = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    plain.save(file, "PNG", optimize=True, dpi=(DPI, DPI))
    return file.getvalue()


def boxes(axes: Axes, color: str, corners: Iterable[tuple[float, float, float, float]]) -> None:
    """Draw boxes (left, bottom, right, top) in one colour, in one stroke."""
    outlines = [
        Path([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], closed=True)
        for x0, y0, x1, y1 in corners
    ]
    if outlines:
        path = Path.make_compound_path(*outlines)
        axes.add_patch(
            PathPatch(path, facecolor=color, edgecolor="white", linewidth=0.6, clip_on=False)
        )


@cache
def _font(weight: str) -> FT2Font:
    return get_font(findfont(FontProperties(family=FONT, weight=weight)))


def printable(text: str) -> bool:
    """Whether the font has a glyph for every character."""
    known = _font("normal").get_charmap()
    return all(ord(character) in known for character in text)


def width(text: str, pixels: float) -> float:
    """How wide a text of that size is, in pixels."""
    font = _font("normal")
    font.set_size(pixels * 72 / DPI, DPI)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64
