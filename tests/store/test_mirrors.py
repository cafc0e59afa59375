"""A mirror says what the value itself says, in every attribute and property."""

from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given

from certsvc.domain.describe import describe
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.lifecycle import allowed_now
from certsvc.domain.transitions import asks_for_evidence
from certsvc.store import enrollment_pages
from certsvc.store.codec import encode_enrollment
from certsvc.store.db import transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollments import Locked
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
        looked = await enrollment_pages.page(conn, TENANT, Filters(), None, 100, to_look=True)
    assert looked.next == whole.next
    for at in (MONDAY + days(369), MONDAY + days(500)):
        assert [shown(one, at) for one in looked.items] == [shown(one, at) for one in whole.items]
    began = [one for one in whole.items if asks_for_evidence(one.enrollment)]
    assert began
    assert len(began) < len(whole.items)


def shown(one: Locked, at: Any) -> Any:
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
