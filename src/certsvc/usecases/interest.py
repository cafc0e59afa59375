"""Which facts a certification cares about: those that its versions mention, or that name it."""

from dataclasses import dataclass

from certsvc.domain.certification import Certification
from certsvc.domain.definition import Path, WayType
from certsvc.domain.evidence import Fact, FactType


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The courses, exams and credit categories that any version names; None: any category."""

    courses: frozenset[str]
    exams: frozenset[str]
    categories: frozenset[str | None]


def mentioned(certification: Certification) -> Mentioned:
    """All that the certification's versions name."""
    courses: set[str] = set()
    exams: set[str] = set()
    categories: set[str | None] = set()
    for path in _paths(certification):
        if path.exam is not None:
            exams.add(path.exam.exam_id)
        for way in (way for step in path.steps for way in step.ways):
            courses.update(name for name in (way.course_id,) if name is not None)
            exams.update(name for name in (way.exam_id,) if name is not None)
            if way.type is WayType.CREDITS:
                categories.add(way.category)
    return Mentioned(frozenset(courses), frozenset(exams), frozenset(categories))


def concerns(fact: Fact, certification: Certification, names: Mentioned) -> bool:
    """Whether the fact can matter to an enrollment in the certification."""
    if fact.certification_id not in (None, certification.id):
        return False
    match fact.type:
        case FactType.COURSE_COMPLETION | FactType.SESSION_ATTENDANCE:
            return fact.course_id in names.courses
        case FactType.EXAM_ATTEMPT | FactType.TEST_OUT_ATTEMPT:
            return fact.exam_id in names.exams
        case FactType.CREDITS:
            return bool(names.categories & {None, fact.category})
        case FactType.PAYMENT | FactType.EXTERNAL | FactType.RETRACTION:
            return True


def _paths(certification: Certification) -> list[Path]:
    definitions = [version.definition for version in certification.versions]
    return [
        path
        for definition in definitions
        for path in (definition.initial, definition.recertification, definition.reinstatement)
    ]
