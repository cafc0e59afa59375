"""The commands: sync, report, follow, yearly, and all."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
from certsvc_client import AuthenticatedClient
from certsvc_client.models import BulkOperation, Enrollment

from lms import yearly
from lms.clock import NotYet
from lms.demonstration import live_through
from lms.follow import follow, listen
from lms.programme import publish, target
from lms.records import Records
from lms.report import completion, report
from lms.service import Refused, Unanswered, connect
from lms.sync import sync


def main() -> int:
    """Run a command; 1 if it was refused, or the day has not come, or nobody answers."""
    given = _arguments()
    if not given.key:
        print("an API key is needed: --key or CERTSVC_KEY", file=sys.stderr)
        return 2
    records = Records(given.records)
    try:
        with connect(given.url, given.key) as client:
            _run(given, client, records)
    except (Refused, Unanswered, NotYet) as no:
        print(no, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except httpx.TransportError as error:
        print(f"{given.url}: {error}", file=sys.stderr)
        return 1
    finally:
        records.close()
    return 0


def _run(given: argparse.Namespace, client: AuthenticatedClient, records: Records) -> None:
    match given.command:
        case "sync":
            certification = publish(client, print)
            sync(client, records, print)
            target(client, certification, print)
        case "report":
            _add(given.completed, records)
            report(client, records, print)
        case "follow":
            (listen if given.stay else follow)(client, records, print)
        case "yearly":
            _yearly(given, client)
        case _:
            live_through(client, records, print)


def _add(completed: list[str] | None, records: Records) -> None:
    """A course that a learner has completed just now, as an LMS would note it."""
    if completed:
        learner, course, grade = completed
        moment = datetime.now(UTC).isoformat()
        records.add_result(completion(learner, course, moment, int(grade)))


def _yearly(given: argparse.Namespace, client: AuthenticatedClient) -> None:
    if given.due is not None:
        yearly.prepare(client, given.certification, given.on, given.due, print)
        return
    confirm = (lambda _due, _foreseen: True) if given.yes else _ask
    yearly.recertify(client, given.certification, given.on, confirm, print)


def _ask(due: list[Enrollment], _foreseen: BulkOperation) -> bool:
    return input(f"Recertify these {len(due)}? [y/N] ").strip().lower() == "y"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lms", description=__doc__)
    url = os.environ.get("CERTSVC_URL", "http://127.0.0.1:8000")
    parser.add_argument("--url", default=url, help="where the service is (CERTSVC_URL)")
    key = os.environ.get("CERTSVC_KEY", "")
    parser.add_argument("--key", default=key, help="an API key (CERTSVC_KEY)")
    file = Path("lms.sqlite3")
    parser.add_argument("--records", type=Path, default=file, help="the LMS's own database")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="tell of courses, sessions and groups")
    results = commands.add_parser("report", help="tell what learners did")
    results.add_argument("--completed", nargs=3, metavar=("LEARNER", "COURSE", "GRADE"))
    following = commands.add_parser("follow", help="react to what happened since last time")
    following.add_argument("--stay", action="store_true", help="and to what happens, for ever")
    each_year = commands.add_parser("yearly", help="recertify everybody on one day")
    each_year.add_argument("certification")
    each_year.add_argument("--on", type=_instant, required=True, help="the day, as an instant")
    each_year.add_argument("--due", type=_instant, help="prepare; who is late gets until then")
    each_year.add_argument("--yes", action="store_true", help="do not ask before recertifying")
    commands.add_parser("all", help="a whole year, in a fresh sandbox")
    return parser.parse_args()


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
