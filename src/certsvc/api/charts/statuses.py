"""The chart of statuses: a bar for each, and for each certification the standings."""

from typing import Final

from certsvc.api.charts.bars import Bars, Line
from certsvc.api.charts.library import Figure
from certsvc.api.charts.sheet import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    HEADING,
    MARGIN,
    PURPLE,
    RED,
    SECTION,
    SKY,
    Sheet,
    about,
    counted,
    moment,
    named,
    worded,
)
from certsvc.domain.status import Standing, Status
from certsvc.usecases.reports import Statuses, StatusReport

TITLE: Final = "Enrollments by status"
# As a life goes: asking and learning, holding, losing, ending without.
COLOURS: Final = {
    Status.APPLIED: GREEN,
    Status.ASSIGNED: GREEN,
    Status.NOT_STARTED: GREEN,
    Status.IN_PROGRESS: GREEN,
    Status.PENDING_APPROVAL: GREEN,
    Status.CERTIFIED: BLUE,
    Status.RECERTIFYING: SKY,
    Status.EXPIRED: AMBER,
    Status.LAPSED: RED,
    Status.SUSPENDED: PURPLE,
    Status.REVOKED: PURPLE,
    Status.DISALLOWED: PURPLE,
    Status.INACTIVE: GREY,
    Status.DECLINED: GREY,
    Status.NOT_COMPLETED: GREY,
    Status.CANCELLED: GREY,
    Status.REMOVED: GREY,
}
WORTH: Final = (
    (Standing.VALID, "Valid", BLUE),
    (Standing.GRACE, "In grace", AMBER),
    (Standing.LAPSED, "Lapsed", RED),
    (Standing.REVOKED, "Revoked or barred", PURPLE),
    (Standing.NONE, "None", GREY),
)


def chart(report: StatusReport) -> Figure:
    """The chart."""
    totals = report.totals
    enrollments = counted(totals.total, "enrollment", "enrollments")
    subtitle = about(list(report.items), enrollments, f"as of {moment(report.as_of)}")
    if not totals.total:
        return Sheet.empty(TITLE, subtitle).figure
    bars = Bars(
        [
            Line(worded(status), {color: totals.by_status[status]})
            for status, color in COLOURS.items()
            if totals.by_status[status]
        ]
    )
    top = HEADING + bars.height
    if len(report.items) < 2:
        sheet = Sheet.titled(TITLE, subtitle, top + MARGIN)
        bars.draw(sheet, HEADING)
        return sheet.figure
    worth = Bars.ranked((named(one), _parts(found)) for one, found in report.items.items())
    sheet = Sheet.titled(TITLE, subtitle, top + SECTION + 26 + worth.height + MARGIN)
    bars.draw(sheet, HEADING)
    sheet.section(top, "Standing by certification")
    sheet.legend(top + SECTION + 10, [(text, color) for _, text, color in WORTH])
    worth.draw(sheet, top + SECTION + 26)
    return sheet.figure


def _parts(statuses: Statuses) -> dict[str, int]:
    parts = {color: statuses.by_standing[standing] for standing, _, color in WORTH}
    parts[PURPLE] += statuses.by_standing[Standing.DISALLOWED]
    return parts
