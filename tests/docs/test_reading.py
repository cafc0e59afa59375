"""What a reader follows in the pages is there: links, files, commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("benchmarks/*.md"),
    ]
)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
_TEST = re.compile(r"`(test_(?:[a-z0-9]+_){3,}[a-z0-9]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|md|toml|yaml|lock)|(?:[\w.-]+/)+)`")
_COMMAND = re.compile(r"`(?:\S+=\S* )*make ([a-z-]+)[^`\n]*`|^make ([a-z-]+)", re.MULTILINE)
_PLACES = (ROOT, ROOT / "src" / "certsvc")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in _LINK.findall(path.read_text()):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        goal = (path.parent / file).resolve() if file else path
        assert goal.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in set(_anchors(goal)), f"{link} has no such heading"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_file_that_a_page_names_exists(path: Path) -> None:
    text = _FENCE.sub("", path.read_text())
    for file in _FILE.findall(text):
        found = any((place / file).exists() for place in (*_PLACES, path.parent))
        assert found, f"there is no {file}"


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_test_that_a_page_names_exists(path: Path) -> None:
    known = {name for file in TESTS for name in re.findall(r"def (test_\w+)", file.read_text())}
    assert set(_TEST.findall(path.read_text())) <= known


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_every_command_that_a_page_names_can_be_made(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command for found in _COMMAND.findall(path.read_text()) for command in found}
    assert named - {""} <= targets


def test_every_page_of_the_docs_is_reached_from_its_index() -> None:
    reached, ahead = set[Path](), [ROOT / "docs" / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(page.read_text()))
        ahead += [(page.parent / link).resolve() for link in links if link.endswith(".md")]
    missed = [_name(path) for path in ROOT.glob("docs/**/*.md") if path not in reached]
    assert sorted(missed) == []


def _anchors(path: Path) -> Iterator[str]:
    """The anchors that a page's headings get."""
    for heading in re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
