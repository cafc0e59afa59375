"""What decisions leave beside the enrollments: cycles, certificates, assignments, to be listed.

An assignment that came, one that went, a cycle that opened or closed, a certificate that was
issued or changed: each is written as it is in the end.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Assignment, Certificate, Cycle, Enrollment
from certsvc.domain.outcome import Decision
from certsvc.store.codec import encode_cycle
from certsvc.store.db import driver
from certsvc.store.rows import ForRows, selected, types


def _upsert(table: str, columns: str, key: str, changing: str) -> ForRows:
    """Insert rows, or change those that are there."""
    named = types(columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in changing.split())
    return ForRows.of(
        named,
        f"""
INSERT INTO {table} (tenant_id, {", ".join(named)})
SELECT $1, {selected(named)} FROM {{rows}}
ON CONFLICT ({key}) DO UPDATE SET {changes}""",
    )


_CYCLES: Final = _upsert(
    "cycles",
    "enrollment_id uuid, number int, kind text, version int, opened_at timestamptz,"
    " closed_at timestamptz, outcome text, doc jsonb",
    key="tenant_id, enrollment_id, number",
    changing="version closed_at outcome doc",
)

_ISSUE: Final = _upsert(
    "certificates",
    "id uuid, enrollment_id uuid, certification_id uuid, learner_id text, ordinal int,"
    " number text, code text, cycle int, version int, certified_at timestamptz,"
    " valid_from timestamptz, expires_at timestamptz, extends_from timestamptz,"
    " lapses_at timestamptz, window_at timestamptz, expired_at timestamptz,"
    " lapsed_at timestamptz, superseded_at timestamptz, revoked_at timestamptz, retracted bool,"
    " evidence list",
    key="tenant_id, id",
    changing="retracted",
)

_CHANGE: Final = ForRows.of(
    types(
        "id uuid, expires_at timestamptz, extends_from timestamptz, lapses_at timestamptz,"
        " window_at timestamptz, expired_at timestamptz, lapsed_at timestamptz,"
        " superseded_at timestamptz, revoked_at timestamptz, retracted bool"
    ),
    """
UPDATE certificates c SET
  expires_at = n.expires_at, extends_from = n.extends_from, lapses_at = n.lapses_at,
  window_at = n.window_at, expired_at = n.expired_at, lapsed_at = n.lapsed_at,
  superseded_at = n.superseded_at, revoked_at = n.revoked_at, retracted = n.retracted
FROM {rows}
WHERE c.tenant_id = $1 AND c.id = n.id""",
)

# What may change of a certificate that was issued, and is kept; the rest is for timers only.
_changing = attrgetter(
    "id",
    "expires_at",
    "extends_from",
    "lapses_at",
    "window_at",
    "expired_at",
    "lapsed_at",
    "superseded_at",
    "revoked_at",
    "retracted",
)

_ASSIGN: Final = _upsert(
    "assignments",
    "id uuid, enrollment_id uuid, source text, group_id text, assigned_at timestamptz,"
    " ended_at timestamptz",
    key="tenant_id, id",
    changing="ended_at",
)

_UNASSIGN: Final = ForRows.of(
    types("id uuid, ended_at timestamptz"),
    """
UPDATE assignments a SET ended_at = n.ended_at
FROM {rows}
WHERE a.tenant_id = $1 AND a.id = n.id""",
)


async def save(
    conn: AsyncConnection, tenant_id: UUID, decided: Sequence[tuple[Enrollment | None, Decision]]
) -> None:
    """Write the traces of decisions, each given with the enrollment that it began with."""
    cycles: list[tuple[Any, ...]] = []
    issued: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    assigned: list[tuple[Any, ...]] = []
    unassigned: list[tuple[Any, ...]] = []
    for before, decision in decided:
        e = decision.enrollment
        # Of one thing told twice, as it was last.
        for cycle in {cycle.number: cycle for cycle in decision.cycles}.values():
            cycles.append(_cycle(e, cycle))
        for certificate in {one.id: one for one in decision.certificates}.values():
            if before is None or certificate.ordinal > len(before.issued):
                issued.append(_certificate(e, certificate))
            elif _differs(before.certificate, certificate):
                changed.append(_changing(certificate))
        if decision.assigned or decision.unassigned:
            ends = dict(decision.unassigned)
            # One that came and went in the same breath is written with its end.
            assigned += [_assignment(e, one, ends.pop(one.id, None)) for one in decision.assigned]
            unassigned += ends.items()
    raw = driver(conn)
    # Those that go first, because one that comes may take their place.
    for statement, rows in (
        (_UNASSIGN, unassigned),
        (_ASSIGN, assigned),
        (_CYCLES, cycles),
        (_ISSUE, issued),
        (_CHANGE, changed),
    ):
        if rows:
            sql, parameters = statement.asked(rows)
            await raw.execute(sql, tenant_id, *parameters)


def _differs(before: Certificate | None, after: Certificate) -> bool:
    """Whether anything changed that is kept here."""
    if before is None or before.id != after.id:
        return True
    return bool(_changing(before) != _changing(after))


def _cycle(e: Enrollment, cycle: Cycle) -> tuple[Any, ...]:
    return (
        e.id,
        cycle.number,
        cycle.kind,
        cycle.version,
        cycle.opened_at,
        cycle.closed_at,
        cycle.outcome,
        encode_cycle(cycle),
    )


def _assignment(e: Enrollment, one: Assignment, ended_at: datetime | None) -> tuple[Any, ...]:
    return (one.id, e.id, one.source, one.group, one.assigned_at, ended_at)


def _certificate(e: Enrollment, certificate: Certificate) -> tuple[Any, ...]:
    return (
        certificate.id,
        e.id,
        e.certification_id,
        e.learner_id,
        certificate.ordinal,
        certificate.number,
        certificate.code,
        certificate.cycle,
        certificate.version,
        certificate.certified_at,
        certificate.valid_from,
        certificate.expires_at,
        certificate.extends_from,
        certificate.lapses_at,
        certificate.window_at,
        certificate.expired_at,
        certificate.lapsed_at,
        certificate.superseded_at,
        certificate.revoked_at,
        certificate.retracted,
        ",".join(certificate.evidence),
    )
