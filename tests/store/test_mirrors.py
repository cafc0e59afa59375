"""A mirror says what the value itself says, in every attribute and property."""

from contextlib import aclosing
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given

from certsvc.domain.describe import describe
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import allowed_now
from certsvc.domain.transitions import asks_for_evidence
from certsvc.store import enrollment_pages, looking
from certsvc.store.codec import encode_enrollment
from certsvc.store.db import transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollment_looks import Look
from certsvc.store.enrollment_pages import Order, Sort
from certsvc.store.enrollments import Locked
from certsvc.store.looking import Seen
from certsvc.store.mirrors import mirrored_enrollment
from tests.store.test_codec import instances
from tests.support.crowd import everybody
from tests.support.stage import MONDAY, TENANT, Stage, days


def assert_mirrors(mirror: Any, value: Any) -> None:
    """The same in every attribute and property, as deep as it goes."""
    if is_dataclass(value) and isinstance(mirror, msgspec.Struct):
        names = {field.name for field in fields(value)}
        for name, found in vars(type(value)).items():
            if isinstance(found, property):
                names.add(name)
        for name in names:
            assert_mirrors(getattr(mirror, name), getattr(value, name))
    elif isinstance(value, tuple):
        assert isinstance(mirror, tuple)
        assert len(mirror) == len(value)
        for one, other in zip(mirror, value, strict=True):
            assert_mirrors(one, other)
    else:
        assert mirror == value
        assert type(mirror) is type(value)


@given(instances(Enrollment))
def test_any_stored_enrollment_is_mirrored(enrollment: Enrollment) -> None:
    assert_mirrors(mirrored_enrollment(encode_enrollment(enrollment)), enrollment)


def test_what_is_no_enrollment_is_not_read_as_one() -> None:
    with pytest.raises(msgspec.ValidationError):
        mirrored_enrollment('{"later": 1}')


async def test_a_page_to_look_at_shows_what_a_page_to_decide_on_does(stage: Stage) -> None:
    await everybody(stage)
    async with transaction(stage.engine) as conn:
        whole = await enrollment_pages.page(conn, TENANT, Filters(), None, 100)
        look = Look(100, Order())
        looked = [one async for piece in look.at(conn, TENANT, Filters(), None) for one in piece]
    assert look.next == whole.next
    for at in (MONDAY + days(369), MONDAY + days(500)):
        assert [shown(one, at) for one in looked] == [shown(one, at) for one in whole.items]
    began = [one for one in whole.items if asks_for_evidence(one.enrollment)]
    assert began
    assert len(began) < len(whole.items)


@pytest.mark.parametrize("by", Sort)
async def test_pages_to_look_at_follow_each_other_as_those_to_decide_on_do(
    stage: Stage, by: Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages of any size: less than a piece, a piece and a bit, more than there is."""
    monkeypatch.setattr(looking, "FEWEST", 5)
    people = await everybody(stage)
    for limit in (1, 4, 5, 6, len(people), 200):
        order, after = Order(by, descending=limit == 4), None
        while True:
            async with transaction(stage.engine) as conn:
                page = await enrollment_pages.page(conn, TENANT, Filters(), after, limit, order)
                look = Look(limit, order)
                found = [
                    one.enrollment.id
                    async for piece in look.at(conn, TENANT, Filters(), after)
                    for one in piece
                ]
            assert found == [one.enrollment.id for one in page.items]
            assert look.next == page.next
            after = page.next
            if after is None:
                break


async def test_who_stops_looking_leaves_the_connection_fit_for_more(stage: Stage) -> None:
    await everybody(stage)
    async with transaction(stage.engine) as conn:
        for _ in range(3):
            look = Look(200, Order())
            async with aclosing(look.at(conn, TENANT, Filters(), None)) as pieces:
                async for _ in pieces:
                    break
            page = await enrollment_pages.page(conn, TENANT, Filters(), None, 1)
            assert len(page.items) == 1


def shown(one: Locked | Seen, at: Any) -> Any:
    return describe(one.enrollment, one.certification, at)


class Blind:
    """An enrollment that nobody may ask for its evidence."""

    def __init__(self, e: Enrollment) -> None:
        self._e = e

    def __getattr__(self, name: str) -> Any:
        assert name != "evidence", "asked for the evidence"
        return getattr(self._e, name)


async def test_nothing_that_is_shown_asks_for_evidence_that_is_not_read(stage: Stage) -> None:
    items = await everybody(stage)
    asked = 0
    for one in items:
        blind: Any = Blind(one.enrollment)
        if asks_for_evidence(one.enrollment):
            asked += 1
            continue
        assert shown(one, MONDAY + days(369))
        at = MONDAY + days(369)
        assert allowed_now(blind, one.certification, at) == allowed_now(
            one.enrollment, one.certification, at
        )
        assert describe(blind, one.certification, at) == shown(one, at)
    assert 0 < asked < len(items)
