"""Counts for reports equal counting one by one, and read what an index finds."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Certificate, Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import IN_FORCE, Standing
from certsvc.store import certificates, enrollments, reports
from certsvc.store.db import driver, transaction
from certsvc.store.enrollments import Locked
from certsvc.store.reports import Chosen, Period
from tests.support.plans import fill, indexes
from tests.support.programmes import CERTIFICATION, ELSEWHERE, Document, definition
from tests.support.stage import MONDAY, TENANT, Stage, days, decided

CHOICES = (
    Chosen(),
    Chosen(certifications=(CERTIFICATION,)),
    Chosen(certifications=(CERTIFICATION, ELSEWHERE), group="G1"),
    Chosen(group="G2"),
    Chosen(group="G-404"),
)


def passed(learner: str, number: int, at: datetime) -> Fact:
    return Fact(
        id=f"F-{learner}-{number}",
        type=FactType.COURSE_COMPLETION,
        occurred_at=at,
        recorded_at=at,
        course_id="C-1",
        outcome=FactOutcome.PASSED,
        grade=85.0,
    )


async def lives(stage: Stage, seed: int = 7) -> None:
    """Thirty learners in two certifications of half a year, over two years: some renew before
    the expiry, some in grace, some after the lapse, some never; some are revoked."""
    random = Random(seed)
    half_a_year: Document = {
        "validity": {"period": "P180D"},
        "renewal_opens": "P30D",
        "grace": "P30D",
    }
    forklift = await stage.certification(definition(**half_a_year), automatic=True)
    other = await stage.certification(definition(**half_a_year), id=ELSEWHERE, key="other")
    for certification, group in ((forklift, "G1"), (other, "G2"), (other, None)):
        learners = [f"{group}-{n}" for n in range(10)]
        await stage.enroll(certification, *learners, group=group)
    await stage.enroll(other, *(f"G1-{n}" for n in range(3)), group="G2")
    moments: list[tuple[datetime, str]] = []
    for group in ("G1", "G2", None):
        for n in range(10):
            at = MONDAY + days(random.randint(0, 60))
            while random.random() < 0.8 and at < MONDAY + days(700):
                moments.append((at, f"{group}-{n}"))
                at += timedelta(days=random.randint(155, 250))
    for number, (at, learner) in enumerate(sorted(moments)):
        await stage.tick(at)
        force = random.random() < 0.1
        action = Action.FORCE_RECERTIFICATION if force else Action.RECERTIFY
        await tried(stage, learner, Act(action=action, early=not force), at)
        if not force:
            await stage.report(learner, passed(learner, number, at), at=at)
    await stage.tick(MONDAY + days(720))


async def tried(stage: Stage, learner: str, act: Act, at: datetime) -> None:
    """The learner's enrollments in which it is allowed."""
    async with transaction(stage.engine) as conn:
        rows = await enrollments.lock_of_learners(conn, TENANT, [learner])
        changes = [decided(row, act, at) for row in rows]
        allowed = [change for change in changes if change.decision.refusal is None]
        await stage.save_in(conn, allowed, at=at)


async def everybody(stage: Stage) -> list[Locked]:
    async with transaction(stage.engine) as conn:
        rows = await driver(conn).fetch("SELECT id FROM enrollments WHERE tenant_id = $1", TENANT)
    return await stage.read(*(row[0] for row in rows))


def chosen_among(rows: Sequence[Locked], chosen: Chosen) -> list[Locked]:
    return [
        row
        for row in rows
        if not chosen.certifications or row.enrollment.certification_id in chosen.certifications
        if chosen.group is None or chosen.group in {a.group for a in row.enrollment.assignments}
    ]


async def test_statuses_are_counted_as_they_are_stored(stage: Stage) -> None:
    await lives(stage)
    rows = await everybody(stage)
    async with transaction(stage.engine) as conn:
        for chosen in CHOICES:
            counted = await reports.status_counts(conn, TENANT, chosen)
            found = {(o.certification_id, o.standing, o.status): o.count for o in counted}
            enrollments = [row.enrollment for row in chosen_among(rows, chosen)]
            expected = Counter((e.certification_id, e.standing, e.status) for e in enrollments)
            assert found == expected, chosen
    assert len({row.enrollment.status for row in rows}) >= 4


async def test_dates_ahead_are_counted_between_the_bounds(stage: Stage) -> None:
    await lives(stage)
    rows = await everybody(stage)
    bounds = [MONDAY + days(n) for n in (735, 760, 780, 830)]
    seen: set[tuple[str, int]] = set()
    async with transaction(stage.engine) as conn:
        for chosen in CHOICES:
            counted = await reports.dates(conn, TENANT, chosen, bounds)
            found = {(o.certification_id, o.what, o.place): o.count for o in counted}
            assert found == dates_of(chosen_among(rows, chosen), bounds), chosen
            seen |= {(what, place) for _, what, place in found}
    assert {what for what, _ in seen} == {"expire", "lapse", "window"}
    assert {place for _, place in seen} == {0, 1, 2, 3}


def dates_of(rows: Sequence[Locked], bounds: Sequence[datetime]) -> Counter[tuple[UUID, str, int]]:
    counts: Counter[tuple[UUID, str, int]] = Counter()
    for row in rows:
        e = row.enrollment
        certificate = e.certificate
        if certificate is None or e.standing not in IN_FORCE:
            continue
        valid = e.standing is Standing.VALID
        told = {
            "expire": held_through(certificate.expires_at) if valid else None,
            "lapse": held_through(certificate.lapses_at),
            "window": certificate.window_at if valid else None,
        }
        for what, at in told.items():
            if at is not None and at < bounds[-1]:
                counts[e.certification_id, what, sum(bound <= at for bound in bounds)] += 1
    return counts


def held_through(end: datetime | None) -> datetime | None:
    return None if end is None else end - timedelta(microseconds=1)


PERIODS = [
    Period(MONDAY + days(begins), MONDAY + days(ends))
    for begins, ends in ((0, 720), (150, 200), (180, 260), (300, 330), (400, 720), (719, 720))
]


async def test_outcomes_are_those_of_each_certificate(stage: Stage) -> None:
    await lives(stage)
    rows = {row.enrollment.id: row for row in await everybody(stage)}
    seen: set[str] = set()
    async with transaction(stage.engine) as conn:
        held = {id: await certificates.of_enrollment(conn, TENANT, id) for id in rows}
        for chosen in CHOICES:
            among = chosen_among(list(rows.values()), chosen)
            for period in PERIODS:
                counted = await reports.outcomes(conn, TENANT, chosen, period)
                found = {(o.certification_id or o.group, o.outcome): o.count for o in counted}
                expected: Counter[tuple[UUID | str, str]] = Counter()
                for row in among:
                    e = row.enrollment
                    groups = {a.group for a in e.assignments if a.group} & (
                        {chosen.group} if chosen.group else {"G1", "G2"}
                    )
                    own = [one.certificate for one in held[e.id]]
                    for certificate in own:
                        outcome = outcome_of(certificate, own, period)
                        if outcome is not None:
                            expected.update((name, outcome) for name in groups if name)
                            expected[e.certification_id, outcome] += 1
                assert found == expected, (chosen, period)
                seen |= {outcome for _, outcome in found}
    assert seen == {"in_time", "late", "reinstated", "open", "lapsed", "revoked"}


def outcome_of(c: Certificate, own: Sequence[Certificate], period: Period) -> str | None:
    """The definition once more, for one certificate."""
    newer = [one.certified_at for one in own if one.certified_at > c.certified_at]
    renewed = c.superseded_at or (min(newer, default=None) if c.revoked_at is None else None)
    ended = renewed or c.revoked_at
    due = [at for at in (c.window_at, held_through(c.expires_at)) if at is not None]
    if not any(period.begins <= at < period.ends for at in due):
        return None
    if ended is not None and ended < period.begins:
        return None
    lapse = c.lapsed_at or c.lapses_at
    if renewed is not None and renewed <= period.ends:
        if c.expires_at is None or renewed < c.expires_at:
            return "in_time"
        return "late" if lapse is None or renewed < lapse else "reinstated"
    if c.revoked_at is not None and c.revoked_at <= period.ends:
        return "revoked"
    return "lapsed" if lapse is not None and lapse <= period.ends else "open"


async def test_periods_that_follow_each_other_leave_no_expiry_out(stage: Stage) -> None:
    await lives(stage)
    marks = [MONDAY + days(n) for n in range(0, 721, 60)]
    async with transaction(stage.engine) as conn:
        parts = [
            await reports.outcomes(conn, TENANT, Chosen(), Period(*pair))
            for pair in pairwise(marks)
        ]
        whole = await reports.outcomes(conn, TENANT, Chosen(), Period(marks[0], marks[-1]))
    in_parts = sum(one.count for part in parts for one in part if one.certification_id)
    assert in_parts >= sum(one.count for one in whole if one.certification_id) > 30


async def test_the_past_is_walked_through_without_a_gap_or_a_repetition(stage: Stage) -> None:
    await lives(stage)
    at = MONDAY + days(400)
    async with transaction(stage.engine) as conn:
        whole = await reports.past_page(conn, TENANT, Chosen(), at, None, 1000)
        assert whole.next is None
        counted: Counter[object] = Counter()
        seen: list[UUID] = []
        after: UUID | None = None
        while True:
            page = await reports.past_page(conn, TENANT, Chosen(), at, after, 4)
            counted.update({(o.certification_id, o.status): o.count for o in page.counted})
            seen += [state.id for state in page.states]
            after = page.next
            if after is None:
                break
    assert sorted(seen) == sorted(state.id for state in whole.states)
    assert counted == {(o.certification_id, o.status): o.count for o in whole.counted}
    assert seen
    assert counted
    assert counted.total() + len(seen) == 33


async def test_another_tenants_numbers_are_in_no_report(stage: Stage) -> None:
    await lives(stage)
    nobody = UUID(int=9)
    period = Period(MONDAY, MONDAY + days(720))
    async with transaction(stage.engine) as conn:
        for chosen in CHOICES:
            assert await reports.status_counts(conn, nobody, chosen) == []
            bounds = [MONDAY, MONDAY + days(999)]
            assert await reports.dates(conn, nobody, chosen, bounds) == []
            assert await reports.outcomes(conn, nobody, chosen, period) == []
            page = await reports.past_page(conn, nobody, chosen, MONDAY + days(9), None, 9)
            assert (page.counted, page.states, page.next) == ([], [], None)
        assert await reports.subjects(conn, nobody, [CERTIFICATION]) == []


async def grouped(conn: AsyncConnection) -> None:
    """Each five hundredth enrollment is in a group."""
    await driver(conn).execute(
        """
        INSERT INTO assignments (tenant_id, id, enrollment_id, source, group_id, assigned_at)
        SELECT tenant_id, gen_random_uuid(), id, $1, CASE WHEN n % 500 = 0 THEN 'G1' END,
          enrolled_at
        FROM (SELECT *, row_number() OVER () AS n FROM enrollments) AS e""",
        Source.GROUP,
    )
    await driver(conn).execute("ANALYZE assignments")


async def test_a_group_is_found_by_its_index(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await grouped(conn)
        for built, values in (
            (reports._status_counts, ["G1"]),
            (reports._dates, [[MONDAY, MONDAY + days(9)], MONDAY + days(9), "G1"]),
        ):
            found = await indexes(conn, built((False, True)), TENANT, *values)
            assert "assignments_standing_by_source" in found
            assert "scan of assignments" not in found
            assert "scan of enrollments" not in found


@pytest.mark.parametrize("group", [False, True])
async def test_a_page_of_the_past_reads_that_page_alone(stage: Stage, group: bool) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await grouped(conn)
        values = [MONDAY + days(9), UUID(int=2**100), 50, *(["G1"] if group else [])]
        found = await indexes(conn, reports._past_page((False, group)), TENANT, *values)
    expected = {"enrollments_pkey", "events_tenant_id_enrollment_id_sequence_key"}
    assert found == expected | ({"assignments_of_enrollment"} if group else set())
