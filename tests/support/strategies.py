"""Random definitions that may be published, and random things that happen to a learner.

Everything is small on purpose: few courses, few zones, round instants, so that examples meet.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Command, Enroll
from certsvc.domain.enrollment import Enrollment, Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.publication import reasons
from tests.support.programmes import CERTIFICATION, ELSEWHERE, Document

# Zones with half and quarter hours, a half hour of summer time, and midnights that do not exist.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
    "America/St_Johns",
)
DAY_RULES = ("end_of_day", "start_of_day", "end_of_month", "exact")
ANCHORS = ("completion", "due", "previous_expiry", "fixed_date", "assignment")
PERIODS = ("P90D", "P6M", "P1Y", "P2Y", "P13M")
SHORT = ("P0D", "P1D", "P7D", "P30D", "P1M")

exact_spans = st.sampled_from((*SHORT, "PT12H", "P1DT6H"))
day_spans = st.sampled_from(SHORT)


def spans(rule: str) -> st.SearchStrategy[str]:
    """Durations up to a month: whole days, but under `exact`."""
    return exact_spans if rule == "exact" else day_spans


def or_never(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(strategy, st.just("never"))


ways: st.SearchStrategy[Document] = st.sampled_from(
    (
        {"type": "course", "course_id": "C-1", "minimum_grade": 80},
        {"type": "course", "course_id": "C-2", "counts_on": "completed"},
        {"type": "session", "course_id": "C-7"},
        {"type": "external", "approval_required": True},
        {"type": "external"},
        {"type": "credits", "category": "ethics", "amount": 12},
    )
)
TEST_OUT = {"type": "test_out", "exam_id": "X-9", "passing_score": 90}


@st.composite
def steps(draw: st.DrawFn, key: str) -> Document:
    """A step of this key with one to three ways, a test-out never alone."""
    found: list[Document] = [dict(draw(ways))]
    if draw(st.booleans()):
        found.append(dict(draw(ways)))
    if draw(st.booleans()):
        found.append(TEST_OUT)
    return {"key": key, "ways": found}


@st.composite
def paths(draw: st.DrawFn, rule: str, *, graded: bool) -> Document:
    """A path that asks for something; with an exam where it must be graded."""
    keys = draw(st.sampled_from((("a",), ("a", "b"), ("a", "b", "c"))))
    exam = None
    if graded or draw(st.booleans()):
        exam = {
            "exam_id": "X-1",
            "passing_score": 70,
            "max_attempts": draw(st.sampled_from((None, 1, 2))),
            "retry_after": draw(spans(rule)),
            "after_training": draw(st.booleans()),
        }
    return {
        "payment_required": draw(st.booleans()),
        "steps": [draw(steps(key)) for key in keys],
        "in_order": draw(st.booleans()),
        "exam": exam,
        "approval_required": draw(st.booleans()),
    }


@st.composite
def validities(draw: st.DrawFn) -> Document:
    """A validity under any anchor."""
    anchor = draw(st.sampled_from(ANCHORS))
    document: Document = {
        "period": draw(st.sampled_from(PERIODS)),
        "anchor": anchor,
        "first_anchor": draw(st.sampled_from(("completion", "due"))),
    }
    if anchor == "fixed_date":
        document["fixed_date"] = draw(st.sampled_from((None, "2026-12-31", "2024-02-29")))
        document["minimum"] = draw(st.sampled_from((None, "P60D")))
    return document


@st.composite
def policies(draw: st.DrawFn) -> Document:
    """A policy that says something in every field."""
    rule = draw(st.sampled_from(DAY_RULES))
    span = spans(rule)
    notices = st.lists(span, max_size=2)
    due = st.one_of(
        st.just("never"),
        st.builds(lambda after: {"after": after}, span),
        st.just({"date": "2026-03-31"}),
    )
    limit = st.one_of(
        st.just("never"),
        st.builds(
            lambda after, since: {"after": after, "from": since},
            st.sampled_from(("P30D", "P90D", "P2M")),
            st.sampled_from(("opening", "due")),
        ),
    )
    return {
        "time_zone": draw(st.sampled_from(ZONES)),
        "day_rule": rule,
        "effective_from": draw(st.sampled_from((None, None, "2026-02-01"))),
        "due": draw(due),
        "completion_limit": draw(limit),
        "prior_credit": draw(span),
        "validity": draw(st.one_of(st.just({"period": "never"}), validities(), validities())),
        "renewal_opens": draw(or_never(span)),
        "grace": draw(or_never(span)),
        "keep_anniversary_in_grace": draw(st.booleans()),
        "recertification_evidence": draw(st.sampled_from((None, None, "certification"))),
        "expiring_notices": draw(notices),
        "lapsing_notices": draw(notices),
        "reminders_before_due": draw(notices),
        "on_lapse": draw(st.sampled_from(("keep_progress", "restart"))),
    }


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A definition with up to three paths of its own."""
    policy = draw(policies())
    rule = policy["day_rule"]
    return {
        "initial": draw(paths(rule, graded=True)),
        "recertification": draw(st.one_of(st.none(), paths(rule, graded=False))),
        "reinstatement": draw(st.one_of(st.none(), paths(rule, graded=False))),
        "policy": policy,
    }


publishable = documents().filter(lambda document: not reasons(document))
"""Definitions against whose publishing nothing speaks."""


# What happens

STEPS = timedelta(days=400)
moments = st.one_of(
    st.timedeltas(timedelta(0), timedelta(days=3)),
    st.timedeltas(timedelta(0), timedelta(days=60)),
    st.timedeltas(timedelta(0), STEPS),
    st.sampled_from((timedelta(0), timedelta(hours=1), timedelta(days=1), timedelta(days=30))),
)
"""How long until the next thing happens."""


@st.composite
def facts(draw: st.DrawFn, now: datetime, number: int, known: tuple[Fact, ...] = ()) -> Fact:
    """A fact that may concern any part of a random path, true now, earlier, or long ago."""
    back = draw(
        st.one_of(
            st.sampled_from((timedelta(0), timedelta(0), timedelta(minutes=1), timedelta(days=1))),
            st.timedeltas(timedelta(0), timedelta(days=120)),
        )
    )
    types = [type for type in FactType if type is not FactType.RETRACTION or known]
    type = draw(st.sampled_from(types))
    given: dict[str, Any] = {
        "id": f"F-{draw(st.integers(0, 9))}{number:03}",
        "occurred_at": now - back,
        "recorded_at": now,
        "type": type,
    }
    return Fact(**given, **draw(_details(type, known)))


def _details(type: FactType, known: tuple[Fact, ...]) -> st.SearchStrategy[dict[str, Any]]:
    grades = st.sampled_from((None, 20.0, 75.0, 85.0, 95.0, 95.0))
    graded = st.sampled_from(
        (FactOutcome.STARTED, FactOutcome.COMPLETED, FactOutcome.PASSED, FactOutcome.FAILED)
    )
    certification_id = st.sampled_from((CERTIFICATION, CERTIFICATION, None, ELSEWHERE))
    fields: dict[FactType, dict[str, st.SearchStrategy[Any]]] = {
        FactType.COURSE_COMPLETION: {
            "course_id": st.sampled_from(("C-1", "C-2", "C-8")),
            "outcome": graded,
            "grade": grades,
        },
        FactType.EXAM_ATTEMPT: {
            "exam_id": st.sampled_from(("X-1", "X-1", "X-8")),
            "outcome": graded,
            "grade": grades,
            "attempt_id": st.sampled_from((None, "A-1", "A-2")),
        },
        FactType.TEST_OUT_ATTEMPT: {"exam_id": st.just("X-9"), "outcome": graded, "grade": grades},
        FactType.SESSION_ATTENDANCE: {
            "course_id": st.sampled_from(("C-7", "C-7", "C-8")),
            "outcome": st.just(FactOutcome.ATTENDED),
        },
        FactType.PAYMENT: {
            "outcome": st.sampled_from((FactOutcome.PAID, FactOutcome.PAID, FactOutcome.REFUNDED)),
            "certification_id": certification_id,
        },
        FactType.EXTERNAL: {
            "step": st.sampled_from(("a", "b", "c")),
            "outcome": st.sampled_from((FactOutcome.SUBMITTED, FactOutcome.ACCEPTED)),
            "certification_id": certification_id,
        },
        FactType.CREDITS: {
            "category": st.sampled_from(("ethics", "ethics", "law")),
            "amount": st.sampled_from((5.0, 12.0)),
        },
        FactType.RETRACTION: {"retracts": st.sampled_from([fact.id for fact in known] or ["?"])},
    }
    return st.fixed_dictionaries(fields[type])


def everything(now: datetime, number: int, back: timedelta = timedelta(0)) -> tuple[Fact, ...]:
    """What completes any random path but its sign-offs, in one go."""
    at = now - back

    def fact(type: FactType, index: int, **takes: Any) -> Fact:
        id = f"A-{number:03}-{index}"
        return Fact(id=id, type=type, occurred_at=at, recorded_at=now, **takes)

    passed = {"outcome": FactOutcome.PASSED, "grade": 95.0}
    paid = {"outcome": FactOutcome.PAID, "certification_id": CERTIFICATION}
    handed_in = {"outcome": FactOutcome.SUBMITTED, "certification_id": CERTIFICATION}
    return (
        fact(FactType.PAYMENT, 0, **paid),
        fact(FactType.COURSE_COMPLETION, 1, course_id="C-1", **passed),
        fact(FactType.COURSE_COMPLETION, 2, course_id="C-2", **passed),
        fact(FactType.SESSION_ATTENDANCE, 3, course_id="C-7", outcome=FactOutcome.ATTENDED),
        fact(FactType.CREDITS, 4, category="ethics", amount=12.0),
        *(fact(FactType.EXTERNAL, 5 + n, step=key, **handed_in) for n, key in enumerate("abc")),
        fact(FactType.EXAM_ATTEMPT, 8, exam_id="X-1", **passed),
        fact(FactType.SESSION_ATTENDANCE, 9, course_id="C-8", outcome=FactOutcome.ATTENDED),
    )


def enrolments(now: datetime) -> st.SearchStrategy[Command]:
    """A request to enrol, sometimes with dates of its own, past or ahead."""
    near = st.one_of(
        st.none(),
        st.none(),
        st.timedeltas(timedelta(days=-60), timedelta(days=120)).map(lambda by: now + by),
    )
    return st.builds(
        Enroll,
        source=st.sampled_from(Source),
        group=st.sampled_from((None, "G1", "G2")),
        opens_at=near,
        due_at=near,
        limit_at=near,
        counts_from=near,
    ).map(_with_group_only_for_groups)


def _with_group_only_for_groups(command: Enroll) -> Enroll:
    group = (command.group or "G1") if command.source is Source.GROUP else None
    return Enroll(
        source=command.source,
        group=group,
        opens_at=command.opens_at,
        due_at=command.due_at,
        limit_at=command.limit_at,
        counts_from=command.counts_from,
    )


@st.composite
def acts(draw: st.DrawFn, e: Enrollment, now: datetime, wanted: list[Action] | None = None) -> Act:
    """Any action with anything that it takes, sound or not."""
    action = draw(st.sampled_from(wanted or list(Action)))
    takes = draw(_takes(action, now))
    return Act(action=action, **takes)


def _takes(action: Action, now: datetime) -> st.SearchStrategy[dict[str, Any]]:
    near = st.timedeltas(timedelta(days=-90), timedelta(days=500)).map(lambda by: now + by)
    past = st.timedeltas(timedelta(days=0), timedelta(days=900)).map(lambda by: now - by)
    maybe = st.one_of(st.none(), near)
    keys = st.sampled_from(("a", "b", "c"))
    fields: dict[Action, dict[str, st.SearchStrategy[Any]]] = {
        Action.APPROVE: {"step": st.one_of(st.none(), st.none(), keys)},
        Action.REJECT: {
            "steps": st.lists(keys, max_size=2, unique=True).map(tuple),
            "exam": st.booleans(),
            "final": st.sampled_from((False, False, True)),
            "limit_at": maybe,
        },
        Action.RECERTIFY: {"early": st.booleans(), "counts_from": st.one_of(st.none(), past)},
        Action.FORCE_RECERTIFICATION: {"counts_from": st.one_of(st.none(), past)},
        Action.RESTORE: {"counts_from": st.one_of(st.none(), past)},
        Action.CHANGE_DATES: {
            "due_at": maybe,
            "limit_at": maybe,
            "recertification_at": maybe,
            "expires_at": maybe,
            "keep_anniversary": st.booleans(),
        },
        Action.CHANGE_NEXT_RECERTIFICATION: {
            "next": st.sampled_from(("never", "latest", "other")),
            "next_certification": st.just(ELSEWHERE),
            "now": st.booleans(),
        },
        Action.MOVE_TO_VERSION: {
            "version": st.sampled_from((None, 1, 2)),
            "progress": st.sampled_from(("keep", "restart")),
        },
        Action.CERTIFY: {
            "certified_at": st.one_of(st.none(), past),
            "expires_at": maybe,
            "when": st.sampled_from(("always", "if_uncertified", "if_newer", "history_only")),
        },
    }
    return st.fixed_dictionaries(fields.get(action, {}))
