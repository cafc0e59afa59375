"""The generated pages: PAGES says which file is written by what."""

from collections.abc import Callable
from pathlib import Path

from certsvc.docs.definition_page import definition_page
from certsvc.docs.events_page import events_page
from certsvc.docs.lifecycle_page import lifecycle_page
from certsvc.docs.problems_page import problems_page
from certsvc.docs.settings_page import settings_page

FOLDER = Path(__file__).parents[3] / "docs"

PAGES: dict[str, Callable[[], str]] = {
    "lifecycle.md": lifecycle_page,
    "events.md": events_page,
    "problems.md": problems_page,
    "definition.md": definition_page,
    "settings.md": settings_page,
}


def write(folder: Path) -> None:
    """Write every page."""
    folder.mkdir(exist_ok=True)
    for name, render in PAGES.items():
        (folder / name).write_text(render(), encoding="utf-8")


def stale(folder: Path) -> list[str]:
    """The pages that are not what the code would write."""
    return [name for name, render in PAGES.items() if _read(folder / name) != render()]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
