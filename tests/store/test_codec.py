"""What is written as JSON reads back exactly, old documents included."""

from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.domain.enrollment import Certificate, Cycle, Enrollment
from certsvc.domain.evidence import Fact, FactType
from certsvc.domain.periods import END_OF_TIME, START_OF_TIME
from certsvc.store import codec
from tests.support.builders import Life
from tests.support.programmes import utc

INSTANTS = st.datetimes(
    min_value=START_OF_TIME.replace(tzinfo=None),
    max_value=END_OF_TIME.replace(tzinfo=None),
    timezones=st.just(UTC),
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of the type."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return st.one_of([values(arm) for arm in get_args(kind)])
    if origin is tuple:
        arms = get_args(kind)
        if arms[1] is Ellipsis:
            return st.lists(values(arms[0]), max_size=2).map(tuple)
        return st.tuples(*map(values, arms))
    if is_dataclass(kind):
        return instances(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(kind)
    return {
        NoneType: st.none(),
        str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        int: st.integers(-(2**31), 2**31 - 1),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
        datetime: INSTANTS,
        UUID: st.uuids(),
    }[kind]


def instances(kind: Any) -> st.SearchStrategy[Any]:
    """Any instance of the dataclass; every field may be left at its default."""
    hints = get_type_hints(kind)
    needed: dict[str, st.SearchStrategy[Any]] = {}
    free: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(kind):
        if kind is Enrollment and field.name in ("evidence", "seats", "held_until"):
            continue
        into = needed if field.default is field.default_factory is MISSING else free
        into[field.name] = values(hints[field.name])
    return st.fixed_dictionaries(needed, optional=free).map(lambda given: kind(**given))


@given(instances(Enrollment))
def test_any_enrollment_reads_back_as_it_was_written(enrollment: Enrollment) -> None:
    document = orjson.loads(codec.encode_enrollment(enrollment))
    assert codec.decode_enrollment(document) == enrollment


@given(instances(Cycle), instances(Certificate))
def test_any_cycle_and_certificate_reads_back(cycle: Cycle, certificate: Certificate) -> None:
    assert codec.decode_cycle(orjson.loads(codec.encode_cycle(cycle))) == cycle
    read = codec.decoder(Certificate)(orjson.loads(codec.encode(certificate)))
    assert read == certificate


@given(instances(Enrollment))
def test_a_document_that_names_the_defaults_says_the_same(enrollment: Enrollment) -> None:
    whole = orjson.loads(orjson.dumps(enrollment))
    assert codec.decode_enrollment(whole) == enrollment


def test_the_evidence_is_left_out_and_put_in_again() -> None:
    life = Life().enroll()
    life.record(life.course())
    assert life.e.evidence
    document = orjson.loads(codec.encode_enrollment(life.e))
    assert "evidence" not in document
    assert codec.decode_enrollment(document).evidence == ()
    assert codec.decode_enrollment(document, life.e.evidence) == life.e


def test_unknown_keys_are_passed_over_at_every_depth() -> None:
    life = Life().enroll()
    document = orjson.loads(codec.encode_enrollment(life.e))
    document["colour"] = {"of": "the sky"}
    document["cycle"]["moon"] = "full"
    assert codec.decode_enrollment(document) == life.e


@dataclass(frozen=True, slots=True)
class Old:
    name: str


@dataclass(frozen=True, slots=True)
class New:
    name: str
    on: date | None = None
    share: float = 0.5
    kinds: tuple[FactType, ...] = ()
    nickname: str | None = "none yet"


def test_a_field_that_came_later_reads_as_its_default() -> None:
    old = orjson.loads(codec.encode(Old("Ada")))
    assert codec.decoder(New)(old) == New("Ada")


@pytest.mark.parametrize(
    "value",
    [
        New("Ada", on=date(2026, 2, 28), share=1.0, kinds=(FactType.CREDITS,), nickname=None),
        New("", nickname=""),
    ],
)
def test_a_value_that_looks_empty_is_not_taken_for_the_default(value: New) -> None:
    assert codec.decoder(New)(orjson.loads(codec.encode(value))) == value


def test_a_whole_number_reads_back_as_the_fraction_it_was() -> None:
    fact = Fact(
        id="F-1",
        type=FactType.CREDITS,
        occurred_at=utc("2026-01-01T00:00"),
        recorded_at=utc("2026-01-01T00:00"),
        amount=12.0,
    )
    document = orjson.loads(codec.encode(fact)) | {"amount": 12}
    assert isinstance(codec.decoder(Fact)(document).amount, float)


def test_a_member_that_nobody_knows_is_an_error() -> None:
    document = orjson.loads(codec.encode_enrollment(Life().enroll().e))
    with pytest.raises(LookupError):
        codec.decode_enrollment(document | {"standing": "excellent"})


def test_ids_read_as_the_plain_class() -> None:
    text = "018cc251-f400-7000-8000-00000000e001"
    for read in (codec.uuid_of_text(text), codec.uuid_of_bytes(UUID(text).bytes)):
        assert type(read) is UUID
        assert read == UUID(text)
        assert hash(read) == hash(UUID(text))
        assert str(read) == text
