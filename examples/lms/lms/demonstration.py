"""A year on a small campus, lived through in a sandbox: told, done, heard, and recertified."""

from collections.abc import Callable
from datetime import UTC, datetime

from certsvc_client import AuthenticatedClient
from certsvc_client.models import BulkOperation, Enrollment

from lms import desk, yearly
from lms.clock import now, wait_until
from lms.follow import follow
from lms.programme import publish, target
from lms.records import Records
from lms.report import attendance, completion, report
from lms.sync import sync

Say = Callable[[str], None]
FIRST_DAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
ROLL_OUT = datetime(2026, 11, 2, 8, tzinfo=UTC)
MORE_TIME = datetime(2026, 2, 28, 18, tzinfo=UTC)
MUCH_MORE_TIME = datetime(2026, 10, 31, 18, tzinfo=UTC)
LAST_DAY = datetime(2026, 11, 20, 18, tzinfo=UTC)
EVERYBODY = ("ana", "ben", "cleo", "dan", "eve", "finn", "gus", "hana", "ida", "jon")
LATE, NEVER, SUSPENDED = "ida", "jon", "eve"


def live_through(client: AuthenticatedClient, records: Records, say: Say) -> None:
    """The whole year. It needs an admin's key of a sandbox that nothing has happened in."""
    if now(client) > FIRST_DAY:
        raise SystemExit(f"the sandbox's clock must not be past {FIRST_DAY.isoformat()}")
    wait_until(client, FIRST_DAY)
    certification = _january(client, records, say)
    say("\n2 February: the yearly recertification is prepared")
    wait_until(client, datetime(2026, 2, 2, 9, tzinfo=UTC))
    yearly.prepare(client, certification, ROLL_OUT, MORE_TIME, say)
    say("\n20 February: somebody who was late completes the course")
    _complete(client, records, LATE, datetime(2026, 2, 20, 15, tzinfo=UTC), say)
    say("\n1 October: prepared again, for whoever has completed since")
    wait_until(client, datetime(2026, 10, 1, 9, tzinfo=UTC))
    yearly.prepare(client, certification, ROLL_OUT, MUCH_MORE_TIME, say)
    say("\n2 November: the day")
    yearly.recertify(client, certification, ROLL_OUT, _confirm(client, certification, say), say)
    follow(client, records, say)
    say(f"  assigned FIRE-1 again: {', '.join(_twice(records.assigned('FIRE-1')))}")
    _november(client, records, certification, say)


def _january(client: AuthenticatedClient, records: Records, say: Say) -> str:
    say("5 January: what the LMS knows is told")
    certification = publish(client, say)
    sync(client, records, say)
    target(client, certification, say)
    follow(client, records, say)
    say("\nJanuary: courses are completed, on one day or another")
    for number, learner in enumerate(one for one in EVERYBODY if one not in (LATE, NEVER)):
        day = 6 + number
        records.add_result(completion(learner, "FIRE-1", f"2026-01-{day:02}T10:00:00Z", 90))
        session = "yard-monday" if number % 2 else "yard-tuesday"
        held = f"2026-01-{12 if number % 2 else 13}T10:00:00Z"
        records.add_result(attendance(learner, "FIRE-2", session, held))
    wait_until(client, datetime(2026, 1, 16, 18, tzinfo=UTC))
    # Somebody mistyped the year: the service says so, and takes it once it is right.
    records.correct_result("yard-monday:ben", occurred_at="2027-01-12T10:00:00Z")
    report(client, records, say)
    records.correct_result("yard-monday:ben", occurred_at="2026-01-12T10:00:00Z")
    report(client, records, say)
    follow(client, records, say)
    return certification


def _complete(
    client: AuthenticatedClient, records: Records, learner: str, at: datetime, say: Say
) -> None:
    moment = at.isoformat()
    records.add_result(completion(learner, "FIRE-1", moment, 85))
    records.add_result(attendance(learner, "FIRE-2", "yard-tuesday", "2026-01-13T10:00:00Z"))
    wait_until(client, at)
    report(client, records, say)
    follow(client, records, say)


def _confirm(client: AuthenticatedClient, certification: str, say: Say) -> yearly.Confirm:
    """A person looks at the list; meanwhile another one suspends somebody who is on it."""

    def confirm(_due: list[Enrollment], foreseen: BulkOperation) -> bool:
        seen = desk.look_up(client, SUSPENDED, certification)
        desk.suspend(client, seen, "clerk-7", "Under investigation")
        say(f"  meanwhile {SUSPENDED} is suspended at the desk")
        return foreseen.complete

    return confirm


def _november(client: AuthenticatedClient, records: Records, certification: str, say: Say) -> None:
    say("\nNovember: the courses are completed again")
    for learner in _twice(records.assigned("FIRE-1")):
        records.add_result(completion(learner, "FIRE-1", "2026-11-20T10:00:00Z", 95))
    wait_until(client, LAST_DAY)
    report(client, records, say)
    follow(client, records, say)
    say("\nHow it ended")
    for learner in EVERYBODY:
        enrollment = desk.look_up(client, learner, certification)
        held = enrollment.certificate
        good = "" if held is None else f", certificate good through {held.valid_through}"
        say(f"  {records.name(learner)}: {enrollment.status}{good}")
    say(f"  {len(records.mails())} mails were sent")


def _twice(learners: list[str]) -> list[str]:
    return sorted({one for one in learners if learners.count(one) > 1})
