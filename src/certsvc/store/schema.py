"""What tables are made of: the metadata, and the kinds of columns, checks and indexes.

Every key starts with the tenant, so that the same schema can be spread by tenant. An index says
in its name which question it answers. What is text with a CHECK is an enum of the domain; a new
member needs a migration, which a test asks for.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, MetaData, Table, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

Instant = TIMESTAMP(timezone=True)


def needed(name: str, kind: Any, **options: Any) -> Column[Any]:
    """A column that always has a value."""
    return Column(name, kind, nullable=False, **options)


def optional(name: str, kind: Any) -> Column[Any]:
    """A column that may be null."""
    return Column(name, kind, nullable=True)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def member(column: str, enum: type[StrEnum]) -> CheckConstraint:
    """The column holds a member of the enum."""
    return one_of(column, (value.value for value in enum))


def index(
    table: Table,
    name: str,
    *columns: Any,
    where: str | None = None,
    unique: bool = False,
    include: tuple[str, ...] = (),
) -> None:
    """An index over columns or expressions, of the rows for which the condition holds. What it
    includes is not searched by, but read without the row."""
    condition = None if where is None else text(where)
    parts = [table.c[column] if isinstance(column, str) else column for column in columns]
    Index(name, *parts, unique=unique, postgresql_where=condition, postgresql_include=include)
