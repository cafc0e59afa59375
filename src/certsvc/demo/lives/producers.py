"""Insurance producers: a license that is paid for, examined, granted and renewed."""

from certsvc.demo.script import Life, act, course, credits_earned, days, enrolled, paid
from certsvc.demo.script import exam as taken

KEY = "insurance-producer"
PRELICENSING = course("producer-prelicensing")
EXAM = "producer-state-exam"
GRANTED = act("approve", "All conditions are met.", on_behalf_of="director")
ETHICS = credits_earned(3, "ethics")

LIFE_AGENT = Life(
    KEY,
    "life-agent",
    "Life agent",
    "Fee, 24 hours, three of them ethics, every two years: the license keeps its date.",
    days(
        ("2026-01-05", enrolled("self"), paid()),
        ("2026-01-20", PRELICENSING),
        ("2026-02-02", taken(EXAM, 78)),
        ("2026-02-10", GRANTED),
        ("2026-10-08", credits_earned(9, "life")),
        ("2027-06-17", credits_earned(12, "life"), ETHICS),
        ("2027-12-15", paid()),
        ("2029-09-20", credits_earned(21, "life"), ETHICS),
        ("2030-01-10", paid()),
        ("2031-10-09", credits_earned(21, "life"), ETHICS),
        ("2031-12-01", paid()),
    ),
)

HESITANT = Life(
    KEY,
    "property-agent",
    "Property agent",
    "Six months late costs a fee; twelve months late costs the license, and the exam is back.",
    days(
        ("2026-02-02", enrolled("self"), paid()),
        ("2026-02-24", PRELICENSING),
        ("2026-03-05", taken(EXAM, 64)),
        ("2026-03-16", taken(EXAM, 73)),
        ("2026-03-24", GRANTED),
        ("2027-11-10", credits_earned(21, "property"), ETHICS),
        ("2028-09-12", paid()),
        ("2031-05-06", paid(), PRELICENSING),
        ("2031-05-20", taken(EXAM, 81)),
        ("2031-05-28", GRANTED),
    ),
)

BROKER = Life(
    KEY,
    "commercial-broker",
    "Commercial lines broker",
    "Barred after a hearing, restored on appeal. Old certificates stay revoked for ever.",
    days(
        ("2026-03-09", enrolled("self"), paid()),
        ("2026-04-14", PRELICENSING),
        ("2026-05-04", taken(EXAM, 88)),
        ("2026-05-06", act("reject", "Exam taken for another line.", exam=True)),
        ("2026-05-18", taken(EXAM, 90)),
        ("2026-05-26", GRANTED),
        ("2027-10-11", act("permanent-revoke", "Premiums withheld; after a hearing.")),
        ("2028-06-20", act("restore", "Set aside on appeal.")),
        ("2028-07-03", paid(), credits_earned(21, "commercial"), ETHICS),
        ("2030-06-03", paid(), credits_earned(21, "commercial"), ETHICS),
    ),
)

LIVES = (LIFE_AGENT, HESITANT, BROKER)
