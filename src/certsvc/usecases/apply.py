"""The one pipeline that all verbs share: locked rows → decide in Python → save all at once.

One enrollment is a batch of one. The number of statements does not depend on the number of rows.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from certsvc import telemetry
from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Command, Enroll
from certsvc.domain.enrollment import Source, blank
from certsvc.domain.outcome import Refusal
from certsvc.store import certifications, decisions, enrollments, learners
from certsvc.store.author import TIME, Author
from certsvc.store.decisions import Change
from certsvc.store.enrollments import Wanted
from certsvc.store.errors import Conflict
from certsvc.store.seats import forget
from certsvc.store.tenants import Tenant
from certsvc.usecases import seats
from certsvc.usecases.decide import (
    Ask,
    Outcome,
    decide_forgiving,
    decide_one,
    decide_then,
    of_locked,
)

ROUNDS = 4
"""How often a follow-up may lead on to another certification in one transaction."""

AT_ONCE = 500
"""Rows that are told of seats within a request of a live tenant."""

BREATH = 50
"""After so many rows the event loop gets its turn, so that a sweep delays no request for long."""

_log = structlog.get_logger(__name__)
Pair = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A command for a learner in a certification, whether enrolled there or not; `then` is asked at
    once of what has become of the enrollment, and if that is refused, so is all."""

    certification_id: UUID
    learner_id: str
    command: Command
    author: Author
    then: Act | None = None

    @property
    def pair(self) -> Pair:
        """The natural key of the enrollment."""
        return self.certification_id, self.learner_id


def reaches_back(command: Command | Refusal) -> bool:
    """Whether evidence may come to count by the command that has not counted for long, and is not
    read otherwise: the caller says from when it counts, or another version's rules do."""
    if isinstance(command, Act):
        return command.counts_from is not None or command.action is Action.MOVE_TO_VERSION
    return isinstance(command, Enroll) and command.counts_from is not None


async def apply(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    asks: Sequence[Ask],
    *,
    forgiving: bool = False,
) -> list[Outcome]:
    """Decide and save what is asked of locked rows, and what follows from it elsewhere.

    A refused command writes nothing. A rule that fails raises; `forgiving` sets its row aside."""
    judge = decide_forgiving if forgiving else decide_one
    decided = []
    for place, ask in enumerate(asks):
        if place % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        decided.append(judge(ask, now))
    outcomes = await save(conn, tenant, now, decided)
    await follow(conn, tenant, now, outcomes)
    return outcomes


async def apply_to_learners(
    conn: AsyncConnection, tenant: Tenant, now: datetime, calls: Sequence[Call]
) -> list[Outcome]:
    """Decide and save commands by learner and certification, each pair at most once.

    Who was never here gets an enrollment, if the command moves it. Calls for a certification that
    does not exist are left out of the answer."""
    await learners.hold(conn, tenant.id, sorted({call.learner_id for call in calls}))
    outcomes = await _called(conn, tenant, now, calls)
    await follow(conn, tenant, now, outcomes)
    return outcomes


async def follow(
    conn: AsyncConnection, tenant: Tenant, now: datetime, outcomes: Sequence[Outcome]
) -> None:
    """Enrol elsewhere whom a decision leads there: a few rounds at most, nobody twice.

    They are held only now, with rows in hand: should somebody who hears of their deeds wait for
    these rows, one of the two is told of a Conflict and begins again."""
    seen = {(o.ask.enrollment.certification_id, o.ask.enrollment.learner_id) for o in outcomes}
    for _ in range(ROUNDS):
        calls = {call.pair: call for call in _follow_ups(outcomes) if call.pair not in seen}
        if not calls:
            return
        seen.update(calls)
        await learners.hold(conn, tenant.id, [learner_id for _, learner_id in calls])
        outcomes = await _called(conn, tenant, now, tuple(calls.values()))


async def save(
    conn: AsyncConnection, tenant: Tenant, now: datetime, outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Write outcomes at once, with the seats that they need; those that lost the race of an insert
    come back marked."""
    others: frozenset[UUID] = frozenset()
    if any(outcome.ask.certification.courses for outcome in outcomes):
        settled = await seats.settle(conn, tenant, outcomes)
        outcomes, others = settled.outcomes, settled.others
        await seats.know(conn, tenant, outcomes)
    answered = await _written(conn, tenant, now, outcomes)
    if others:
        await tell_of_seats(conn, tenant, max(outcome.now for outcome in outcomes), others)
    return answered


async def tell_of_seats(
    conn: AsyncConnection, tenant: Tenant, now: datetime, ids: Iterable[UUID]
) -> int:
    """Bring up to now those who were given seats, or lost them; how many moved. Whom somebody else
    has in hand, and in a live tenant the rest of very many, the scheduler tells."""
    waiting = sorted(ids)
    moved = 0
    for first in range(0, len(waiting), AT_ONCE):
        rows = await enrollments.lock_free(conn, tenant.id, waiting[first : first + AT_ONCE])
        outcomes = [decide_forgiving(ask, now) for ask in of_locked(rows, TIME)]
        moved += sum(outcome.moved for outcome in await save(conn, tenant, now, outcomes))
        if not tenant.sandbox:
            break
    return moved


async def _written(
    conn: AsyncConnection, tenant: Tenant, now: datetime, outcomes: Sequence[Outcome]
) -> list[Outcome]:
    changes = [_change(outcome) for outcome in outcomes if _to_be_written(outcome)]
    lost: set[UUID] = set()
    if changes:
        saved = await decisions.save(
            conn, tenant.id, changes, recorded_at=now, live=not tenant.sandbox
        )
        lost.update(saved.lost)
        if lost:
            await forget(conn, tenant.id, sorted(lost))
    answered = []
    for outcome in outcomes:
        if outcome.error is not None:
            id = outcome.ask.enrollment.id
            await set_row_aside(conn, tenant.id, id, outcome.error, outcome.now)
        if outcome.ask.enrollment.id in lost:
            answered.append(replace(outcome, lost=True))
        else:
            answered.append(outcome)
    _count(answered)
    return answered


def _to_be_written(outcome: Outcome) -> bool:
    """What moved; and what time left alone, because the instant it comes due may be corrected."""
    untouched = outcome.ask.command is None and outcome.error is None
    return outcome.moved or untouched


def _change(outcome: Outcome) -> Change:
    ask = outcome.ask
    return Change(ask.locked, outcome.decision, ask.certification, ask.author)


async def set_row_aside(
    conn: AsyncConnection, tenant_id: UUID, enrollment_id: UUID, error: str, at: datetime
) -> None:
    """Keep a row that cannot be decided from being claimed again soon; a person is to look."""
    _log.error("enrollment set aside", enrollment_id=str(enrollment_id), error=error)
    telemetry.SET_ASIDE_ROWS.inc()
    await decisions.set_aside(conn, tenant_id, enrollment_id, error, at)


def _follow_ups(outcomes: Sequence[Outcome]) -> list[Call]:
    """The learners that decisions lead to other certifications, as if assigned by hand."""
    return [
        Call(there.certification_id, there.learner_id, Enroll(source=Source.MANUAL), o.ask.author)
        for o in outcomes
        if o.moved
        for there in o.decision.elsewhere
    ]


async def _called(
    conn: AsyncConnection, tenant: Tenant, now: datetime, calls: Sequence[Call]
) -> list[Outcome]:
    """Decide calls in one go; who was enrolled by somebody else meanwhile is decided again."""
    outcomes = await _decided(conn, tenant, now, calls)
    lost = {
        (o.ask.enrollment.certification_id, o.ask.enrollment.learner_id) for o in outcomes if o.lost
    }
    if not lost:
        return outcomes
    again = await _decided(conn, tenant, now, [call for call in calls if call.pair in lost])
    if any(outcome.lost for outcome in again):
        raise Conflict("somebody else enrols the same learners")
    return [outcome for outcome in outcomes if not outcome.lost] + again


async def _decided(
    conn: AsyncConnection, tenant: Tenant, now: datetime, calls: Sequence[Call]
) -> list[Outcome]:
    far = any(call.then is not None or reaches_back(call.command) for call in calls)
    pairs = [call.pair for call in calls]
    locked = await enrollments.lock_learners(conn, tenant.id, pairs, every_fact=far)
    here = {(row.enrollment.certification_id, row.enrollment.learner_id): row for row in locked}
    asks = [
        Ask(row.enrollment, row.certification, call.author, call.command, row)
        for call in calls
        if (row := here.get(call.pair)) is not None
    ]
    new = [call for call in calls if call.pair not in here]
    if new:
        asks += await _newcomers(conn, tenant, now, new)
    then = {call.pair: call.then for call in calls if call.then is not None}
    outcomes = []
    for place, ask in enumerate(asks):
        if place % BREATH == BREATH - 1:
            await asyncio.sleep(0)
        pair = ask.enrollment.certification_id, ask.enrollment.learner_id
        outcomes.append(decide_then(decide_one(ask, now), then.get(pair)))
    return await save(conn, tenant, now, outcomes)


async def _newcomers(
    conn: AsyncConnection, tenant: Tenant, now: datetime, calls: Sequence[Call]
) -> list[Ask]:
    """Blank enrollments with an id and a seed, and with what is known of the learners."""
    certification_ids = sorted({call.certification_id for call in calls})
    known = await certifications.load_by_ids(conn, tenant.id, certification_ids)
    calls = [call for call in calls if call.certification_id in known]
    wanted = [Wanted(call.certification_id, call.learner_id, None) for call in calls]
    facts = await enrollments.facts_for(conn, tenant.id, wanted)
    asks = []
    for call, evidence in zip(calls, facts, strict=True):
        newcomer = blank(
            id=uuid7(),
            certification_id=call.certification_id,
            learner_id=call.learner_id,
            seed=token_hex(16),
            at=now,
        )
        certification = known[call.certification_id]
        asks.append(
            Ask(replace(newcomer, evidence=evidence), certification, call.author, call.command)
        )
    return asks


def _count(outcomes: Sequence[Outcome]) -> None:
    """What came of commands, for the figures."""
    counts: dict[tuple[str, str], int] = {}
    for outcome in outcomes:
        command = outcome.ask.command
        if command is not None and not outcome.lost:
            named = _name(command), _result(outcome)
            counts[named] = counts.get(named, 0) + 1
    for labels, count in counts.items():
        telemetry.COMMANDS.labels(*labels).inc(count)


def _name(command: Command) -> str:
    return command.action.value if isinstance(command, Act) else type(command).__name__.lower()


def _result(outcome: Outcome) -> str:
    refusal = outcome.decision.refusal
    if refusal is not None:
        return refusal.code
    return "applied" if outcome.moved else "unchanged"
