"""Seats given while enrollments are decided: who comes to need one gets it, or stands in line.

The rules say who needs a seat; which seats are given is settled here, for a whole batch at once,
while the courses concerned are held. Then those who got one are decided again with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.allotment import allot
from certsvc.domain.seating import Key, with_seats
from certsvc.store import seats
from certsvc.store.seats import Asked, Given
from certsvc.store.tenants import Tenant
from certsvc.usecases.decide import Outcome, decided_again

ROUNDS = 4
"""A seat may complete a cycle at once, and so be given up again: how often that is looked at."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Outcomes with their seats, and the other enrollments that were given some."""

    outcomes: list[Outcome]
    others: frozenset[UUID]


def touches_seats(outcome: Outcome) -> bool:
    """Whether somebody comes to need a seat, or needs one no more."""
    return bool(outcome.moved and (_asks(outcome) or outcome.decision.given_up))


def _asks(outcome: Outcome) -> list[Asked]:
    """The places in line that are new."""
    e = outcome.decision.enrollment
    if not e.places:
        return []
    known: set[Key] = {seat.key for seat in outcome.asked.enrollment.seats}
    return [
        Asked(e.id, e.certification_id, e.learner_id, place)
        for place in e.places
        if place.session_id is None and place.key not in known
    ]


async def settle(conn: AsyncConnection, tenant: Tenant, outcomes: Sequence[Outcome]) -> Settled:
    """Give seats to those who come to need them, and hand on those that are given up; at the last
    of the instants at which this was decided."""
    settled = list(outcomes)
    others: set[UUID] = set()
    open_places = [place for place, outcome in enumerate(settled) if touches_seats(outcome)]
    places = {o.decision.enrollment.id: n for n, o in enumerate(settled) if _stands(o)}
    for _ in range(ROUNDS):
        if not open_places:
            break
        touched = [settled[n] for n in open_places]
        now = max(outcome.now for outcome in touched)
        granted = await _give(conn, tenant, now, touched, list(places))
        others |= granted - places.keys()
        own = sorted(granted & places.keys())
        given = await seats.given(conn, tenant.id, own) if own else {}
        for id, seat in given.items():
            settled[places[id]] = _with(settled[places[id]], seat)
        again = [places[id] for id in own]
        open_places = [n for n in again if touches_seats(settled[n])]
    return Settled(settled, frozenset(others))


def _stands(outcome: Outcome) -> bool:
    """Whether what was decided is written, if anything is: a refusal writes nothing."""
    return outcome.decision.refusal is None and outcome.error is None


def _with(outcome: Outcome, given: Given) -> Outcome:
    asked = outcome.asked
    seated = with_seats(asked.enrollment, given.places)
    return decided_again(outcome, replace(asked, enrollment=seated))


async def _give(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    outcomes: Sequence[Outcome],
    own: Sequence[UUID],
) -> set[UUID]:
    """Write what is asked for and given up; the enrollments that get a seat for it."""
    asked = [one for outcome in outcomes for one in _asks(outcome)]
    gone = [
        (outcome.decision.enrollment.id, *key)
        for outcome in outcomes
        for key in outcome.decision.given_up
    ]
    course_ids = {one.place.course_id for one in asked} | {course for _, _, course in gone}
    await seats.hold(conn, tenant.id, course_ids)
    if gone:
        await seats.give_up(conn, tenant.id, gone, now)
    if asked:
        await seats.ask(conn, tenant.id, asked)
    return await hand_out(conn, tenant, now, course_ids, own)


async def hand_out(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    course_ids: Iterable[str],
    own: Sequence[UUID] = (),
) -> set[UUID]:
    """Give the free seats of courses, which are held, to the first in line; who they are.

    While somebody is due who may want a seat from an earlier instant on, nobody later gets one:
    whoever is decided next, or the scheduler, hands it out. `own` are enrollments under way."""
    named = sorted(course_ids)
    rooms = await seats.room(conn, tenant.id, named, now)
    if not rooms:
        return set()
    many: dict[str, int] = {}
    for room in rooms:
        free = _MANY if room.free is None else room.free
        many[room.course_id] = min(_MANY, many.get(room.course_id, 0) + free)
    before = await seats.horizon(conn, tenant.id, named, now, own)
    line = await seats.line(conn, tenant.id, many, before)
    allotted = allot(rooms, line)
    if allotted:
        await seats.give(conn, tenant.id, allotted, own)
    return {one.to.enrollment_id for one in allotted}


_MANY = 100_000
"""Seats that are handed out at once, at most."""


async def know(conn: AsyncConnection, tenant: Tenant, outcomes: Sequence[Outcome]) -> None:
    """Note that enrollments were told what they had been given before."""
    told = [
        (outcome.decision.enrollment.id, seat)
        for outcome in outcomes
        if _stands(outcome) and outcome.ask.locked is not None and outcome.ask.locked.untold
        for seat in outcome.ask.locked.enrollment.seats
    ]
    if told:
        await seats.told(conn, tenant.id, told)


async def hand_on(
    conn: AsyncConnection, tenant: Tenant, now: datetime, limit: int
) -> frozenset[UUID]:
    """Give what is free to those in line, whatever kept it from them; who has news of seats."""
    course_ids = await seats.lined_up(conn, tenant.id)
    given: set[UUID] = set()
    if course_ids:
        await seats.hold(conn, tenant.id, course_ids)
        given = await hand_out(conn, tenant, now, course_ids)
    return frozenset(given | set(await seats.untold(conn, tenant.id, limit)))
