"""A hospital: Basic Life Support cards that end with their month."""

from certsvc.demo.script import (
    Life,
    Report,
    Revision,
    act,
    course,
    days,
    enrolled,
    exam,
    handed_in,
    instant,
)

KEY = "aha-bls"
NEW_GUIDELINES = "aha-bls-renewal-2030"
ADULT, INFANT = handed_in("adult"), handed_in("infant")


def tests(grade: float) -> tuple[Report, Report, Report]:
    """Both skills tests and the exam of one day."""
    return ADULT, INFANT, exam("aha-bls-exam", grade)


NURSE = Life(
    KEY,
    "ward-nurse",
    "Ward nurse",
    "Three cards in a row. Each is dated from its own course, and runs to the end of a month.",
    days(
        ("2026-03-02", enrolled()),
        ("2026-03-10", course("aha-bls-classroom"), *tests(92)),
        ("2028-03-22", course("aha-bls-renewal"), *tests(96)),
        ("2030-03-05", course("aha-bls-heartcode"), *tests(88)),
        ("2032-02-10", course(NEW_GUIDELINES), *tests(92)),
    ),
)

PHYSICIAN = Life(
    KEY,
    "emergency-physician",
    "Emergency physician",
    "Twenty days late. No grace: the renewal course is closed, the whole course is due again.",
    days(
        ("2026-05-04", enrolled()),
        ("2026-05-29", course("aha-bls-classroom"), *tests(84)),
        ("2028-06-20", course("aha-bls-classroom"), *tests(90)),
        ("2030-06-03", course("aha-bls-renewal"), *tests(96)),
    ),
)

THERAPIST = Life(
    KEY,
    "respiratory-therapist",
    "Respiratory therapist",
    "New guidelines in the middle of a renewal: moved to the new version, what was done stays.",
    days(
        ("2027-01-18", enrolled()),
        ("2027-02-10", course("aha-bls-classroom"), *tests(88)),
        ("2029-02-12", course("aha-bls-renewal"), *tests(92)),
        ("2031-01-10", ADULT),
        ("2031-01-21", act("move-to-version", "Renew by the new guidelines.", progress="keep")),
        ("2031-02-04", course(NEW_GUIDELINES), INFANT, exam("aha-bls-exam", 92)),
    ),
)

REVISIONS = (Revision(KEY, instant("2031-01-20"), {"aha-bls-renewal": NEW_GUIDELINES}),)
LIVES = (NURSE, PHYSICIAN, THERAPIST)
