"""Everything that was done to one learner, and the comparisons that the laws ask for."""

from collections.abc import Callable, Sequence
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
from certsvc.domain.seating import with_seats
from tests.support.builders import ENROLLMENT, MONDAY, assert_lawful
from tests.support.programmes import CERTIFICATION, Document, programme
from tests.support.worlds import Hall

TICK = timedelta(microseconds=1)
HORIZON = timedelta(days=4 * 365)
ROUNDS = 20
"""How often a learner may be given seats for one thing that happens."""


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
        self.hall = Hall()

    def facts_so_far(self) -> tuple[Fact, ...]:
        return self.e.evidence

    def settle(self, decided: Callable[[Enrollment], Decision]) -> Decision:
        """What is decided with the seats that are given for it, as the service does: who comes to
        need one and gets it is decided again with it."""
        asked = self.e
        for _ in range(ROUNDS):
            decision = decided(asked)
            assert_lawful(asked, decision, self.now)
            if not self.hall.serve(asked, decision, self.now):
                break
            asked = with_seats(asked, self.hall.seats_of(asked, decision))
        else:
            raise AssertionError("seats are given and given up in turn")
        self.events.extend((self.now, event) for event in decision.events)
        self.e = with_seats(decision.enrollment, self.hall.seats)
        self.states[self.now] = self.c, self.e, len(self.events)
        if advance(self.e, self.c, self.now).events:
            self.catch_up()
        return decision

    def do(self, command: Command) -> Decision:
        """Decide, and check on the way what holds for every command (laws 3 and 5)."""
        return self.settle(lambda e: self._decided(e, command))

    def _decided(self, e: Enrollment, command: Command) -> Decision:
        advanced = advance(e, self.c, self.now)
        decision = decide(e, self.c, command, self.now)
        again = decide(advanced.enrollment, self.c, command, self.now)
        assert again.enrollment == decision.enrollment, "deciding differs from advancing first"
        assert (*advanced.events, *again.events) == decision.events
        assert (again.refusal is None) == (decision.refusal is None)
        if decision.refusal is not None:
            assert replace(decision, refusal=None) == advanced, "a refused command wrote something"
        return decision

    def catch_up(self) -> None:
        """Let time do what is due by now."""
        self.settle(lambda e: advance(e, self.c, self.now))

    def record(self, *facts: Fact) -> None:
        self.do(Record(facts))

    def advance(self, by: timedelta) -> None:
        assert_two_steps_equal_one(self.e, self.c, self.now, self.now + by)
        self.now += by
        self.catch_up()
        assert not advance(self.e, self.c, self.now).events, "advancing twice differs from once"

    def switch(self, name: str, value: bool) -> None:
        """Switches are set after everything is up to now, as the service does."""
        self.catch_up()
        self.change(**{name: getattr(self.c, name).turned(value, self.now)})

    def change(self, **fields: Any) -> None:
        """The certification changes, and what follows from that happens."""
        self.c = replace(self.c, **fields)
        self.catch_up()

    def seats_changed(self) -> None:
        """Sessions have changed: what is free is handed out, and told."""
        self.hall.hand_out(self.now)
        self.e = with_seats(self.e, self.hall.seats)
        self.catch_up()


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
