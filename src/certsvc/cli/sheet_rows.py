"""The rows of a sheet as an import takes them; each that cannot be read says why."""

import csv
import re
from collections.abc import Generator
from datetime import date
from functools import lru_cache

from pydantic import ValidationError

from certsvc.api.bulk import EnrollParameters
from certsvc.api.failures import faults_of
from certsvc.api.schemas.values import LmsId, Reference
from certsvc.cli.sheet import Sheet
from certsvc.cli.surroundings import Failure
from certsvc.domain.periods import Calendar, DayRule
from certsvc.store.bulk_items import Settled
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.usecases.bulk.importing import Row

NEEDED = ("learner_id", "certification")
DATES = frozenset(
    {"opens_at", "due_at", "limit_at", "counts_from", "certified_at", "valid_from", "expires_at"}
)
COLUMNS = (*NEEDED, *EnrollParameters.model_fields)
SHOWN = 200
"""Characters that are told of a value that is wrong."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NO_DATE = "must be a date, or an RFC 3339 instant with an offset"


class Line(EnrollParameters):
    """What a row holds."""

    learner_id: LmsId
    certification: Reference


class RowReader:
    """Reads rows; a date without a time is the beginning of that day in the zone."""

    def __init__(self, sheet: Sheet, time_zone: str) -> None:
        missing = [name for name in NEEDED if name not in sheet.columns]
        if missing:
            raise Failure(f"The first line does not name the column {missing[0]}.")
        try:
            calendar = Calendar.of(time_zone, DayRule.EXACT)
        except ValueError as error:
            raise Failure(f"{error}.") from error
        self._sheet = sheet

        @lru_cache(maxsize=4096)
        def begins(text: str) -> str:
            return calendar.begins(calendar.fixed(date.fromisoformat(text))).isoformat()

        self._begins = begins

    def rows(self, after: int) -> Generator[Row]:
        """The rows behind so many."""
        for number, line in self._sheet.lines(after):
            yield self._row(number, line)

    def _row(self, number: int, line: str) -> Row:
        try:
            line.encode()
            fields = self._sheet.fields(line)
        except UnicodeEncodeError:
            return _wrong(number, {}, "not_utf8", "The row is not UTF-8 text.")
        except csv.Error as error:
            return _wrong(number, {}, "not_csv", f"The row is no CSV: {error}.")
        columns = self._sheet.columns
        given = dict(zip(columns, (field.strip() for field in fields), strict=False))
        if len(fields) < len(columns) or any(fields[len(columns) :]):
            detail = f"The row has {len(fields)} fields, the first line {len(columns)}."
            return _wrong(number, given, "fields", detail)
        return self._judged(number, {name: value for name, value in given.items() if value})

    def _judged(self, number: int, given: dict[str, str]) -> Row:
        try:
            read = Line.model_validate({name: self._value(name, given[name]) for name in given})
        except ValidationError as error:
            faults = faults_of(error.errors())
            told = "; ".join(_told(fault.pointer or "", fault.detail) for fault in faults)
            return _wrong(number, given, faults[0].code, told)
        for name in ("valid_from", "expires_at"):
            if name in given and read.certified_at is None:
                detail = f"certified_at is required where there is {name}"
                return _wrong(number, given, "missing", detail)
        parameters = read.model_dump(mode="json", exclude=set(NEEDED), exclude_none=True)
        return Row(
            number=number,
            learner_id=read.learner_id,
            certification=read.certification,
            parameters=parameters or None,
        )

    def _value(self, name: str, text: str) -> str:
        if name in DATES and _DATE.fullmatch(text):
            try:
                return self._begins(text)
            except ValueError:
                return text
        return text


def _told(pointer: str, detail: str) -> str:
    name = pointer.strip("/")
    return f"{name} {_NO_DATE if 'RFC 3339' in detail else detail}"


def _wrong(number: int, given: dict[str, str], code: str, detail: str) -> Row:
    return Row(
        number=number,
        learner_id=_shown(given.get("learner_id")),
        certification=_shown(given.get("certification")),
        wrong=Settled(number, ItemOutcome.REFUSED, code, None, detail),
    )


def _shown(text: str | None) -> str | None:
    """What the database can keep, and people can read."""
    if text is None:
        return None
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text[:SHOWN])
