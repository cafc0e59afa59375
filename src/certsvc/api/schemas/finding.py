"""Counts and exports of enrollments, on the wire."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.enrollment import EnrollmentFilter, SourceWord
from certsvc.api.schemas.values import Answered, Instant, Known, LmsId, Reference, Sent

EXPORT_FORMATS = ("csv", "ndjson")


class CountsQuery(Sent):
    """Which enrollments are counted."""

    certification: list[Reference] = Field(default=[], max_length=100)
    source: SourceWord | None = None
    group: LmsId | None = None


Counts = dict[str, int]


class EnrollmentCounts(Answered):
    """How many enrollments are in what state. Every word is there, with 0 where there is none."""

    total: int
    by_status: Counts
    by_standing: Counts
    by_flag: Counts = Field(description="One enrollment may have several flags, or none.")
    by_view: Counts = Field(description="As `view` would select.")
    as_of: Instant = Field(description="How far time has been applied to what was counted.")


class ExportQuery(EnrollmentFilter):
    """Which enrollments are written, and as what."""

    format: Annotated[
        str, Known(*EXPORT_FORMATS), Field(description="A table, or a JSON object on each line.")
    ] = "csv"
