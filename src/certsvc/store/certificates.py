"""Certificates that were ever issued, to be listed and verified; the rules do not read these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Certificate
from certsvc.store.db import driver


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate and whose it is. What only timers need (`armed_at`, `told_through` and the
    marks of the window) is not kept here."""

    enrollment_id: UUID
    certification_id: UUID
    learner_id: str
    certificate: Certificate


_COLUMNS = """c.tenant_id, c.id, c.enrollment_id, c.certification_id, c.learner_id, c.ordinal,
  c.number, c.code, c.cycle, c.version, c.certified_at, c.valid_from, c.expires_at,
  c.extends_from, c.lapses_at, c.window_at, c.expired_at, c.lapsed_at, c.superseded_at,
  c.revoked_at, c.evidence, c.retracted"""

_GET = f"SELECT {_COLUMNS} FROM certificates c WHERE c.tenant_id = $1 AND c.id = $2"

_BY_CODE = f"SELECT {_COLUMNS} FROM certificates c WHERE c.code = $1 ORDER BY c.id LIMIT 1"

_OF_ENROLLMENT = f"""
SELECT {_COLUMNS} FROM certificates c
WHERE c.tenant_id = $1 AND c.enrollment_id = $2 ORDER BY c.ordinal"""

_PAGES = {
    (learners, certifications): f"""
SELECT {_COLUMNS} FROM certificates c
WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.id > $2)
  AND {"c.learner_id = ANY($4::text[])" if learners else "$4::text[] IS NULL"}
  AND {"c.certification_id = ANY($5::uuid[])" if certifications else "$5::uuid[] IS NULL"}
ORDER BY c.id LIMIT $3"""
    for learners in (False, True)
    for certifications in (False, True)
}


def _row(row: Any) -> CertificateRow:
    certificate = Certificate(
        id=row["id"],
        ordinal=row["ordinal"],
        number=row["number"],
        code=row["code"],
        cycle=row["cycle"],
        version=row["version"],
        certified_at=row["certified_at"],
        valid_from=row["valid_from"],
        expires_at=row["expires_at"],
        extends_from=row["extends_from"],
        lapses_at=row["lapses_at"],
        window_at=row["window_at"],
        armed_at=row["certified_at"],
        told_through=row["certified_at"],
        expired_at=row["expired_at"],
        lapsed_at=row["lapsed_at"],
        superseded_at=row["superseded_at"],
        revoked_at=row["revoked_at"],
        evidence=tuple(row["evidence"]),
        retracted=row["retracted"],
    )
    return CertificateRow(
        row["enrollment_id"], row["certification_id"], row["learner_id"], certificate
    )


async def get(conn: AsyncConnection, tenant_id: UUID, id: UUID) -> CertificateRow | None:
    """The certificate of that id."""
    row = await driver(conn).fetchrow(_GET, tenant_id, id)
    return None if row is None else _row(row)


async def by_code(conn: AsyncConnection, code: str) -> tuple[UUID, CertificateRow] | None:
    """The certificate of that public code, with the tenant that issued it."""
    row = await driver(conn).fetchrow(_BY_CODE, code)
    return None if row is None else (row["tenant_id"], _row(row))


async def of_enrollment(
    conn: AsyncConnection, tenant_id: UUID, enrollment_id: UUID
) -> list[CertificateRow]:
    """All certificates of an enrollment, in the order in which they were issued."""
    return [_row(row) for row in await driver(conn).fetch(_OF_ENROLLMENT, tenant_id, enrollment_id)]


async def page(
    conn: AsyncConnection,
    tenant_id: UUID,
    *,
    learners: Sequence[str] = (),
    certifications: Sequence[UUID] = (),
    after: UUID | None = None,
    limit: int,
) -> list[CertificateRow]:
    """Certificates in order of their ids, of all or of some learners and certifications."""
    rows = await driver(conn).fetch(
        _PAGES[bool(learners), bool(certifications)],
        tenant_id,
        after,
        limit,
        list(learners) or None,
        list(certifications) or None,
    )
    return [_row(row) for row in rows]
