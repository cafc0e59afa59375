"""Seats under contention: none is sold twice, and nobody in line is overtaken.

A hundred enrolments, cancellations and changes of capacity run at once, in every interleaving that
the event loop and the database come to; after each round the books are compared.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Source
from certsvc.domain.status import Work
from certsvc.store import enrollments, seats, sessions
from certsvc.store.author import Author
from certsvc.store.db import driver, transaction
from certsvc.store.errors import Conflict
from certsvc.usecases import courses, upkeep
from certsvc.usecases.answers import Acted
from certsvc.usecases.command import command_one
from certsvc.usecases.courses import CourseTold
from certsvc.usecases.enroll import Enrolled, EnrollRequest, enroll
from certsvc.usecases.sessions import SessionTold, cancel, tell
from certsvc.usecases.tick import run_once
from tests.support.classroom import ONLY_COURSE
from tests.support.programmes import SESSION, definition, path
from tests.support.stage import MONDAY, Stage

BOSS = Author("key:boss", reason="because")
CLASS = "C-7"


@dataclass
class School:
    """A class with sessions, in a live tenant whose clock the test holds."""

    stage: Stage
    certification: Certification
    people: dict[str, UUID] = field(default_factory=dict)

    @classmethod
    async def found(cls, engine: AsyncEngine, *, overbooking: bool = False) -> "School":
        stage = await Stage.set(engine)
        document = definition(path(SESSION, ONLY_COURSE))
        certification = await stage.certification(document, automatic=True)
        school = cls(stage, certification)
        async with transaction(engine) as conn:
            await driver(conn).execute(
                "INSERT INTO certification_courses VALUES ($1, $2, $3, 1)",
                stage.tenant.id,
                CLASS,
                certification.id,
            )
            told = CourseTold(id=CLASS, overbooking=overbooking)
            await courses.tell(conn, stage.tenant, MONDAY, told)
        return school

    async def persistently(self, work: Callable[[AsyncConnection], Awaitable[object]]) -> object:
        """As the API does: again after a deadlock, which the database resolves."""
        while True:
            try:
                async with transaction(self.stage.engine) as conn:
                    return await work(conn)
            except Conflict:
                await asyncio.sleep(0.01)

    async def enroll(self, learner: str, at: timedelta = timedelta()) -> None:
        request = EnrollRequest(
            certification=self.certification.id, learner_id=learner, source=Source.MANUAL
        )

        async def work(conn: AsyncConnection) -> Enrolled:
            (one,) = await enroll(conn, self.stage.tenant, MONDAY + at, [request], BOSS)
            assert isinstance(one, Enrolled)
            return one

        enrolled = await self.persistently(work)
        assert isinstance(enrolled, Enrolled)
        self.people[learner] = enrolled.enrollment.id

    async def cancel(self, learner: str) -> None:
        act = Act(action=Action.CANCEL)

        async def work(conn: AsyncConnection) -> object:
            return await command_one(
                conn,
                self.stage.tenant,
                MONDAY,
                self.people[learner],
                act,
                BOSS,
                expected_revision=None,
            )

        assert isinstance(await self.persistently(work), Acted)

    async def session(self, id: str, capacity: int | None) -> None:
        told = SessionTold(course_id=CLASS, id=id, capacity=capacity)
        await self.persistently(lambda conn: tell(conn, self.stage.tenant, MONDAY, told))

    async def cancel_session(self, id: str) -> None:
        await self.persistently(lambda conn: cancel(conn, self.stage.tenant, MONDAY, CLASS, id))

    async def books(self) -> "Books":
        async with transaction(self.stage.engine) as conn:
            rows = await driver(conn).fetch(
                "SELECT enrollment_id, session_id, wanted_at FROM seats WHERE tenant_id = $1"
                " ORDER BY wanted_at, enrollment_id",
                self.stage.tenant.id,
            )
            known = await sessions.page(conn, self.stage.tenant.id, CLASS, after=None, limit=100)
        return Books(
            sold={row[0]: row[1] for row in rows if row[1] is not None},
            line=[row[0] for row in rows if row[1] is None],
            free={
                one.id: one.capacity - one.taken
                for one in known
                if one.cancelled_at is None and one.capacity is not None
            },
        )


@dataclass
class Books:
    """Who has a seat in which session, who stands in line in order, how many seats are free."""

    sold: dict[UUID, str]
    line: list[UUID]
    free: dict[str, int]


def assert_nobody_was_overtaken(before: Books, after: Books) -> None:
    """Who stood in line before, and still does, saw only those leave who stood before him; and
    nobody who came later got a seat."""
    still = [one for one in before.line if one in after.line]
    if not still:
        return
    ahead = set(before.line[: before.line.index(still[0])])
    seated = {one for one in after.sold if one not in before.sold}
    assert seated <= ahead
    assert [one for one in after.line if one in before.line] == still


async def assert_everybody_knows(school: School, books: Books) -> None:
    """Each enrollment says of its seat what the books say."""
    async with transaction(school.stage.engine) as conn:
        ids = list(school.people.values())
        rows = await enrollments.read(conn, school.stage.tenant.id, ids)
        assert await seats.untold(conn, school.stage.tenant.id, 1000) == []
    for row in rows:
        e = row.enrollment
        held = [place.session_id for place in e.places]
        if e.id in books.sold:
            assert held == [books.sold[e.id]]
            assert e.work is not Work.WAITING
        elif e.id in books.line:
            assert held == [None]
        else:
            assert held == []


async def quiet(school: School) -> None:
    """The scheduler does what is left."""
    for _ in range(3):
        await run_once(school.stage.engine, MONDAY, 100)
        await upkeep.hand_on_seats(school.stage.engine, MONDAY, 1000)


@pytest.mark.parametrize("seed", range(4))
async def test_no_seat_is_sold_twice_and_nobody_is_overtaken(
    engine: AsyncEngine, seed: int
) -> None:
    school = await School.found(engine)
    chance = random.Random(seed)
    capacity = {"S-1": 5, "S-2": 3}
    for id, number in capacity.items():
        await school.session(id, number)
    before = await school.books()
    for round in range(4):
        work: list[Awaitable[None]] = []
        for number in range(18):
            work.append(school.enroll(f"r{round}-{number}"))
        leaving = chance.sample(sorted(school.people), k=min(len(school.people), 5))
        work += [school.cancel(learner) for learner in leaving]
        grown = chance.choice(sorted(capacity))
        capacity[grown] += chance.randint(0, 3)
        work += [school.session(grown, capacity[grown]), school.session(f"T-{round}", 1)]
        capacity[f"T-{round}"] = 1
        chance.shuffle(work)
        await asyncio.gather(*work)
        await quiet(school)
        after = await school.books()
        assert min(after.free.values()) >= 0
        assert not after.line or not any(after.free.values())
        for id, number in capacity.items():
            assert sum(1 for one in after.sold.values() if one == id) <= number
        assert_nobody_was_overtaken(before, after)
        await assert_everybody_knows(school, after)
        before = after


async def test_a_hundred_who_come_at_once_get_as_many_seats_as_there_are(
    engine: AsyncEngine,
) -> None:
    school = await School.found(engine)
    await school.session("S-1", 30)
    await asyncio.gather(*(school.enroll(f"p{number}") for number in range(100)))
    await quiet(school)
    books = await school.books()
    assert (len(books.sold), len(books.line), books.free) == (30, 70, {"S-1": 0})
    await asyncio.gather(*(school.cancel(f"p{number}") for number in range(100)))
    await quiet(school)
    books = await school.books()
    assert (books.sold, books.line, books.free) == ({}, [], {"S-1": 30})


async def test_a_cancelled_session_is_shared_out_among_the_others_in_order(
    engine: AsyncEngine,
) -> None:
    school = await School.found(engine, overbooking=True)
    await school.session("S-1", 4)
    for number in range(6):
        await school.enroll(f"p{number}", timedelta(minutes=number))
    await school.session("S-2", 1)
    people = [school.people[f"p{number}"] for number in range(6)]
    await asyncio.gather(school.cancel_session("S-1"), school.session("S-3", 2))
    await quiet(school)
    books = await school.books()
    assert books.sold[people[4]] == "S-2"
    assert {people[0], people[1]} == {one for one, id in books.sold.items() if id == "S-3"}
    assert books.line == [people[2], people[3], people[5]]
    await assert_everybody_knows(school, books)
