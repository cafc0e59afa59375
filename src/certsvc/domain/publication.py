"""Whether a draft may be published: every reason against it, each with the place it concerns.

Reads the definition document as the client wrote it (shapes were checked at the edge), so that a
reason can point into it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from certsvc.domain.definition import NEVER, Anchor, Document, Policy, WayType
from certsvc.domain.definition import read_policy as policy_from
from certsvc.domain.periods import Calendar, DayRule, Duration, compare

PATHS = ("initial", "recertification", "reinstatement")


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason against publishing: a JSON pointer into the definition, a stable code, a text."""

    pointer: str
    code: str
    detail: str


CourseBar = Callable[[str], str | None]
"""What the LMS said against a course: `archived`, `unpublished`, `closed_to_group`, or None."""


def no_bar(_: str) -> str | None:
    """Courses that we have not heard of are fine."""
    return None


def reasons(document: Document, course_bar: CourseBar = no_bar) -> tuple[Reason, ...]:
    """Every reason why the definition may not be published; none: it may (lifecycle, 3).

    A policy with a value that cannot be read is not compared with itself; everything else is
    judged all the same."""
    unreadable = [*_unreadable_policy(document), *_unreadable_paths(document)]
    found = [
        *unreadable,
        *_keys_twice(document),
        *_weak_paths(document),
        *_bad_ways(document),
        *_barred_courses(document, course_bar),
    ]
    if not any(reason.pointer.startswith("/policy") for reason in unreadable):
        found += _bad_policy(policy_from(document.get("policy") or {}))
    return tuple(found)


def _each_path(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in PATHS:
        path = document.get(name)
        if path is not None:
            yield f"/{name}", path


def _each_step(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for pointer, path in _each_path(document):
        for index, step in enumerate(path.get("steps") or ()):
            yield f"{pointer}/steps/{index}", step


def _each_way(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for pointer, step in _each_step(document):
        for index, way in enumerate(step.get("ways") or ()):
            yield f"{pointer}/ways/{index}", way


# What cannot be read


def _unreadable_policy(document: Document) -> Iterator[Reason]:
    policy = document.get("policy") or {}
    sound = True
    for reason in _bad_values(policy):
        sound = False
        yield reason
    if sound:
        try:
            policy_from(policy)
        except ValueError as error:
            yield Reason("/policy", "invalid_policy", str(error))


def _bad_values(policy: Document) -> Iterator[Reason]:
    rule = policy.get("day_rule") or DayRule.END_OF_DAY
    try:
        Calendar.of(policy.get("time_zone") or "UTC", rule)
    except ValueError:
        yield Reason("/policy/time_zone", "unknown_time_zone", "That time zone does not exist.")
    yield from _bad_durations(_durations(policy), rule)
    for pointer, text in _dates(policy):
        if not _is_date(text):
            yield Reason(pointer, "invalid_date", "Not a date of the calendar (YYYY-MM-DD).")


def _unreadable_paths(document: Document) -> Iterator[Reason]:
    rule = (document.get("policy") or {}).get("day_rule") or DayRule.END_OF_DAY
    for pointer, path in _each_path(document):
        exam = path.get("exam") or {}
        waits = [*_duration_at(f"{pointer}/exam/retry_after", exam.get("retry_after"))]
        for index, text in enumerate(exam.get("retry_waits") or ()):
            waits.append((f"{pointer}/exam/retry_waits/{index}", text))
        yield from _bad_durations(waits, rule)


def _bad_durations(durations: Iterable[tuple[str, str]], rule: str) -> Iterator[Reason]:
    for pointer, text in durations:
        reason = _bad_duration(pointer, text, rule != DayRule.EXACT)
        if reason is not None:
            yield reason


def _durations(policy: Document) -> Iterator[tuple[str, str]]:
    for name in ("prior_credit", "renewal_opens", "grace"):
        yield from _duration_at(f"/policy/{name}", policy.get(name))
    for name in ("due", "completion_limit"):
        value = policy.get(name)
        if isinstance(value, Mapping):
            yield from _duration_at(f"/policy/{name}/after", value.get("after"))
    validity = policy.get("validity") or {}
    for name in ("period", "minimum"):
        yield from _duration_at(f"/policy/validity/{name}", validity.get(name))
    for name in ("expiring_notices", "lapsing_notices", "reminders_before_due"):
        for index, text in enumerate(policy.get(name) or ()):
            yield f"/policy/{name}/{index}", text


def _duration_at(pointer: str, text: str | None) -> Iterator[tuple[str, str]]:
    if text is not None and text != NEVER:
        yield pointer, text


def _bad_duration(pointer: str, text: str, whole_days: bool) -> Reason | None:
    try:
        duration = Duration.parse(text)
    except ValueError as error:
        return Reason(pointer, "invalid_duration", str(error))
    if whole_days and not duration.whole_days:
        detail = "Durations are whole days unless the day rule is `exact`."
        return Reason(pointer, "duration_not_whole_days", detail)
    return None


def _dates(policy: Document) -> Iterator[tuple[str, str]]:
    due = policy.get("due")
    if isinstance(due, Mapping) and due.get("date") is not None:
        yield "/policy/due/date", due["date"]
    validity = policy.get("validity") or {}
    if validity.get("fixed_date") is not None:
        yield "/policy/validity/fixed_date", validity["fixed_date"]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


# What is refused although it can be read


def _keys_twice(document: Document) -> Iterator[Reason]:
    for pointer, path in _each_path(document):
        seen: set[str] = set()
        for index, step in enumerate(path.get("steps") or ()):
            if step["key"] in seen:
                detail = "Another step of this path has the same key."
                yield Reason(f"{pointer}/steps/{index}/key", "duplicate_key", detail)
            seen.add(step["key"])


def _weak_paths(document: Document) -> Iterator[Reason]:
    if not _graded(document.get("initial") or {}):
        detail = (
            "The initial path needs at least one graded requirement: a course with a minimum "
            "grade, a test-out, or an exam."
        )
        yield Reason("/initial", "no_graded_requirement", detail)
    for name in PATHS[1:]:
        path = document.get(name)
        if path is not None and not any(path.get(part) for part in _REQUIREMENTS):
            yield Reason(f"/{name}", "no_requirement", "The path needs at least one requirement.")


_REQUIREMENTS = ("steps", "exam", "payment_required", "approval_required")


def _graded(path: Mapping[str, Any]) -> bool:
    ways = [way for step in path.get("steps") or () for way in step.get("ways") or ()]
    return path.get("exam") is not None or any(_judges_a_grade(way) for way in ways)


def _judges_a_grade(way: Mapping[str, Any]) -> bool:
    if way["type"] == WayType.COURSE:
        return way.get("minimum_grade") is not None
    return bool(way["type"] == WayType.TEST_OUT)


_NEEDS: dict[WayType, Sequence[str]] = {
    WayType.COURSE: ("course_id",),
    WayType.TEST_OUT: ("exam_id", "passing_score"),
    WayType.SESSION: ("course_id",),
    WayType.EXTERNAL: (),
    WayType.CREDITS: ("amount",),
}


def _bad_ways(document: Document) -> Iterator[Reason]:
    for pointer, step in _each_step(document):
        types = {way["type"] for way in step.get("ways") or ()}
        if not types:
            yield Reason(f"{pointer}/ways", "no_way", "A step needs at least one way.")
        if types == {WayType.TEST_OUT}:
            detail = "A test-out is final when failed, so a step needs another way beside it."
            yield Reason(f"{pointer}/ways", "test_out_only", detail)
    for pointer, way in _each_way(document):
        for name in _NEEDS[WayType(way["type"])]:
            if way.get(name) is None:
                detail = f"A way of type {way['type']} needs `{name}`."
                yield Reason(f"{pointer}/{name}", "missing_field", detail)


def _bad_policy(policy: Policy) -> Iterator[Reason]:
    validity = policy.validity
    if validity is None:
        return
    if validity.first_anchor not in (Anchor.COMPLETION, Anchor.DUE):
        detail = "The first certificate counts from completion or due."
        yield Reason("/policy/validity/first_anchor", "invalid_first_anchor", detail)
    opens = policy.renewal_opens
    if opens is not None and compare(opens, validity.period) >= 0:
        detail = "The renewal window must be shorter than the period of validity."
        yield Reason("/policy/renewal_opens", "renewal_opens_too_long", detail)
    if opens is not None and validity.anchor is Anchor.FIXED_DATE:
        if compare(opens, validity.minimum) > 0:
            detail = "With a fixed date the window may not be longer than the minimum validity."
            yield Reason("/policy/renewal_opens", "renewal_opens_over_minimum", detail)
    if policy.grace is not None:
        for index, notice in enumerate(policy.lapsing_notices):
            if compare(notice, policy.grace) >= 0:
                detail = "A lapsing notice must be shorter than the grace."
                yield Reason(f"/policy/lapsing_notices/{index}", "lapsing_notice_too_long", detail)


def _barred_courses(document: Document, course_bar: CourseBar) -> Iterator[Reason]:
    for pointer, way in _each_way(document):
        bar = course_bar(way["course_id"]) if way.get("course_id") is not None else None
        if bar is not None:
            detail = f"The LMS says that this course is {bar.replace('_', ' ')}."
            yield Reason(f"{pointer}/course_id", f"course_{bar}", detail)
