"""Cloud administrators: a role-based certification that is renewed every year."""

from certsvc.demo.script import Life, act, days, enrolled, exam, exam_passed

KEY = "microsoft-azure-administrator"
AZ_104 = "microsoft-AZ-104"
RENEWED = exam_passed("microsoft-AZ-104-renewal")

EARLY_BIRD = Life(
    KEY,
    "platform-engineer",
    "Platform engineer",
    "On the first day of the window or on the last: it stays 31 March.",
    days(
        ("2026-02-02", enrolled()),
        ("2026-03-31", exam(AZ_104, 78)),
        ("2026-09-30", RENEWED),
        ("2027-12-24", RENEWED),
        ("2029-03-31", RENEWED),
        ("2029-11-11", RENEWED),
        ("2030-10-01", RENEWED),
        ("2032-01-15", RENEWED),
    ),
)

FORGETFUL = Life(
    KEY,
    "systems-administrator",
    "Systems administrator",
    "Forgot once and earned it again by the exam; later let it run out, on purpose.",
    days(
        ("2026-04-06", enrolled()),
        ("2026-05-18", exam(AZ_104, 82)),
        ("2027-07-08", exam(AZ_104, 75)),
        (
            "2027-10-01",
            act("change-next-recertification", "Moved to another platform.", next="never"),
        ),
    ),
)

TRAINEE = Life(
    KEY,
    "cloud-trainee",
    "Cloud trainee",
    "A second attempt within 24 hours does not count, however good; and a leave stops nothing.",
    days(
        ("2026-06-01", enrolled()),
        ("2026-06-15", exam(AZ_104, 55)),
        ("2026-06-15 21:00", exam(AZ_104, 90)),
        ("2026-06-22", act("deactivate", "Parental leave.")),
        ("2026-12-01", act("reactivate", "Back from leave.")),
        ("2026-12-10", exam(AZ_104, 84)),
        ("2027-08-02", RENEWED),
        ("2028-11-20", RENEWED),
        ("2029-09-06", RENEWED),
        ("2030-08-14", RENEWED),
        ("2031-12-08", RENEWED),
    ),
)

LIVES = (EARLY_BIRD, FORGETFUL, TRAINEE)
