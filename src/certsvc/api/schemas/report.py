"""Reports on the wire: counts of statuses, what is ahead by month, how renewal goes."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from certsvc.api.schemas.values import Answered, Instant, Known, LmsId, OurId, Reference, Sent
from certsvc.domain.periods import Calendar, DayRule

FORMATS = ("json", "svg", "png")


def _zone(name: str) -> str:
    try:
        Calendar.of(name, DayRule.END_OF_DAY)
    except ValueError as error:
        raise PydanticCustomError("unknown_time_zone", "must be an IANA time zone") from error
    return name


TimeZone = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_+\-/]{1,64}$"),
    AfterValidator(_zone),
]


class ReportQuery(Sent):
    """Of whom a report is, and what it looks like."""

    certification: list[Reference] = Field(default=[], max_length=100)
    group: LmsId | None = Field(default=None, description="Learners whom this group assigns.")
    format: Annotated[str, Known(*FORMATS), Field(description="Numbers, or a picture of them.")] = (
        "json"
    )


class StatusQuery(ReportQuery):
    """Statuses now, or as of an instant."""

    at: Instant | None = Field(
        default=None,
        description="As of a past instant: as it was known then, and for the members of then.",
    )


class ExpiryQuery(ReportQuery):
    """How far ahead, and in whose months."""

    months: int = Field(default=12, ge=1, le=60, description="Calendar months, with this one.")
    time_zone: TimeZone = Field(default="UTC", description="IANA name: where months begin.")


class RenewalQuery(ReportQuery):
    """In which period."""

    since: Instant | None = Field(
        default=None, alias="from", description="Inclusive; by default a year before `to`."
    )
    to: Instant | None = Field(default=None, description="Exclusive; by default now.")


class StatusCounts(Answered):
    """Enrollments by status and by standing."""

    total: int
    by_status: dict[str, int] = Field(description="Every status, in the order of the lifecycle.")
    by_standing: dict[str, int] = Field(description="Every standing.")


class CertificationStatusCounts(StatusCounts):
    """The same, of one certification."""

    certification_id: OurId
    certification_key: str
    certification_title: dict[str, str] = Field(description="Per language.")


class StatusCountsReport(Answered):
    """Enrollments by status: of the certifications that have any or were asked for."""

    items: list[CertificationStatusCounts]
    totals: StatusCounts
    as_of: Instant


class MonthAhead(Answered):
    """What certificates in force do within a calendar month, if nobody does anything."""

    month: str = Field(examples=["2026-03"], description="The present one counts from now on.")
    windows_opening: int = Field(description="Their window to recertify opens.")
    expiring: int
    lapsing: int = Field(description="Their grace ends.")


class AlreadyPast(Answered):
    """What should have happened by now and is not applied yet. All zero, unless the scheduler is
    behind or rows were set aside."""

    expiring: int
    lapsing: int


class Expiries(Answered):
    """What is ahead, by calendar month."""

    already_past: AlreadyPast
    months: list[MonthAhead]


class CertificationExpiries(Expiries):
    """The same, of one certification."""

    certification_id: OurId
    certification_key: str
    certification_title: dict[str, str] = Field(description="Per language.")


class ExpiryReport(Answered):
    """What is ahead: of the certifications that have any of it or were asked for."""

    time_zone: str
    items: list[CertificationExpiries]
    totals: Expiries
    as_of: Instant


class Renewals(Answered):
    """What became of the certificates that were due, as of the end of the period."""

    due: int = Field(description="All of them: the sum of the others.")
    in_time: int = Field(description="Renewed before they expired.")
    late: int = Field(description="Renewed in grace.")
    reinstated: int = Field(description="Renewed after they had lapsed.")
    open: int = Field(description="Not renewed, and not lapsed either.")
    lapsed: int = Field(description="Lapsed, and not renewed.")
    revoked: int = Field(description="Taken away.")


class CertificationRenewals(Renewals):
    """The same, of one certification."""

    certification_id: OurId
    certification_key: str
    certification_title: dict[str, str] = Field(description="Per language.")


class GroupRenewals(Renewals):
    """The same, of those who are in a group now; who is in several counts in each."""

    group: str


class RecertificationReport(Answered):
    """How recertification goes: of the certifications that had any due or were asked for, and of
    the groups with the most due."""

    since: Instant = Field(alias="from")
    to: Instant = Field(description="Now, where the period has not ended.")
    items: list[CertificationRenewals]
    groups: list[GroupRenewals]
    totals: Renewals
    as_of: Instant
