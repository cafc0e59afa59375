"""Looks for states that the laws forbid. It repairs nothing: such a state is a defect to report."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import next_due_at
from certsvc.store import certifications, inspection
from certsvc.store.codec import decode_enrollment
from certsvc.store.columns import columns
from certsvc.store.db import transaction
from certsvc.store.inspection import FIRST, Inspected
from certsvc.store.tenants import Tenant

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Violation:
    """One law that one enrollment breaks."""

    tenant: str
    enrollment_id: UUID
    law: str
    detail: str


Finding = tuple[str, str]
Law = Callable[[Inspected, Enrollment, Certification], Iterator[Finding]]


async def count(engine: AsyncEngine, tenant: Tenant) -> int:
    """How many enrollments there are to check."""
    async with transaction(engine) as conn:
        return await inspection.count(conn, tenant.id)


async def check(engine: AsyncEngine, tenant: Tenant) -> AsyncIterator[tuple[int, list[Violation]]]:
    """Page by page: how many enrollments were looked at, and what is wrong with them."""
    after = FIRST
    while True:
        async with transaction(engine) as conn:
            rows = await inspection.page(conn, tenant.id, after=after, limit=PAGE)
            if not rows:
                return
            known = await _certifications(conn, tenant, list(rows))
        found = [
            Violation(tenant.key, row.id, law, detail)
            for row in rows
            for law, detail in _findings(row, known.get(row.certification_id))
        ]
        yield len(rows), found
        after = rows[-1].id


async def _certifications(
    conn: AsyncConnection, tenant: Tenant, rows: list[Inspected]
) -> dict[UUID, Certification]:
    revisions = {
        row.certification_id: row.certification_revision
        for row in rows
        if row.certification_revision is not None
    }
    return await certifications.load(conn, tenant.id, revisions)


def _findings(row: Inspected, certification: Certification | None) -> Iterator[Finding]:
    if row.set_aside_error is not None:
        yield "set aside", row.set_aside_error
    if certification is None:
        yield "certification exists", f"there is no certification {row.certification_id}"
        return
    try:
        enrollment = decode_enrollment(row.document)
        for law in _LAWS:
            yield from law(row, enrollment, certification)
    except Exception as error:  # a row that cannot be judged is the worst finding of all
        yield "readable", f"{type(error).__name__}: {error}"


def _columns_follow(row: Inspected, e: Enrollment, c: Certification) -> Iterator[Finding]:
    """What a row is found by says the same as its document; the status is the headline."""
    expected: dict[str, Any] = columns(e, c, e.updated_at, None)._asdict()
    for name, stored in row.columns.items():
        if name != "next_due_at" and stored != expected[name]:
            yield "columns equal the document", f"{name} is {stored}, not {expected[name]}"


def _comes_due(row: Inspected, e: Enrollment, c: Certification) -> Iterator[Finding]:
    """Looked at no later than time does something; earlier is harmless."""
    due = next_due_at(e, c)
    stored = row.columns["next_due_at"]
    if due is not None and (stored is None or stored > due):
        yield "comes due in time", f"looked at {stored}, but due at {due}"


def _sequence(row: Inspected, e: Enrollment, _: Certification) -> Iterator[Finding]:
    """Events are numbered from one to the enrollment's sequence, without gaps."""
    wanted = (e.sequence, 1 if e.sequence else None, e.sequence or None)
    found = (row.events, row.first_sequence, row.last_sequence)
    if found != wanted:
        numbers = f"{row.events} events from {row.first_sequence} to {row.last_sequence}"
        yield "sequence without gaps", f"{numbers}, but the sequence is at {e.sequence}"


def _cycles(row: Inspected, e: Enrollment, _: Certification) -> Iterator[Finding]:
    """At most one cycle is open, and it is the enrollment's."""
    if row.open_cycles != (e.cycle is not None):
        yield "at most one open cycle", f"{row.open_cycles} cycles are open"
    if row.cycles != e.cycles:
        yield "every cycle is kept", f"{row.cycles} cycles are kept of {e.cycles}"


def _certificates(row: Inspected, e: Enrollment, _: Certification) -> Iterator[Finding]:
    """At most one certificate is in force."""
    if row.in_force > 1 or (e.in_force is not None and row.in_force != 1):
        yield "at most one certificate in force", f"{row.in_force} certificates are in force"


_LAWS: tuple[Law, ...] = (_columns_follow, _comes_due, _sequence, _cycles, _certificates)
