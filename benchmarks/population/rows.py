"""One life, many learners: the row of an enrollment with ids of its own, written quickly."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from benchmarks.population.lives import (
    GROUP,
    KINDS,
    Life,
    due_lives,
    may_recertify,
    resting_lives,
    waiting_lives,
)
from benchmarks.population.programmes import TENANT
from certsvc.domain.lifecycle import next_due_at
from certsvc.store.codec import encode_enrollment
from certsvc.store.columns import columns

COLUMNS = (
    "tenant_id",
    "id",
    "certification_id",
    "learner_id",
    "status",
    "standing",
    "work",
    "suspended",
    "flags",
    "revision",
    "sequence",
    "updated_at",
    "certified_at",
    "expires_at",
    "lapses_at",
    "recertification_at",
    "due_at",
    "next_due_at",
    "evidence_from",
    "awaiting",
    "awaiting_since",
    "enrolled_at",
    "live",
    "doc",
)
VARIANTS = 16
GROUPS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Enrollments that were made one after the other, within weeks, years ago: ids in order of time.
_FIRST_ID = UUID("017f22e2-7900-7000-8000-000000000000").int
_ID_STEP = 2_000 << 80
_TAIL = (1 << 62) - 1


class Mould:
    """A life, as a row into which only what is a learner's own has still to be filled."""

    def __init__(self, life: Life) -> None:
        e, certification = life.enrollment, life.programme.certification
        found = columns(e, certification, e.updated_at, next_due_at(e, certification))
        self._before = (e.certification_id,)
        flags = found.flags.split(",") if found.flags else []
        values = (*found[1:5], flags, *found[6:])
        self._after: tuple[Any, ...] = (*values, e.enrolled_at, True)
        certificate = e.certificate
        self._assignment = e.assignments[0].id.int
        self._certificate = 0 if certificate is None else certificate.id.int
        self._text, self._order = _cut(
            encode_enrollment(e).decode(),
            {
                "id": str(e.id),
                "learner": "the learner",
                "seed": "the seed",
                "fact": "the fact",
                "group": GROUP,
                "assignment": str(e.assignments[0].id),
                **(
                    {}
                    if certificate is None
                    else {
                        "certificate": str(certificate.id),
                        "number": certificate.number,
                        "code": certificate.code,
                    }
                ),
            },
        )

    def row(self, number: int, random: Random) -> tuple[Any, ...]:
        """The row of the learner of that number, in the order of COLUMNS."""
        id = _uuid((_FIRST_ID + number // 40 * _ID_STEP) & ~_TAIL | random.getrandbits(62))
        secret = f"{random.getrandbits(128):032x}"
        own = {
            "id": id,
            "learner": f"u-{number:07}",
            "seed": secret,
            "fact": f"F-{number:07}",
            "group": group_of(number),
            "assignment": _uuid(self._assignment & ~_TAIL | number),
            "certificate": _uuid(self._certificate & ~_TAIL | number),
            "number": f"BENCH-{secret[:4]}-{secret[4:8]}-{secret[8:12]}-1".upper(),
            "code": f"{secret[:4]}-{secret[4:8]}-{secret[8:12]}-{secret[12:16]}".upper(),
        }
        text = self._text % tuple([own[name] for name in self._order])
        return (TENANT, UUID(id), *self._before, own["learner"], *self._after, text.encode())


def group_of(number: int) -> str:
    """The group of the learner of that number: as many in each, everywhere among the others."""
    return f"G-{number * 7919 // 13 % GROUPS:02}"


def _uuid(value: int) -> str:
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _cut(text: str, own: dict[str, str]) -> tuple[str, list[str]]:
    """The text with a place for each value that is a learner's own, and which goes where."""
    names = {value: name for name, value in own.items()}
    order: list[str] = []

    def place(found: re.Match[str]) -> str:
        order.append(names[found.group()])
        return "%s"

    pattern = "|".join(re.escape(value) for value in names)
    return re.sub(pattern, place, text.replace("%", "%%")), order


def rows(total: int, due: int, now: datetime, seed: int = 7) -> Iterator[tuple[Any, ...]]:
    """So many enrollments, of which so many are due by now, mixed among the others."""
    random = Random(seed)
    resting = [Mould(life) for life in resting_lives(now)]
    moulds = {kind: [Mould(life) for life in due_lives(kind, now, VARIANTS)] for kind in KINDS}
    kinds = [kind for kind in KINDS for _ in range(kind.share)]
    wanted = set(random.sample(range(total), due))
    for number in range(total):
        if number in wanted:
            of_kind = moulds[kinds[random.randrange(len(kinds))]]
            mould = of_kind[random.randrange(len(of_kind))]
        else:
            mould = resting[random.randrange(len(resting))]
        yield mould.row(number, random)


def ready_rows(total: int, ready: int, now: datetime, seed: int = 11) -> Iterator[tuple[Any, ...]]:
    """So many enrollments, of which so many may recertify, mixed among the others."""
    random = Random(seed)
    lives = resting_lives(now)
    moulds = [Mould(life) for life in lives if may_recertify(life)]
    others = [Mould(life) for life in lives if not may_recertify(life)]
    wanted = set(random.sample(range(total), ready))
    for number in range(total):
        chosen = moulds if number in wanted else others
        yield chosen[random.randrange(len(chosen))].row(number, random)


def waiting_rows(total: int, now: datetime, seed: int = 13) -> Iterator[tuple[Any, ...]]:
    """So many enrollments that evidence of the next course moves."""
    random = Random(seed)
    moulds = [Mould(life) for life in waiting_lives(now)]
    for number in range(total):
        yield moulds[random.randrange(len(moulds))].row(number, random)
