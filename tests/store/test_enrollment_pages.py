"""Pages of enrollments: every filter alone and with others, in an order that an index serves."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import Flag, Standing, Status
from certsvc.store import enrollment_pages
from certsvc.store.db import driver, transaction
from certsvc.store.enrollment_pages import Filters, Position
from certsvc.store.enrollments import Locked
from tests.support.plans import fill, indexes
from tests.support.programmes import CERTIFICATION, ELSEWHERE, definition
from tests.support.stage import MONDAY, TENANT, Stage, days

LATER = MONDAY + days(400)


async def everybody(stage: Stage) -> list[Locked]:
    """Two dozen enrollments of many kinds."""
    forklift = await stage.certification(definition(due={"after": "P60D"}))
    other = await stage.certification(id=ELSEWHERE, key="other", automatic=True)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE certifications SET hidden = true, revision = revision + 1 WHERE key = 'other'"
        )
    for certification, group in ((forklift, None), (other, "G1")):
        ids = await stage.enroll(certification, *(f"u-{n}" for n in range(8)), group=group)
        await stage.enroll(certification, "u-8", "u-9", group="G2", at=MONDAY + days(3))
        await stage.act(ids[0], Act(action=Action.CANCEL), MONDAY + days(1))
    for n in range(3, 6):
        fact = Fact(
            id=f"F-{n}",
            type=FactType.COURSE_COMPLETION,
            occurred_at=MONDAY + days(n),
            recorded_at=MONDAY + days(n),
            course_id="C-1",
            outcome=FactOutcome.PASSED,
        )
        await stage.report(f"u-{n}", fact, at=MONDAY + days(n))
    await stage.tick(MONDAY + days(369))
    async with transaction(stage.engine) as conn:
        page = await enrollment_pages.page(conn, TENANT, Filters(), None, 200)
    assert page.next is None
    assert len(page.items) == 20
    return page.items


def expected(items: list[Locked], filters: Filters) -> set[UUID]:
    """The ids that the filters let through, by reading every enrollment."""
    return {one.enrollment.id for one in items if passes(one, filters)}


def passes(one: Locked, filters: Filters) -> bool:
    e = one.enrollment
    shown = e.certificate if e.standing not in (Standing.REVOKED, Standing.NONE) else None
    expires_at = None if shown is None else shown.expires_at
    due_at = None if e.cycle is None else e.cycle.due_at
    return all(
        (
            not filters.certifications or e.certification_id in filters.certifications,
            not filters.learners or e.learner_id in filters.learners,
            not filters.statuses or e.status in filters.statuses,
            not filters.standings or e.standing in filters.standings,
            not filters.flags or set(one.flags) & set(filters.flags),
            any(
                filters.source in (None, a.source) and filters.group in (None, a.group)
                for a in e.assignments
            ),
            between(expires_at, filters.expires_after, filters.expires_before),
            between(due_at, filters.due_after, filters.due_before),
            between(e.updated_at, filters.updated_after, None),
            filters.hidden in (None, one.certification.hidden),
        )
    )


def between(at: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    if after is None and before is None:
        return True
    if at is None:
        return False
    return (after is None or at > after) and (before is None or at < before)


CHOICES: dict[str, tuple[Any, ...]] = {
    "certifications": ((), (ELSEWHERE,), (CERTIFICATION, ELSEWHERE)),
    "learners": ((), ("u-3", "u-4", "u-8", "u-404")),
    "statuses": ((), (Status.RECERTIFYING,), (Status.NOT_STARTED, Status.EXPIRED)),
    "standings": ((), (Standing.NONE, Standing.GRACE)),
    "flags": ((), (Flag.OVERDUE, Flag.DUE_FOR_RECERTIFICATION)),
    "source": (None, Source.GROUP),
    "group": (None, "G2"),
    "expires_before": (None, LATER),
    "due_after": (None, MONDAY),
    "updated_after": (None, MONDAY + days(2)),
    "hidden": (None, False),
}


async def test_every_set_of_filters_finds_what_reading_all_would_find(stage: Stage) -> None:
    items = await everybody(stage)
    found_any: set[str] = set()
    async with transaction(stage.engine) as conn:
        for values in product(*CHOICES.values()):
            given = dict(zip(CHOICES, values, strict=True))
            if sum(value not in ((), None) for value in values) > 3:
                continue
            filters = Filters(**given)
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100)
            assert {one.enrollment.id for one in page.items} == expected(items, filters), given
            if page.items:
                found_any |= {name for name, value in given.items() if value not in ((), None)}
    assert found_any == set(CHOICES)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(statuses=[Status.NOT_STARTED, Status.EXPIRED, Status.RECERTIFYING]),
        Filters(standings=[Standing.NONE], certifications=[CERTIFICATION, ELSEWHERE]),
        Filters(expires_after=MONDAY),
        Filters(due_before=LATER, statuses=[Status.NOT_STARTED]),
        Filters(updated_after=MONDAY - days(1)),
        Filters(source=Source.GROUP),
        Filters(group="G2", standings=[Standing.NONE]),
        Filters(flags=list(Flag)),
    ],
)
async def test_pages_follow_each_other_without_a_gap_or_a_repetition(
    stage: Stage, filters: Filters
) -> None:
    await everybody(stage)
    async with transaction(stage.engine) as conn:
        whole = await enrollment_pages.page(conn, TENANT, filters, None, 100)
        seen: list[UUID] = []
        after: Position | None = None
        while True:
            page = await enrollment_pages.page(conn, TENANT, filters, after, 3)
            seen += [one.enrollment.id for one in page.items]
            after = page.next
            if after is None:
                break
            assert len(page.items) == 3
    assert whole.items
    assert seen == [one.enrollment.id for one in whole.items]


async def test_a_page_is_in_order_of_what_it_is_asked_for(stage: Stage) -> None:
    await everybody(stage)
    async with transaction(stage.engine) as conn:
        by_id = await enrollment_pages.page(conn, TENANT, Filters(), None, 100)
        filters = Filters(expires_after=MONDAY)
        by_expiry = await enrollment_pages.page(conn, TENANT, filters, None, 2)
        filters = Filters(updated_after=MONDAY - days(1))
        by_update = await enrollment_pages.page(conn, TENANT, filters, None, 100)
    ids = [one.enrollment.id for one in by_id.items]
    assert ids == sorted(ids)
    assert by_expiry.next is not None
    certificate = by_expiry.items[-1].enrollment.certificate
    assert certificate is not None
    assert by_expiry.next.instant == certificate.expires_at
    updates = [one.enrollment.updated_at for one in by_update.items]
    assert updates == sorted(updates)


async def test_another_tenants_enrollments_are_in_no_page(stage: Stage) -> None:
    await everybody(stage)
    async with transaction(stage.engine) as conn:
        for filters in (
            Filters(),
            Filters(group="G1"),
            Filters(statuses=list(Status)),
            Filters(expires_after=MONDAY),
        ):
            page = await enrollment_pages.page(conn, UUID(int=9), filters, None, 100)
            assert (page.items, page.next) == ([], None)


PLANS: list[tuple[Filters, str]] = [
    (Filters(), "enrollments_pkey"),
    (Filters(certifications=[CERTIFICATION]), "enrollments_of_certification"),
    (
        Filters(learners=["m-7", "m-9"]),
        "enrollments_tenant_id_learner_id_certification_id_key",
    ),
    (Filters(statuses=[Status.LAPSED]), "enrollments_by_standing_and_status"),
    (Filters(standings=[Standing.LAPSED]), "enrollments_by_standing_and_status"),
    (Filters(flags=[Flag.EXPIRING]), "enrollments_flagged"),
    (Filters(expires_before=MONDAY + days(9)), "enrollments_by_expiry"),
    (
        Filters(expires_after=MONDAY + days(9), expires_before=MONDAY + days(30)),
        "enrollments_by_expiry",
    ),
    (Filters(due_before=MONDAY + days(30)), "enrollments_by_due_date"),
    (Filters(updated_after=MONDAY), "enrollments_by_update"),
]


@pytest.mark.parametrize("onwards", [False, True])
async def test_every_filter_is_served_by_its_index(stage: Stage, onwards: bool) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        for filters, index in PLANS:
            assert await used(conn, filters, onwards) == {index}, filters


@pytest.mark.parametrize("onwards", [False, True])
async def test_what_is_hidden_is_left_out_of_what_a_learner_holds(
    stage: Stage, onwards: bool
) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        found = await used(conn, Filters(learners=["m-7"], hidden=False), onwards)
    assert "enrollments_tenant_id_learner_id_certification_id_key" in found
    assert "scan of enrollments" not in found


@pytest.mark.parametrize("onwards", [False, True])
async def test_a_source_or_group_is_found_among_the_standing_assignments(
    stage: Stage, onwards: bool
) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await driver(conn).execute(
            """
            INSERT INTO assignments (tenant_id, id, enrollment_id, source, group_id, assigned_at)
            SELECT tenant_id, gen_random_uuid(), id,
              CASE WHEN hash = 0 THEN 'group' ELSE 'manual' END,
              CASE WHEN hash = 0 THEN 'G1' END, enrolled_at
            FROM enrollments CROSS JOIN LATERAL (SELECT abs(hashtext(learner_id)) % 500) AS h (hash)
            """
        )
        await driver(conn).execute("ANALYZE assignments")
        for filters in (Filters(group="G1"), Filters(source=Source.GROUP, group="G1")):
            found = await used(conn, filters, onwards)
            assert found == {"enrollments_pkey", "assignments_standing_by_source"}


async def used(conn: AsyncConnection, filters: Filters, onwards: bool) -> set[str]:
    """The indexes that a page of fifty reads, from the beginning or from a position on."""
    after = Position(UUID(int=2**100), MONDAY + timedelta(hours=30)) if onwards else None
    statement, values = enrollment_pages.asked(TENANT, filters, after, 50)
    return await indexes(conn, statement.sql, *values)
