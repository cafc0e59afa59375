"""The middle of the pipeline: what the rules make of locked rows. Pure; the rest is in apply.py."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.commands import Command
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.frozen import quick
from certsvc.domain.lifecycle import advance, decide
from certsvc.domain.outcome import Decision
from certsvc.store.author import Author
from certsvc.store.enrollments import Locked


@quick
@dataclass(frozen=True, slots=True)
class Ask:
    """One row and what is asked of it: a command, or that time alone may pass.

    `locked` is None for a learner who was never here; `enrollment` is then blank."""

    enrollment: Enrollment
    certification: Certification
    author: Author
    command: Command | None = None
    locked: Locked | None = None


@quick
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an Ask, at the row's own instant; `error` where a rule failed. `lost` says
    that somebody else enrolled the learner meanwhile, and nothing was written.

    Where a row was led from instant to instant, `last` is what was asked at the last of them, and
    `earlier` what had come of it before."""

    ask: Ask
    decision: Decision
    now: datetime
    error: str | None = None
    lost: bool = False
    last: Ask | None = None
    earlier: Decision | None = None

    @property
    def asked(self) -> Ask:
        """What was asked last."""
        return self.last or self.ask

    @property
    def moved(self) -> bool:
        """Whether anything happened that is to be written."""
        return (
            not self.lost
            and self.decision.refusal is None
            and self.decision.enrollment.revision != self.ask.enrollment.revision
        )


def of_locked(rows: Sequence[Locked], author: Author, command: Command | None = None) -> list[Ask]:
    """The same asked of every row."""
    return [Ask(row.enrollment, row.certification, author, command, row) for row in rows]


def decide_one(ask: Ask, now: datetime) -> Outcome:
    """Advance the row, or decide its command, at its own instant: what is recorded only grows."""
    enrollment = ask.enrollment
    at = max(now, enrollment.updated_at)
    if ask.command is not None:
        return Outcome(ask, decide(enrollment, ask.certification, ask.command, at), at)
    return Outcome(ask, advance(enrollment, ask.certification, at), at)


def decide_forgiving(ask: Ask, now: datetime) -> Outcome:
    """The same; a row whose rules fail is answered with its error, and the rest goes on."""
    try:
        return decide_one(ask, now)
    except Exception as error:  # whatever a rule raises concerns its own row alone
        unchanged = Decision(enrollment=ask.enrollment)
        return Outcome(ask, unchanged, now, error=f"{type(error).__name__}: {error}")


def decide_then(outcome: Outcome, command: Command | None) -> Outcome:
    """The same with one more command at once. Refused, it takes back what came before it."""
    first = outcome.decision
    if command is None or first.refusal is not None:
        return outcome
    asked = replace(outcome.ask, enrollment=first.enrollment, command=command)
    second = decide_one(asked, outcome.now)
    if second.decision.refusal is not None:
        return replace(outcome, decision=second.decision)
    both = merged(first, second.decision)
    return replace(outcome, decision=both, now=second.now, last=asked, earlier=first)


def decided_again(outcome: Outcome, asked: Ask) -> Outcome:
    """The same at the same instant, of a row that was given something meanwhile."""
    again = decide_one(asked, outcome.now).decision
    if outcome.earlier is not None:
        again = merged(outcome.earlier, again)
    return replace(outcome, decision=again, last=asked)


def merged(earlier: Decision, later: Decision) -> Decision:
    """Two decisions of one row, one after the other, as one."""
    cycles = {cycle.number: cycle for cycle in (*earlier.cycles, *later.cycles)}
    certificates = {
        certificate.id: certificate for certificate in (*earlier.certificates, *later.certificates)
    }
    return replace(
        later,
        events=(*earlier.events, *later.events),
        cycles=tuple(cycles.values()),
        certificates=tuple(certificates.values()),
        assigned=(*earlier.assigned, *later.assigned),
        unassigned=(*earlier.unassigned, *later.unassigned),
        elsewhere=(*earlier.elsewhere, *later.elsewhere),
        given_up=(*earlier.given_up, *later.given_up),
    )
