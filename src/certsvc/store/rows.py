"""Rows as parameters of a statement.

Many rows travel as one array for each column. One row travels as plain values: for these the
database keeps its plan, while for arrays, whose length it cannot know, it plans anew each time,
which would take longer than the work itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

Types = Mapping[str, str]


def types(columns: str) -> Types:
    """Names and types as in `id uuid, revision int`; a `list` is a text with commas in between,
    because arrays of arrays would be flattened."""
    found: Types = dict(map(str.split, columns.split(",")))
    return found


def arrays(columns: Types, first: int = 2) -> str:
    """Any number of rows `n`: an array for each column, from that parameter on."""
    kinds = enumerate(columns.values(), start=first)
    parameters = ", ".join(f"${number}::{_travels(kind)}[]" for number, kind in kinds)
    return f"unnest({parameters}) AS n ({', '.join(columns)})"


def values(columns: Types, first: int = 2, count: int = 1) -> str:
    """So many rows `n`: a parameter for each value, from that one on."""
    numbers = iter(range(first, first + count * len(columns)))
    rows = ", ".join(
        f"({', '.join(f'${next(numbers)}::{_travels(kind)}' for kind in columns.values())})"
        for _ in range(count)
    )
    return f"(VALUES {rows}) AS n ({', '.join(columns)})"


def selected(columns: Types) -> str:
    """The columns of `n` as they are stored."""
    return ", ".join(
        f"string_to_array(n.{name}, ',')" if kind == "list" else f"n.{name}"
        for name, kind in columns.items()
    )


def _travels(kind: str) -> str:
    return "text" if kind == "list" else kind


def turned(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned into one array for each column."""
    return [list(column) for column in zip(*rows, strict=True)]


@dataclass(frozen=True, slots=True)
class ForRows:
    """A statement in its two forms."""

    one: str
    many: str

    @classmethod
    def of(cls, columns: Types, sql: str) -> "ForRows":
        """From a statement that says `{rows}` where the rows come in. Their parameters begin at
        the second; the first is the tenant."""
        one = sql.replace("{rows}", values(columns))
        return cls(one, sql.replace("{rows}", arrays(columns)))

    def asked(self, rows: Sequence[Sequence[Any]]) -> tuple[str, Sequence[Any]]:
        """The form for these rows, and its parameters after the first."""
        if len(rows) == 1:
            return self.one, rows[0]
        return self.many, turned(rows)


def flat(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """The values of all rows, one after the other."""
    return list(chain.from_iterable(rows))
