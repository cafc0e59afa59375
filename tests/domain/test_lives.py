"""Lives: everything that can happen to a learner, in any order; the laws are asked after each."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Enroll, Record, Unassign
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact
from certsvc.domain.lifecycle import (
    advance,
    allowed_actions,
    decide,
    evidence_from,
    forecast,
    next_due_at,
)
from certsvc.domain.status import Standing, Status, Work
from tests.domain.history import HORIZON, TICK, History, alike, told
from tests.support.programmes import Document, republished
from tests.support.strategies import acts, enrolments, everything, facts, moments, publishable

CYCLE_ACTIONS = (
    Action.APPROVE,
    Action.REJECT,
    Action.CHANGE_DATES,
    Action.MOVE_TO_VERSION,
    Action.OVERRIDE_EXAM,
    Action.OVERRIDE_PAYMENT,
    Action.OVERRIDE_TRAINING,
    Action.RECERTIFY,
    Action.RESET_EXAM,
    Action.SUSPEND,
)


class Lives(RuleBasedStateMachine):
    """Everything that can happen to a learner, in any order; the laws are asked after each."""

    def __init__(self) -> None:
        super().__init__()
        self.h: History

    @initialize(
        document=publishable,
        following=publishable,
        automatic=st.booleans(),
        self_enrollment=st.sampled_from(("closed", "open", "open", "with_approval")),
        acceptance_required=st.sampled_from((False, False, False, True)),
    )
    def begin(self, document: Document, following: Document, **switches: Any) -> None:
        self.h = History([document, following], **switches)
        self.h.do(Enroll(source=Source.MANUAL))

    def certify(self) -> None:
        """The whole way to a certificate, where nothing stands in it."""
        if self.h.e.status in (Status.ASSIGNED, Status.APPLIED):
            self.h.do(Enroll(source=Source.SELF))
            self.h.do(Enroll(source=Source.MANUAL))
        self.report_everything(timedelta(0))
        if self.h.e.status is Status.PENDING_APPROVAL:
            self.h.do(Act(action=Action.APPROVE))

    # What people do

    @rule(data=st.data())
    def enrol(self, data: st.DataObject) -> None:
        self.h.do(data.draw(enrolments(self.h.now)))

    @precondition(lambda self: self.h.e.assignments)
    @rule(data=st.data())
    def unassign(self, data: st.DataObject) -> None:
        self.h.do(Unassign(data.draw(st.sampled_from(self.h.e.assignments)).id))

    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        self.h.do(data.draw(acts(self.h.e, self.h.now)))

    @rule(data=st.data())
    def act_as_allowed(self, data: st.DataObject) -> None:
        self.act_on(data, Action)

    @rule(data=st.data())
    def go_on_with_the_cycle(self, data: st.DataObject) -> None:
        self.act_on(data, CYCLE_ACTIONS)

    def act_on(self, data: st.DataObject, wanted: Iterable[Action]) -> None:
        h = self.h
        allowed = {Action(p.action) for p in allowed_actions(h.e, h.c, h.now) if p.allowed}
        chosen = [action for action in wanted if action in allowed]
        if chosen:
            h.do(data.draw(acts(h.e, h.now, chosen)))

    # What the LMS reports

    @rule(data=st.data())
    def report(self, data: st.DataObject) -> None:
        h = self.h
        h.numbers += 1
        known = h.facts_so_far()
        h.record(data.draw(facts(h.now, h.numbers, known)))

    @rule(data=st.data(), size=st.integers(2, 5))
    def report_a_batch(self, data: st.DataObject, size: int) -> None:
        h = self.h
        batch: list[Fact] = []
        for _ in range(size):
            h.numbers += 1
            batch.append(data.draw(facts(h.now, h.numbers, (*h.facts_so_far(), *batch))))
        permuted = data.draw(st.permutations(batch))
        one = decide(h.e, h.c, Record(tuple(batch)), h.now).enrollment
        other = decide(h.e, h.c, Record(tuple(permuted)), h.now).enrollment
        assert one == other, "the order within a batch matters"
        h.record(*batch)

    @rule(
        back=st.sampled_from((timedelta(0), timedelta(0), timedelta(hours=6), timedelta(days=40)))
    )
    def report_everything(self, back: timedelta) -> None:
        self.h.numbers += 1
        self.h.record(*everything(self.h.now, self.h.numbers, back))

    @precondition(lambda self: self.h.e.standing is not Standing.VALID)
    @rule()
    def complete(self) -> None:
        self.certify()

    @precondition(lambda self: self.h.e.cycle is None)
    @rule()
    def open(self) -> None:
        h = self.h
        if h.e.standing in (Standing.NONE, Standing.REVOKED):
            h.do(Enroll(source=Source.MANUAL))
        elif h.e.standing is Standing.DISALLOWED:
            h.do(Act(action=Action.RESTORE))
        else:
            h.do(Act(action=Action.RECERTIFY, early=True))

    # What time and the programme do

    @rule(by=moments)
    def wait(self, by: timedelta) -> None:
        self.h.advance(by)

    @precondition(lambda self: next_due_at(self.h.e, self.h.c) is not None)
    @rule(times=st.integers(1, 4), past=st.sampled_from((timedelta(0), timedelta(days=1))))
    def wait_for_what_is_due(self, times: int, past: timedelta) -> None:
        for _ in range(times):
            at = next_due_at(self.h.e, self.h.c)
            if at is not None and at < self.h.now + HORIZON:
                self.h.advance(at - self.h.now + past)

    @rule(name=st.sampled_from(("automatic", "archived")), value=st.booleans())
    def switch(self, name: str, value: bool) -> None:
        self.h.switch(name, value if name == "automatic" else not self.h.c.archived.now)

    @precondition(lambda self: len(self.h.c.versions) < len(self.h.documents))
    @rule()
    def publish(self) -> None:
        h = self.h
        h.catch_up()
        h.c = republished(h.c, h.documents[1], h.now)
        h.catch_up()

    # What holds after each

    @invariant()
    def one_status_holds(self) -> None:
        e = self.h.e
        assert isinstance(e.status, Status)
        assert e.cycle is None or e.cycle.closed_at is None
        if e.work in (Work.NOT_STARTED, Work.IN_PROGRESS, Work.PENDING_APPROVAL):
            assert e.cycle is not None
        if e.work in (Work.APPLIED, Work.ASSIGNED, Work.WAITING):
            assert e.plan is not None
        if e.standing in (Standing.VALID, Standing.GRACE, Standing.LAPSED):
            assert e.certificate is not None
            assert e.certificate.revoked_at is None
        if e.standing is Standing.VALID:
            expires_at = e.certificate.expires_at if e.certificate else None
            assert expires_at is None or self.h.now < expires_at
        if e.standing is Standing.GRACE:
            lapses_at = e.certificate.lapses_at if e.certificate else None
            assert lapses_at is None or self.h.now < lapses_at

    @invariant()
    def nothing_happens_before_it_is_due_and_something_when_it_is(self) -> None:
        h = self.h
        at = next_due_at(h.e, h.c)
        if at is None:
            far = advance(h.e, h.c, h.now + HORIZON)
            assert not far.events
            alike(far.enrollment, h.e)
            return
        assert at > h.now, "something was due already"
        before = advance(h.e, h.c, at - TICK)
        assert not before.events
        assert before.enrollment == h.e
        then = advance(h.e, h.c, at)
        assert then.events
        assert then.events[0].effective_at == at

    @invariant()
    def what_is_forecast_is_what_happens(self) -> None:
        h = self.h
        until = h.now + HORIZON
        foretold = forecast(h.e, h.c, h.now, until)
        happened = advance(h.e, h.c, until)
        assert told(foretold) == told(happened.events)

    @invariant()
    def the_actions_said_to_be_allowed_are_accepted(self) -> None:
        h = self.h
        for possibility in allowed_actions(h.e, h.c, h.now):
            action = Action(possibility.action)
            refusal = decide(h.e, h.c, Act(action=action), h.now).refusal
            if possibility.allowed:
                assert refusal is None or refusal.invalid, (action, refusal)
            else:
                assert refusal is not None, action
                assert refusal.reason_code == possibility.reason_code

    @invariant()
    def evidence_that_is_not_loaded_would_not_matter(self) -> None:
        """What lies before `evidence_from` changes nothing that time or a reminder decides."""
        h = self.h
        since = evidence_from(h.e)
        if since is None:
            return
        kept = tuple(f for f in h.e.evidence if f.occurred_at >= since or f.retracts is not None)
        less = replace(h.e, evidence=kept)
        until = h.now + HORIZON
        assert told(advance(less, h.c, until).events) == told(advance(h.e, h.c, until).events)
        one = decide(h.e, h.c, Record(everything(h.now, 999)), h.now)
        other = decide(less, h.c, Record(everything(h.now, 999)), h.now)
        assert told(one.events) == told(other.events)

    def teardown(self) -> None:
        """Law 8: the state as of any moment is what was recorded by then, and then advanced."""
        if not hasattr(self, "h"):
            return
        h = self.h
        for (at, _), (following, _) in pairwise(h.events):
            assert following >= at
        for at, (certification, state, recorded) in h.states.items():
            if recorded:
                _, last = h.events[recorded - 1]
                seated = replace(state, seats=state.places)
                replayed = replace(last.after, evidence=state.evidence, seats=state.places)
                alike(advance(replayed, certification, at).enrollment, seated)


def test_the_laws_hold_whatever_happens_in_whatever_order() -> None:
    run_state_machine_as_test(Lives, settings=settings(stateful_step_count=40))
