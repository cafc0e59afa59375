"""A programme with a class and a course, both told by the LMS; the class needs a seat."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from certsvc.domain.certification import Certification
from certsvc.domain.course import Course
from certsvc.domain.switch import Switch
from tests.support.builders import Life
from tests.support.programmes import SESSION, Document, definition, path, programme

ONLY_COURSE: Document = {
    "key": "theory",
    "ways": [{"type": "course", "course_id": "C-1", "minimum_grade": 80}],
}
"""A step that nothing but the course completes."""


def attended(
    *documents: Document, overbooking: bool = False, archived: bool = False, **fields: Any
) -> Certification:
    """A certification whose path needs a seat in the class C-7, and then the course."""
    documents = documents or (definition(path(SESSION, ONLY_COURSE)),)
    course = Course("C-7", archived=Switch.always(archived), overbooking=Switch.always(overbooking))
    return replace(programme(*documents, **fields), courses={"C-7": course})


def begun_class(life: Life) -> Life:
    """The course is passed; the class is left."""
    life.record(life.course())
    return life


def with_course(life: Life, id: str, at: datetime | None = None, **switches: bool) -> Life:
    """The LMS tells of a course: `archived`, `overbooking`, from now on."""
    course = life.c.courses.get(id, Course(id))
    for name, value in switches.items():
        turned = getattr(course, name).turned(value, at or life.now)
        course = replace(course, **{name: turned})
    courses: Mapping[str, Course] = {**life.c.courses, id: course}
    life.c = replace(life.c, courses=courses)
    return life.at(life.now)


def revised(life: Life, id: str, revision: str) -> Life:
    """The LMS tells of a new revision, which is not archived."""
    course = life.c.courses.get(id, Course(id))
    course = replace(
        course,
        archived=course.archived.turned(False, life.now),
        revisions=(*course.revisions, (life.now, revision)),
    )
    life.c = replace(life.c, courses={**life.c.courses, id: course})
    return life.at(life.now)
