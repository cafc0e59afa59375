"""The certifications that the enrollments of the benchmarks are in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from certsvc.domain.certification import Certification, published
from certsvc.domain.definition import Definition
from certsvc.domain.switch import Switch

Document = dict[str, Any]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TENANT = UUID("018cc251-f400-7000-8000-0000000be001")
GRADES = {"minimum_grade": 80}


def _step(key: str, title: str, course: str) -> Document:
    return {
        "key": key,
        "title": title,
        "ways": [
            {"type": "course", "course_id": course, **GRADES},
            {"type": "test_out", "exam_id": f"{course}-out", "passing_score": 90},
        ],
    }


YEARLY: Document = {
    "initial": {"steps": [_step("theory", "Safety 101", "C-1")]},
    "recertification": {"steps": [_step("refresher", "Safety refresher", "C-2")]},
    "policy": {
        "validity": {"period": "P365D", "anchor": "previous_expiry"},
        "renewal_opens": "P60D",
        "grace": "P30D",
        "expiring_notices": ["P30D", "P7D"],
        "lapsing_notices": ["P7D"],
        "reminders_before_due": ["P14D"],
    },
}
INDUCTION: Document = {
    "initial": {
        "steps": [
            _step("theory", "The house and its rules", "C-1"),
            _step("practice", "A week beside a colleague", "C-3"),
        ]
    },
    "policy": {
        "due": {"after": "P60D"},
        "completion_limit": {"after": "P90D"},
        "reminders_before_due": ["P14D", "P3D"],
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """A certification and the document that its one version was published from."""

    certification: Certification
    document: Document


def _programme(number: int, key: str, document: Document, *, automatic: bool) -> Programme:
    certification = Certification(
        id=UUID(f"018cc251-f400-7000-8000-0000000bec{number:02}"),
        key=key,
        versions=published(((1, Definition.read(document), LONG_AGO),)),
        automatic=Switch.always(automatic),
        revision=1,
    )
    return Programme(certification, document)


BY_HAND = _programme(1, "forklift", YEARLY, automatic=False)
"""Good for a year; whether to recertify is for people to say."""

AUTOMATIC = _programme(2, "first-aid", YEARLY, automatic=True)
"""The same; recertification opens by itself."""

TRAINING = _programme(3, "induction", INDUCTION, automatic=False)
"""Two courses within sixty days."""

PROGRAMMES = (BY_HAND, AUTOMATIC, TRAINING)
