"""Bulk operations for tests: ordered, run, what they left; and two tenants with the same people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Command, Enroll, Record
from certsvc.domain.enrollment import Enrollment, Source, blank
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.ids import derived_id
from certsvc.domain.lifecycle import allowed_now, decide
from certsvc.domain.outcome import Decision
from certsvc.store import bulk_items, bulk_operations, evidence
from certsvc.store.author import Author
from certsvc.store.bulk_items import ItemRow
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.db import driver, transaction
from certsvc.store.decisions import Change
from certsvc.store.evidence import Recorded
from certsvc.usecases.bulk.ordering import ItemOrder, Order, order
from certsvc.usecases.bulk.running import run
from certsvc.usecases.decide import merged
from certsvc.usecases.now import now_of
from tests.support.programmes import CERTIFICATION, ELSEWHERE, Document
from tests.support.stage import BOSS, MONDAY, Stage
from tests.support.strategies import acts, everything, moments

AUTHOR = Author("key:boss", reason="because")


def passed(learner: str) -> Fact:
    """The one course that there is, passed."""
    return Fact(
        id=f"F-{learner}",
        type=FactType.COURSE_COMPLETION,
        occurred_at=MONDAY,
        recorded_at=MONDAY,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )


async def certified(stage: Stage, people: int, *, automatic: bool = False) -> list[UUID]:
    """Learners who hold a certificate of one year, in the order of their ids."""
    certification = await stage.certification(automatic=automatic)
    learners = [f"u-{n}" for n in range(people)]
    ids = sorted(await stage.enroll(certification, *learners))
    for learner in learners:
        await stage.report(learner, passed(learner))
    return ids


def of_ids(action: str, ids: Sequence[UUID], **parameters: Any) -> Order:
    """An order about these enrollments."""
    items = [ItemOrder(enrollment_id=id) for id in ids]
    return Order(action=action, parameters=parameters, items=items)


async def put_in(stage: Stage, given: Order) -> UUID:
    """Order an operation; its id."""
    async with transaction(stage.engine) as conn:
        now = await now_of(conn, stage.tenant)
        row = await order(conn, stage.tenant, now, given, AUTHOR)
        assert isinstance(row, OperationRow), row
        return row.id


async def done(stage: Stage, given: Order, batch_size: int = 100) -> UUID:
    """Order an operation and run it to its end; its id."""
    id = await put_in(stage, given)
    await run(stage.engine, stage.tenant, id, batch_size)
    assert (await operation(stage, id)).state == "completed"
    return id


async def operation(stage: Stage, id: UUID) -> OperationRow:
    """How the operation stands."""
    async with transaction(stage.engine) as conn:
        row = await bulk_operations.get(conn, stage.tenant.id, id)
        assert row is not None
        return row


async def items(stage: Stage, id: UUID) -> list[ItemRow]:
    """The items of the operation."""
    async with transaction(stage.engine) as conn:
        return await bulk_items.page(conn, stage.tenant.id, id, limit=100_000)


async def outcomes(stage: Stage, id: UUID) -> list[tuple[str | None, str | None]]:
    """What became of each item, with its code."""
    return [(one.outcome, one.code) for one in await items(stage, id)]


async def rows(stage: Stage, sql: str, *values: Any) -> list[Any]:
    """Rows of the tenant ($1)."""
    async with transaction(stage.engine) as conn:
        return list(await driver(conn).fetch(sql, stage.tenant.id, *values))


async def told(stage: Stage, id: UUID) -> dict[UUID, int]:
    """How many events of the operation each enrollment has."""
    found = await rows(
        stage,
        "SELECT enrollment_id, count(*) FROM events WHERE tenant_id = $1"
        " AND bulk_operation_id = $2 AND enrollment_id IS NOT NULL GROUP BY enrollment_id",
        id,
    )
    return {row[0]: row[1] for row in found}


async def assert_whole(stage: Stage, id: UUID, ids: Sequence[UUID]) -> None:
    """Each item succeeded once, each enrollment has one event of it, and the counts add up."""
    row = await operation(stage, id)
    assert (row.state, row.total, row.done) == ("completed", len(ids), len(ids))
    assert row.counts[ItemOutcome.SUCCEEDED] == len(ids)
    assert await outcomes(stage, id) == [("succeeded", None)] * len(ids)
    assert await told(stage, id) == dict.fromkeys(ids, 1)
    ended = await rows(
        stage,
        "SELECT data FROM events WHERE tenant_id = $1 AND bulk_operation_id = $2"
        " AND enrollment_id IS NULL",
        id,
    )
    assert [event[0]["counts"]["succeeded"] for event in ended] == [len(ids)]


# Two tenants with the same people


@dataclass(frozen=True, slots=True)
class Twins:
    """Two sandboxes, alike in all but their ids."""

    one: Stage
    other: Stage
    certification: Certification

    @classmethod
    async def born(
        cls, engine: AsyncEngine, documents: Sequence[Document], *, automatic: bool
    ) -> "Twins":
        """With the certification that these documents are versions of, and another one."""
        stages = []
        for _ in range(2):
            id = uuid4()
            stage = await Stage.set(engine, id, key=id.hex, sandbox=True)
            certification = await stage.certification(*documents, automatic=automatic)
            await stage.certification(id=ELSEWHERE, key="other")
            stages.append(stage)
        return cls(stages[0], stages[1], certification)

    async def live(self, lives: Sequence["Lived"]) -> None:
        """The same people in both."""
        for stage in (self.one, self.other):
            saved = await stage.save([one.change for one in lives])
            assert not saved.lost
            async with transaction(stage.engine) as conn:
                facts = [
                    Recorded(fact, one.change.decision.enrollment.learner_id, None, "key:lms")
                    for one in lives
                    for fact in one.facts
                ]
                await evidence.insert(conn, stage.tenant.id, facts)


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of a learner, and what the LMS said of them."""

    change: Change
    facts: tuple[Fact, ...]

    @property
    def enrollment(self) -> Enrollment:
        """The enrollment, with all facts."""
        return replace(self.change.decision.enrollment, evidence=self.facts)

    @property
    def id(self) -> UUID:
        """The enrollment's id."""
        return self.enrollment.id


@st.composite
def lives(draw: st.DrawFn, c: Certification, number: int) -> Lived:
    """A learner who was enrolled some time ago, and to whom a few things happened since."""
    learner = f"u-{number}"
    at = MONDAY - draw(st.timedeltas(timedelta(days=1), timedelta(days=900)))
    id = derived_id(at, c.id, learner)
    newcomer = blank(id=id, certification_id=c.id, learner_id=learner, seed=learner, at=at)
    whole = decide(newcomer, c, Enroll(source=Source.MANUAL), at)
    known: tuple[Fact, ...] = ()
    for step in range(draw(st.sampled_from((1, 2, 3, 4, 0)))):
        at = min(at + draw(moments), MONDAY - timedelta(hours=1))
        command: Command
        if step % 2 == 0:
            facts = everything(at, 10 * number + step, draw(st.sampled_from(BACK)))
            facts = facts[draw(st.sampled_from((0, 0, 1, 4))) :]
            known, command = (*known, *facts), Record(facts)
        else:
            command = draw(acts(whole.enrollment, at, possible([whole.enrollment], c, at)))
        whole = _then(whole, decide(replace(whole.enrollment, evidence=known), c, command, at))
    return Lived(Change(None, whole, c, BOSS), known)


BACK = (timedelta(0), timedelta(0), timedelta(days=3))


def _then(whole: Decision, decision: Decision) -> Decision:
    return whole if decision.refusal is not None else merged(whole, decision)


def possible(people: Sequence[Enrollment], c: Certification, at: datetime) -> list[Action]:
    """The actions that are allowed for any of these; all of them, where none is."""
    allowed = {action for e in people for action in allowed_now(e, c, max(at, e.updated_at))}
    return [action for action in Action if action in allowed] or list(Action)


@st.composite
def orders(draw: st.DrawFn, actions: Sequence[Action]) -> Act:
    """What may be done to many, with anything that it takes, sound or not."""
    nobody = blank(id=ELSEWHERE, certification_id=CERTIFICATION, learner_id="", seed="", at=MONDAY)
    action = Random(draw(st.integers(0, 2**32))).choice(actions)
    return replace(draw(acts(nobody, MONDAY, [action])), next_certification=None)


def wired(command: Command) -> dict[str, Any]:
    """The parameters of a command as an order gives them."""
    given = {
        field.name: getattr(command, field.name)
        for field in fields(command)
        if field.name not in ("action", "groups") and getattr(command, field.name) != field.default
    }
    return {name: _wired(value) for name, value in given.items()}


def _wired(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


_TABLES = {
    "enrollments": "t.certification_id = $2",
    "events": "t.certification_id = $2 AND t.enrollment_id IS NOT NULL",
    "certificates": "t.certification_id = $2",
    "cycles": "t.enrollment_id IN (SELECT id FROM enrollments e"
    " WHERE e.tenant_id = $1 AND e.certification_id = $2)",
    "assignments": "t.enrollment_id IN (SELECT id FROM enrollments e"
    " WHERE e.tenant_id = $1 AND e.certification_id = $2)",
}


async def everything_of(stage: Stage, *without: str) -> Mapping[str, list[Any]]:
    """All that is stored of the people of the certification; and, by learner, who is in others."""
    # The same events stand at places of their own in the feed.
    beside = ["tenant_id", "bulk_operation_id", "xid", "position", "written_by", *without]
    found: dict[str, list[Any]] = {}
    for table, condition in _TABLES.items():
        found[table] = await rows(
            stage,
            f"SELECT to_jsonb(t) - $3::text[] AS row FROM {table} t"
            f" WHERE t.tenant_id = $1 AND {condition} ORDER BY 1",
            CERTIFICATION,
            beside,
        )
    found["elsewhere"] = await rows(
        stage,
        "SELECT learner_id, status FROM enrollments"
        " WHERE tenant_id = $1 AND certification_id <> $2 ORDER BY 1",
        CERTIFICATION,
    )
    return {name: [tuple(row) for row in lines] for name, lines in found.items()}
