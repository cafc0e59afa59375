"""Pages of enrollments: every filter alone and with others, in an order that an index serves."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.enrollment import Source
from certsvc.domain.status import Flag, Standing, Status
from certsvc.domain.views import View
from certsvc.store import enrollment_pages
from certsvc.store.db import transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollment_pages import Order, Position, Sort
from tests.support.crowd import CHOICES, LATER, everybody, expected
from tests.support.plans import assign, fill, indexes
from tests.support.programmes import CERTIFICATION, ELSEWHERE
from tests.support.stage import MONDAY, TENANT, Stage, days


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


DOCUMENTS = "enrollments_pkey"
"""How the documents of a page are read that was found in an index alone."""
FORKLIFT, OTHER = [CERTIFICATION], [ELSEWHERE]
PLANS: list[tuple[Filters, Sort | None, set[str]]] = [
    (Filters(), None, {"enrollments_pkey"}),
    (Filters(), Sort.LEARNER_ID, {"enrollments_tenant_id_learner_id_certification_id_key"}),
    (Filters(), Sort.EXPIRES_AT, {"enrollments_by_expiry", DOCUMENTS}),
    (Filters(), Sort.DUE_AT, {"enrollments_by_due_date", DOCUMENTS}),
    (Filters(), Sort.UPDATED_AT, {"enrollments_by_update", DOCUMENTS}),
    (Filters(certifications=FORKLIFT), None, {"enrollments_of_certification"}),
    (
        Filters(learners=["m-7", "m-9"]),
        None,
        {"enrollments_tenant_id_learner_id_certification_id_key"},
    ),
    (
        Filters(learners=["m-7", "m-9"], statuses=[Status.LAPSED]),
        Sort.EXPIRES_AT,
        {"enrollments_tenant_id_learner_id_certification_id_key"},
    ),
    (Filters(statuses=[Status.LAPSED]), None, {"enrollments_by_standing_and_status"}),
    (
        Filters(view=View.ADMIN_REVIEW),
        None,
        {"enrollments_by_standing_and_status", DOCUMENTS},
    ),
    (
        Filters(standings=[Standing.LAPSED]),
        None,
        {"enrollments_by_standing_and_status", DOCUMENTS},
    ),
    (Filters(statuses=[Status.LAPSED]), Sort.EXPIRES_AT, {"enrollments_by_expiry"}),
    (Filters(view=View.ACTIVE), Sort.UPDATED_AT, {"enrollments_by_update"}),
    (Filters(standings=[Standing.NONE]), Sort.DUE_AT, {"enrollments_by_due_date", DOCUMENTS}),
    (Filters(flags=[Flag.EXPIRING]), None, {"enrollments_expiring", DOCUMENTS}),
    (Filters(view=View.EXPIRING), Sort.EXPIRES_AT, {"enrollments_expiring", DOCUMENTS}),
    (
        Filters(view=View.EXPIRING, certifications=OTHER, statuses=[Status.CERTIFIED]),
        Sort.EXPIRES_AT,
        {"enrollments_expiring", DOCUMENTS},
    ),
    (Filters(view=View.AWAITING_PAYMENT), None, {"enrollments_awaiting_payment", DOCUMENTS}),
    (
        Filters(flags=[Flag.EXPIRING, Flag.OVERDUE]),
        Sort.EXPIRES_AT,
        {"enrollments_expiring", "enrollments_overdue", DOCUMENTS},
    ),
    (Filters(expires_before=MONDAY + days(9)), None, {"enrollments_by_expiry", DOCUMENTS}),
    (
        Filters(expires_after=MONDAY + days(9), expires_before=MONDAY + days(30)),
        None,
        {"enrollments_by_expiry", DOCUMENTS},
    ),
    (
        Filters(expires_before=MONDAY + days(90), certifications=OTHER, view=View.ACTIVE),
        None,
        {"enrollments_by_expiry"},
    ),
    (Filters(expires_before=MONDAY + days(2)), Sort.ID, {"enrollments_by_expiry"}),
    (Filters(due_before=MONDAY + days(30)), None, {"enrollments_by_due_date", DOCUMENTS}),
    (Filters(updated_after=MONDAY), None, {"enrollments_by_update", DOCUMENTS}),
]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("onwards", [False, True])
async def test_every_filter_and_order_is_served_by_its_index(
    stage: Stage, onwards: bool, descending: bool
) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        for filters, by, expected_indexes in PLANS:
            order = enrollment_pages.order_of(filters, by, descending)
            found = await used(conn, filters, onwards, order)
            assert found == expected_indexes, (filters, order)


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
        await assign(conn)
        for filters in (Filters(group="G1"), Filters(source=Source.GROUP, group="G1")):
            found = await used(conn, filters, onwards)
            assert found == {"enrollments_pkey", "assignments_standing_by_source"}


async def test_a_large_group_is_asked_row_by_row_along_the_order(stage: Stage) -> None:
    async with transaction(stage.engine) as conn:
        await fill(conn, 20_000)
        await assign(conn)
        for by, index in (
            (Sort.EXPIRES_AT, "enrollments_by_expiry"),
            (Sort.UPDATED_AT, "enrollments_by_update"),
        ):
            filters = Filters(group="G1", standings=[Standing.VALID, Standing.GRACE])
            statement, values = enrollment_pages.asked(
                TENANT, filters, None, 50, Order(by), large_group=True
            )
            found = await indexes(conn, statement.sql, *values)
            assert found - {"assignments_of_enrollment", "assignments_standing"} == {
                index,
                DOCUMENTS,
            }


@pytest.mark.parametrize(
    ("filters", "by", "anew"),
    [
        (Filters(), None, False),
        (Filters(learners=["m-7"]), None, False),
        (Filters(group="G1"), None, False),
        (Filters(group="G1", certifications=[CERTIFICATION], view=View.ACTIVE), None, False),
        (Filters(group="G1"), Sort.EXPIRES_AT, True),
        (Filters(learners=["m-7"], group="G1"), None, True),
        (Filters(statuses=[Status.LAPSED]), None, True),
        (Filters(flags=[Flag.EXPIRING]), None, True),
        (Filters(expires_after=MONDAY), None, True),
    ],
)
def test_a_page_is_planned_anew_where_it_depends_on_how_many_the_values_let_through(
    filters: Filters, by: Sort | None, anew: bool
) -> None:
    order = enrollment_pages.order_of(filters, by)
    statement, _ = enrollment_pages.asked(TENANT, filters, None, 50, order)
    assert statement.for_the_values is anew


async def used(
    conn: AsyncConnection, filters: Filters, onwards: bool, order: Order | None = None
) -> set[str]:
    """The indexes that a page of fifty reads, from the beginning or from a position on."""
    at = MONDAY + timedelta(hours=10_000)
    after = Position(UUID(int=2**127), at, "m-5") if onwards else None
    statement, values = enrollment_pages.asked(TENANT, filters, after, 50, order)
    return await indexes(conn, statement.sql, *values)
