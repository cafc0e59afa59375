"""A file is one noun or verb: short, named for what it does, and it says so at its top."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "certsvc"
FILES = sorted(SOURCE.rglob("*.py"))
EVERYWHERE = sorted(
    path
    for folder in ("src", "tests", "migrations", "benchmarks", "examples/lms/lms")
    for path in (ROOT / folder).rglob("*.py")
)
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 40
VAGUE = {"base", "common", "core", "helper", "helpers", "manager", "managers", "misc", "shared"}
VAGUE |= {"util", "utils"}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "monotonic"),
    ("time", "monotonic_ns"),
    ("time", "perf_counter"),
    ("time", "perf_counter_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {_name(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: lines for name, lines in long.items() if lines > LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_forty_lines_of_code() -> None:
    long = {
        f"{_name(path)}:{function.name}": lines
        for path in FILES
        for function, lines in _functions(path)
        if lines > LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    words = {_name(path): set(path.stem.split("_")) | set(path.parent.parts) for path in EVERYWHERE}
    assert [name for name, said in words.items() if said & VAGUE] == []


def test_every_source_file_opens_with_a_docstring() -> None:
    silent = [_name(path) for path in EVERYWHERE if not ast.get_docstring(_tree(path))]
    assert silent == []


def test_only_the_clock_reads_the_time() -> None:
    readers = {
        _name(path)
        for path in FILES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in CLOCKS
    }
    assert readers == {"src/certsvc/clock.py"}


def test_nobody_takes_a_clock_out_of_its_module() -> None:
    for path in FILES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                assert {alias.name for alias in node.names} <= {"sleep"}, _name(path)


@pytest.mark.parametrize("pattern", ["*.py", "*.md", "*.toml", "Makefile", "Dockerfile"])
def test_nothing_is_left_unfinished(pattern: str) -> None:
    for folder in ("src", "tests", "migrations", "docs", "benchmarks", "examples"):
        for path in (ROOT / folder).rglob(pattern):
            assert UNFINISHED.search(path.read_text()) is None, _name(path)
    for path in ROOT.glob(pattern):
        assert UNFINISHED.search(path.read_text()) is None, _name(path)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _functions(path: Path) -> Iterator[tuple[Function, int]]:
    """Every function with its lines of code: blank lines, comments and docstrings not counted."""
    lines = path.read_text().splitlines()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = set(_docstring(node))
            numbers = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            code = [lines[number - 1].strip() for number in numbers if number not in said]
            yield node, sum(1 for line in code if line and not line.startswith("#"))


def _docstring(function: Function) -> range:
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return range(0)
    return range(first.lineno, first.end_lineno + 1)
