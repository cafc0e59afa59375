"""Plays the lives: instant by instant the clock is advanced, and everybody's deeds are sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from certsvc.demo.lms import Document, Lms, written
from certsvc.demo.programmes import Programme
from certsvc.demo.script import (
    Action,
    Dated,
    Enrolment,
    Life,
    Report,
    Revision,
    Unassignment,
    instant,
)

Progress = Callable[[int, int, datetime], None]
"""Told after each instant: how many are done, of how many, and where the clock stands."""

BOUND = ("payment", "external")
"""Types of evidence that belong to one certification; courses and exams may serve many."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A life as the interface tells it in the end."""

    life: Life
    enrollment: Document
    history: list[Document]


@dataclass(slots=True)
class Played:
    """What came of the play."""

    lived: tuple[Lived, ...] = ()
    begun: datetime | None = None
    ended: datetime | None = None
    due_instants: int = 0

    def of(self, programme: str) -> tuple[Lived, ...]:
        """The lives of one programme."""
        return tuple(one for one in self.lived if one.life.programme == programme)

    def named(self, learner: str) -> Lived:
        """The life of one learner."""
        return next(one for one in self.lived if one.life.learner == learner)


@dataclass(frozen=True, slots=True)
class _Moment:
    """What happens at one instant: first new versions, then enrolments, evidence, and actions."""

    at: datetime
    revisions: tuple[Revision, ...]
    deeds: tuple[tuple[Life, Dated], ...]


@dataclass(slots=True)
class Play:
    """One run through all lives."""

    lms: Lms
    programmes: dict[str, Programme]
    lives: Sequence[Life]
    revisions: Sequence[Revision]
    end: datetime
    _enrollments: dict[tuple[str, str], str] = field(default_factory=dict)
    _facts: dict[str, int] = field(default_factory=dict)
    _played: Played = field(default_factory=Played)

    def run(self, progress: Progress) -> Played:
        """Offer the programmes, live every life, and read what became of it."""
        for programme in self.programmes.values():
            self.lms.offer(programme)
        moments = self._moments()
        for number, moment in enumerate(moments, start=1):
            self._advance(moment.at)
            self._happen(moment)
            progress(number, len(moments), moment.at)
        self._advance(self.end)
        self._played.begun = moments[0].at
        self._played.ended = self.end
        self._played.lived = tuple(self._read(life) for life in self.lives)
        return self._played

    def _moments(self) -> list[_Moment]:
        deeds = [(one.at, life, one) for life in self.lives for one in life.dated]
        deeds.sort(key=lambda deed: deed[0])
        by_instant = {
            at: tuple((life, one) for _, life, one in group)
            for at, group in groupby(deeds, key=lambda deed: deed[0])
        }
        revised = {one.at for one in self.revisions}
        return [
            _Moment(
                at,
                tuple(one for one in self.revisions if one.at == at),
                by_instant.get(at, ()),
            )
            for at in sorted({*by_instant, *revised})
        ]

    def _advance(self, at: datetime) -> None:
        self._played.due_instants += self.lms.advance(at)["instants"]

    def _happen(self, moment: _Moment) -> None:
        for revision in moment.revisions:
            self._revise(revision)
        facts = []
        for life, dated in moment.deeds:
            if isinstance(dated.deed, Enrolment):
                self._enroll(life, dated.deed)
            elif isinstance(dated.deed, Report):
                facts.append(self._fact(life, dated.deed, moment.at))
        self.lms.report(facts)
        for life, dated in moment.deeds:
            if isinstance(dated.deed, Action):
                self.lms.act(self._of(life), dated.deed.name, dated.deed.body)
            elif isinstance(dated.deed, Unassignment):
                self.lms.unassign(self._of(life))

    def _revise(self, revision: Revision) -> None:
        text = json.dumps(self.programmes[revision.programme].definition)
        for old, new in revision.renamed.items():
            text = text.replace(json.dumps(old), json.dumps(new))
        self.lms.publish(revision.programme, json.loads(text))

    def _enroll(self, life: Life, deed: Enrolment) -> None:
        enrollment = self.lms.enroll(life.programme, life.learner, deed.source, deed.group)
        self._enrollments[life.programme, life.learner] = enrollment["id"]

    def _of(self, life: Life) -> str:
        return self._enrollments[life.programme, life.learner]

    def _fact(self, life: Life, report: Report, at: datetime) -> Document:
        number = self._facts[life.learner] = self._facts.get(life.learner, 0) + 1
        fact = {
            **report.fact,
            "id": report.id or f"{life.learner}.{number}",
            "learner_id": life.learner,
            "occurred_at": written(
                at if report.occurred_on is None else instant(report.occurred_on)
            ),
        }
        if fact["type"] in BOUND:
            fact["certification"] = life.programme
        return fact

    def _read(self, life: Life) -> Lived:
        enrollment = self._of(life)
        return Lived(life, self.lms.enrollment(enrollment), self.lms.history(enrollment))
