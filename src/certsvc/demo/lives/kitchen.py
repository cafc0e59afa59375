"""Restaurants: food protection managers, certified for five years by the exam alone."""

from certsvc.demo.script import Life, Report, act, days, enrolled, taken_back
from certsvc.demo.script import exam as taken

KEY = "food-protection-manager"
WRONG_SHEET = "answer-sheet-4471"


def exam(grade: float, id: str | None = None) -> Report:
    """The ServSafe manager exam."""
    return taken("servsafe-manager", grade, id=id)


MANAGER = Life(
    KEY,
    "restaurant-manager",
    "Restaurant manager",
    "Five quiet years, then the exam again in good time.",
    days(
        ("2026-02-02", enrolled()),
        ("2026-02-18", exam(88)),
        ("2030-12-02", exam(91)),
    ),
)

SOUS_CHEF = Life(
    KEY,
    "sous-chef",
    "Sous-chef",
    "Passed at the second attempt. Five years on, a closed test center earns an extension.",
    days(
        ("2026-02-16", enrolled()),
        ("2026-03-02", exam(61)),
        ("2026-03-09", exam(74)),
        (
            "2031-02-24",
            act(
                "change-dates",
                "Flooded test center; the county extends by 60 days.",
                expires_at="2031-05-09T05:00:00Z",
            ),
        ),
        ("2031-04-20", exam(83)),
    ),
)

CATERER = Life(
    KEY,
    "catering-lead",
    "Catering lead",
    "The provider takes a result back. The certificate stands, flagged, until a person decides.",
    days(
        ("2027-05-03", enrolled()),
        ("2027-05-11", exam(79, id=WRONG_SHEET)),
        ("2027-06-30", taken_back(WRONG_SHEET)),
        ("2027-07-02", act("force-recertification", "Answer sheet of another candidate.")),
        ("2027-07-20", exam(76)),
    ),
)

LIVES = (MANAGER, SOUS_CHEF, CATERER)
