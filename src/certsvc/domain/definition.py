"""What a version says: paths, steps, ways, exam and policy, read from the definition document.

The document is the JSON of the interface; null and absent mean the default. Reading is total for
documents whose durations, dates and zone are sound (`publication.py` says what is not, with every
reason); `Definition.read` raises ValueError for the others, which only drafts may hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal, cast

from certsvc.domain.periods import Calendar, Duration
from certsvc.domain.status import CycleKind

Never = Literal["never"]
Document = Mapping[str, Any]

NEVER: Never = "never"
THIRTY_DAYS = Duration(days=30)
NOTHING = Duration()


class WayType(StrEnum):
    """The kinds of requirement that can complete a step."""

    COURSE = "course"
    TEST_OUT = "test_out"
    SESSION = "session"
    EXTERNAL = "external"
    CREDITS = "credits"


class Anchor(StrEnum):
    """What the validity of a certificate is counted from."""

    COMPLETION = "completion"
    DUE = "due"
    PREVIOUS_EXPIRY = "previous_expiry"
    FIXED_DATE = "fixed_date"
    ASSIGNMENT = "assignment"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to complete a step; which fields matter depends on the type."""

    type: WayType
    course_id: str | None = None
    minimum_grade: float | None = None
    counts_on: str = "passed"
    exam_id: str | None = None
    passing_score: float | None = None
    category: str | None = None
    amount: float | None = None
    instructions: str | None = None
    approval_required: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A training step: any one of its ways completes it."""

    key: str
    title: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Exam:
    """The exam of a path; without a passing score the reported outcome decides.

    `retry_waits` are the waits after the first counted attempt, after the second, and so on, each
    from its end; the last one repeats."""

    exam_id: str
    passing_score: float | None = None
    max_attempts: int | None = None
    retry_waits: tuple[Duration, ...] = (NOTHING,)
    after_training: bool = True


@dataclass(frozen=True, slots=True)
class Path:
    """What has to be done in one cycle."""

    payment_required: bool = False
    steps: tuple[Step, ...] = ()
    in_order: bool = False
    exam: Exam | None = None
    approval_required: bool = False

    def step(self, key: str) -> Step | None:
        """The step of that key, or None."""
        return next((step for step in self.steps if step.key == key), None)


@dataclass(frozen=True, slots=True)
class Due:
    """When a cycle is due: so long after its opening, or on one date."""

    after: Duration | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The hard end of a cycle, counted from its opening or from its due date."""

    after: Duration
    from_due: bool = False


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a certificate is good, and from what that is counted."""

    period: Duration
    anchor: Anchor = Anchor.COMPLETION
    first_anchor: Anchor = Anchor.COMPLETION
    fixed_date: date | None = None
    minimum: Duration = NOTHING


@dataclass(frozen=True, slots=True)
class Policy:
    """The date rules of a version. `{}` is one-time and never expires."""

    calendar: Calendar
    effective_from: datetime | None = None
    due: Due | None = None
    limit: Limit | None = None
    prior_credit: Duration = NOTHING
    validity: Validity | None = None
    renewal_opens: Duration | None = None
    grace: Duration | None = None
    keep_anniversary_in_grace: bool = False
    recertification_evidence: str = "window"
    expiring_notices: tuple[Duration, ...] = ()
    lapsing_notices: tuple[Duration, ...] = ()
    reminders_before_due: tuple[Duration, ...] = ()
    restart_on_lapse: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole version: three paths and a policy."""

    initial: Path
    recertification: Path
    reinstatement: Path
    policy: Policy

    def path(self, kind: CycleKind) -> Path:
        """The path that a cycle of this kind follows."""
        if kind is CycleKind.INITIAL:
            return self.initial
        if kind is CycleKind.RECERTIFICATION:
            return self.recertification
        return self.reinstatement

    @classmethod
    def read(cls, document: Document) -> "Definition":
        """The definition that a document says. ValueError where a value is unsound."""
        initial = read_path(document.get("initial") or {})
        recertification = document.get("recertification")
        reinstatement = document.get("reinstatement")
        return cls(
            initial=initial,
            recertification=initial if recertification is None else read_path(recertification),
            reinstatement=initial if reinstatement is None else read_path(reinstatement),
            policy=read_policy(document.get("policy") or {}),
        )


def read_path(document: Document) -> Path:
    """A path from its document."""
    exam = document.get("exam")
    return Path(
        payment_required=bool(document.get("payment_required")),
        steps=tuple(_read_step(step) for step in document.get("steps") or ()),
        in_order=bool(document.get("in_order")),
        exam=None if exam is None else _read_exam(exam),
        approval_required=bool(document.get("approval_required")),
    )


def _read_step(document: Document) -> Step:
    return Step(
        key=document["key"],
        title=document.get("title") or document["key"],
        ways=tuple(_read_way(way) for way in document.get("ways") or ()),
    )


def _read_way(document: Document) -> Way:
    return Way(
        type=WayType(document["type"]),
        course_id=document.get("course_id"),
        minimum_grade=document.get("minimum_grade"),
        counts_on=document.get("counts_on") or "passed",
        exam_id=document.get("exam_id"),
        passing_score=document.get("passing_score"),
        category=document.get("category"),
        amount=document.get("amount"),
        instructions=document.get("instructions"),
        approval_required=bool(document.get("approval_required")),
    )


def _read_exam(document: Document) -> Exam:
    after_training = document.get("after_training")
    return Exam(
        exam_id=document["exam_id"],
        passing_score=document.get("passing_score"),
        max_attempts=document.get("max_attempts"),
        retry_waits=_durations(document.get("retry_waits"), ())
        or (_duration(document.get("retry_after")) or NOTHING,),
        after_training=True if after_training is None else bool(after_training),
    )


def read_policy(document: Document) -> Policy:
    """A policy from its document, with the defaults of the specification (lifecycle, 3)."""
    calendar = Calendar.of(
        document.get("time_zone") or "UTC", document.get("day_rule") or "end_of_day"
    )
    validity_document: Document = document.get("validity") or {}
    lasting = validity_document.get("period") not in (None, NEVER)
    renewal_opens = _or_never(document.get("renewal_opens"), THIRTY_DAYS) if lasting else None
    grace = _or_never(document.get("grace"), THIRTY_DAYS) if lasting else None
    return Policy(
        calendar=calendar,
        effective_from=_effective_from(document.get("effective_from"), calendar),
        due=_read_due(document.get("due")),
        limit=_read_limit(document.get("completion_limit")),
        prior_credit=_duration(document.get("prior_credit")) or NOTHING,
        validity=_read_validity(validity_document, renewal_opens) if lasting else None,
        renewal_opens=renewal_opens,
        grace=grace,
        keep_anniversary_in_grace=bool(document.get("keep_anniversary_in_grace")),
        recertification_evidence=document.get("recertification_evidence") or "window",
        expiring_notices=_durations(document.get("expiring_notices"), ("P30D", "P7D")),
        lapsing_notices=_durations(document.get("lapsing_notices"), ()),
        reminders_before_due=_durations(document.get("reminders_before_due"), ("P7D",)),
        restart_on_lapse=document.get("on_lapse") == "restart",
    )


def _read_validity(document: Document, renewal_opens: Duration | None) -> Validity:
    period = _duration(document.get("period"))
    if period is None or period.is_zero:
        raise ValueError("a validity needs a period longer than nothing")
    minimum = _duration(document.get("minimum"))
    return Validity(
        period=period,
        anchor=Anchor(document.get("anchor") or "completion"),
        first_anchor=Anchor(document.get("first_anchor") or "completion"),
        fixed_date=_date(document.get("fixed_date")),
        minimum=minimum if minimum is not None else renewal_opens or NOTHING,
    )


def _read_due(document: Document | str | None) -> Due | None:
    if document is None or isinstance(document, str):
        return None
    due = Due(after=_duration(document.get("after")), on=_date(document.get("date")))
    if (due.after is None) == (due.on is None):
        raise ValueError("a due date needs either `after` or `date`")
    return due


def _read_limit(document: Document | str | None) -> Limit | None:
    if document is None or isinstance(document, str):
        return None
    after = _duration(document.get("after"))
    if after is None:
        raise ValueError("a completion limit needs `after`")
    return Limit(after=after, from_due=document.get("from") == "due")


def _duration(text: str | None) -> Duration | None:
    return None if text is None else Duration.parse(text)


def _durations(texts: list[str] | None, default: tuple[str, ...]) -> tuple[Duration, ...]:
    chosen = default if texts is None else texts
    return tuple(Duration.parse(text) for text in chosen)


def _or_never(text: str | None, default: Duration) -> Duration | None:
    if text is None:
        return default
    return None if text == NEVER else Duration.parse(text)


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _effective_from(text: str | None, calendar: Calendar) -> datetime | None:
    """An instant, or a date: the local midnight that begins it."""
    if text is None:
        return None
    if "T" in text.upper():
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError("effective_from needs an offset")
        return instant
    return calendar.begins(calendar.fixed(cast(date, _date(text))))
