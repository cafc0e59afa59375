"""A tenant with certifications and enrollments in a real database, for tests of the store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from certsvc.domain.certification import Certification
from certsvc.domain.commands import Act, Command, Enroll, Record
from certsvc.domain.enrollment import Enrollment, Source, blank
from certsvc.domain.evidence import Fact
from certsvc.domain.ids import derived_id
from certsvc.domain.lifecycle import advance, decide
from certsvc.domain.switch import Switch
from certsvc.store import certifications, decisions, enrollments, evidence, tenants, versions
from certsvc.store.author import Author
from certsvc.store.certifications import CertificationRow
from certsvc.store.db import transaction
from certsvc.store.decisions import Change, Saved
from certsvc.store.enrollments import Locked
from certsvc.store.evidence import Recorded
from certsvc.store.tenants import Tenant
from certsvc.store.versions import VersionRow
from tests.support.programmes import CERTIFICATION, Document, definition, utc

TENANT = UUID("018cc251-f400-7000-8000-0000000000a1")
MONDAY = utc("2026-01-05T09:00")
BOSS = Author("key:boss", reason="because")
YEARS_AGO = utc("2020-01-01T00:00")


@dataclass(frozen=True, slots=True)
class Stage:
    """One tenant; every method is a transaction of its own."""

    engine: AsyncEngine
    tenant: Tenant

    @classmethod
    async def set(
        cls, engine: AsyncEngine, id: UUID = TENANT, *, key: str = "acme", sandbox: bool = False
    ) -> "Stage":
        """A new tenant."""
        tenant = Tenant(id, key, sandbox, MONDAY if sandbox else None, YEARS_AGO)
        async with transaction(engine) as conn:
            assert await tenants.insert(conn, tenant)
        return cls(engine, tenant)

    async def certification(
        self,
        *documents: Document,
        id: UUID = CERTIFICATION,
        key: str = "forklift",
        automatic: bool = False,
    ) -> Certification:
        """A certification with these versions published."""
        row = CertificationRow(
            id=id,
            key=key,
            title="Forklift",
            automatic=Switch.always(automatic),
            created_at=YEARS_AGO,
            updated_at=YEARS_AGO,
        )
        async with transaction(self.engine) as conn:
            assert await certifications.insert(conn, self.tenant.id, row)
            for number, document in enumerate(documents or (definition(),), start=1):
                version = VersionRow(
                    certification_id=id,
                    number=number,
                    state="published",
                    definition=document,
                    published_at=YEARS_AGO,
                    created_at=YEARS_AGO,
                    updated_at=YEARS_AGO,
                )
                await versions.insert(conn, self.tenant.id, version)
        async with transaction(self.engine) as conn:
            return (await certifications.load_by_ids(conn, self.tenant.id, [id]))[id]

    async def enroll(
        self,
        certification: Certification,
        *learners: str,
        at: datetime = MONDAY,
        group: str | None = None,
    ) -> list[UUID]:
        """Enroll learners who are not enrolled yet; their ids in the same order."""
        source = Source.MANUAL if group is None else Source.GROUP
        changes = [
            first_enrollment(certification, learner, Enroll(source=source, group=group), at)
            for learner in learners
        ]
        saved = await self.save(changes, at=at)
        assert not saved.lost
        return [change.decision.enrollment.id for change in changes]

    async def save(self, changes: Sequence[Change], *, at: datetime = MONDAY) -> Saved:
        """Write changes that were decided elsewhere."""
        async with transaction(self.engine) as conn:
            return await self.save_in(conn, changes, at=at)

    async def save_in(
        self, conn: AsyncConnection, changes: Sequence[Change], *, at: datetime = MONDAY
    ) -> Saved:
        """The same inside an open transaction."""
        live = not self.tenant.sandbox
        return await decisions.save(conn, self.tenant.id, changes, recorded_at=at, live=live)

    async def command(self, id: UUID, command: Command, at: datetime = MONDAY) -> Enrollment:
        """Lock, decide what must be accepted, save."""
        async with transaction(self.engine) as conn:
            (locked,) = await enrollments.lock(conn, self.tenant.id, [id], every_fact=True)
            change = decided(locked, command, at)
            assert change.decision.refusal is None, change.decision.refusal
            await self.save_in(conn, [change], at=at)
            return change.decision.enrollment

    async def act(self, id: UUID, act: Act, at: datetime = MONDAY) -> Enrollment:
        """One action of the grid."""
        return await self.command(id, act, at)

    async def report(self, learner: str, *facts: Fact, at: datetime = MONDAY) -> None:
        """The LMS reports facts; all enrollments of the learner move."""
        async with transaction(self.engine) as conn:
            items = [Recorded(fact, learner, None, "key:lms") for fact in facts]
            await evidence.insert(conn, self.tenant.id, items)
            held = await enrollments.lock_of_learners(conn, self.tenant.id, [learner])
            await self.save_in(conn, [decided(one, Record(facts), at) for one in held], at=at)

    async def tick(self, at: datetime, limit: int = 1000) -> int:
        """Time does what is due; how many rows were claimed."""
        async with transaction(self.engine) as conn:
            claim = await enrollments.claim_due(conn, self.tenant.id, at, limit)
            await self.save_in(conn, [advanced(one, at) for one in claim.rows], at=at)
            return len(claim.rows)

    async def read(self, *ids: UUID) -> list[Locked]:
        """The rows as stored."""
        async with transaction(self.engine) as conn:
            return await enrollments.read(conn, self.tenant.id, ids)


def first_enrollment(
    certification: Certification, learner: str, command: Enroll, at: datetime = MONDAY
) -> Change:
    """What enrolling somebody comes to who was never there."""
    id = derived_id(at, certification.id, learner)
    start = blank(
        id=id, certification_id=certification.id, learner_id=learner, seed=f"s-{learner}", at=at
    )
    decision = decide(start, certification, command, at)
    assert decision.refusal is None, decision.refusal
    return Change(None, decision, certification, BOSS)


def decided(locked: Locked, command: Command, at: datetime) -> Change:
    """What the command comes to."""
    decision = decide(locked.enrollment, locked.certification, command, at)
    return Change(locked, decision, locked.certification, BOSS)


def advanced(locked: Locked, at: datetime) -> Change:
    """What time comes to."""
    decision = advance(locked.enrollment, locked.certification, at)
    return Change(locked, decision, locked.certification, BOSS)


def without_evidence(enrollment: Enrollment) -> Enrollment:
    """The enrollment as it is stored."""
    return replace(enrollment, evidence=())


def days(number: int) -> timedelta:
    """So many days."""
    return timedelta(days=number)
