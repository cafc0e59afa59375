"""A CSV file that is read a line at a time, however long it is: its content's hash, its columns,
its rows. A row is a line, so that a stray quotation mark spoils no other row."""

import csv
import hashlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from certsvc.cli.surroundings import Failure

DELIMITERS = {",": ",", ";": ";", "tab": "\t", "\t": "\t"}
STDIN = "-"
LONGEST = 65_536
"""Characters of a line; a longer one is no row of ours."""

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """An open file. `columns` are in the order of the file; `rows` are counted."""

    name: str
    sha256: str
    delimiter: str
    columns: tuple[str, ...]
    rows: int
    file: BinaryIO

    def lines(self, after: int = 0) -> Iterator[tuple[int, str]]:
        """The rows behind so many, as text, each with its number: that of its line in the file."""
        place = 0
        for number, line in _lines(self.file):
            if number == 1 or _is_empty(line, self.delimiter):
                continue
            place += 1
            if place > after:
                yield number, line

    def fields(self, line: str) -> list[str]:
        """The fields of a row; a csv.Error says why it has none."""
        return _fields(line, self.delimiter)


@contextmanager
def opened(path: str, columns: Sequence[str], delimiter: str | None) -> Iterator[Sheet]:
    """Open the file, `-` being stdin; a Failure says why it cannot be read."""
    with ExitStack() as held:
        file, digest = _rewindable(held, path)
        try:
            first = next((line for _, line in _lines(file)), "")
            found = _delimiter(first, columns) if delimiter is None else delimiter
            read = _columns(first, found, columns)
            lines = _lines(file)
            rows = sum(1 for number, line in lines if number > 1 and not _is_empty(line, found))
        except OSError as error:
            raise Failure(f"{path} cannot be read: {error.strerror}.") from error
        name = "stdin" if path == STDIN else Path(path).name
        yield Sheet(name, digest, found, read, rows, file)


def _rewindable(held: ExitStack, path: str) -> tuple[BinaryIO, str]:
    """The file and its hash; what comes through a pipe is put by, to be read more than once."""
    try:
        source: BinaryIO = sys.stdin.buffer
        if path != STDIN:
            source = held.enter_context(Path(path).open("rb"))  # noqa: SIM115 - it is held
        kept = source
        put_by = path == STDIN or not source.seekable()
        if put_by:
            kept = held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - so is this
        digest = hashlib.sha256()
        while piece := source.read(_PIECE):
            digest.update(piece)
            if put_by:
                kept.write(piece)
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from error
    return kept, digest.hexdigest()


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    file.seek(0)
    # What is no UTF-8 spoils its own row alone.
    text = TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape")
    try:
        number = 0
        while line := text.readline(LONGEST):
            number += 1
            if len(line) == LONGEST and not line.endswith("\n"):
                raise Failure(f"Line {number} has more than {LONGEST} characters: no row of a CSV.")
            yield number, line.rstrip("\n")
    finally:
        text.detach()


def _is_empty(line: str, delimiter: str) -> bool:
    """Spreadsheets leave lines of nothing but delimiters at the end."""
    return not line.strip(f" {delimiter}")


def _fields(line: str, delimiter: str) -> list[str]:
    fields: list[str] = next(csv.reader((line,), delimiter=delimiter, strict=True))
    return fields


def _delimiter(header: str, columns: Sequence[str]) -> str:
    """The delimiter with which the header shows most of the columns that are known."""
    known = frozenset(columns)
    return max(DELIMITERS.values(), key=lambda one: len(known & set(_names(header, one))))


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [name.strip().lower() for name in _fields(header, delimiter)]
    except (csv.Error, StopIteration):
        return []


def _columns(header: str, delimiter: str, known: Sequence[str]) -> tuple[str, ...]:
    names = _names(header, delimiter)
    while names and not names[-1]:
        names.pop()
    if "\0" in header:
        raise Failure("The file is not UTF-8 text; save it as CSV in UTF-8.")
    if not names:
        raise Failure("The first line must name the columns.")
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(ascii(name) for name in unknown[:5])
        raise Failure(f"Unknown columns: {listed}. There are: {', '.join(known)}.")
    if len(set(names)) < len(names):
        raise Failure("The first line names a column twice.")
    return tuple(names)
