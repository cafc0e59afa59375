"""Evidence: facts that the LMS reports, in batches."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call
from certsvc.api.routing import Operations
from certsvc.api.schemas.evidence import EvidenceAnswer, EvidenceBatch, EvidenceInput
from certsvc.domain.evidence import FactOutcome, FactType
from certsvc.store.api_keys import Role
from certsvc.usecases.record import EvidenceItem, ItemResult, Moved, Recorded, record

router = Operations("evidence")


@router.operation("POST", "/evidence", EvidenceAnswer, role=Role.LMS)
async def record_evidence(call: Call, body: EvidenceBatch) -> Response:
    """Record facts: per item recorded, duplicate or rejected; and which enrollments moved. A
    rejected item does not stop the others."""
    items = [_item(sent) for sent in body.items]

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        outcome = await record(conn, call.tenant, now, items, call.author(body))
        return answer(_described(outcome))

    return await call.change(work)


def _item(sent: EvidenceInput) -> EvidenceItem:
    given = sent.model_dump(exclude={"type", "outcome"})
    return EvidenceItem(
        **given,
        type=FactType(sent.type),
        outcome=None if sent.outcome is None else FactOutcome(sent.outcome),
    )


def _described(outcome: Recorded) -> dict[str, Any]:
    return {
        "items": [_result(place, item) for place, item in enumerate(outcome.items)],
        "moved": [moved_document(moved) for moved in outcome.moved],
    }


def _result(place: int, item: ItemResult) -> dict[str, Any]:
    problem = None
    if item.code is not None:
        pointer = f"/items/{place}" + (f"/{item.parameter}" if item.parameter else "")
        problem = {"code": item.code, "detail": item.detail or "", "pointer": pointer}
    return {"id": item.id, "result": item.result, "problem": problem}


def moved_document(moved: Moved) -> dict[str, Any]:
    """An enrollment that moved, as the interface has it."""
    return {
        "id": moved.enrollment_id,
        "certification_id": moved.certification_id,
        "learner_id": moved.learner_id,
        "status": moved.status,
        "standing": moved.standing,
        "revision": moved.revision,
    }
