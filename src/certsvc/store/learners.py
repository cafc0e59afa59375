"""Learners as something to be held: enrolling somebody and hearing of their deeds exclude
each other.

Without this a fact and an enrollment that are born in the same moment would each miss the other.
Two who hear of deeds do not: what there is of a learner is locked row by row. So they share.
Locks are taken on a few hundred numbers instead of on every learner, so that a large batch cannot
use up the server's room for locks; two learners that share a number wait without need.
"""

from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.store.db import driver

_NUMBERS = 512
_NAMESPACE = 0x6C65 << 16

# In order of the numbers, so that two batches wait for each other instead of deadlocking.
_HOLD = """
SELECT pg_advisory_xact_lock($1, number)
FROM (SELECT number FROM unnest($2::int[]) AS number ORDER BY number) AS ordered"""
_SHARE = _HOLD.replace("xact_lock", "xact_lock_shared")


async def hold(conn: AsyncConnection, tenant_id: UUID, learner_ids: Iterable[str]) -> None:
    """Hold the learners until the transaction ends, to enrol them."""
    await _locked(conn, _HOLD, tenant_id, learner_ids)


async def share(conn: AsyncConnection, tenant_id: UUID, learner_ids: Iterable[str]) -> None:
    """Keep the learners from being enrolled until the transaction ends, to hear of their deeds."""
    await _locked(conn, _SHARE, tenant_id, learner_ids)


async def _locked(
    conn: AsyncConnection, statement: str, tenant_id: UUID, learner_ids: Iterable[str]
) -> None:
    numbers = sorted({_number(tenant_id, learner_id) for learner_id in learner_ids})
    if numbers:
        await driver(conn).execute(statement, _NAMESPACE, numbers)


def _number(tenant_id: UUID, learner_id: str) -> int:
    digest = blake2b(tenant_id.bytes + learner_id.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _NUMBERS
