"""An agency: everybody's annual ethics training, by 31 December of each year."""

from datetime import timedelta

from certsvc.demo.script import (
    Dated,
    Life,
    Report,
    course,
    days,
    enrolled,
    instant,
    together,
    unassigned,
)

KEY = "annual-ethics"
GROUP = "all-staff"
TRAINING = course("annual-ethics-training", 90)
YEARS = range(2026, 2032)
CLASSROOM = "06-03"
"""The day on which most people sit in one room, and are reported in one batch."""
CROWD = "Most sit in one room on 3 June: a single request reports them all."

OFFICER = Life(
    KEY,
    "contracting-officer",
    "Contracting officer",
    "In the classroom each June. Its day never matters: everybody's date is 31 December.",
    together(
        days(("2026-01-05", enrolled("group", GROUP))),
        *(days((f"{year}-{CLASSROOM}", TRAINING)) for year in YEARS),
    ),
)

ATTORNEY = Life(
    KEY,
    "regional-attorney",
    "Regional attorney",
    "Misses one year, owes it still, and is back on everybody's date eighteen days later.",
    days(
        ("2026-01-05", enrolled("group", GROUP)),
        (f"2026-{CLASSROOM}", TRAINING),
        ("2027-12-30", TRAINING),
        ("2029-01-18", TRAINING),
        ("2030-02-11", TRAINING),
        (f"2031-{CLASSROOM}", TRAINING),
    ),
)

NEWCOMER = Life(
    KEY,
    "budget-analyst",
    "Budget analyst",
    "Joins in September 2028, leaves for two years, and comes back: one enrollment all along.",
    days(
        ("2028-09-04", enrolled("group", GROUP)),
        ("2028-10-02", TRAINING),
        ("2029-03-30", unassigned("Left the agency.")),
        ("2031-02-03", enrolled("group", GROUP)),
        ("2031-02-20", TRAINING),
    ),
)


def lives(cohort: int) -> tuple[Life, ...]:
    """Three people with a story, and the rest of the cohort around them."""
    named = (OFFICER, ATTORNEY, NEWCOMER)
    return (*named, *(_colleague(number) for number in range(len(named) + 1, cohort + 1)))


def _colleague(number: int) -> Life:
    begun = days(("2026-01-05", enrolled("group", GROUP)))
    trained = tuple(_trained(number, year) for year in YEARS)
    dated = together(begun, trained)
    return Life(KEY, f"staff-{number:04}", f"Colleague {number}", CROWD, dated, shown=False)


def _trained(number: int, year: int) -> Dated:
    """Three of five sit in the classroom; the others choose a week of their own; and now and then
    somebody is some days late."""
    draw = (number * 7919 + year * 104_729) % 97
    if draw < 58:
        return Dated(instant(f"{year}-{CLASSROOM}"), _training())
    if draw == 96:
        return Dated(instant(f"{year + 1}-01-09"), _training())
    week = timedelta(weeks=draw * 7 % 46)
    return Dated(instant(f"{year}-01-27") + week, _training())


def _training() -> Report:
    return TRAINING
