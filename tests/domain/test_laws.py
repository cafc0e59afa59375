"""The laws of the model, as properties over random definitions, commands and instants.

Law 9 (bulk equals single, two schedulers equal one) needs a store and is tested there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Enroll, Record
from certsvc.domain.enrollment import Enrollment, Source
from certsvc.domain.evidence import Fact
from certsvc.domain.lifecycle import (
    advance,
    decide,
    forecast,
    next_due_at,
)
from certsvc.domain.status import STATUSES, Axes, Standing, Status, Work, headline
from tests.domain.history import HORIZON, History, told
from tests.support.builders import MONDAY
from tests.support.programmes import Document
from tests.support.strategies import everything, facts, moments, publishable

# Law 10: the order of arrival


@st.composite
def learners(draw: st.DrawFn) -> History:
    """Someone in an open first cycle of a random programme, some days in."""
    h = History([draw(publishable)], self_enrollment="open")
    h.do(Enroll(source=Source.MANUAL, opens_at=MONDAY, counts_from=MONDAY - timedelta(days=60)))
    h.advance(draw(st.sampled_from((timedelta(0), timedelta(days=3), timedelta(days=20)))))
    assume(h.e.cycle is not None)
    return h


@st.composite
def reports(draw: st.DrawFn, now: datetime) -> list[Fact]:
    """A handful of facts, some of them taken back, some at the same instant."""
    found: list[Fact] = []
    for number in range(draw(st.integers(2, 6))):
        found.append(draw(facts(now, number, tuple(found))))
    return found


def in_turn(h: History, reported: Sequence[Fact]) -> tuple[Enrollment, bool]:
    """One fact after another at one instant; whether the cycle stayed open throughout."""
    e, number = h.e, h.e.cycles
    for fact in reported:
        e = decide(e, h.c, Record((fact,)), h.now).enrollment
        if e.cycle is None or e.cycle.number != number:
            return e, False
    return e, True


@given(st.data())
def test_the_order_of_arrival_does_not_matter_while_no_order_completes(
    data: st.DataObject,
) -> None:
    h = data.draw(learners())
    reported = data.draw(reports(h.now))
    one, open_throughout = in_turn(h, reported)
    other, open_again = in_turn(h, data.draw(st.permutations(reported)))
    if open_throughout and open_again:
        assert (one.status, one.work, one.standing) == (other.status, other.work, other.standing)
        assert one.cycle == other.cycle


@given(st.data())
def test_in_one_batch_the_order_never_matters(data: st.DataObject) -> None:
    h = data.draw(learners())
    reported = data.draw(reports(h.now))
    if data.draw(st.booleans()):
        reported += everything(h.now, 99, timedelta(days=2))
    one = decide(h.e, h.c, Record(tuple(reported)), h.now)
    other = decide(h.e, h.c, Record(tuple(data.draw(st.permutations(reported)))), h.now)
    assert one == other


@given(st.data())
def test_later_arrivals_change_no_issued_certificate(data: st.DataObject) -> None:
    h = data.draw(learners())
    h.record(*everything(h.now, 99))
    if h.e.status is Status.PENDING_APPROVAL:
        h.do(Act(action=Action.APPROVE))
    assume(h.e.certificate is not None)
    before = h.e.certificate
    reported = data.draw(reports(h.now))
    after = decide(h.e, h.c, Record(tuple(reported)), h.now).enrollment.certificate
    assert before is not None
    assert after is not None
    assert replace(after, retracted=False) == replace(before, retracted=False)


# Law 6: exactly one status


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize("work", list(Work))
@pytest.mark.parametrize("standing", list(Standing))
def test_the_headline_is_the_first_row_that_holds(
    standing: Standing, work: Work, suspended: bool, initial: bool
) -> None:
    axes = Axes(standing, work, suspended, initial)
    holding = [row.status for row in STATUSES if row.holds(axes)]
    assert headline(standing, work, suspended, initial) is holding[0]
    assert holding[-1] is Status.REMOVED
    assert [row.status for row in STATUSES] == list(Status)


# Laws 1, 2 and 7 over a whole working life


@given(publishable, st.booleans(), moments, moments)
def test_a_forecast_comes_true_however_often_time_is_looked_at(
    document: Document, automatic: bool, first: timedelta, second: timedelta
) -> None:
    h = History([document], automatic=automatic)
    h.do(Enroll(source=Source.MANUAL))
    h.advance(first)
    h.record(*everything(h.now, 1))
    if h.e.status is Status.PENDING_APPROVAL:
        h.do(Act(action=Action.APPROVE))
    until = h.now + 3 * HORIZON
    foretold = told(forecast(h.e, h.c, h.now, until))
    assert told(advance(h.e, h.c, until).events) == foretold
    before = len(h.events)
    h.advance(second)
    while (at := next_due_at(h.e, h.c)) is not None and at <= until:
        h.advance(at - h.now)
    assert told([event for _, event in h.events[before:]]) == foretold
