"""A small crowd of many kinds, and whom each filter lets through: by reading all of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from certsvc.domain.actions import Action
from certsvc.domain.commands import Act
from certsvc.domain.enrollment import Source
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.status import Flag, Standing, Status
from certsvc.domain.views import VIEWS, View
from certsvc.store import enrollment_pages
from certsvc.store.db import driver, transaction
from certsvc.store.enrollment_filters import Filters
from certsvc.store.enrollments import Locked
from tests.support.programmes import CERTIFICATION, ELSEWHERE, definition
from tests.support.stage import MONDAY, TENANT, Stage, days

LATER = MONDAY + days(400)


async def everybody(stage: Stage) -> list[Locked]:
    """Two dozen enrollments of many kinds."""
    forklift = await stage.certification(definition(due={"after": "P60D"}))
    other = await stage.certification(id=ELSEWHERE, key="other", automatic=True)
    async with transaction(stage.engine) as conn:
        await driver(conn).execute(
            "UPDATE certifications SET hidden = true, revision = revision + 1 WHERE key = 'other'"
        )
    for certification, group in ((forklift, None), (other, "G1")):
        ids = await stage.enroll(certification, *(f"u-{n}" for n in range(8)), group=group)
        await stage.enroll(certification, "u-8", "u-9", group="G2", at=MONDAY + days(3))
        await stage.act(ids[0], Act(action=Action.CANCEL), MONDAY + days(1))
    for n in range(3, 6):
        fact = Fact(
            id=f"F-{n}",
            type=FactType.COURSE_COMPLETION,
            occurred_at=MONDAY + days(n),
            recorded_at=MONDAY + days(n),
            course_id="C-1",
            outcome=FactOutcome.PASSED,
        )
        await stage.report(f"u-{n}", fact, at=MONDAY + days(n))
    await stage.tick(MONDAY + days(369))
    async with transaction(stage.engine) as conn:
        page = await enrollment_pages.page(conn, TENANT, Filters(), None, 200)
    assert page.next is None
    assert len(page.items) == 20
    return page.items


def expected(items: list[Locked], filters: Filters) -> set[UUID]:
    """The ids that the filters let through, by reading every enrollment."""
    return {one.enrollment.id for one in items if passes(one, filters)}


def seen(one: Locked, view: View) -> bool:
    """Whether the enrollment is in the view."""
    row = VIEWS[view]
    return row.flag in one.flags if row.flag is not None else row.status is one.enrollment.status


def passes(one: Locked, filters: Filters) -> bool:
    """Whether the filters let the enrollment through."""
    e = one.enrollment
    return all(
        (
            not filters.certifications or e.certification_id in filters.certifications,
            not filters.learners or e.learner_id in filters.learners,
            not filters.statuses or e.status in filters.statuses,
            not filters.standings or e.standing in filters.standings,
            not filters.flags or set(one.flags) & set(filters.flags),
            filters.view is None or seen(one, filters.view),
            any(
                filters.source in (None, a.source) and filters.group in (None, a.group)
                for a in e.assignments
            ),
            between(expires_at(one), filters.expires_after, filters.expires_before),
            between(due_at(one), filters.due_after, filters.due_before),
            between(e.updated_at, filters.updated_after, None),
            filters.hidden in (None, one.certification.hidden),
        )
    )


def expires_at(one: Locked) -> datetime | None:
    """When the certificate that it shows expires."""
    shown = one.enrollment.standing not in (Standing.REVOKED, Standing.NONE)
    certificate = one.enrollment.certificate if shown else None
    return None if certificate is None else certificate.expires_at


def due_at(one: Locked) -> datetime | None:
    """When the open cycle is due."""
    return None if one.enrollment.cycle is None else one.enrollment.cycle.due_at


def between(at: datetime | None, after: datetime | None, before: datetime | None) -> bool:
    """Whether the instant is there, and lies within; without a range anything does."""
    if after is None and before is None:
        return True
    if at is None:
        return False
    return (after is None or at > after) and (before is None or at < before)


CHOICES: dict[str, tuple[Any, ...]] = {
    "certifications": ((), (ELSEWHERE,), (CERTIFICATION, ELSEWHERE)),
    "learners": ((), ("u-3", "u-4", "u-8", "u-404")),
    "statuses": ((), (Status.RECERTIFYING,), (Status.NOT_STARTED, Status.EXPIRED)),
    "standings": ((), (Standing.NONE, Standing.GRACE)),
    "flags": ((), (Flag.OVERDUE, Flag.DUE_FOR_RECERTIFICATION)),
    "view": (None, View.EXPIRING, View.DUE_FOR_RECERTIFICATION, View.ACTIVE),
    "source": (None, Source.GROUP),
    "group": (None, "G2"),
    "expires_before": (None, LATER),
    "due_after": (None, MONDAY),
    "updated_after": (None, MONDAY + days(2)),
    "hidden": (None, False),
}
