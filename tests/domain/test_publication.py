"""Publishing: every reason for which it is refused, each at its place, and all of them at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.definition import Definition
from certsvc.domain.publication import reasons
from tests.support.programmes import (
    COURSE,
    CREDITS,
    EXAM,
    PRACTICE,
    Document,
    definition,
    path,
)
from tests.support.strategies import documents

TEST_OUT = {"type": "test_out", "exam_id": "X-9", "passing_score": 90}


def found(document: Document) -> list[tuple[str, str]]:
    return [(reason.pointer, reason.code) for reason in reasons(document)]


def with_policy(**policy: Any) -> Document:
    return definition(path(COURSE), **policy)


def yearly_until(**validity: Any) -> Document:
    return with_policy(validity={"period": "P1Y"} | validity)


def test_the_smallest_policy_may_be_published() -> None:
    assert found({"initial": path(COURSE), "policy": {}}) == []
    assert found({"initial": path(COURSE), "policy": None}) == []
    assert found({"initial": path(COURSE)}) == []


# A graded requirement, and a requirement at all


@pytest.mark.parametrize(
    "initial",
    [
        path(COURSE),
        path(CREDITS, exam=EXAM),
        {"exam": EXAM},
        path({"key": "a", "ways": [TEST_OUT, {"type": "external"}]}),
        path(CREDITS, COURSE),
    ],
)
def test_an_initial_path_is_graded_by_a_course_a_test_out_or_an_exam(initial: Document) -> None:
    assert found(definition(initial)) == []


@pytest.mark.parametrize(
    "initial",
    [
        {},
        {"payment_required": True, "approval_required": True},
        path(CREDITS),
        path(PRACTICE),
        path({"key": "a", "ways": [{"type": "course", "course_id": "C-1"}]}),
        path({"key": "a", "ways": [{"type": "session", "course_id": "C-1"}]}),
    ],
)
def test_an_initial_path_without_a_graded_requirement_is_refused(initial: Document) -> None:
    assert found(definition(initial)) == [("/initial", "no_graded_requirement")]


@pytest.mark.parametrize("name", ["recertification", "reinstatement"])
@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({}, True),
        ({"steps": [], "in_order": True}, True),
        ({"payment_required": True}, False),
        ({"approval_required": True}, False),
        (path(CREDITS), False),
        ({"exam": EXAM}, False),
        (None, False),
    ],
)
def test_every_other_path_needs_any_requirement(
    name: str, other: Document | None, refused: bool
) -> None:
    document = {"initial": path(COURSE), name: other, "policy": {}}
    assert found(document) == ([(f"/{name}", "no_requirement")] if refused else [])


# A test-out is never alone


@pytest.mark.parametrize("ways", [[TEST_OUT], [TEST_OUT, TEST_OUT | {"exam_id": "X-8"}]])
def test_no_step_has_a_test_out_as_its_only_way(ways: list[Document]) -> None:
    document = definition(path(COURSE, {"key": "b", "ways": ways}))
    assert found(document) == [("/initial/steps/1/ways", "test_out_only")]
    document = definition(path(COURSE), recertification=path({"key": "b", "ways": ways}))
    assert found(document) == [("/recertification/steps/0/ways", "test_out_only")]


# Windows, minimum, grace


@pytest.mark.parametrize(
    ("period", "opens", "refused"),
    [
        ("P1Y", "P364D", False),
        ("P1Y", "P365D", True),
        ("P1Y", "P12M", True),
        ("P1M", "P30D", False),  # compared as counted from 1 January 2001
        ("P1M", "P31D", True),
        ("P30D", None, True),  # the default window is thirty days
        ("P31D", None, False),
        ("P30D", "never", False),
        ("never", "P9Y", False),
    ],
)
def test_the_window_is_shorter_than_the_period(
    period: str, opens: str | None, refused: bool
) -> None:
    document = with_policy(validity={"period": period}, renewal_opens=opens)
    expected = [("/policy/renewal_opens", "renewal_opens_too_long")] if refused else []
    assert found(document) == expected


@pytest.mark.parametrize(
    ("minimum", "opens", "refused"),
    [
        (None, None, False),
        ("P30D", "P30D", False),
        ("P29D", "P30D", True),
        ("P1M", "P31D", False),
        ("P1D", "never", False),
    ],
)
def test_with_a_fixed_date_the_window_is_not_longer_than_the_minimum(
    minimum: str | None, opens: str | None, refused: bool
) -> None:
    validity = {"period": "P1Y", "anchor": "fixed_date", "minimum": minimum}
    document = with_policy(validity=validity, renewal_opens=opens)
    expected = [("/policy/renewal_opens", "renewal_opens_over_minimum")] if refused else []
    assert found(document) == expected


@pytest.mark.parametrize(
    ("grace", "notices", "refused"),
    [
        ("P30D", ["P29D"], []),
        ("P30D", ["P7D", "P30D"], [1]),
        (None, ["P30D"], [0]),
        ("P0D", ["P0D"], [0]),
        ("never", ["P90D"], []),
        ("P1M", ["P30D"], []),
    ],
)
def test_lapsing_notices_are_shorter_than_grace(
    grace: str | None, notices: list[str], refused: list[int]
) -> None:
    assert found(with_policy(grace=grace, lapsing_notices=notices)) == [
        (f"/policy/lapsing_notices/{index}", "lapsing_notice_too_long") for index in refused
    ]


# Durations, dates, zones


EVERY_DURATION = {
    "/initial/exam/retry_after": lambda text: definition(path(exam=EXAM | {"retry_after": text})),
    "/recertification/exam/retry_after": lambda text: definition(
        recertification=path(exam=EXAM | {"retry_after": text})
    ),
    "/policy/prior_credit": lambda text: with_policy(prior_credit=text),
    "/policy/renewal_opens": lambda text: with_policy(renewal_opens=text),
    "/policy/grace": lambda text: with_policy(grace=text),
    "/policy/due/after": lambda text: with_policy(due={"after": text}),
    "/policy/completion_limit/after": lambda text: with_policy(completion_limit={"after": text}),
    "/policy/validity/period": lambda text: yearly_until(period=text),
    "/policy/validity/minimum": lambda text: yearly_until(anchor="fixed_date", minimum=text),
    "/policy/expiring_notices/0": lambda text: with_policy(expiring_notices=[text]),
    "/policy/lapsing_notices/0": lambda text: with_policy(lapsing_notices=[text]),
    "/policy/reminders_before_due/0": lambda text: with_policy(reminders_before_due=[text]),
}


@pytest.mark.parametrize("pointer", EVERY_DURATION)
@pytest.mark.parametrize("text", ["", "1Y", "P", "P1.5D", "-P1D", "P-1D", "P1H", "P1000Y"])
def test_every_duration_is_iso_8601_and_not_negative(pointer: str, text: str) -> None:
    assert found(EVERY_DURATION[pointer](text)) == [(pointer, "invalid_duration")]


@pytest.mark.parametrize("pointer", EVERY_DURATION)
def test_every_duration_is_in_whole_days_unless_the_rule_is_exact(pointer: str) -> None:
    document = EVERY_DURATION[pointer]("PT36H")
    assert found(document) == [(pointer, "duration_not_whole_days")]
    document["policy"]["day_rule"] = "exact"
    assert all(code != "duration_not_whole_days" for _, code in found(document))


def test_a_validity_of_nothing_is_refused() -> None:
    assert found(yearly_until(period="P0D")) == [("/policy", "invalid_policy")]


def test_the_zone_exists() -> None:
    assert found(with_policy(time_zone="Mars/Olympus")) == [
        ("/policy/time_zone", "unknown_time_zone")
    ]


def test_dates_are_dates() -> None:
    assert found(yearly_until(fixed_date="2027-02-29")) == [
        ("/policy/validity/fixed_date", "invalid_date")
    ]
    assert found(with_policy(due={"date": "2026-13-01"})) == [("/policy/due/date", "invalid_date")]
    assert found(with_policy(effective_from="someday")) == [("/policy", "invalid_policy")]
    assert found(with_policy(effective_from="2026-02-01T00:00:00")) == [
        ("/policy", "invalid_policy")
    ]
    assert found(with_policy(effective_from="2026-02-01T00:00:00Z")) == []


def test_a_due_date_says_either_when_or_how_long() -> None:
    for due in ({}, {"after": "P1D", "date": "2026-03-01"}):
        assert found(with_policy(due=due)) == [("/policy", "invalid_policy")]
    assert found(with_policy(completion_limit={"from": "due"})) == [("/policy", "invalid_policy")]


# Keys, ways, courses


def test_keys_are_unique_in_their_path() -> None:
    document = definition(path(COURSE, PRACTICE, COURSE), recertification=path(COURSE, COURSE))
    assert found(document) == [
        ("/initial/steps/2/key", "duplicate_key"),
        ("/recertification/steps/1/key", "duplicate_key"),
    ]
    assert found(definition(path(COURSE), recertification=path(COURSE))) == []


def test_a_step_needs_a_way_and_a_way_what_it_judges_by() -> None:
    document = definition(
        path(
            COURSE,
            {"key": "b", "ways": []},
            {"key": "c", "ways": [{"type": "test_out"}, {"type": "credits"}, {"type": "course"}]},
        )
    )
    assert found(document) == [
        ("/initial/steps/1/ways", "no_way"),
        ("/initial/steps/2/ways/0/exam_id", "missing_field"),
        ("/initial/steps/2/ways/0/passing_score", "missing_field"),
        ("/initial/steps/2/ways/1/amount", "missing_field"),
        ("/initial/steps/2/ways/2/course_id", "missing_field"),
    ]


@pytest.mark.parametrize("bar", ["archived", "unpublished", "closed_to_group"])
def test_no_course_is_known_to_be_barred(bar: str) -> None:
    document = definition(path(COURSE), recertification=path(CREDITS, COURSE))
    found = reasons(document, lambda course: bar if course == "C-1" else None)
    assert [(reason.pointer, reason.code) for reason in found] == [
        ("/initial/steps/0/ways/0/course_id", f"course_{bar}"),
        ("/recertification/steps/1/ways/0/course_id", f"course_{bar}"),
    ]


# All of them at once


def test_every_reason_is_listed_at_once() -> None:
    document = definition(
        path(CREDITS, CREDITS, {"key": "t", "ways": [TEST_OUT | {"exam_id": None}]}),
        reinstatement={},
        validity={"period": "P30D", "first_anchor": "assignment"},
        lapsing_notices=["P60D"],
    )
    assert {code for _, code in found(document)} == {
        "duplicate_key",
        "no_requirement",
        "test_out_only",
        "missing_field",
        "invalid_first_anchor",
        "renewal_opens_too_long",
        "lapsing_notice_too_long",
    }
    broken = with_policy(grace="x", prior_credit="PT1H", due={"date": "x"})
    broken["initial"] = path(COURSE, COURSE)
    assert {code for _, code in found(broken)} == {
        "invalid_duration",
        "duration_not_whole_days",
        "invalid_date",
        "duplicate_key",
    }


@given(documents())
def test_what_may_be_published_can_be_read(document: Document) -> None:
    if not reasons(document):
        Definition.read(document)


@given(documents(), st.data())
def test_null_and_absent_mean_the_same(document: Document, data: st.DataObject) -> None:
    policy = document["policy"]
    left_out = data.draw(st.sets(st.sampled_from(sorted(policy))))
    absent = {name: value for name, value in policy.items() if name not in left_out}
    null = {name: None if name in left_out else value for name, value in policy.items()}
    assert reasons(document | {"policy": absent}) == reasons(document | {"policy": null})
    if not reasons(document | {"policy": null}):
        one = Definition.read(document | {"policy": absent})
        assert one == Definition.read(document | {"policy": null})
