"""Pages of lists."""

from typing import Generic, TypeVar

from pydantic import Field

from certsvc.api.schemas.values import Answered, Instant

T = TypeVar("T")


class Page(Answered, Generic[T]):
    """A page of a list. Each list has its own named page in the contract."""

    items: list[T]
    next_cursor: str | None = Field(
        description="Send as `cursor` for the next page; null: the end."
    )
    as_of: Instant = Field(
        description="How far time has been applied to what was selected: a list is selected on "
        "stored state."
    )
