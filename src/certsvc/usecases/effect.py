"""What a change of a certification does to people, or would do: the answer of switches, of
archiving and of publishing, the same in a dry run as in earnest."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store import concerned, group_work
from certsvc.store.concerned import Concern, Concerned
from certsvc.store.tenants import Tenant
from certsvc.usecases.waking import SAMPLE, Opened


@dataclass(frozen=True, slots=True)
class Effect:
    """Whom the change concerns, which cycles open by it, and how many members of targeted groups
    are enrolled; what the status is then of those enrolled before, and on which version the cycles
    stay that were open before."""

    opened: int = 0
    joining: int = 0
    concerned: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    sample: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Before:
    """How it was before the change."""

    concerned: Concerned
    joining: int
    statuses: dict[str, int]
    versions: dict[int, int]

    def effect(self, opened: Opened) -> Effect:
        """What the change comes to."""
        statuses = Counter(self.statuses)
        for (was, becomes), number in opened.moves.items():
            statuses[was] -= number
            statuses[becomes] += number
        sample = dict.fromkeys((*opened.sample, *self.concerned.sample))
        return Effect(
            opened=opened.count,
            joining=self.joining,
            concerned=self.concerned.count,
            statuses=dict(+statuses),
            versions=self.versions,
            sample=tuple(sample)[:SAMPLE],
        )


async def before(
    conn: AsyncConnection,
    tenant: Tenant,
    certification_id: UUID,
    by: Concern | None,
    *,
    takes_learners: bool,
) -> Before:
    """How it is before the change is made. `takes_learners`: the change lets learners in, and so
    those who are in targeted groups already."""
    versions: dict[int, int] = {}
    if by is Concern.PUBLICATION:
        versions = await concerned.open_cycles_by_version(conn, tenant.id, certification_id)
    who = Concerned(0, ())
    if by is not None:
        who = await concerned.concerned(conn, tenant.id, certification_id, by, SAMPLE)
    return Before(
        who,
        await group_work.waiting(conn, tenant.id, certification_id) if takes_learners else 0,
        await concerned.counts_by_status(conn, tenant.id, certification_id),
        versions,
    )
