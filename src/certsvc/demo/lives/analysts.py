"""A security team: CompTIA Security+, renewed by units of continuing education or a higher exam."""

from certsvc.demo.script import Life, act, course, credits_earned, days, enrolled, exam, paid

KEY = "comptia-security-plus"
SY0_701 = "comptia-SY0-701"

COLLECTOR = Life(
    KEY,
    "soc-analyst",
    "SOC analyst",
    "Fifty units, one conference at a time; the renewal extends from the old expiry.",
    days(
        ("2026-02-02", enrolled()),
        ("2026-03-10", exam(SY0_701, 88.9)),
        ("2026-11-12", credits_earned(12, "conference")),
        ("2027-05-21", credits_earned(15, "training")),
        ("2028-02-09", credits_earned(13, "work")),
        ("2028-06-01", paid()),
        ("2028-11-30", credits_earned(10, "webinar")),
        ("2030-04-18", credits_earned(26, "training")),
        ("2031-03-06", paid(), credits_earned(24, "conference")),
    ),
)

CLIMBER = Life(
    KEY,
    "network-engineer",
    "Network engineer",
    "A higher exam renews at once and without the fee: three years kept, three years added.",
    days(
        ("2026-05-04", enrolled()),
        ("2026-06-01", exam(SY0_701, 91.1)),
        ("2027-07-01", course("comptia-CySA+")),
        ("2027-07-02", act("override-payment", "Renewed by CySA+: no CE fee.")),
    ),
)

LATE_REPORTER = Life(
    KEY,
    "help-desk-lead",
    "Help desk lead",
    "Lapsed on paper only: what was earned in time and reported late counts as of its own day.",
    days(
        ("2026-03-16", enrolled()),
        ("2026-04-20", exam(SY0_701, 84.4)),
        ("2027-10-06", credits_earned(30, "training"), paid()),
        ("2029-05-04", credits_earned(20, "conference", on="2029-04-10")),
    ),
)

CONTRACTOR = Life(
    KEY,
    "contractor",
    "Contractor",
    "49 of 50 is not 50. No grace: the exam again.",
    days(
        ("2026-06-01", enrolled()),
        ("2026-07-06", exam(SY0_701, 86.7)),
        ("2028-03-03", credits_earned(49, "training"), paid()),
        ("2029-10-15", exam(SY0_701, 82.2)),
        ("2029-11-05", exam(SY0_701, 87.8)),
    ),
)

LIVES = (COLLECTOR, CLIMBER, LATE_REPORTER, CONTRACTOR)
