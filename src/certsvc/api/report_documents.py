"""Reports as documents of the interface."""

from collections import Counter
from typing import Any

from certsvc.domain.status import Standing, Status
from certsvc.store.reports import Subject
from certsvc.usecases.reports import (
    Ahead,
    ExpiryReport,
    Months,
    Renewal,
    RenewalReport,
    Statuses,
    StatusReport,
)

Document = dict[str, Any]


def _of_subject(subject: Subject) -> Document:
    return {
        "certification_id": subject.id,
        "certification_key": subject.key,
        "certification_title": subject.title,
    }


def of_statuses(report: StatusReport) -> Document:
    """Statuses of each certification, and in total."""
    return {
        "items": [{**_of_subject(one), **_counts(found)} for one, found in report.items.items()],
        "totals": _counts(report.totals),
        "as_of": report.as_of,
    }


def _counts(statuses: Statuses) -> Document:
    return {
        "total": statuses.total,
        "by_status": {one.value: statuses.by_status[one] for one in Status},
        "by_standing": {one.value: statuses.by_standing[one] for one in Standing},
    }


def of_expiries(report: ExpiryReport) -> Document:
    """What is ahead, of each certification and in total."""
    names = [f"{month:%Y-%m}" for month in report.months]
    return {
        "time_zone": report.time_zone,
        "items": [
            {**_of_subject(one), **_ahead(found, names)} for one, found in report.items.items()
        ],
        "totals": _ahead(report.totals, names),
        "as_of": report.as_of,
    }


def _ahead(months: Months, names: list[str]) -> Document:
    return {
        "already_past": {
            "expiring": months.past[Ahead.EXPIRE],
            "lapsing": months.past[Ahead.LAPSE],
        },
        "months": [
            {
                "month": name,
                "windows_opening": months.ahead[place, Ahead.WINDOW],
                "expiring": months.ahead[place, Ahead.EXPIRE],
                "lapsing": months.ahead[place, Ahead.LAPSE],
            }
            for place, name in enumerate(names)
        ],
    }


def of_renewals(report: RenewalReport) -> Document:
    """What became of what was due, of each certification, in each group and in total."""
    return {
        "from": report.period.begins,
        "to": report.period.ends,
        "items": [{**_of_subject(one), **_due(found)} for one, found in report.items.items()],
        "groups": [{"group": group, **_due(found)} for group, found in report.groups.items()],
        "totals": _due(report.totals),
        "as_of": report.as_of,
    }


def _due(outcomes: Counter[Renewal]) -> Document:
    return {"due": outcomes.total(), **{one.value: outcomes[one] for one in Renewal}}
