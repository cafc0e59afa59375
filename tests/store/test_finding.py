"""Finding: every filter and view in every order is what reading all and sorting would give."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Any
from uuid import UUID

import pytest

from certsvc.domain.status import Flag, Standing, Status
from certsvc.domain.views import VIEWS, View
from certsvc.store import enrollment_filters, enrollment_pages
from certsvc.store.db import driver, transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollment_pages import Order, Position, Sort
from certsvc.store.enrollments import Locked
from tests.support.crowd import CHOICES, LATER, due_at, everybody, expected, expires_at, passes
from tests.support.stage import MONDAY, TENANT, Stage, days

KEYS: dict[Sort, Callable[[Locked], Any]] = {
    Sort.ID: lambda one: (one.enrollment.id,),
    Sort.LEARNER_ID: lambda one: (one.enrollment.learner_id, one.enrollment.certification_id),
    Sort.EXPIRES_AT: lambda one: _dated(expires_at(one), one),
    Sort.DUE_AT: lambda one: _dated(due_at(one), one),
    Sort.UPDATED_AT: lambda one: _dated(one.enrollment.updated_at, one),
}
SETS = [
    dict(zip(names, values, strict=True))
    for count in (0, 1, 2)
    for names in combinations(CHOICES, count)
    for values in product(*(CHOICES[name][1:] for name in names))
]


def _dated(at: Any, one: Locked) -> Any:
    """None where it has no such date: who has none is left out."""
    return None if at is None else (at, one.enrollment.id)


def in_order(items: list[Locked], filters: Filters, order: Order) -> list[UUID]:
    """The ids that the filters let through, in their order, by reading every enrollment."""
    key = KEYS[order.by]
    found = [one for one in items if passes(one, filters) and key(one) is not None]
    return [one.enrollment.id for one in sorted(found, key=key, reverse=order.descending)]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", Sort)
async def test_every_two_filters_in_every_order_page_by_page(
    stage: Stage, by: Sort, descending: bool
) -> None:
    items = await everybody(stage)
    order = Order(by, descending)
    met = 0
    async with transaction(stage.engine) as conn:
        for given in SETS:
            filters = Filters(**given)
            seen: list[UUID] = []
            after: Position | None = None
            while True:
                page = await enrollment_pages.page(conn, TENANT, filters, after, 6, order)
                seen += [one.enrollment.id for one in page.items]
                after = page.next
                if after is None:
                    break
                assert len(page.items) == 6
            assert seen == in_order(items, filters, order), given
            met += bool(seen)
    assert met > len(SETS) / 4


@pytest.mark.parametrize("by", Sort)
async def test_a_large_group_is_looked_for_row_by_row(
    stage: Stage, by: Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrollment_pages, "LARGE", 1)
    items = await everybody(stage)
    order = Order(by)
    met = 0
    async with transaction(stage.engine) as conn:
        for given in SETS:
            filters = Filters(**{**given, "group": "G1"})
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100, order)
            found = [one.enrollment.id for one in page.items]
            assert found == in_order(items, filters, order), given
            met += bool(found)
    assert met > 10


async def test_who_is_in_a_group_for_several_reasons_is_listed_once(stage: Stage) -> None:
    items = await everybody(stage)
    filters = Filters(group="G2")
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            """
            INSERT INTO assignments (tenant_id, id, enrollment_id, source, group_id, assigned_at)
            SELECT tenant_id, gen_random_uuid(), enrollment_id, 'import', group_id, assigned_at
            FROM assignments WHERE group_id = 'G2'"""
        )
        for by in Sort:
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100, Order(by))
            found = [one.enrollment.id for one in page.items]
            assert found == in_order(items, filters, Order(by))


async def test_a_range_of_instants_is_the_order_unless_another_is_named(stage: Stage) -> None:
    items = await everybody(stage)
    ranges = {
        Sort.EXPIRES_AT: Filters(expires_after=MONDAY),
        Sort.DUE_AT: Filters(due_before=LATER),
        Sort.UPDATED_AT: Filters(updated_after=MONDAY + days(2), due_before=LATER),
    }
    async with transaction(stage.engine) as conn:
        for by, filters in ranges.items():
            suggested = enrollment_pages.order_of(filters)
            assert suggested == Order(by)
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100)
            assert [one.enrollment.id for one in page.items] == in_order(items, filters, suggested)
            named = enrollment_pages.order_of(filters, Sort.ID)
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100, named)
            assert [one.enrollment.id for one in page.items] == in_order(items, filters, named)
    assert enrollment_pages.order_of(Filters(view=View.OVERDUE)) == Order(Sort.ID)


async def test_what_excludes_itself_finds_nobody(stage: Stage) -> None:
    await everybody(stage)
    nobody = (
        Filters(view=View.ACTIVE, statuses=[Status.LAPSED]),
        Filters(statuses=[Status.CERTIFIED], standings=[Standing.LAPSED]),
        Filters(standings=[Standing.DISALLOWED], statuses=[Status.NOT_STARTED]),
    )
    async with transaction(stage.engine) as conn:
        for filters, by in product(nobody, Sort):
            page = await enrollment_pages.page(conn, TENANT, filters, None, 100, Order(by))
            assert (page.items, page.next) == ([], None)
            assert await enrollment_filters.ids_after(conn, TENANT, filters, UUID(int=0), 9) == []


async def test_the_condition_alone_lets_the_same_through(stage: Stage) -> None:
    items = await everybody(stage)
    async with transaction(stage.engine) as conn:
        for given in SETS:
            filters = Filters(**given)
            condition, values = enrollment_filters.where(filters, 3)
            rows = await driver(conn).fetch(
                f"SELECT $2::int, e.id FROM enrollments e WHERE {condition}", TENANT, 7, *values
            )
            assert {row[1] for row in rows} == expected(items, filters), given
            ids = await enrollment_filters.ids_after(conn, TENANT, filters, UUID(int=0), 100)
            assert ids == sorted(expected(items, filters)), given
    after = ids[0]
    async with transaction(stage.engine) as conn:
        rest = await enrollment_filters.ids_after(conn, TENANT, filters, after, 1)
    assert rest == ids[1:2]


def test_every_view_is_a_status_or_a_flag() -> None:
    assert set(VIEWS) == set(View)
    for row in VIEWS.values():
        assert (row.status is None) is not (row.flag is None)
        assert row.says.endswith(".")
    assert {row.flag for row in VIEWS.values()} > {Flag.EXPIRING, Flag.OVERDUE}


async def test_words_may_come_as_plain_text(stage: Stage) -> None:
    items = await everybody(stage)
    told: Any = {"view": "due_for_recertification", "standings": ["grace"]}
    async with transaction(stage.engine) as conn:
        page = await enrollment_pages.page(conn, TENANT, Filters(**told), None, 100)
    found = {one.enrollment.id for one in page.items}
    assert found == expected(items, Filters(**told))
    assert found
