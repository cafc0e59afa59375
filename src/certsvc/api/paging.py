"""Pages of lists: a cursor says after what to go on, and of which list it is.

A cursor is checked, not signed: it names a place in a list that the caller may read anyway. It
carries a digest of the list and its filters, so that it cannot continue another list.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
from fastapi import Query

from certsvc.api.answers import Answer, answer
from certsvc.api.problems import Fault, Problem

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=1000, description="`next_cursor` of the page before, with the same filters."),
]
DEFAULT_LIMIT = 50


def digest(listing: str, filters: Mapping[str, Any]) -> str:
    """What a list is: its name and filters, in a few characters."""
    given = {name: value for name, value in filters.items() if value not in (None, [], ())}
    canonical = orjson.dumps([listing, given], option=orjson.OPT_SORT_KEYS, default=str)
    return blake2b(canonical, digest_size=6).hexdigest()


def cursor_after(mark: str, place: object) -> str:
    """The cursor that goes on after a place."""
    return urlsafe_b64encode(orjson.dumps([mark, str(place)])).decode().rstrip("=")


def place_of(
    cursor: str | None, mark: str, read: Callable[[str], T], *, parameter: str = "cursor"
) -> T | None:
    """The place that a cursor names; refused when it is broken or of another list."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        listing, place = orjson.loads(urlsafe_b64decode(padded.encode("ascii")))
        if listing == mark:
            return read(place)
    except (Base64Error, UnicodeError, ValueError, TypeError, AttributeError):
        pass
    raise no_cursor(parameter)


def no_cursor(parameter: str = "cursor") -> Problem:
    """What is sent as a cursor is none of this list."""
    detail = "is broken or of another list"
    fault = Fault(code="invalid_cursor", detail=detail, parameter=parameter)
    return Problem("invalid_cursor", "Begin again without a cursor.", (fault,))


def after_id(cursor: str | None, mark: str) -> UUID | None:
    """The id after which to go on."""
    return place_of(cursor, mark, UUID)


def after_number(cursor: str | None, mark: str) -> int | None:
    """The number after which to go on."""
    number = place_of(cursor, mark, int)
    if number is not None and not 0 <= number < 2**31:
        return place_of("", mark, int)
    return number


def page(
    rows: Sequence[T],
    limit: int,
    mark: str,
    as_of: datetime,
    place: Callable[[T], object],
    document: Callable[[T], Any],
) -> Answer:
    """A page, from one row more than asked for: that one tells whether there are more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return answer(
        {
            "items": [document(row) for row in shown],
            "next_cursor": cursor_after(mark, place(shown[-1])) if more else None,
            "as_of": as_of,
        }
    )
