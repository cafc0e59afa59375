"""Enrolment of learners: one, or many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from certsvc.domain.certification import Certification
from certsvc.domain.commands import Enroll
from certsvc.domain.enrollment import Enrollment, Source
from certsvc.domain.outcome import Refusal
from certsvc.store import certifications
from certsvc.store.author import Author
from certsvc.store.tenants import Tenant
from certsvc.usecases.answers import NotFound
from certsvc.usecases.apply import Call, Pair, apply_to_learners
from certsvc.usecases.decide import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollRequest:
    """One learner into one certification, named by id or key. Dates are taken as they are."""

    certification: UUID | str
    learner_id: str
    source: Source = Source.MANUAL
    group: str | None = None
    opens_at: datetime | None = None
    due_at: datetime | None = None
    limit_at: datetime | None = None
    counts_from: datetime | None = None

    @property
    def command(self) -> Enroll:
        """What the rules are asked."""
        return Enroll(
            source=self.source,
            group=self.group,
            opens_at=self.opens_at,
            due_at=self.due_at,
            limit_at=self.limit_at,
            counts_from=self.counts_from,
        )


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The enrollment after the request; `created` where there was none. With a refusal nothing
    was written, and a new learner's enrollment is not stored."""

    enrollment: Enrollment
    certification: Certification
    now: datetime
    created: bool
    refusal: Refusal | None = None


async def enroll(
    conn: AsyncConnection,
    tenant: Tenant,
    now: datetime,
    requests: Sequence[EnrollRequest],
    author: Author,
) -> list[Enrolled | NotFound]:
    """Enrol; the answers are in the order of the requests.

    Requests that name one learner and certification twice are decided one after the other."""
    names = sorted({str(request.certification) for request in requests})
    known = await certifications.resolve(conn, tenant.id, names)
    answers: list[Enrolled | NotFound | None] = [None] * len(requests)
    waiting: list[tuple[int, Call]] = []
    for index, request in enumerate(requests):
        found = known.get(str(request.certification))
        if found is None:
            answers[index] = NotFound("certification", str(request.certification))
        else:
            call = Call(found[0], request.learner_id, request.command, author)
            waiting.append((index, call))
    while waiting:
        turn, waiting = _turn(waiting)
        calls = [call for _, call in turn.values()]
        for outcome in await apply_to_learners(conn, tenant, now, calls):
            enrollment = outcome.ask.enrollment
            index, _ = turn[enrollment.certification_id, enrollment.learner_id]
            answers[index] = _answer(outcome)
    return [answer for answer in answers if answer is not None]


def _turn(
    waiting: list[tuple[int, Call]],
) -> tuple[dict[Pair, tuple[int, Call]], list[tuple[int, Call]]]:
    """The first call of each pair, and the rest for later."""
    turn: dict[Pair, tuple[int, Call]] = {}
    later = []
    for index, call in waiting:
        if call.pair in turn:
            later.append((index, call))
        else:
            turn[call.pair] = index, call
    return turn, later


def _answer(outcome: Outcome) -> Enrolled:
    decision = outcome.decision
    return Enrolled(
        enrollment=decision.enrollment,
        certification=outcome.ask.certification,
        now=outcome.now,
        created=outcome.ask.locked is None and outcome.moved,
        refusal=decision.refusal,
    )
