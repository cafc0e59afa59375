"""Lives, decided by the rules: enrollments that rest, and enrollments of which one thing is due."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.population.programmes import AUTOMATIC, BY_HAND, TRAINING, Programme
from certsvc.domain.commands import Enroll, Record
from certsvc.domain.describe import flags
from certsvc.domain.enrollment import Enrollment, Source, blank
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.lifecycle import advance, decide, next_due
from certsvc.domain.status import Flag, Standing

DAY = timedelta(days=1)
GROUP = "the group"
"""Behind every life; each learner has one of several in its place."""

LATE_BY = 3
"""What is due has been due for less than so many days."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that time does, in which certification, and how many of a hundred due rows."""

    event: EventType
    programme: Programme
    share: int


KINDS = (
    Kind(EventType.CERTIFICATE_EXPIRED, BY_HAND, 15),
    Kind(EventType.CERTIFICATE_LAPSED, BY_HAND, 15),
    Kind(EventType.RECERTIFICATION_DUE, BY_HAND, 15),
    Kind(EventType.RECERTIFICATION_OPENED, AUTOMATIC, 15),
    Kind(EventType.CERTIFICATE_EXPIRING, BY_HAND, 10),
    Kind(EventType.CERTIFICATE_LAPSING, BY_HAND, 5),
    Kind(EventType.ENROLLMENT_DUE_SOON, TRAINING, 10),
    Kind(EventType.ENROLLMENT_OVERDUE, TRAINING, 10),
    Kind(EventType.ENROLLMENT_NOT_COMPLETED, TRAINING, 5),
)
RESTING = ((BY_HAND, 430), (AUTOMATIC, 300), (TRAINING, 120))
"""How many days ago the lives that rest began, at most."""


@dataclass(frozen=True, slots=True)
class Life:
    """An enrollment of a programme."""

    enrollment: Enrollment
    programme: Programme


def due_lives(kind: Kind, now: datetime, variants: int) -> list[Life]:
    """Lives of which exactly this is due by now, at different hours and since different days."""
    lives = []
    for variant in range(variants):
        due_at = now - DAY * (variant % LATE_BY)
        born = due_at - _age_at(kind, now) + _hour(variant)
        life = _grown(kind.programme, born, until=due_at - timedelta(microseconds=1))
        _expect(life, kind, due_at, now)
        lives.append(life)
    return lives


def resting_lives(now: datetime) -> list[Life]:
    """Lives of every age in which nothing is due by now."""
    return [
        _grown(programme, now - DAY * age + _hour(age), until=now)
        for programme, oldest in RESTING
        for age in range(1, oldest)
    ]


def waiting_lives(now: datetime) -> list[Life]:
    """Lives of every age up to a month in which the next course is awaited: the only one, the
    first of two, and the second of two."""
    lives = []
    for age in range(1, 31):
        born = now - DAY * age + _hour(age)
        lives += [
            Life(_enrolled(BY_HAND, born), BY_HAND),
            Life(_enrolled(TRAINING, born), TRAINING),
            _born(TRAINING, born),
        ]
    return lives


def may_recertify(life: Life) -> bool:
    """Whether a certificate is in force, its window is open, and nothing was made of that yet."""
    e, certification = life.enrollment, life.programme.certification
    due = Flag.DUE_FOR_RECERTIFICATION in flags(e, certification, e.updated_at)
    return due and e.standing is Standing.VALID


def _hour(variant: int) -> timedelta:
    return timedelta(hours=8 + variant % 9, minutes=7 * variant % 60)


def _age_at(kind: Kind, now: datetime) -> timedelta:
    """How old a life of whole days is when this happens to it first."""
    for due_at, event in _story(kind.programme, now):
        if event is kind.event:
            return due_at - now
    raise LookupError(f"{kind.event} never happens in {kind.programme.certification.key}")


def _story(programme: Programme, born: datetime) -> Iterator[tuple[datetime, EventType]]:
    """What time does to a life, and when."""
    life = _born(programme, born)
    certification = programme.certification
    while (due := next_due(life.enrollment, certification)) is not None:
        at, timer = due
        yield at, timer.says_at(life.enrollment, certification, at)
        life = replace(life, enrollment=advance(life.enrollment, certification, at).enrollment)


def _grown(programme: Programme, born: datetime, *, until: datetime) -> Life:
    """A life to which everything has happened that was due by then, each at its instant."""
    e = _born(programme, born).enrollment
    certification = programme.certification
    while (due := next_due(e, certification)) is not None and due[0] <= until:
        e = advance(e, certification, due[0]).enrollment
    return Life(e, programme)


def _born(programme: Programme, at: datetime) -> Life:
    """A learner enrolled, with the first course passed an hour later."""
    passed_at = at + timedelta(hours=1)
    fact = Fact(
        id="the fact",
        type=FactType.COURSE_COMPLETION,
        occurred_at=passed_at,
        recorded_at=passed_at,
        outcome=FactOutcome.PASSED,
        grade=85.0,
        course_id="C-1",
    )
    e = _enrolled(programme, at)
    e = decide(e, programme.certification, Record((fact,)), passed_at).enrollment
    return Life(e, programme)


def _enrolled(programme: Programme, at: datetime) -> Enrollment:
    """A learner enrolled, with nothing done."""
    certification = programme.certification
    e = blank(
        id=UUID(int=0xE),
        certification_id=certification.id,
        learner_id="the learner",
        seed="the seed",
        at=at,
    )
    return decide(e, certification, Enroll(source=Source.GROUP, group=GROUP), at).enrollment


def _expect(life: Life, kind: Kind, due_at: datetime, now: datetime) -> None:
    """A benchmark that measures something else than it says is worse than none."""
    decision = advance(life.enrollment, life.programme.certification, now)
    told = [(event.type, event.effective_at) for event in decision.events]
    if told != [(kind.event, due_at)]:
        raise AssertionError(f"{kind.event} was to happen at {due_at}, but {told}")
