"""Recertify everybody on one day of the year, step by step.

Learners complete a course on different days, so their recertification dates differ. Where an
organisation would rather roll training out to all at once, it prepares that some weeks ahead
(`prepare`, which may be repeated: it takes in whoever has completed meanwhile) and recertifies on
the day (`recertify`).
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from certsvc_client import AuthenticatedClient
from certsvc_client.api.certifications import change_certification, get_certification
from certsvc_client.api.enrollments import list_enrollments
from certsvc_client.models import (
    BulkOperation,
    CertificationPatch,
    Enrollment,
    EnrollmentFilter,
    EnrollmentPage,
    Problem,
    Standing,
    Status,
)
from certsvc_client.types import Unset

from lms.bulk import carry_out, everybody, foresee, order, these
from lms.clock import wait_until
from lms.service import PAGE, answered, pages

Say = Callable[[str], None]
Confirm = Callable[[list[Enrollment], BulkOperation], bool]
UNFINISHED = [Status.NOT_STARTED, Status.IN_PROGRESS]
DUE = "due_for_recertification"
MOST_IDS = 100_000
"""The most that an order may name one by one; beyond, it goes to all whom the filter finds."""


def prepare(
    client: AuthenticatedClient, certification: str, day: datetime, due_at: datetime, say: Say
) -> None:
    """Ahead of the day: nothing starts by itself, everybody finishes, all dates become one."""
    say(f"1. Automatic recertification of {certification} is off, so that nothing starts early")
    _turn_automation_off(client, certification, say)
    say(f"2. Whoever has not completed the course gets until {due_at.date()}, and a reminder")
    _chase(client, certification, due_at, say)
    say(f"3. Everybody who holds a certificate is to recertify on {day.date()}")
    _bring_to_one_date(client, certification, day, say)


def _turn_automation_off(client: AuthenticatedClient, certification: str, say: Say) -> None:
    seen = answered(get_certification.sync(certification, client=client))
    if not seen.automatic_recertification:
        say("  it was off already")
        return
    # Only as it was seen: whoever else turns switches at the same time is not overruled.
    patch = CertificationPatch(
        automatic_recertification=False,
        reason="Recertified by hand, once a year",
        expected_revision=seen.revision,
    )
    changed = answered(change_certification.sync(certification, client=client, body=patch))
    say(f"  this concerns {changed.effect.concerned} people")


def _chase(client: AuthenticatedClient, certification: str, due_at: datetime, say: Say) -> None:
    who = EnrollmentFilter(certification=[certification], status=UNFINISHED)
    found = list(_listed(client, who))
    for one in found:
        due = "no date" if one.due_at is None else f"{one.due_at.date()}"
        say(f"  {one.learner_id}: {one.status}, due {due}")
    if not found:
        say("  everybody has")
        return
    why = "More time before the yearly recertification"
    later = order("change-dates", everybody(who), why, due_at=due_at.isoformat())
    carry_out(client, later, say)
    carry_out(client, order("remind", everybody(who), why), say)


def _bring_to_one_date(
    client: AuthenticatedClient, certification: str, day: datetime, say: Say
) -> None:
    holders = EnrollmentFilter(
        certification=[certification], status=[Status.CERTIFIED], standing=[Standing.VALID]
    )
    decision = order(
        "change-dates",
        everybody(holders),
        "One recertification date for all",
        recertification_at=day.isoformat(),
    )
    carry_out(client, decision, say)


def recertify(
    client: AuthenticatedClient, certification: str, day: datetime, confirm: Confirm, say: Say
) -> BulkOperation | None:
    """On the day: review who is due, look what would happen, confirm, and see what did."""
    wait_until(client, day)
    say("4. Who is due for recertification; review the list")
    due = list(_listed(client, EnrollmentFilter(certification=[certification], flag=[DUE])))
    for one in due:
        held = None if one.certificate is None else one.certificate.valid_through
        say(f"  {one.learner_id}: {one.status}, certificate good through {held}")
    if not due:
        say("  nobody")
        return None
    ids = [one.id for one in due]
    selection = these(ids)
    if len(ids) > MOST_IDS:
        selection = everybody(EnrollmentFilter(certification=[certification], flag=[DUE]))
    decision = order("recertify", selection, f"Yearly recertification of {day.year}")
    if not confirm(due, foresee(client, decision, say)):
        say("  not confirmed; nothing was changed")
        return None
    say("5. Recertify: the courses are assigned, the learners are notified")
    return carry_out(client, decision, say)


def _listed(client: AuthenticatedClient, who: EnrollmentFilter) -> Iterator[Enrollment]:
    for page in pages(partial(_page, client, who)):
        yield from page.items


def _page(
    client: AuthenticatedClient, who: EnrollmentFilter, cursor: str | Unset
) -> EnrollmentPage | Problem | None:
    return list_enrollments.sync(
        client=client,
        certification=who.certification,
        status=who.status,
        flag=who.flag,
        limit=PAGE,
        cursor=cursor,
    )
