"""Seats given while enrollments are decided: who comes to need one gets it, or stands in line.

The rules say who needs a seat; which seats are given is settled here, for a whole batch at once,
while the courses concerned are held. Then those who got one are decided again with it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.allotment import allot
from certsvc.domain.seating import Key, with_seats
from certsvc.store import seats
from certsvc.store.seats import Asked
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
    """The places in line that are new; also where the same was given up just before."""
    e = outcome.decision.enrollment
    if not e.places:
        return []
    known: set[Key] = {seat.key for seat in outcome.asked.enrollment.seats}
    known -= set(outcome.decision.given_up)
    return [
        Asked(e.id, e.certification_id, e.learner_id, place)
        for place in e.places
        if place.session_id is None and place.key not in known
    ]


async def settle(conn: AsyncConnection, tenant: Tenant, outcomes: Sequence[Outcome]) -> Settled:
    """Give seats to those who come to need them, and hand on those that are given up; at the last
    of the instants at which this was decided."""
    batch = _Batch(conn, tenant, outcomes)
    for _ in range(ROUNDS):
        if not await batch.round():
            break
    return Settled(batch.outcomes, frozenset(batch.others))


class _Batch:
    """Outcomes while seats are given to them. What was written for one of them is not written
    again when it has been decided again."""

    def __init__(self, conn: AsyncConnection, tenant: Tenant, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.others: set[UUID] = set()
        self._conn = conn
        self._tenant = tenant
        self._places = {o.decision.enrollment.id: n for n, o in enumerate(outcomes) if _stands(o)}
        self._open = [n for n, outcome in enumerate(outcomes) if touches_seats(outcome)]
        self._gone: set[tuple[UUID, int, str]] = set()
        self._asked: set[tuple[UUID, int, str]] = set()

    async def round(self) -> bool:
        """Write what is new, hand out, and decide again those who got a seat. Whether any did."""
        touched = [self.outcomes[n] for n in self._open]
        gone = [key for outcome in touched for key in _gone(outcome) if key not in self._gone]
        asked = [
            one
            for o in touched
            for one in _asks(o)
            if (one.enrollment_id, *one.place.key) not in self._asked
        ]
        if not gone and not asked:
            return False
        self._gone |= set(gone)
        self._asked |= {(one.enrollment_id, *one.place.key) for one in asked}
        granted = await self._give(gone, asked, max(outcome.now for outcome in touched))
        self.others |= granted - self._places.keys()
        await self._decide_again(sorted(granted & self._places.keys()))
        return bool(self._open)

    async def _give(
        self, gone: list[tuple[UUID, int, str]], asked: list[Asked], now: datetime
    ) -> set[UUID]:
        conn, tenant = self._conn, self._tenant
        course_ids = {one.place.course_id for one in asked} | {course for _, _, course in gone}
        await seats.hold(conn, tenant.id, course_ids)
        if gone:
            await seats.give_up(conn, tenant.id, gone, now)
        if asked:
            await seats.ask(conn, tenant.id, asked)
        own = list(self._places)
        return await hand_out(conn, tenant, now, course_ids, own, self._gone)

    async def _decide_again(self, ids: list[UUID]) -> None:
        """With what they were given. A seat that comes in place of one that the same decision gave
        up is told afterwards, as others are told."""
        given = await seats.given(self._conn, self._tenant.id, ids) if ids else {}
        self._open = []
        for id, seat in given.items():
            place = self._places[id]
            outcome = self.outcomes[place]
            asked = outcome.asked
            given_up = set(outcome.decision.given_up)
            before = [one for one in asked.enrollment.seats if one.key in given_up]
            new = [one for one in seat.places if one.key not in given_up]
            if any(one.session_id and one.key in given_up for one in seat.places):
                self.others.add(id)
            with_them = with_seats(asked.enrollment, (*before, *new))
            if with_them is not asked.enrollment:
                self.outcomes[place] = decided_again(outcome, replace(asked, enrollment=with_them))
                self._open.append(place)


def _gone(outcome: Outcome) -> list[tuple[UUID, int, str]]:
    id = outcome.decision.enrollment.id
    return [(id, *key) for key in outcome.decision.given_up]


def _stands(outcome: Outcome) -> bool:
    """Whether what was decided is written, if anything is: a refusal writes nothing."""
    return outcome.decision.refusal is None and outcome.error is None


async def hand_out(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    course_ids: Iterable[str],
    own: Sequence[UUID] = (),
    late: Collection[tuple[UUID, int, str]] = (),
) -> set[UUID]:
    """Give the free seats of courses, which are held, to the first in line; who they are.

    While somebody is due who may want a seat from an earlier instant on, nobody later gets one:
    whoever is decided next, or the scheduler, hands it out. `own` are enrollments under way, which
    are told in this transaction, but for seats that are `late`: those they just gave up."""
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
        known = set(own)
        told = [
            one.to.enrollment_id in known
            and (one.to.enrollment_id, one.to.cycle, one.to.course_id) not in late
            for one in allotted
        ]
        await seats.give(conn, tenant.id, allotted, told)
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
