"""Certificates: of an enrollment, of the tenant, and what anybody may verify."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from certsvc.api.answers import Answer, answer
from certsvc.api.exchange import Call, Exchange
from certsvc.api.outcomes import no_answer
from certsvc.api.paging import DEFAULT_LIMIT, Cursor, Limit, after_id, after_number, digest, page
from certsvc.api.routes.enrollments import NOT_FOUND, EnrollmentId, Several
from certsvc.api.routing import Operations
from certsvc.api.schemas.certificate import Certificate, CertificatePage
from certsvc.api.schemas.values import LmsId, OurId, Reference
from certsvc.domain.certification import Certification
from certsvc.domain.describe import describe_certificate
from certsvc.domain.enrollment import Certificate as Credential
from certsvc.store import certificates, certifications
from certsvc.store.api_keys import Role
from certsvc.store.certificates import CertificateRow
from certsvc.usecases.answers import NotFound
from certsvc.usecases.read import read

router = Operations("certificates")


def state_at(certificate: Credential, at: datetime) -> str:
    """What a certificate is worth at an instant."""
    if certificate.revoked_at is not None and certificate.revoked_at <= at:
        return "revoked"
    if certificate.superseded_at is not None and certificate.superseded_at <= at:
        return "superseded"
    if certificate.expires_at is not None and certificate.expires_at <= at:
        return "expired"
    return "valid"


def _described(
    row: CertificateRow, known: Mapping[UUID, Certification], now: datetime
) -> dict[str, Any]:
    certification = known[row.certification_id]
    return {
        **describe_certificate(row.certificate, certification, now),
        "state": state_at(row.certificate, now),
        "enrollment_id": row.enrollment_id,
        "certification_id": row.certification_id,
        "certification_key": certification.key,
        "learner_id": row.learner_id,
    }


async def _known(
    conn: AsyncConnection, exchange: Exchange, rows: Sequence[CertificateRow]
) -> Mapping[UUID, Certification]:
    wanted = {row.certification_id for row in rows}
    return await certifications.load_by_ids(conn, exchange.tenant_id, list(wanted))


@router.operation(
    "GET",
    "/enrollments/{enrollment_id}/certificates",
    CertificatePage,
    role=Role.READER,
    refusals=NOT_FOUND,
)
async def list_enrollment_certificates(
    call: Call, enrollment_id: EnrollmentId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """List the certificates of an enrollment, past ones too."""
    mark = digest("enrollment-certificates", {"enrollment": enrollment_id})
    after = after_number(cursor, mark) or 0

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await read(conn, call.tenant, now, enrollment_id)
        if isinstance(found, NotFound):
            return no_answer(call, found)
        rows = await certificates.of_enrollment(conn, call.tenant_id, enrollment_id)
        rest = [row for row in rows if row.certificate.ordinal > after]
        known = {found.certification.id: found.certification}
        return page(
            rest,
            limit,
            mark,
            found.now,
            lambda row: row.certificate.ordinal,
            lambda row: _described(row, known, found.now),
        )

    return await call.read(work)


@router.operation("GET", "/certificates", CertificatePage, role=Role.READER)
async def list_certificates(
    call: Call,
    certification: Annotated[list[Reference] | None, Several] = None,
    learner_id: Annotated[list[LmsId] | None, Several] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """List certificates."""
    references, learners = tuple(certification or ()), tuple(learner_id or ())
    mark = digest("certificates", {"certification": references, "learner_id": learners})
    after = after_id(cursor, mark)

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        found = await certifications.resolve(conn, call.tenant_id, references)
        chosen = tuple({id for id, _ in found.values()})
        rows = (
            await certificates.page(
                conn,
                call.tenant_id,
                learners=learners,
                certifications=chosen,
                after=after,
                limit=limit + 1,
            )
            if chosen or not references
            else []
        )
        known = await _known(conn, call, rows)
        return page(
            rows,
            limit,
            mark,
            now,
            lambda row: row.certificate.id,
            lambda row: _described(row, known, now),
        )

    return await call.read(work)


@router.operation(
    "GET",
    "/certificates/{certificate_id}",
    Certificate,
    role=Role.READER,
    refusals=("certificate_not_found",),
)
async def get_certificate(call: Call, certificate_id: Annotated[OurId, Path()]) -> Response:
    """Read a certificate."""

    async def work(conn: AsyncConnection, now: datetime) -> Answer:
        row = await certificates.get(conn, call.tenant_id, certificate_id)
        if row is None:
            return no_answer(call, NotFound("certificate", str(certificate_id)))
        return answer(_described(row, await _known(conn, call, [row]), now))

    return await call.read(work)
