"""python -m certsvc.compatibility BASE: list what changed in the contract; exit 1 if it breaks.

BASE is a revision of git, or a file. Changes that are made on purpose are listed by their names,
one a line, in the file of accepted changes: they are told, and break nothing.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from certsvc.compatibility.changes import Change, split
from certsvc.compatibility.contracts import compare

CONTRACT = Path(__file__).parents[3] / "openapi" / "openapi.json"


class Unreadable(Exception):
    """There is no contract to compare with."""


def main(arguments: list[str] | None = None) -> int:
    """0: nothing breaks; 1: something does; 2: there is nothing to compare with."""
    parser = argparse.ArgumentParser(prog="python -m certsvc.compatibility", description=__doc__)
    parser.add_argument("base", nargs="?", default="HEAD", help="a git revision, or a file")
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="the new contract")
    parser.add_argument("--accepted", type=Path, help="by default accepted.txt beside the contract")
    chosen = parser.parse_args(arguments)
    try:
        old, new = _at(chosen.base, chosen.contract), _read(chosen.contract)
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    breaking, harmless = split(compare(old, new))
    accepted = _accepted(chosen.accepted or chosen.contract.with_name("accepted.txt"))
    meant = [one for one in breaking if one.name in accepted]
    breaking = [one for one in breaking if one.name not in accepted]
    _tell("harmless", harmless)
    _tell("breaking, accepted", meant)
    _tell("breaking", breaking)
    return 1 if breaking else 0


def _tell(heading: str, changes: Iterable[Change]) -> None:
    listed = list(changes)
    sys.stdout.write(f"{heading}: {len(listed)}\n")
    for change in listed:
        sys.stdout.write(f"  {change}\n")


def _accepted(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return frozenset(filter(None, lines))


def _at(base: str, contract: Path) -> dict[str, Any]:
    """The contract as it was."""
    if Path(base).is_file():
        return _read(Path(base))
    command = ["git", "-C", str(contract.parent), "show", f"{base}:./{contract.name}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise Unreadable(f"git is not there to tell the contract at {base}; name a file") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise Unreadable(f"{base} is no file, and git knows no contract there: {said}")
    return _document(done.stdout, base)


def _read(path: Path) -> dict[str, Any]:
    try:
        return _document(path.read_bytes(), str(path))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error


def _document(content: bytes, source: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise Unreadable(f"{source} is no JSON") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise Unreadable(f"{source} is no contract")
    return document


if __name__ == "__main__":
    sys.exit(main())
