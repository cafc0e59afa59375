"""Bulk orders between the wire and the use case: judged, put in, foreseen, shown."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc import clock
from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Exchange
from certsvc.api.failures import faults_of, pointer
from certsvc.api.outcomes import no_answer
from certsvc.api.problems import Fault, Problem
from certsvc.api.schemas.actions import BODIES
from certsvc.api.schemas.bulk_operation import ACTIONS, BulkOrder, BulkSelection
from certsvc.api.schemas.enrollment import EnrollmentFilter, SourceWord
from certsvc.api.schemas.values import Instant, Known, LmsId, Sent
from certsvc.domain import actions
from certsvc.domain.actions import Action
from certsvc.domain.outcome import Refusal
from certsvc.store.author import Author
from certsvc.store.bulk_items import ItemRow
from certsvc.store.bulk_operations import OperationRow
from certsvc.store.bulk_tables import BulkState
from certsvc.store.db import transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.errors import StoreError
from certsvc.usecases.bulk.foreseeing import Foreseen, Foresight, foresee
from certsvc.usecases.bulk.ordering import ENROLL, ItemOrder, Order, order, prepare
from certsvc.usecases.bulk.running import run
from certsvc.usecases.bulk.selecting import filters_of
from certsvc.usecases.now import now_of

FORESEE_SECONDS = 20.0
"""For so long a dry run judges; then it tells what it saw by then."""

SANDBOX_SECONDS = 10.0
"""For so long a request in a sandbox runs its operation itself, so that tests need not wait."""

_BESIDE = frozenset({"reason", "on_behalf_of", "expected_revision"})


class EnrollParameters(Sent):
    """What `enroll` takes."""

    source: SourceWord | None = None
    group: LmsId | None = None
    opens_at: Instant | None = None
    due_at: Instant | None = None
    limit_at: Instant | None = None
    counts_from: Instant | None = None
    certified_at: Instant | None = None
    valid_from: Instant | None = None
    expires_at: Instant | None = None
    when: Annotated[str, Known("always", "if_uncertified", "if_newer", "history_only")] | None = (
        None
    )


# Judged


def ordering(body: BulkOrder) -> Order:
    """The order that a body is; what is wrong with it is a problem."""
    if body.action not in ACTIONS:
        raise _wrong("unknown_action", f"must be one of: {', '.join(ACTIONS)}", "/action")
    if body.action != ENROLL and actions.ACTIONS[Action(body.action)].reason_required:
        if not (body.reason or "").strip():
            fault = Fault(code="reason_required", detail="is needed", pointer="/reason")
            raise Problem("reason_required", f"{body.action} needs a reason.", (fault,))
    selection = _sound(body.selection, body.action)
    parameters = body.parameters or {}
    named = [item for item in selection.items or () if item.parameters]
    normal = _parameters(body.action, parameters, ("parameters",), partly=bool(named))
    for place, item in enumerate(selection.items or ()):
        if item.parameters and "next" in item.parameters:
            raise _wrong(
                "not_per_item", "is the same for all", f"/selection/items/{place}/parameters/next"
            )
    return Order(
        action=body.action,
        parameters=normal,
        filter=None if selection.filter is None else filter_document(selection.filter),
        items=_items(body.action, selection, parameters),
        start_at=body.start_at,
        hold_automation=bool(body.hold_automation),
    )


def _sound(selection: BulkSelection, action: str) -> BulkSelection:
    given = [one for one in (selection.ids, selection.filter, selection.items) if one is not None]
    if len(given) != 1:
        raise _wrong("selection", "must hold exactly one of ids, filter, items", "/selection")
    if action == ENROLL and selection.items is None:
        raise _wrong("selection", "of enroll must name items", "/selection")
    for place, item in enumerate(selection.items or ()):
        pair = item.certification is not None and item.learner_id is not None
        whole = item.certification is None and item.learner_id is None
        if not (pair if item.enrollment_id is None else whole and action != ENROLL):
            detail = "must name an enrollment, or a certification and a learner"
            raise _wrong("item", detail, f"/selection/items/{place}")
    return selection


def _parameters(
    action: str, given: Mapping[str, Any], place: tuple[object, ...], *, partly: bool = False
) -> dict[str, Any]:
    """The parameters as the action's own operation takes them. `partly`: what is missing may
    stand with the items."""
    model: type[BaseModel] = EnrollParameters if action == ENROLL else BODIES[Action(action)]
    beside = sorted(_BESIDE & set(given))
    if beside:
        raise _wrong("unknown_field", "does not belong here", pointer((*place, beside[0])))
    filled = dict(given)
    if "reason" in model.model_fields:
        filled["reason"] = "-"
    try:
        read = model.model_validate(filled)
    except ValidationError as error:
        wrong = error.errors()
        if partly:
            wrong = [one for one in wrong if one["type"] != "missing"]
        if wrong:
            faults = faults_of(wrong, *place)
            raise Problem("invalid_request", "Wrong content in: parameters.", faults) from error
        return dict(given)
    return read.model_dump(mode="json", exclude=set(_BESIDE), exclude_unset=True, exclude_none=True)


def _items(
    action: str, selection: BulkSelection, parameters: Mapping[str, Any]
) -> tuple[ItemOrder, ...]:
    if selection.ids is not None:
        return tuple(ItemOrder(enrollment_id=id) for id in selection.ids)
    ordered = []
    for place, item in enumerate(selection.items or ()):
        own: dict[str, Any] | None = None
        if item.parameters:
            where = "selection", "items", place, "parameters"
            whole = _parameters(action, {**parameters, **item.parameters}, where)
            # null takes back what the operation says for all.
            own = {name: whole.get(name) for name in item.parameters}
        ordered.append(
            ItemOrder(
                enrollment_id=item.enrollment_id,
                certification=item.certification,
                learner_id=item.learner_id,
                parameters=own,
            )
        )
    return tuple(ordered)


def filter_document(chosen: EnrollmentFilter) -> dict[str, Any]:
    """The filter as it is kept and told."""
    given = chosen.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    return {name: value for name, value in given.items() if value != []}


def _wrong(code: str, detail: str, pointer: str) -> Problem:
    fault = Fault(code=code, detail=detail, pointer=pointer)
    return Problem("invalid_request", f"Wrong content in: {pointer}.", (fault,))


# Put in, or foreseen


async def ordered(call: Exchange, given: Order, author: Author) -> Response:
    """Put the order in. In a sandbox, where people try things out, it is run at once."""

    put_in: list[UUID] = []

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        made = await order(conn, call.tenant, now, given, author)
        if isinstance(made, Refusal):
            return no_answer(call, made)
        put_in[:] = [made.id]
        return answer(operation_document(made, now), 202)

    response = await call.change(work)
    service = call.service
    if call.tenant.sandbox and put_in and response.status_code == 202:
        until = clock.monotonic() + SANDBOX_SECONDS
        size = service.settings.batch_size
        # It is put in, whatever comes of this: the worker goes on.
        with suppress(StoreError):
            await run(service.engine, call.tenant, put_in[0], size, deadline=until)
    return response


async def dry_run(call: Exchange, given: Order, author: Author) -> Response:
    """Say what the order would come to."""
    engine, tenant = call.service.engine, call.tenant

    async def work() -> Answer:
        async with transaction(engine) as conn:
            now = await now_of(conn, tenant, share=False)
            prepared = await prepare(conn, tenant, now, given, author)
            if isinstance(prepared, Refusal):
                return no_answer(call, prepared)
            chosen: Sequence[ItemRow] | Filters | None = prepared.items
            if chosen is None:
                chosen = await filters_of(conn, tenant, prepared.row.selection["filter"])
        seen = await foresee(engine, tenant, prepared.row, chosen, seconds=FORESEE_SECONDS)
        return answer(_foreseen_document(prepared.row, seen, now))

    return await call.change_in_steps(work)


# Shown


def operation_document(row: OperationRow, now: datetime) -> dict[str, Any]:
    """An operation as it is answered, with how fast it goes and how long it will take."""
    rate = remaining = None
    if row.started_at is not None:
        seconds = ((row.finished_at or now) - row.started_at).total_seconds()
        rate = row.done / seconds if seconds > 0 and row.done else None
    if row.state is BulkState.RUNNING and rate and row.total is not None:
        remaining = (row.total - row.done) / rate
    return {
        "id": row.id,
        "action": row.action,
        "state": row.state,
        "selection": row.selection,
        "parameters": row.parameters,
        "hold_automation": row.hold_automation,
        "actor": row.actor,
        "on_behalf_of": row.on_behalf_of,
        "reason": row.reason,
        "created_at": row.created_at,
        "start_at": row.start_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "total": row.total,
        "done": row.done,
        "counts": {outcome.value: count for outcome, count in row.counts.items()},
        "rate_per_second": rate,
        "remaining_seconds": remaining,
        "complete": True,
        "by_code": {},
        "by_status": {},
        "sample": [],
    }


def _foreseen_document(row: OperationRow, seen: Foresight, now: datetime) -> dict[str, Any]:
    return operation_document(row, now) | {
        "id": None,
        "state": "dry_run",
        "total": row.total if row.total is not None or not seen.complete else seen.judged,
        "done": seen.judged,
        "counts": dict(seen.outcomes),
        "complete": seen.complete,
        "by_code": dict(seen.codes),
        "by_status": dict(seen.statuses),
        "sample": [_sampled(one) for one in seen.sample],
    }


def _sampled(one: Foreseen) -> dict[str, Any]:
    return {
        "enrollment_id": one.enrollment_id,
        "learner_id": one.learner_id,
        "outcome": one.outcome,
        "code": one.code,
        "status_before": one.before,
        "status_after": one.after,
    }
