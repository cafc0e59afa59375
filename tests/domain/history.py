"""Everything that was done to one learner, and the comparisons that the laws ask for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from certsvc.domain.certification import Certification
from certsvc.domain.commands import Command, Record
from certsvc.domain.enrollment import Enrollment, blank
from certsvc.domain.evidence import Fact
from certsvc.domain.lifecycle import (
    advance,
    decide,
)
from certsvc.domain.outcome import Decision, Event
from tests.support.builders import ENROLLMENT, MONDAY, assert_lawful
from tests.support.programmes import CERTIFICATION, Document, programme

TICK = timedelta(microseconds=1)
HORIZON = timedelta(days=4 * 365)


class History:
    """Everything that was done to one learner, so that any law can be asked of any moment."""

    def __init__(self, documents: Sequence[Document], **switches: Any) -> None:
        self.documents = list(documents)
        self.c: Certification = programme(self.documents[0], **switches)
        self.now = MONDAY
        self.e: Enrollment = blank(
            id=ENROLLMENT, certification_id=CERTIFICATION, learner_id="u-1", seed="s", at=MONDAY
        )
        self.events: list[tuple[datetime, Event]] = []
        self.states: dict[datetime, tuple[Certification, Enrollment, int]] = {}
        self.numbers = 0

    def facts_so_far(self) -> tuple[Fact, ...]:
        return self.e.evidence

    def take(self, decision: Decision) -> Decision:
        assert_lawful(self.e, decision, self.now)
        self.events.extend((self.now, event) for event in decision.events)
        self.e = decision.enrollment
        self.states[self.now] = self.c, self.e, len(self.events)
        return decision

    def do(self, command: Command) -> Decision:
        """Decide, and check on the way what holds for every command (laws 3 and 5)."""
        advanced = advance(self.e, self.c, self.now)
        decision = decide(self.e, self.c, command, self.now)
        again = decide(advanced.enrollment, self.c, command, self.now)
        assert again.enrollment == decision.enrollment, "deciding differs from advancing first"
        assert (*advanced.events, *again.events) == decision.events
        assert (again.refusal is None) == (decision.refusal is None)
        if decision.refusal is not None:
            assert replace(decision, refusal=None) == advanced, "a refused command wrote something"
        return self.take(decision)

    def record(self, *facts: Fact) -> None:
        self.do(Record(facts))

    def advance(self, by: timedelta) -> None:
        assert_two_steps_equal_one(self.e, self.c, self.now, self.now + by)
        self.now += by
        self.take(advance(self.e, self.c, self.now))
        assert not advance(self.e, self.c, self.now).events, "advancing twice differs from once"

    def switch(self, name: str, value: bool) -> None:
        """Switches are set after everything is up to now, as the service does."""
        self.take(advance(self.e, self.c, self.now))
        turned = getattr(self.c, name).turned(value, self.now)
        self.c = replace(self.c, **{name: turned})
        self.take(advance(self.e, self.c, self.now))


def alike(one: Enrollment, other: Enrollment) -> None:
    """Equal but for the bookkeeping of when it was written."""
    assert replace(one, updated_at=MONDAY) == replace(other, updated_at=MONDAY)


def told(events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """Events without `stale` and without the state after."""
    return [
        (e.id, e.type, e.sequence, e.revision, e.index, e.effective_at, e.data, e.before_status)
        for e in events
    ]


def assert_two_steps_equal_one(
    e: Enrollment, c: Certification, now: datetime, then: datetime
) -> None:
    """Law 1, by way of the middle and by way of everything that is due (law 7)."""
    one = advance(e, c, then)
    middle = now + (then - now) / 3
    first = advance(e, c, middle)
    second = advance(first.enrollment, c, then)
    assert told((*first.events, *second.events)) == told(one.events)
    alike(second.enrollment, one.enrollment)
    state = e
    for event in one.events:  # tick by tick, each at its own instant
        state = advance(state, c, max(event.effective_at, now)).enrollment
    alike(advance(state, c, then).enrollment, one.enrollment)
