"""Verification: what anybody may know of a certificate by its code; nothing about the person."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from certsvc.api.answers import answer
from certsvc.api.persistence import persistently
from certsvc.api.problems import Problem
from certsvc.api.roles import PUBLIC
from certsvc.api.routes.certificates import state_at
from certsvc.api.routes.enrollments import ahead
from certsvc.api.routing import Operations
from certsvc.api.schemas.certificate import Verification
from certsvc.api.schemas.values import Instant
from certsvc.domain.certification import Certification
from certsvc.domain.describe import describe_certificate
from certsvc.store import certificates, certifications, tenants
from certsvc.store.certificates import CertificateRow
from certsvc.store.certifications import CertificationRow
from certsvc.store.db import transaction
from certsvc.usecases.now import now_of

router = Operations("verification")
_CODE = re.compile(r"[A-Z2-7-]{1,40}", re.ASCII)
Found = tuple[CertificateRow, Certification, CertificationRow, datetime]


@router.operation(
    "GET",
    "/verify/{code}",
    Verification,
    role=PUBLIC,
    refusals=("certificate_not_found",),
)
async def verify_certificate(
    request: Request,
    code: Annotated[str, Path(max_length=200)],
    at: Annotated[Instant | None, Query(description="As of a past instant.")] = None,
) -> Response:
    """Whether a certificate is good: for what, and until when. Needs no key."""
    found = await persistently(lambda _: _find(request, code.upper()))
    if found is None:
        raise Problem("certificate_not_found", "No certificate has this code.")
    row, certification, texts, now = found
    if at is not None and at > now:
        raise ahead("at")
    moment = at or now
    if moment < row.certificate.certified_at:
        raise Problem("certificate_not_found", "No certificate had this code then.")
    return answer(_described(row, certification, texts, moment)).response()


async def _find(request: Request, code: str) -> Found | None:
    if not _CODE.fullmatch(code):
        return None
    async with transaction(request.app.state.service.engine) as conn:
        found = await certificates.by_code(conn, code)
        if found is None:
            return None
        tenant_id, row = found
        tenant = await tenants.by_id(conn, tenant_id)
        texts = await certifications.get(conn, tenant_id, str(row.certification_id))
        if tenant is None or texts is None:
            return None
        known = await certifications.load_by_ids(conn, tenant_id, [texts.id])
        now = await now_of(conn, tenant, share=False)
        return row, known[texts.id], texts, now


def _described(
    row: CertificateRow, certification: Certification, texts: CertificationRow, at: datetime
) -> dict[str, Any]:
    shown = describe_certificate(row.certificate, certification, at)
    past = {
        name: shown[name] if shown[name] is not None and shown[name] <= at else None
        for name in ("revoked_at", "superseded_at")
    }
    return {
        "code": shown["code"],
        "number": shown["number"],
        "state": state_at(row.certificate, at),
        "certification_key": texts.key,
        "certification_title": texts.title or {},
        "issued_at": shown["issued_at"],
        "valid_from": shown["valid_from"],
        "valid_through": shown["valid_through"],
        "expires_at": shown["expires_at"],
        **past,
        "as_of": at,
    }
