"""The chart of how recertification goes: what became of what was due."""

from collections import Counter
from typing import Final

from certsvc.api.charts.bars import Bars
from certsvc.api.charts.library import Figure
from certsvc.api.charts.sheet import (
    AMBER,
    BLUE,
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
    day,
    named,
)
from certsvc.usecases.reports import Renewal, RenewalReport

TITLE: Final = "Recertification"
OUTCOMES: Final = (
    (Renewal.IN_TIME, "In time", BLUE),
    (Renewal.LATE, "Late, in grace", SKY),
    (Renewal.REINSTATED, "After the lapse", AMBER),
    (Renewal.OPEN, "Still open", GREY),
    (Renewal.LAPSED, "Lapsed", RED),
    (Renewal.REVOKED, "Revoked", PURPLE),
)


def chart(report: RenewalReport) -> Figure:
    """The chart."""
    due = counted(report.totals.total(), "certificate due", "certificates due")
    period = f"{day(report.period.begins)} to {day(report.period.ends)}"
    subtitle = about(list(report.items), due, period)
    if not report.totals.total():
        return Sheet.empty(TITLE, subtitle).figure
    by_certification = [(named(one), _parts(found)) for one, found in report.items.items()]
    by_group = [(group, _parts(found)) for group, found in report.groups.items()]
    sections = [("By certification", Bars.ranked(by_certification))]
    if by_group:
        sections.append(("By group", Bars.ranked(by_group)))
    top = HEADING + 20
    height = top + sum(SECTION + bars.height for _, bars in sections) + MARGIN
    sheet = Sheet.titled(TITLE, subtitle, height)
    sheet.legend(HEADING + 10, [(text, color) for _, text, color in OUTCOMES])
    for title, bars in sections:
        sheet.section(top, title)
        bars.draw(sheet, top + SECTION)
        top += SECTION + bars.height
    return sheet.figure


def _parts(outcomes: Counter[Renewal]) -> dict[str, int]:
    return {color: outcomes[outcome] for outcome, _, color in OUTCOMES}
