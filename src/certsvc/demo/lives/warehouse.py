"""A warehouse: three forklift operators under 29 CFR 1910.178(l)."""

from certsvc.demo.script import Life, act, course, days, enrolled, exam, handed_in

KEY = "osha-forklift"
FORMAL = course("pit-formal-instruction")
REFRESHER = course("pit-refresher")
PRACTICAL, EVALUATION, NO_REFRESHER = map(handed_in, ("practical", "evaluation", "refresher"))
SIGNED = act("approve", on_behalf_of="evaluator")


PICKER = Life(
    KEY,
    "order-picker",
    "Order picker, night shift",
    "A perfect chain: evaluated before each three years are over, not a day uncovered.",
    days(
        ("2026-03-02", enrolled()),
        ("2026-03-06", FORMAL, PRACTICAL, exam("pit-theory-test", 92)),
        ("2026-03-10", EVALUATION),
        ("2026-03-12", SIGNED),
        ("2029-02-20", NO_REFRESHER, EVALUATION),
        ("2029-02-21", SIGNED),
        ("2032-01-26", NO_REFRESHER, EVALUATION),
        ("2032-01-27", SIGNED),
    ),
)

YARD_DRIVER = Life(
    KEY,
    "yard-driver",
    "Yard driver",
    "Three failed tests, a near-miss, a missed evaluation: and each time a way back.",
    days(
        ("2026-03-30", enrolled()),
        ("2026-04-01", FORMAL, exam("pit-theory-test", 64)),
        ("2026-04-03", exam("pit-theory-test", 71)),
        ("2026-04-07", exam("pit-theory-test", 78)),
        ("2026-04-10", act("reset-exam", "Went through the theory again with the trainer.")),
        ("2026-04-14", exam("pit-theory-test", 88), PRACTICAL),
        ("2026-04-20", EVALUATION),
        ("2026-04-20 17:00", SIGNED),
        ("2027-09-14", act("force-recertification", "Near-miss at dock 4.")),
        ("2027-09-16", REFRESHER),
        ("2027-09-17", EVALUATION),
        ("2027-09-17 17:00", SIGNED),
        ("2030-11-04", NO_REFRESHER, EVALUATION),
        ("2030-11-04 17:00", SIGNED),
    ),
)

TRANSFER = Life(
    KEY,
    "reach-truck-operator",
    "Reach-truck operator, from another site",
    "Training of two years ago need not be repeated; the evaluation must, and is sent back once.",
    days(
        ("2026-05-04", enrolled()),
        (
            "2026-05-05",
            course("pit-formal-instruction", on="2024-06-14"),
            exam("pit-theory-test", 90, on="2024-06-14"),
        ),
        ("2026-05-06", PRACTICAL),
        ("2026-05-07", EVALUATION),
        ("2026-05-07 17:00", SIGNED),
        ("2027-02-01", act("suspend", "Accident in aisle 12, under investigation.")),
        ("2027-02-22", act("lift", "The brakes had failed; not the operator's doing.")),
        ("2029-04-02", NO_REFRESHER, EVALUATION),
        ("2029-04-03", act("reject", "Drove with the load raised.", steps=["evaluation"])),
        ("2029-04-16", EVALUATION),
        ("2029-04-16 17:00", SIGNED),
    ),
)

LIVES = (PICKER, YARD_DRIVER, TRANSFER)
