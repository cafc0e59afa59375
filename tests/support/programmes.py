"""Certifications for tests: definition documents, and the certification that publishes them.

A test names only what matters to it; everything else has a default that is publishable.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from certsvc.domain.certification import Certification, published
from certsvc.domain.definition import Definition
from certsvc.domain.switch import Switch

Document = dict[str, Any]

CERTIFICATION = UUID("018cc251-f400-7000-8000-00000000c001")
ELSEWHERE = UUID("018cc251-f400-7000-8000-00000000c002")

COURSE: Document = {
    "key": "safety",
    "title": "Safety 101",
    "ways": [
        {"type": "course", "course_id": "C-1", "minimum_grade": 80},
        {"type": "test_out", "exam_id": "X-9", "passing_score": 90},
    ],
}
PRACTICE: Document = {
    "key": "practice",
    "ways": [{"type": "external", "instructions": "Show it.", "approval_required": True}],
}
CREDITS: Document = {
    "key": "ethics",
    "ways": [{"type": "credits", "category": "ethics", "amount": 12}],
}
SESSION: Document = {"key": "class", "ways": [{"type": "session", "course_id": "C-7"}]}
EXAM: Document = {"exam_id": "X-1", "passing_score": 70, "max_attempts": 3, "retry_after": "P1D"}
YEARLY: Document = {"validity": {"period": "P1Y"}}


def utc(text: str) -> datetime:
    """An instant written without its zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


PUBLISHED = utc("2020-01-01T00:00")


def path(*steps: Document, exam: Document | None = None, **fields: Any) -> Document:
    """A path of these steps; a bare one has the course step."""
    return {"steps": list(steps) or [COURSE], "exam": exam, **fields}


def definition(
    initial: Document | None = None,
    *,
    recertification: Document | None = None,
    reinstatement: Document | None = None,
    **policy: Any,
) -> Document:
    """A definition document; without a word on validity it is good for a year."""
    return {
        "initial": path() if initial is None else initial,
        "recertification": recertification,
        "reinstatement": reinstatement,
        "policy": {**YEARLY, **policy},
    }


def programme(
    *documents: Document,
    published_at: datetime = PUBLISHED,
    automatic: bool = False,
    archived: bool = False,
    **fields: Any,
) -> Certification:
    """A certification with these versions published, all at one instant unless replaced later."""
    versions = published(
        tuple(
            (number, Definition.read(document), published_at)
            for number, document in enumerate(documents or (definition(),), start=1)
        )
    )
    return Certification(
        id=CERTIFICATION,
        key="forklift",
        versions=versions,
        archived=Switch.always(archived),
        automatic=Switch.always(automatic),
        **fields,
    )


def republished(certification: Certification, document: Document, at: datetime) -> Certification:
    """The certification with one more version."""
    known = tuple((v.number, v.definition, v.published_at) for v in certification.versions)
    number = len(known) + 1
    versions = published((*known, (number, Definition.read(document), at)))
    return replace(certification, versions=versions, revision=certification.revision + 1)
