"""A life: one enrollment led through real commands, and the facts that an LMS would report.

`Life` keeps the clock, the certification and everything that was told. A refusal that a test did
not ask for fails it at once, and so does a decision that breaks a law of the model.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Command, Enroll, Record, Unassign
from certsvc.domain.describe import flags
from certsvc.domain.enrollment import Certificate, Cycle, Enrollment, Place, Source, blank
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.lifecycle import advance, allowed_actions, decide, next_due_at
from certsvc.domain.outcome import Decision, Event, Possibility, Refusal
from certsvc.domain.status import Flag, Standing, Status, Work
from tests.support.programmes import (
    CERTIFICATION,
    COURSE,
    EXAM,
    Document,
    definition,
    path,
    programme,
    utc,
)

ENROLLMENT = UUID("018cc251-f400-7000-8000-00000000e001")
MONDAY = utc("2026-01-05T09:00")
DAY = timedelta(days=1)


class Life:
    """One learner in one certification, from the first day on."""

    def __init__(self, certification: Certification | None = None, at: datetime = MONDAY) -> None:
        self.c = programme() if certification is None else certification
        self.now = at
        self.e = blank(
            id=ENROLLMENT, certification_id=CERTIFICATION, learner_id="u-17", seed="seed", at=at
        )
        self.told: list[Event] = []
        self.last: Decision = Decision(self.e)
        self._facts = 0

    # Time

    def at(self, moment: str | datetime) -> "Life":
        """Time goes on to the moment, and does what is due."""
        self.now = utc(moment) if isinstance(moment, str) else moment
        self._take(advance(self.e, self.c, self.now))
        return self

    def later(self, **by: float) -> "Life":
        """Time goes on by so much."""
        return self.at(self.now + timedelta(**by))

    @property
    def due(self) -> datetime | None:
        """When time does something next."""
        return next_due_at(self.e, self.c)

    # Commands

    def do(self, command: Command) -> Decision:
        """Do what must be accepted."""
        decision = decide(self.e, self.c, command, self.now)
        assert decision.refusal is None, f"{command} was refused: {decision.refusal}"
        return self._take(decision)

    def refused(self, command: Command | Action, **takes: Any) -> Refusal:
        """Try what must be refused; nothing changes."""
        if isinstance(command, Action):
            command = Act(action=command, **takes)
        before = advance(self.e, self.c, self.now)
        decision = decide(self.e, self.c, command, self.now)
        assert decision.refusal is not None, f"{command} was accepted"
        assert replace(decision, refusal=None) == before, "a refused command changed something"
        return decision.refusal

    def act(self, action: Action, **takes: Any) -> Decision:
        """One action of the grid."""
        return self.do(Act(action=action, **takes))

    def enroll(self, source: Source = Source.MANUAL, **takes: Any) -> "Life":
        """One more assignment."""
        self.do(Enroll(source=source, **takes))
        return self

    def unassign(self, source: Source | None = None) -> "Life":
        """Take away every assignment, or those of one source."""
        for assignment in self.e.assignments:
            if source in (None, assignment.source):
                self.do(Unassign(assignment.id))
        return self

    def record(self, *facts: Fact) -> "Life":
        """The LMS reports these facts now, in one batch."""
        self.do(Record(tuple(replace(fact, recorded_at=self.now) for fact in facts)))
        return self

    def switch(self, **changes: Any) -> "Life":
        """Switches are set now: `archived`, `automatic`, or a plain field of the certification."""
        for name in ("archived", "automatic"):
            if name in changes:
                changes[name] = getattr(self.c, name).turned(changes[name], self.now)
        self.c = replace(self.c, **changes)
        return self.at(self.now)

    def given(self, session_id: str | None, **more: Any) -> "Life":
        """A seat in the class is given outside of the rules, or a place in line for one."""
        number = self.e.cycles + 1 if self.e.cycle is None else self.e.cycle.number
        place = Place(number, "C-7", session_id, more.pop("since", self.now), **more)
        others = tuple(seat for seat in self.e.seats if seat.key != place.key)
        self.e = replace(self.e, seats=(*others, place))
        return self

    def _take(self, decision: Decision) -> Decision:
        assert_lawful(self.e, decision, self.now)
        self.e = decision.enrollment
        self.told.extend(decision.events)
        self.last = decision
        return decision

    # What is there

    @property
    def status(self) -> Status:
        return self.e.status

    def reads(self, status: Status) -> bool:
        """Whether that is the headline. (A property that is compared twice would be narrowed.)"""
        assert self.status is status, f"the status is {self.status}"
        return True

    @property
    def standing(self) -> Standing:
        return self.e.standing

    @property
    def work(self) -> Work:
        return self.e.work

    @property
    def cycle(self) -> Cycle:
        assert self.e.cycle is not None, "no cycle is open"
        return self.e.cycle

    @property
    def certificate(self) -> Certificate:
        assert self.e.certificate is not None, "there is no certificate"
        return self.e.certificate

    @property
    def flags(self) -> tuple[Flag, ...]:
        return flags(self.e, self.c, self.now)

    @property
    def possibilities(self) -> dict[Action, Possibility]:
        return {Action(p.action): p for p in allowed_actions(self.e, self.c, self.now)}

    @property
    def says(self) -> list[EventType]:
        """What the last decision said."""
        return [event.type for event in self.last.events]

    def events(self, *types: EventType) -> list[Event]:
        """What was told so far, of these types (of all, where none is named)."""
        return [event for event in self.told if not types or event.type in types]

    def diary(self, *types: EventType) -> list[tuple[str, str]]:
        """What was told so far, as (UTC minute, type)."""
        return [(f"{e.effective_at:%Y-%m-%dT%H:%M}", e.type.value) for e in self.events(*types)]

    # Facts

    def fact(self, type: FactType, at: str | datetime | None = None, **takes: Any) -> Fact:
        """A fact that was true at the moment (now, where none is named), not reported yet."""
        self._facts += 1
        moment = utc(at) if isinstance(at, str) else at or self.now
        id = takes.pop("id", f"F-{self._facts:03}")
        return Fact(id=id, type=type, occurred_at=moment, recorded_at=self.now, **takes)

    def course(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """A course, passed with 85 unless said otherwise."""
        takes = {"course_id": "C-1", "outcome": FactOutcome.PASSED, "grade": 85.0} | takes
        return self.fact(FactType.COURSE_COMPLETION, at, **takes)

    def exam(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """An exam attempt, passed with 85 unless said otherwise."""
        takes = {"exam_id": "X-1", "outcome": FactOutcome.PASSED, "grade": 85.0} | takes
        return self.fact(FactType.EXAM_ATTEMPT, at, **takes)

    def failed_exam(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """An exam attempt that did not reach the score."""
        return self.exam(at, **({"outcome": FactOutcome.FAILED, "grade": 40.0} | takes))

    def test_out(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """A test-out attempt, passed unless said otherwise."""
        takes = {"exam_id": "X-9", "outcome": FactOutcome.PASSED, "grade": 95.0} | takes
        return self.fact(FactType.TEST_OUT_ATTEMPT, at, **takes)

    def external(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """External work, handed in."""
        takes = {"step": "practice", "outcome": FactOutcome.SUBMITTED} | takes
        return self.fact(FactType.EXTERNAL, at, **({"certification_id": CERTIFICATION} | takes))

    def credits(self, amount: float, at: str | datetime | None = None, **takes: Any) -> Fact:
        """Credits of a category."""
        return self.fact(FactType.CREDITS, at, **({"category": "ethics", "amount": amount} | takes))

    def session(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """A live session, attended."""
        takes = {"course_id": "C-7", "outcome": FactOutcome.ATTENDED} | takes
        return self.fact(FactType.SESSION_ATTENDANCE, at, **takes)

    def payment(self, at: str | datetime | None = None, **takes: Any) -> Fact:
        """The fee of this certification, paid."""
        takes = {"outcome": FactOutcome.PAID, "certification_id": CERTIFICATION} | takes
        return self.fact(FactType.PAYMENT, at, **takes)

    def refund(self, at: str | datetime | None = None) -> Fact:
        """The fee is given back."""
        return self.payment(at, outcome=FactOutcome.REFUNDED)

    def retraction(self, of: Fact, at: str | datetime | None = None) -> Fact:
        """A fact is taken back."""
        return self.fact(FactType.RETRACTION, at, retracts=of.id)


def assert_lawful(before: Enrollment, decision: Decision, now: datetime) -> None:
    """What holds after every decision whatsoever (lifecycle, 6: laws 5 and 6)."""
    after = decision.enrollment
    assert after.cycle is None or after.plan is None, "a cycle is open and another is planned"
    assert after.cycles >= before.cycles
    assert after.revision >= before.revision
    assert after.sequence == before.sequence + len(decision.events), "sequence has a gap"
    assert [e.sequence for e in decision.events] == list(
        range(before.sequence + 1, after.sequence + 1)
    )
    recorded_at = max(now, before.updated_at)
    revision, index = before.revision, 0
    for event in decision.events:
        assert event.effective_at <= recorded_at, "an effective time lies after its record"
        if event.revision != revision:
            assert (event.revision, event.index) == (revision + 1, 0)
            revision, index = event.revision, 0
        assert event.index == index
        index += 1
        assert event.after.revision == event.revision
    assert after.revision == revision
    if decision.events:
        told = replace(decision.events[-1].after, evidence=after.evidence, seats=after.seats)
        assert told == after, "not told"
        assert after.updated_at == recorded_at
    else:
        assert replace(after, evidence=()) == replace(before, evidence=()), "a silent change"
    _assert_one_certificate_in_force(before, decision)


def _assert_one_certificate_in_force(before: Enrollment, decision: Decision) -> None:
    after = decision.enrollment
    known = {} if before.certificate is None else {before.certificate.id: before.certificate}
    known |= {certificate.id: certificate for certificate in decision.certificates}
    good = [
        certificate
        for certificate in known.values()
        if not (certificate.superseded_at or certificate.revoked_at or certificate.lapsed_at)
    ]
    if after.in_force is not None:
        assert after.in_force in good
    assert after.certificate is None or known[after.certificate.id] == after.certificate
    assert len(good) - (1 if _history_only(after, good) else 0) <= 1, "two certificates in force"


def _history_only(after: Enrollment, good: list[Certificate]) -> bool:
    """A certificate that went to history alone was never in force here."""
    return any(certificate is not after.certificate for certificate in good)


# Lives that have come to a status


def yearly(initial: Document | None = None, **takes: Any) -> Certification:
    """A certification good for a year with this initial path; the rest goes to the policy."""
    return programme(definition(initial, **takes))


def certified(certification: Certification | None = None, at: datetime = MONDAY) -> Life:
    """Certified at the instant at which the only course was passed, on the day of enrolment."""
    life = Life(certification, at).enroll()
    life.record(life.course())
    assert life.status is Status.CERTIFIED
    return life


RICH = definition(
    path(COURSE, exam=EXAM, payment_required=True, approval_required=True),
    due={"after": "P30D"},
    completion_limit={"after": "P1Y"},
    lapsing_notices=["P7D"],
    on_lapse="restart",
)
"""All that a path and a policy can ask for, so that every action and timer has its object."""


def rich(**switches: Any) -> Life:
    """A life before its enrolment, in a certification that asks for everything."""
    return Life(programme(RICH, **switches))


def begun(life: Life) -> Life:
    """Paid and trained; the exam and the sign-off are left."""
    life.record(life.payment(), life.course())
    return life


def done(life: Life) -> Life:
    """Everything is done but the sign-off."""
    begun(life).record(life.exam())
    return life


def _certified() -> Life:
    done(life := rich().enroll()).act(Action.APPROVE)
    return life


def _due() -> Life:
    return _certified().at("2026-12-20T09:00")


def _recertifying() -> Life:
    (life := _due()).act(Action.RECERTIFY)
    return life


def _acted(life: Life, action: Action) -> Life:
    life.act(action)
    return life


TYPICAL: dict[Status, Callable[[], Life]] = {
    Status.APPLIED: lambda: rich(self_enrollment="with_approval").enroll(Source.SELF),
    Status.ASSIGNED: lambda: rich(acceptance_required=True).enroll(),
    Status.NOT_STARTED: lambda: rich().enroll(),
    Status.IN_PROGRESS: lambda: begun(rich().enroll()),
    Status.PENDING_APPROVAL: lambda: done(_recertifying()),
    Status.CERTIFIED: _due,
    Status.EXPIRED: lambda: _certified().at("2027-01-20T09:00"),
    Status.LAPSED: lambda: _certified().at("2027-04-01T09:00"),
    Status.RECERTIFYING: _recertifying,
    Status.REVOKED: lambda: _acted(_recertifying(), Action.REVOKE),
    Status.DISALLOWED: lambda: _acted(_due(), Action.PERMANENT_REVOKE),
    Status.SUSPENDED: lambda: _acted(_due(), Action.SUSPEND),
    Status.INACTIVE: lambda: _acted(rich().enroll(), Action.DEACTIVATE),
    Status.DECLINED: lambda: _acted(TYPICAL[Status.APPLIED](), Action.DECLINE_APPLICATION),
    Status.NOT_COMPLETED: lambda: _acted(rich().enroll(), Action.MARK_NOT_COMPLETED),
    Status.CANCELLED: lambda: _acted(rich().enroll(), Action.CANCEL),
    Status.REMOVED: lambda: rich().enroll().unassign(),
}
"""A life in each status: the credential, where there is one, is due for recertification; a fee is
due where a cycle has just opened."""


def typical(status: Status) -> Life:
    """A life that real commands have brought to the status."""
    life = TYPICAL[status]()
    assert life.status is status
    return life
