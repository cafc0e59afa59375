"""What every field of a definition means, and its default: FIELDS, a table for each object.

The fields themselves are those of the wire (`api/schemas/definition.py`); a field without a row
here, or a row without a field, fails the page and its test.
"""

from dataclasses import dataclass
from typing import Any

REQUIRED = object()
"""Stands for the default of a field that has none."""

DEPENDS = object()
"""Stands for a default that follows from other fields; the meaning says how."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: how its value is written, its default as in JSON, and what it means."""

    name: str
    value: str
    default: Any
    meaning: str


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object of the document: its model on the wire, where it stands, its fields."""

    model: str
    title: str
    fields: tuple[FieldRow, ...]


_PATHS = ObjectRow(
    "DefinitionInput",
    "The document",
    (
        FieldRow("initial", "path", {}, "What a first cycle asks."),
        FieldRow("recertification", "path", None, "What a later cycle asks. Null: as `initial`."),
        FieldRow(
            "reinstatement", "path", None, "What a cycle after a lapse asks. Null: as `initial`."
        ),
        FieldRow("policy", "policy", {}, "The date rules."),
    ),
)
_PATH = ObjectRow(
    "PathInput",
    "A path",
    (
        FieldRow("payment_required", "true or false", False, "A fee per cycle, paid or waived."),
        FieldRow("steps", "list of steps", [], "The training."),
        FieldRow("in_order", "true or false", False, "A step unlocks the next."),
        FieldRow("exam", "exam", None, "The exam, or none."),
        FieldRow(
            "approval_required", "true or false", False, "A person signs the whole cycle off."
        ),
    ),
)
_STEP = ObjectRow(
    "StepInput",
    "A step",
    (
        FieldRow("key", "id", REQUIRED, "Unique in its path; progress is kept under it."),
        FieldRow("title", "text", DEPENDS, "What people read. Default: the key."),
        FieldRow("ways", "list of ways", [], "Any one of them completes the step; at least one."),
    ),
)
_WAY = ObjectRow(
    "WayInput",
    "A way",
    (
        FieldRow(
            "type",
            "word",
            REQUIRED,
            "`course`: a course; `test_out`: one completed attempt per cycle, final; `session`: "
            "attendance of a live session; `external`: work outside, reported or handed in; "
            "`credits`: an amount collected.",
        ),
        FieldRow("course_id", "id of the LMS", None, "course, session: which course."),
        FieldRow(
            "minimum_grade",
            "0 to 100",
            None,
            "course: the grade that passes; a fact without a grade is judged by its outcome.",
        ),
        FieldRow(
            "counts_on",
            "word",
            "passed",
            "course: which outcome is enough where no grade decides.",
        ),
        FieldRow("exam_id", "id of the LMS", None, "test_out: which exam."),
        FieldRow("passing_score", "0 to 100", None, "test_out: the score that passes."),
        FieldRow("instructions", "text", None, "external: what the learner has to do."),
        FieldRow(
            "approval_required",
            "true or false",
            False,
            "external: work handed in awaits approval. Evidence `accepted` needs none.",
        ),
        FieldRow("category", "id of the LMS", None, "credits: which count. Null: all do."),
        FieldRow("amount", "number", None, "credits: how many are needed."),
    ),
)
_EXAM = ObjectRow(
    "ExamInput",
    "An exam",
    (
        FieldRow("exam_id", "id of the LMS", REQUIRED, "Which exam."),
        FieldRow(
            "passing_score",
            "0 to 100",
            None,
            "The score that passes. Null: the outcome that is reported decides.",
        ),
        FieldRow("max_attempts", "number", None, "Attempts in one cycle. Null: as many as wanted."),
        FieldRow(
            "retry_after",
            "duration",
            "PT0S",
            "The wait after the end of the last counted attempt, to the second.",
        ),
        FieldRow(
            "retry_waits",
            "durations",
            None,
            "The wait after the first counted attempt, after the second, and so on; the last one "
            "repeats. Where given, `retry_after` is not read.",
        ),
        FieldRow(
            "after_training",
            "true or false",
            True,
            "Locked until every step is done; what is passed before counts in its turn.",
        ),
    ),
)
_DUE = ObjectRow(
    "DueInput",
    "`policy.due`: either of",
    (
        FieldRow("after", "duration", None, "So long after the opening of the cycle."),
        FieldRow("date", "date", None, "On this date."),
    ),
)
_LIMIT = ObjectRow(
    "LimitInput",
    "`policy.completion_limit`",
    (
        FieldRow("after", "duration", REQUIRED, "How long the cycle may take."),
        FieldRow("from", "word", "opening", "From the opening, or from the due date."),
    ),
)
_VALIDITY = ObjectRow(
    "ValidityInput",
    "`policy.validity`",
    (
        FieldRow("period", "duration or `never`", "never", "How long a certificate is good."),
        FieldRow(
            "anchor",
            "word",
            "completion",
            "`completion`: from the completion of the work; `due`: from the due date when met; "
            "`previous_expiry`: from the old expiry when completed in the window; `fixed_date`: to "
            "a date of the schedule; `assignment`: in whole periods from the assignment.",
        ),
        FieldRow(
            "first_anchor",
            "word",
            "completion",
            "previous_expiry: what the first certificate counts from.",
        ),
        FieldRow(
            "fixed_date",
            "date",
            None,
            "fixed_date: that date and every whole period around it. Null: the learner's own.",
        ),
        FieldRow(
            "minimum",
            "duration",
            DEPENDS,
            "fixed_date: the shortest validity worth issuing. Default: as long as `renewal_opens`.",
        ),
    ),
)
_POLICY = ObjectRow(
    "PolicyInput",
    "The policy",
    (
        FieldRow("time_zone", "zone name", "UTC", "Where its days begin and end."),
        FieldRow(
            "day_rule",
            "word",
            "end_of_day",
            "`end_of_day`: an expiry is a day, good to its end; `start_of_day`: the anniversary is "
            "the first day no longer good; `end_of_month`: an expiry moves to the end of its "
            "month; `exact`: instants instead of days.",
        ),
        FieldRow(
            "effective_from",
            "date or instant",
            None,
            "From when on new cycles use this version. Null: from its publication; the first "
            "version from ever.",
        ),
        FieldRow("due", "due or `never`", "never", "When a first cycle is due: advice only."),
        FieldRow("completion_limit", "limit or `never`", "never", "The hard end of a cycle."),
        FieldRow("prior_credit", "duration", "P0D", "Work so long before the assignment counts."),
        FieldRow("validity", "validity", {}, "How long a certificate is good."),
        FieldRow(
            "renewal_opens",
            "duration or `never`",
            "P30D",
            "The window before the expiry. `never`: no recertification. Means nothing without a "
            "validity.",
        ),
        FieldRow(
            "grace",
            "duration or `never`",
            "P30D",
            "After the expiry, before the lapse. `never`: does not lapse; `P0D`: lapses at once. "
            "Means nothing without a validity.",
        ),
        FieldRow(
            "keep_anniversary_in_grace",
            "true or false",
            False,
            "previous_expiry: work done in grace still counts from the old expiry.",
        ),
        FieldRow(
            "recertification_evidence",
            "word",
            "window",
            "Which evidence a recertification counts: since the `window` opened, or since the "
            "last `certification` (credits collected over the whole period).",
        ),
        FieldRow(
            "expiring_notices", "list of durations", ["P30D", "P7D"], "Told before the expiry."
        ),
        FieldRow(
            "lapsing_notices", "list of durations", [], "Told before the end of grace; shorter."
        ),
        FieldRow("reminders_before_due", "list of durations", ["P7D"], "Told before the due date."),
        FieldRow(
            "on_lapse",
            "word",
            "keep_progress",
            "`restart`: a lapse closes an open recertification and opens a reinstatement.",
        ),
    ),
)

FIELDS: tuple[ObjectRow, ...] = (
    _PATHS,
    _PATH,
    _STEP,
    _WAY,
    _EXAM,
    _POLICY,
    _DUE,
    _LIMIT,
    _VALIDITY,
)
