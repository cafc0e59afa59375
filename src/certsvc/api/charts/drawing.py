"""Draws a report: finds its chart, and saves it as a file."""

from typing import assert_never

from certsvc.api.charts import expiries, renewals, statuses
from certsvc.api.charts.library import Figure, saved, settled
from certsvc.usecases.reports import ExpiryReport, RenewalReport, Report, StatusReport


def drawn(report: Report, format: str) -> bytes:
    """The report as an SVG or PNG file. One thread at a time may ask."""
    with settled():
        figure, title = _chart(report)
        return saved(figure, format, title)


def _chart(report: Report) -> tuple[Figure, str]:
    match report:
        case StatusReport():
            return statuses.chart(report), statuses.TITLE
        case ExpiryReport():
            return expiries.chart(report), expiries.TITLE
        case RenewalReport():
            return renewals.chart(report), renewals.TITLE
        case _:
            assert_never(report)
