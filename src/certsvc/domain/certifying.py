"""certify: a certificate issued by hand, with dates; corrections and imports (lifecycle, 5)."""

from dataclasses import replace
from datetime import datetime

from certsvc.domain.commands import Act
from certsvc.domain.enrollment import CycleOutcome, Enrollment, Issued
from certsvc.domain.events import EventType
from certsvc.domain.guards import unsound
from certsvc.domain.outcome import Refusal
from certsvc.domain.settling import certify, new_certificate, summary
from certsvc.domain.status import IN_FORCE
from certsvc.domain.story import Story
from certsvc.domain.validity import Completion, expiry


def certify_by_hand(story: Story, act: Act) -> Refusal | None:
    """Issues a certificate and closes the open cycle as done, or adds to the history only.

    The same again is skipped; so is what `when` leaves out. Skipping says nothing."""
    certified_at = act.certified_at or story.now
    refusal = _unsound(act, certified_at, story.now)
    if refusal is not None:
        return refusal
    version = _version(story, certified_at)
    expires_at = act.expires_at or _expiry(story, version, certified_at)
    if _skipped(story.e, act, certified_at, expires_at):
        return None
    valid_from = act.valid_from or certified_at
    if act.when == "history_only" or _older(story.e, certified_at, expires_at, story.now):
        _into_history(story, version, certified_at, valid_from, expires_at)
        return None
    cycle = story.e.cycle
    if cycle is not None:
        story.close_cycle(CycleOutcome.COMPLETED, certified_at)
    certify(
        story,
        version=version,
        cycle=None if cycle is None else cycle.number,
        certified_at=certified_at,
        valid_from=valid_from,
        expires_at=expires_at,
    )
    return None


def _unsound(act: Act, certified_at: datetime, now: datetime) -> Refusal | None:
    if certified_at > now:
        return unsound("certified_in_future", "A certification lies not ahead.", "certified_at")
    if act.expires_at is not None and act.expires_at <= max(
        certified_at, act.valid_from or certified_at
    ):
        return unsound(
            "expires_before_certified", "An expiry lies after the certification.", "expires_at"
        )
    return None


def _version(story: Story, certified_at: datetime) -> int:
    """The open cycle's version; else the latest of then, or the first there was."""
    if story.e.cycle is not None:
        return story.e.cycle.version
    certification = story.certification
    version = certification.latest(certified_at) or certification.versions[0]
    return version.number


def _expiry(story: Story, version: int, certified_at: datetime) -> datetime | None:
    """A date that is missing follows from the version, as if the work was completed then."""
    e, cycle = story.e, story.e.cycle
    previous = e.certificate
    lends = previous is not None and previous.revoked_at is None
    completion = Completion(
        work_completed_at=certified_at,
        certified_at=certified_at,
        due_at=None if cycle is None else cycle.due_at,
        due_follows_expiry=cycle is not None and cycle.due_follows_expiry,
        assigned_at=min(e.assigned_at, certified_at),
        previous=previous if lends else None,
        first=not e.issued,
    )
    return expiry(story.certification.pinned(version).definition.policy, completion)


def _skipped(e: Enrollment, act: Act, certified_at: datetime, expires_at: datetime | None) -> bool:
    for issued in e.issued:
        if issued.certified_at == certified_at and act.expires_at in (None, issued.expires_at):
            return True
    if act.when == "if_uncertified":
        return e.standing in IN_FORCE
    if act.when == "if_newer":
        last = e.certificate
        return last is not None and certified_at <= last.certified_at
    return Issued(certified_at, expires_at) in e.issued


def _older(
    e: Enrollment, certified_at: datetime, expires_at: datetime | None, now: datetime
) -> bool:
    """What is older than a certificate in force goes to history only; so does what is older than
    the last one and no longer good itself."""
    last = e.certificate
    if last is None or certified_at >= last.certified_at:
        return False
    if e.standing in IN_FORCE:
        return True
    return last.revoked_at is None and expires_at is not None and expires_at <= now


def _into_history(
    story: Story,
    version: int,
    certified_at: datetime,
    valid_from: datetime,
    expires_at: datetime | None,
) -> None:
    """The certificate is kept and told; standing, work and dates stay as they are."""
    certificate = new_certificate(story, version, None, certified_at, valid_from, expires_at, ())
    last = story.e.certificate
    if last is not None and last.certified_at > certified_at:
        certificate = replace(certificate, superseded_at=last.certified_at)
    story.keep_certificate(certificate)
    story.set(issued=(*story.e.issued, Issued(certified_at, expires_at)))
    story.say(
        EventType.CERTIFICATE_ISSUED,
        certified_at,
        certificate=summary(certificate),
        history_only=True,
    )
