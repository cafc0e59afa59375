"""python -m certsvc.docs [--check]: write the generated pages, or say which are stale."""

import argparse
import sys
from pathlib import Path

from certsvc.docs.pages import FOLDER, stale, write


def main(arguments: list[str] | None = None) -> int:
    """0 when all is well, 1 when `--check` finds a stale page."""
    parser = argparse.ArgumentParser(prog="python -m certsvc.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name stale pages")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pages are")
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        write(chosen.folder)
        return 0
    found = stale(chosen.folder)
    for name in found:
        sys.stdout.write(f"{chosen.folder.name}/{name} is stale\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
