"""The kinds of values that requests carry: texts, ids, instants, numbers, metadata.

Every request model is made of these, so that no text holds what a database or another client
cannot, and no number or date lies where arithmetic breaks.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+\- ]\d\d:\d\d)", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
LMS_ID = r"^[A-Za-z0-9._:@+\-]{1,128}$"
SLUG = r"^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$"
METADATA_BYTES = 16_384
METADATA_DEPTH = 8


def _sound(text: str) -> str:
    if _CONTROL.search(text):
        raise PydanticCustomError("control_characters", "must not hold control characters")
    return unicodedata.normalize("NFC", text)


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("instant", "must be an RFC 3339 instant with an offset")
    local, offset = found.groups()
    try:
        # In a query string an unescaped plus arrives as a space; before an offset it means plus.
        at = datetime.fromisoformat(local.upper() + offset.upper().replace(" ", "+"))
        return _in_range(at.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise PydanticCustomError("instant", "must be a date and time that exists") from error


def _in_range(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise PydanticCustomError("instant_range", "must lie between the years 1900 and 9000")
    return at


def _date(value: object) -> str:
    """A date stays text on its way to the definition document."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise PydanticCustomError("date", "must be a date, YYYY-MM-DD")
    try:
        if not EARLIEST.year <= date.fromisoformat(value).year < LATEST.year:
            raise PydanticCustomError("date_range", "must lie between the years 1900 and 9000")
    except ValueError as error:
        raise PydanticCustomError("date", "must be a date that exists") from error
    return value


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise PydanticCustomError("uuid", "must be a UUID")
    return UUID(value)


def _slug(text: str) -> str:
    if _UUID.fullmatch(text):
        raise PydanticCustomError("slug", "must not look like a UUID")
    return text


def _plain(value: Any, depth: int) -> None:
    if depth > METADATA_DEPTH:
        raise PydanticCustomError("metadata", "must not be nested deeper than 8")
    if isinstance(value, str):
        _sound(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _sound(key)
            _plain(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _plain(inner, depth + 1)


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    _plain(value, 1)
    if len(orjson.dumps(value)) > METADATA_BYTES:
        raise PydanticCustomError("metadata", "must not be larger than 16384 bytes")
    return value


@dataclass(frozen=True)
class Known:
    """A closed choice of words that stays a plain string in the contract, because it may grow."""

    words: tuple[str, ...]

    def __init__(self, *words: str) -> None:
        object.__setattr__(self, "words", words)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "x-known-values": list(self.words)}

    def _check(self, text: str) -> str:
        if text not in self.words:
            listed = {"words": ", ".join(self.words)}
            raise PydanticCustomError("unknown_word", "must be one of: {words}", listed)
        return text


def words(*listed: str) -> Any:
    """How an answer documents an open string: the values known today."""
    return Field(json_schema_extra={"x-known-values": list(listed)})


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_sound)]
LongText = Annotated[str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_sound)]
LmsId = Annotated[
    str,
    StringConstraints(pattern=LMS_ID),
    Field(description="An id of the LMS.", examples=["u-17"]),
]
Slug = Annotated[
    str,
    StringConstraints(pattern=SLUG),
    AfterValidator(_slug),
    Field(description="Lower case; never looks like a UUID.", examples=["forklift"]),
]
Reference = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9._\-]{1,64}$"),
    Field(description="The certification's id or its key.", examples=["forklift"]),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    AfterValidator(_in_range),
    _schema(type="string", format="date-time", examples=["2026-03-10T09:00:00Z"]),
]
Day = Annotated[
    str, BeforeValidator(_date), _schema(type="string", format="date", examples=["2027-01-31"])
]
OurId = Annotated[UUID, BeforeValidator(_uuid), _schema(type="string", format="uuid")]
DurationText = Annotated[
    str,
    StringConstraints(min_length=2, max_length=40, pattern=r"^[A-Za-z0-9.,\-+]+$"),
    Field(description="ISO 8601 duration.", examples=["P30D"]),
]
Switch = Annotated[bool, Strict()]
Revision = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1)]
VersionNumber = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False)]
Amount = Annotated[float, Strict(), Field(ge=0, le=1e12, allow_inf_nan=False)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
Localised = Annotated[
    dict[Language, Text],
    Field(max_length=100, description="Per language.", examples=[{"en": "Forklift operator"}]),
]
LocalisedLong = Annotated[
    dict[Language, LongText], Field(max_length=100, description="Per language.")
]
Metadata = Annotated[
    dict[str, Any],
    AfterValidator(_metadata),
    Field(description="Free-form; at most 16384 bytes, nested at most 8 deep."),
]


class Sent(BaseModel):
    """What a client sends: unknown fields are refused; null and absent mean the same."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Authored(Sent):
    """What every change takes beside its own."""

    reason: Annotated[LongText | None, Field(description="Why; kept in the history.")] = None
    on_behalf_of: Annotated[
        LmsId | None, Field(description="The LMS's id of the person who clicked.")
    ] = None


class Answered(BaseModel):
    """What the service answers. Bodies may grow fields: a reader must tolerate unknown ones."""

    model_config = ConfigDict(extra="allow")
