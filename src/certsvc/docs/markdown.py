"""Markdown, as far as the generated pages need it: a heading that warns, and tables."""

from collections.abc import Iterable, Sequence


def page(title: str, *blocks: str) -> str:
    """A whole page. The first line tells editors that it is overwritten."""
    warning = "<!-- Generated from the code by `make docs`; edit the code, not this page. -->"
    return "\n\n".join([warning, f"# {title}", *blocks]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its columns padded so that the source can be read too."""
    cells = [list(head), *([_cell(text) for text in row] for row in rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def code(text: object) -> str:
    """Words as they stand in JSON, paths and code."""
    return f"`{text}`"


def listed(items: Iterable[object]) -> str:
    """Words as in code, with commas; a dash for none."""
    return ", ".join(code(item) for item in items) or "–"
