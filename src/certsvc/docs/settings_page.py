"""docs/settings.md: every setting, its default, and what .env.example says of it."""

import re
from pathlib import Path

from certsvc.docs.markdown import code, page, table

EXAMPLE = Path(__file__).parents[3] / ".env.example"

_INTRODUCTION = """From the environment or a `.env` file; an empty value means the default. They \
are read once at the start and never change while the process runs. \
[.env.example](../.env.example) holds them all, ready to copy."""
_HEADING = re.compile(r"# --- (.+) ---")


def settings_page() -> str:
    """The page, in the sections of .env.example."""
    blocks: list[str] = []
    rows: list[tuple[str, str, str]] = []
    said: list[str] = []

    def close() -> None:
        if rows:
            blocks.append(table(["setting", "default", "meaning"], rows))
            rows.clear()

    for line in EXAMPLE.read_text().splitlines():
        heading = _HEADING.fullmatch(line)
        if heading is not None:
            close()
            blocks.append(f"## {heading[1]}")
            said.clear()
        elif line.startswith("#"):
            said.append(line.removeprefix("#").strip())
        elif "=" in line:
            rows.append(_row(line, " ".join(said) or _above(rows)))
            said.clear()
    close()
    return page("Settings", _INTRODUCTION, *blocks)


def _above(rows: list[tuple[str, str, str]]) -> str:
    """Settings that stand together share what is said of the first."""
    return f"See {rows[-1][0]}." if rows else ""


def _row(line: str, meaning: str) -> tuple[str, str, str]:
    """The example holds the defaults, as they are written; a test compares them."""
    name, _, default = line.partition("=")
    return code(name), code(default) if default else "–", meaning
