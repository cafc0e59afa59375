"""What a bulk operation would come to: decided on what is there now, and nothing is written."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc import clock
from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment, blank
from certsvc.store import certifications, enrollments
from certsvc.store import groups as groups_of
from certsvc.store.bulk_items import ItemRow
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.db import transaction
from certsvc.store.enrollment_filters import Filters, ids_after
from certsvc.store.enrollments import Wanted
from certsvc.store.tenants import Tenant
from certsvc.usecases.bulk.doing import (
    certificate,
    command_of,
    enrolment,
    parameters_of,
    settled,
)
from certsvc.usecases.bulk.identifying import identified
from certsvc.usecases.bulk.ordering import ENROLL
from certsvc.usecases.decide import Ask, Outcome, decide_forgiving, decide_then
from certsvc.usecases.now import now_of

PAGE = 1000
SAMPLE = 20
"""Items that are told one by one."""

FIRST = UUID(int=0)
Found = tuple[Enrollment, Certification]
Key = UUID | tuple[UUID | None, str | None] | None
Groups = Mapping[tuple[UUID, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one item."""

    enrollment_id: UUID | None
    learner_id: str | None
    outcome: ItemOutcome
    code: str | None
    before: str | None
    after: str | None


@dataclass(slots=True)
class Foresight:
    """What would become of all: by outcome, by code of a refusal, by the status in the end; and
    some of them. `complete` is False where the time was up before all were judged."""

    judged: int = 0
    complete: bool = True
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    sample: list[Foreseen] = field(default_factory=list)

    def add(self, one: Foreseen) -> None:
        """One more item."""
        self.judged += 1
        self.outcomes[one.outcome.value] += 1
        if one.code is not None:
            self.codes[one.code] += 1
        if one.after is not None:
            self.statuses[str(one.after)] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(one)


async def foresee(
    engine: AsyncEngine,
    tenant: Tenant,
    operation: OperationRow,
    items: Sequence[ItemRow] | Filters,
    *,
    seconds: float,
) -> Foresight:
    """Judge the items, or whom the filters select, page by page, for so long at most."""
    until = clock.monotonic() + seconds
    told = Foresight()
    pages = _named(items) if not isinstance(items, Filters) else _selected(engine, tenant, items)
    async for page in pages:
        if clock.monotonic() >= until:
            told.complete = False
            return told
        async with transaction(engine) as conn:
            for one in await _judged(conn, tenant, operation, page):
                told.add(one)
    return told


async def _named(items: Sequence[ItemRow]) -> AsyncIterator[Sequence[ItemRow]]:
    for first in range(0, len(items), PAGE):
        yield items[first : first + PAGE]


async def _selected(
    engine: AsyncEngine, tenant: Tenant, filters: Filters
) -> AsyncIterator[Sequence[ItemRow]]:
    after = FIRST
    while True:
        async with transaction(engine) as conn:
            ids = await ids_after(conn, tenant.id, filters, after, PAGE)
        if not ids:
            return
        yield [ItemRow(number=n, enrollment_id=id) for n, id in enumerate(ids, start=1)]
        after = ids[-1]


async def _judged(
    conn: AsyncConnection, tenant: Tenant, operation: OperationRow, items: Sequence[ItemRow]
) -> list[Foreseen]:
    """Each item on what it would find: a second one of the same enrollment on what the first one,
    if it is not far away, would leave."""
    now = await now_of(conn, tenant, share=False)
    if operation.action != ENROLL:
        items = await identified(conn, tenant, items)
    found = await _found(conn, tenant, operation, items)
    groups = await _groups(conn, tenant, operation, found)
    told = []
    for item in items:
        here = found.get(_key(operation, item))
        if here is None:
            told.append(_missing(operation, item))
            continue
        e, certification = here
        outcome = _outcome(operation, item, here, groups, now)
        told.append(_foreseen(item, e, outcome))
        if outcome.error is None and outcome.decision.refusal is None:
            found[_key(operation, item)] = outcome.decision.enrollment, certification
    return told


def _key(operation: OperationRow, item: ItemRow) -> Key:
    if operation.action == ENROLL:
        return item.certification_id, item.learner_id
    return item.enrollment_id


def _outcome(
    operation: OperationRow, item: ItemRow, here: Found, groups: Groups, now: datetime
) -> Outcome:
    e, certification = here
    given = parameters_of(operation, item)
    if operation.action == ENROLL:
        outcome = decide_forgiving(Ask(e, certification, operation.author, enrolment(given)), now)
        if given.get("certified_at") is None or outcome.error is not None:
            return outcome
        return decide_then(outcome, certificate(given))
    command = command_of(Action(operation.action), given)
    if groups:
        command = replace(command, groups=groups.get((e.certification_id, e.learner_id), ()))
    return decide_forgiving(Ask(e, certification, operation.author, command), now)


async def _groups(
    conn: AsyncConnection, tenant: Tenant, operation: OperationRow, found: dict[Key, Found]
) -> Groups:
    """The groups that restore finds."""
    if operation.action != Action.RESTORE or not found:
        return {}
    pairs = {(e.certification_id, e.learner_id) for e, _ in found.values()}
    return await groups_of.targeted_of_learners(conn, tenant.id, sorted(pairs))


def _missing(operation: OperationRow, item: ItemRow) -> Foreseen:
    what = "certification" if operation.action == ENROLL else "enrollment"
    code = f"{what}_not_found"
    return Foreseen(item.enrollment_id, item.learner_id, ItemOutcome.NOT_FOUND, code, None, None)


def _foreseen(item: ItemRow, before: Enrollment, outcome: Outcome) -> Foreseen:
    came = settled(item.number, outcome)
    stays = came.outcome in (ItemOutcome.REFUSED, ItemOutcome.FAILED)
    after = before if stays else outcome.decision.enrollment
    return Foreseen(
        before.id if before.exists else None,
        before.learner_id,
        came.outcome,
        came.code,
        before.status.value if before.exists else None,
        after.status.value if after.exists else None,
    )


async def _found(
    conn: AsyncConnection, tenant: Tenant, operation: OperationRow, items: Sequence[ItemRow]
) -> dict[Key, Found]:
    """The enrollments of the items, as they are; for who is to be enrolled, blank ones."""
    if operation.action != ENROLL:
        ids = {item.enrollment_id for item in items if item.enrollment_id is not None}
        rows = await enrollments.read(conn, tenant.id, sorted(ids), every_fact=True) if ids else []
        return {row.enrollment.id: (row.enrollment, row.certification) for row in rows}
    pairs = {
        (item.certification_id, item.learner_id)
        for item in items
        if item.certification_id is not None and item.learner_id is not None
    }
    found: dict[Key, Found] = {}
    for row in await enrollments.read_learners(conn, tenant.id, sorted(pairs)):
        pair = row.enrollment.certification_id, row.enrollment.learner_id
        found[pair] = row.enrollment, row.certification
    return found | await _newcomers(conn, tenant, [pair for pair in pairs if pair not in found])


async def _newcomers(
    conn: AsyncConnection, tenant: Tenant, missing: Sequence[tuple[UUID, str]]
) -> dict[Key, Found]:
    known = await certifications.load_by_ids(conn, tenant.id, {pair[0] for pair in missing})
    now = await now_of(conn, tenant, share=False)
    pairs = [pair for pair in missing if pair[0] in known]
    facts = await enrollments.facts_for(conn, tenant.id, [Wanted(*pair) for pair in pairs])
    found: dict[Key, Found] = {}
    for pair, evidence in zip(pairs, facts, strict=True):
        newcomer = blank(id=FIRST, certification_id=pair[0], learner_id=pair[1], seed="", at=now)
        found[pair] = replace(newcomer, evidence=evidence), known[pair[0]]
    return found
