"""Time: every pair of status and timer, decided on purpose; what cannot fire in a status does not.

TIMES is written by hand after section 4 of the lifecycle page; nothing in it comes from the code.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from certsvc.domain.actions import Action
from certsvc.domain.course import Course
from certsvc.domain.enrollment import Plan, Source
from certsvc.domain.evidence import FactOutcome
from certsvc.domain.lifecycle import advance, next_due
from certsvc.domain.status import Standing, Status, Work
from certsvc.domain.timeline import TIMERS
from tests.support.builders import Life, begun, certified, done, rich, typical
from tests.support.classroom import ONLY_COURSE, attended, begun_class
from tests.support.programmes import SESSION, definition, path, republished, utc

TIMES = """
| status          | seat | line | opening | blocked | reminder | due | limit | expiring | window | expiry | lapsing | lapse | restart |
|-----------------|------|------|---------|---------|----------|-----|-------|----------|--------|--------|---------|-------|---------|
| applied         |      |      |         |         |          |     |       |          |        |        |         |       |         |
| assigned        |      |      |         |         |          |     |       |          |        |        |         |       |         |
| not_started     | Y    | Y    | Y       | Y       | Y        | Y   | Y     |          |        |        |         |       |         |
| in_progress     | Y    |      |         |         | Y        | Y   | Y     |          |        |        |         |       |         |
| pending_approval|      |      |         |         |          |     |       | Y        |        | Y      | Y       | Y     |         |
| certified       | Y    | Y    | later   | Y       |          |     |       | Y        | Y      | Y      |         |       |         |
| expired         |      |      |         |         |          |     |       |          | Y      |        | Y       | Y     |         |
| lapsed          |      |      |         |         |          |     |       |          |        |        |         |       |         |
| recertifying    | Y    | Y    | Y       | Y       | Y        | Y   | Y     | Y        |        | Y      | Y       | Y     | Y       |
| revoked         |      |      |         |         |          |     |       |          |        |        |         |       |         |
| disallowed      |      |      |         |         |          |     |       |          |        |        |         |       |         |
| suspended       |      |      |         |         |          |     |       |          |        | Y      |         | Y     |         |
| inactive        | Y    |      |         |         |          |     |       |          |        |        |         |       |         |
| declined        |      |      |         |         |          |     |       |          |        |        |         |       |         |
| not_completed   |      |      |         |         |          |     |       |          |        |        |         |       |         |
| cancelled       |      |      |         |         |          |     |       |          |        |        |         |       |         |
| removed         |      |      |         |         |          |     |       |          |        |        |         |       |         |
"""  # noqa: E501 - a table is read in rows

# certified, opening: a recertification that a missing seat or an archived course keeps waiting.
# expired, window: the instant at which recertification is made automatic.


def timers_by_the_page() -> dict[tuple[str, str], bool]:
    header, _, *rows = TIMES.strip().splitlines()
    names = [cell.strip() for cell in header.strip("|").split("|")[1:]]
    decided = {}
    for row in rows:
        status, *cells = (cell.strip() for cell in row.strip().strip("|").split("|"))
        for name, cell in zip(names, cells, strict=True):
            decided[status, name] = bool(cell)
    return decided


PAGE = timers_by_the_page()
NAMES = tuple(dict.fromkeys(name for _, name in PAGE))


def due_timers(life: Life) -> set[str]:
    """The rows that will come due if nothing else comes first, by the names of the page."""
    found = {timer.name for timer in TIMERS if timer.due(life.e, life.c) is not None}
    if "notice" in found:
        found.remove("notice")
        found.add("expiring" if life.standing is Standing.VALID else "lapsing")
    return found


def test_the_page_and_the_code_know_the_same_statuses_and_timers() -> None:
    assert {status for status, _ in PAGE} == {status.value for status in Status}
    known = {timer.name for timer in TIMERS}
    assert {*NAMES} - {"expiring", "lapsing"} | {"notice"} == known


def _acted(life: Life, action: Action) -> Life:
    life.act(action)
    return life


def _in_grace(status: Status) -> Life:
    return typical(status).at("2027-01-20T09:00")


def _automatic_from_tomorrow() -> Life:
    life = typical(Status.EXPIRED)
    life.c = replace(life.c, automatic=life.c.automatic.turned(True, utc("2027-01-21T09:00")))
    return life


def _waiting_with_a_good_credential() -> Life:
    """Enrolled again, to start later: the other way to wait is for a seat or a course."""
    life = certified()
    plan = Plan(asked_at=life.now, opens_at=utc("2026-02-01T00:00"))
    life.e = replace(life.e, plan=plan, work=Work.WAITING)
    return life


def _restarting() -> Life:
    """The lapse came while the certification was archived; it is to be back in May."""
    life = typical(Status.RECERTIFYING).switch(archived=True).at("2027-04-01T09:00")
    life.c = replace(life.c, archived=life.c.archived.turned(False, utc("2027-05-01T00:00")))
    return life


def _revoked_and_waiting() -> Life:
    return typical(Status.REVOKED).enroll(Source.MANUAL, opens_at=utc("2028-01-01T00:00"))


def _attending(enrolled_at: str = "2026-01-05T09:00", **course: bool) -> Life:
    """In a programme with a class, which the LMS has told of."""
    return Life(attended(**course), utc(enrolled_at)).enroll()


def _renewing(automatic: bool = True, **course: bool) -> Life:
    """Certified for the first time by hand, and in the window of a programme with a class."""
    life = Life(attended(automatic=automatic, **course)).enroll()
    life.act(Action.CERTIFY, when="always")
    return life.at("2026-12-20T09:00")


def _given_tomorrow(life: Life) -> Life:
    return life.given("S-1", since=life.now + timedelta(days=1))


def _barred(life: Life) -> Life:
    """The class is to be archived tomorrow."""
    course = life.c.courses["C-7"]
    turned = replace(course, archived=course.archived.turned(True, life.now + timedelta(days=1)))
    life.c = replace(life.c, courses={"C-7": turned})
    return life


def _told_of_another(life: Life) -> Life:
    """The version of tomorrow needs a seat in a second class as well."""
    second = {"key": "second", "ways": [{"type": "session", "course_id": "C-8"}]}
    document = definition(path(SESSION, second, ONLY_COURSE))
    new = republished(life.c, document, life.now + timedelta(days=1))
    life.c = replace(new, courses={**life.c.courses, "C-8": Course("C-8")})
    return life


LIVES: dict[str, Callable[[], Life]] = {
    "not started, a seat is given": lambda: _given_tomorrow(_attending()),
    "not started, to be blocked": lambda: _barred(_attending()),
    "in progress, overbooked, a seat is given": lambda: _given_tomorrow(
        begun_class(_attending(overbooking=True))
    ),
    "in line, valid": lambda: _given_tomorrow(_renewing()),
    "valid, to be blocked": lambda: _barred(_renewing()),
    "in line, expired": lambda: _given_tomorrow(_renewing().at("2027-01-20T09:00")),
    "not started, to need a seat later": lambda: Life(attended()).enroll(
        opens_at=utc("2026-03-01T00:00")
    ),
    "valid, a second class is told of": lambda: _told_of_another(_renewing()),
    "expired, a second class is told of": lambda: _told_of_another(
        _renewing().at("2027-01-20T09:00")
    ),
    "expired, to be blocked": lambda: _barred(_renewing().at("2027-01-20T09:00")),
    "inactive, a seat is given": lambda: _given_tomorrow(
        _acted(begun_class(_attending(overbooking=True)), Action.DEACTIVATE)
    ),
    **{f"typically {status}": partial(typical, status) for status in Status},
    "waiting for its start": lambda: rich().enroll(opens_at=utc("2026-03-01T00:00")),
    "waiting, with a good credential": _waiting_with_a_good_credential,
    "revoked and waiting": _revoked_and_waiting,
    "certified, window closed": certified,
    "in progress, an attempt open": lambda: begun(rich().enroll()).record(
        rich().exam(outcome=FactOutcome.STARTED, grade=None)
    ),
    "pending approval in the first cycle": lambda: done(rich().enroll()),
    "pending approval in grace": lambda: _in_grace(Status.PENDING_APPROVAL),
    "pending approval after the lapse": lambda: typical(Status.PENDING_APPROVAL).at(
        "2027-04-01T09:00"
    ),
    "expired, automatic from tomorrow": _automatic_from_tomorrow,
    "recertifying in grace": lambda: _in_grace(Status.RECERTIFYING),
    "reinstating after the lapse": lambda: typical(Status.RECERTIFYING).at("2027-04-01T09:00"),
    "recertifying after the lapse, archived": _restarting,
    "suspended in grace": lambda: _in_grace(Status.SUSPENDED),
    "suspended while recertifying": lambda: _acted(typical(Status.RECERTIFYING), Action.SUSPEND),
    "suspended while recertifying, lapsed": lambda: _acted(
        typical(Status.RECERTIFYING), Action.SUSPEND
    ).at("2027-04-01T09:00"),
    "inactive after in progress": lambda: _acted(typical(Status.IN_PROGRESS), Action.DEACTIVATE),
    "inactive while waiting": lambda: _acted(
        rich().enroll(opens_at=utc("2026-03-01T00:00")), Action.DEACTIVATE
    ),
    "not completed by time": lambda: rich().enroll().at("2027-04-01T09:00"),
    "assigned, to start in March": lambda: rich(acceptance_required=True).enroll(
        opens_at=utc("2026-03-01T00:00")
    ),
    "applied, to start in March": lambda: rich(self_enrollment="with_approval").enroll(
        Source.SELF, opens_at=utc("2026-03-01T00:00")
    ),
}


@pytest.mark.parametrize("status", list(Status))
def test_in_each_status_those_timers_run_that_the_page_says(status: Status) -> None:
    lives = {name: life for name, make in LIVES.items() if (life := make()).status is status}
    seen = {name: due_timers(life) for name, life in lives.items()}
    running = set().union(*seen.values())
    assert running == {name for name in NAMES if PAGE[status.value, name]}, seen


@pytest.mark.parametrize("name", LIVES)
def test_without_an_assignment_only_the_certificate_runs_on(name: str) -> None:
    life = LIVES[name]().unassign()
    assert due_timers(life) <= {"expiring", "lapsing", "expiry", "lapse"}


@pytest.mark.parametrize("name", LIVES)
def test_what_is_due_next_happens_at_its_instant_and_says_what_was_foretold(name: str) -> None:
    life = LIVES[name]()
    for _ in range(12):
        found = next_due(life.e, life.c)
        if found is None:
            break
        at, timer = found
        assert not advance(life.e, life.c, at - timedelta(microseconds=1)).events
        foretold = timer.says_at(life.e, life.c, at)
        life.at(at)
        first = life.last.events[0]
        assert (first.type, first.effective_at, first.by_time) == (foretold, at, True)
        assert first.type in timer.says


def test_rows_due_at_one_instant_fire_in_the_order_of_the_page() -> None:
    assert [timer.name for timer in TIMERS] == [
        "seat",
        "line",
        "opening",
        "blocked",
        "reminder",
        "due",
        "limit",
        "notice",
        "window",
        "expiry",
        "lapse",
        "restart",
    ]
