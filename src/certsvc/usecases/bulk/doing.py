"""A batch of items done: what each comes to, decided on what it finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act, Enroll
from certsvc.domain.enrollment import Source
from certsvc.store import enrollments, groups
from certsvc.store.bulk_items import ItemRow, Settled
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import ItemOutcome
from certsvc.store.enrollments import Locked
from certsvc.store.tenants import Tenant
from certsvc.usecases.apply import Call, apply, apply_to_learners, reaches_back
from certsvc.usecases.bulk.identifying import identified, turn_of
from certsvc.usecases.bulk.ordering import ENROLL
from certsvc.usecases.decide import Ask, Outcome

_INSTANTS = frozenset(
    {
        "certified_at",
        "counts_from",
        "due_at",
        "expires_at",
        "limit_at",
        "opens_at",
        "recertification_at",
        "valid_from",
    }
)
_OF_ENROLLING = frozenset({"source", "group", "opens_at", "due_at", "limit_at", "counts_from"})
_OF_CERTIFYING = frozenset({"certified_at", "valid_from", "expires_at", "when"})

Results = dict[int, Settled]


async def do(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    operation: OperationRow,
    items: Sequence[ItemRow],
) -> list[Settled]:
    """Do the items, an enrollment that several name once for each of them, in their order."""
    results: Results = {}
    waiting: Sequence[ItemRow] = items
    if operation.action != ENROLL:
        waiting = await identified(conn, tenant, items)
    while waiting:
        turn, waiting = turn_of(waiting)
        if operation.action == ENROLL:
            await _enroll(conn, tenant, now, operation, turn, results)
        else:
            await _act(conn, tenant, now, operation, turn, results)
    return [results[item.number] for item in items]


def parameters_of(operation: OperationRow, item: ItemRow) -> dict[str, Any]:
    """What the item takes: its own parameters before the operation's."""
    given = {**operation.parameters, **(item.parameters or {})}
    return {
        name: datetime.fromisoformat(value) if name in _INSTANTS and value is not None else value
        for name, value in given.items()
    }


def command_of(action: Action, parameters: Mapping[str, Any]) -> Act:
    """The action with what it takes."""
    given = dict(parameters)
    if given.get("next_certification") is not None:
        given["next_certification"] = UUID(str(given["next_certification"]))
    if given.get("steps") is not None:
        given["steps"] = tuple(given["steps"])
    return Act(action=action, **{name: value for name, value in given.items() if value is not None})


# Actions


async def _act(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    operation: OperationRow,
    items: Sequence[ItemRow],
    results: Results,
) -> None:
    commands = _commands(operation, items)
    far = any(reaches_back(command) for command in commands.values())
    here = {item.enrollment_id: item.number for item in items if item.enrollment_id is not None}
    rows = await enrollments.lock(conn, tenant.id, sorted(here), every_fact=far) if here else []
    found = {here[row.enrollment.id]: row for row in rows}
    if operation.action == Action.RESTORE:
        commands = await _with_groups(conn, tenant, found, commands)
    asks = [
        Ask(row.enrollment, row.certification, operation.author, commands[number], row)
        for number, row in found.items()
    ]
    for outcome in await apply(conn, tenant, now, asks, forgiving=True):
        number = here[outcome.ask.enrollment.id]
        results[number] = settled(number, outcome)
    for item in items:
        if item.number not in found:
            results[item.number] = missing(item.number)


def _commands(operation: OperationRow, items: Sequence[ItemRow]) -> dict[int, Act]:
    """What is asked of each item; those without parameters of their own are asked the same."""
    action = Action(operation.action)
    same = None
    commands = {}
    for item in items:
        if item.parameters:
            commands[item.number] = command_of(action, parameters_of(operation, item))
        else:
            same = same or command_of(action, parameters_of(operation, item))
            commands[item.number] = same
    return commands


def missing(number: int) -> Settled:
    """What becomes of an item whose enrollment there is not."""
    return Settled(number, ItemOutcome.NOT_FOUND, "enrollment_not_found")


async def _with_groups(
    conn: AsyncConnection, tenant: Tenant, found: Mapping[int, Locked], commands: dict[int, Act]
) -> dict[int, Act]:
    """Restore finds the groups of which a learner is a member."""
    pairs = {(row.enrollment.certification_id, row.enrollment.learner_id) for row in found.values()}
    known = await groups.targeted_of_learners(conn, tenant.id, sorted(pairs))
    given = dict(commands)
    for number, row in found.items():
        pair = row.enrollment.certification_id, row.enrollment.learner_id
        given[number] = replace(commands[number], groups=known.get(pair, ()))
    return given


def settled(number: int, outcome: Outcome) -> Settled:
    """What an outcome is for the item."""
    if outcome.error is not None:
        # Text in the database holds no NUL, and an error's message may be of any length.
        error = outcome.error.replace("\x00", "").encode(errors="replace").decode()
        return Settled(number, ItemOutcome.FAILED, "internal_error", None, error[:2000])
    refusal = outcome.decision.refusal
    if refusal is not None:
        return Settled(
            number, ItemOutcome.REFUSED, refusal.code, refusal.reason_code, refusal.detail
        )
    return Settled(number, ItemOutcome.SUCCEEDED if outcome.moved else ItemOutcome.UNCHANGED)


# Enrolling, with a certificate that the learner holds already


async def _enroll(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    operation: OperationRow,
    items: Sequence[ItemRow],
    results: Results,
) -> None:
    given = {item.number: parameters_of(operation, item) for item in items}
    numbers: dict[tuple[UUID, str], int] = {}
    calls = []
    for item in items:
        if item.certification_id is None or item.learner_id is None:
            results[item.number] = Settled(
                item.number, ItemOutcome.NOT_FOUND, "certification_not_found"
            )
            continue
        parameters = given[item.number]
        holds = parameters.get("certified_at") is not None
        calls.append(
            Call(
                item.certification_id,
                item.learner_id,
                enrolment(parameters),
                operation.author,
                then=certificate(parameters) if holds else None,
            )
        )
        numbers[item.certification_id, item.learner_id] = item.number
    for outcome in await apply_to_learners(conn, tenant, now, calls):
        e = outcome.ask.enrollment
        number = numbers[e.certification_id, e.learner_id]
        results[number] = settled(number, outcome)


def enrolment(parameters: Mapping[str, Any]) -> Enroll:
    """The assignment that the parameters ask for."""
    given = {name: parameters.get(name) for name in _OF_ENROLLING - {"source"}}
    return Enroll(source=Source(parameters.get("source") or Source.IMPORT), **given)


def certificate(parameters: Mapping[str, Any]) -> Act:
    """The certificate that the parameters tell of."""
    return command_of(Action.CERTIFY, {name: parameters.get(name) for name in _OF_CERTIFYING})


def counted(results: Iterable[Settled]) -> dict[ItemOutcome, int]:
    """How many items came to which outcome."""
    counts: dict[ItemOutcome, int] = {}
    for one in results:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts
