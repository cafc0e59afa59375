"""The command line, for operators. Machine output goes to stdout, everything else to stderr."""

from certsvc.cli.program import main

__all__ = ["main"]
