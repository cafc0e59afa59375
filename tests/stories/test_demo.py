"""The demo, end to end: a service of its own, every life lived over HTTP, and what the interface
then says about it. Dates were counted by hand from the programmes' rules."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO

import pytest
from rich.console import Console

from certsvc.demo.lives import BEGINNING, END
from certsvc.demo.lms import Document, Lms, Trouble, read_instant
from certsvc.demo.play import Played
from certsvc.demo.programmes import Programme, read_programmes
from certsvc.demo.run import Watch, play
from certsvc.demo.sandbox import sandbox
from certsvc.demo.script import instant
from certsvc.demo.timeline import Gallery

COHORT = 8
YEARS = ("2026", "2027", "2028", "2029", "2030", "2031")


@dataclass(frozen=True, slots=True)
class Stage:
    """The play when it is over, with the interface still open."""

    lms: Lms
    played: Played
    programmes: dict[str, Programme]

    def enrollment(self, learner: str) -> Document:
        return self.lms.enrollment(self._id(learner))

    def certificates(self, learner: str) -> list[tuple[str, str]]:
        """When each was issued, and its last valid day, where the programme lives."""
        zone = self.programmes[self.played.named(learner).life.programme].zone
        return [
            (
                read_instant(one["issued_at"]).astimezone(zone).date().isoformat(),
                one["valid_through"],
            )
            for one in self.lms.pages(f"/enrollments/{self._id(learner)}/certificates")
        ]

    def events(self, learner: str, *types: str) -> list[Document]:
        return [one for one in self.lms.history(self._id(learner)) if one["type"] in types]

    def at(self, learner: str, day: str) -> Document:
        """The enrollment as it was known on a day."""
        return self.lms.enrollment(self._id(learner), at=f"{day}T20:00:00Z")

    def _id(self, learner: str) -> str:
        enrollment: str = self.played.named(learner).enrollment["id"]
        return enrollment


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    programmes = read_programmes()
    watch = Watch(Console(file=StringIO()), None)
    with sandbox(instant(BEGINNING)) as place, Lms(place.address, place.key) as lms:
        yield Stage(lms, play(lms, programmes, COHORT, watch), programmes)


def test_the_order_picker_is_evaluated_every_three_years(stage: Stage) -> None:
    assert stage.certificates("order-picker") == [
        ("2026-03-12", "2029-03-10"),
        ("2029-02-21", "2032-02-20"),
        ("2032-01-27", "2035-01-26"),
    ]


def test_the_yard_driver_fails_three_times_is_reset_and_after_a_near_miss_starts_again(
    stage: Stage,
) -> None:
    assert stage.at("yard-driver", "2026-04-08")["flags"] == ["exam_locked"]
    assert stage.at("yard-driver", "2026-04-12")["cycle"]["exam"]["attempts_left"] == 3
    assert stage.at("yard-driver", "2027-09-15")["standing"] == "revoked"
    assert stage.at("yard-driver", "2030-10-01")["standing"] == "lapsed"
    assert stage.certificates("yard-driver") == [
        ("2026-04-20", "2029-04-20"),
        ("2027-09-17", "2030-09-17"),
        ("2030-11-04", "2033-11-04"),
    ]


def test_the_training_of_the_reach_truck_operator_is_prior_credit(stage: Stage) -> None:
    steps = {
        step["key"]: step
        for step in stage.at("reach-truck-operator", "2026-05-06")["cycle"]["steps"]
    }
    assert steps["formal"]["by"] == "prior_credit"
    assert steps["practical"]["by"] == "evidence"
    assert stage.at("reach-truck-operator", "2027-02-10")["status"] == "suspended"
    assert stage.at("reach-truck-operator", "2027-03-01")["status"] == "certified"
    assert stage.certificates("reach-truck-operator") == [
        ("2026-05-07", "2029-05-07"),
        ("2029-04-16", "2032-04-16"),
    ]


def test_the_nurses_cards_end_with_their_months(stage: Stage) -> None:
    assert stage.certificates("ward-nurse") == [
        ("2026-03-10", "2028-03-31"),
        ("2028-03-22", "2030-03-31"),
        ("2030-03-05", "2032-03-31"),
        ("2032-02-10", "2034-02-28"),
    ]


def test_the_physician_lapses_on_the_first_of_june_and_takes_the_whole_course(
    stage: Stage,
) -> None:
    (lapsed,) = stage.events("emergency-physician", "certificate.lapsed")
    assert lapsed["effective_at"] == "2028-06-01T04:00:00Z"
    assert stage.at("emergency-physician", "2028-06-10")["cycle"]["kind"] == "reinstatement"
    assert stage.certificates("emergency-physician") == [
        ("2026-05-29", "2028-05-31"),
        ("2028-06-20", "2030-06-30"),
        ("2030-06-03", "2032-06-30"),
    ]


def test_the_therapist_moves_to_the_new_guidelines_and_keeps_what_was_done(stage: Stage) -> None:
    cycle = stage.at("respiratory-therapist", "2031-01-22")["cycle"]
    assert cycle["version"] == 2
    assert {step["key"]: step["state"] for step in cycle["steps"]} == {
        "course": "open",
        "adult": "done",
        "infant": "open",
    }
    assert stage.certificates("respiratory-therapist")[-1] == ("2031-02-04", "2033-02-28")


def test_the_extension_of_the_sous_chef_moves_the_expiry(stage: Stage) -> None:
    assert stage.at("sous-chef", "2031-02-25")["certificate"]["valid_through"] == "2031-05-08"
    assert stage.certificates("sous-chef")[-1] == ("2031-04-20", "2036-04-20")


def test_the_retracted_result_leaves_the_certificate_until_a_person_decides(stage: Stage) -> None:
    flagged = stage.at("catering-lead", "2027-07-01")
    assert (flagged["standing"], flagged["flags"]) == ("valid", ["evidence_retracted"])
    assert stage.at("catering-lead", "2027-07-03")["standing"] == "revoked"
    assert stage.certificates("catering-lead")[-1] == ("2027-07-20", "2032-07-20")


def test_the_units_of_the_analyst_extend_from_the_old_expiry(stage: Stage) -> None:
    assert stage.certificates("soc-analyst") == [
        ("2026-03-10", "2029-03-10"),
        ("2028-11-30", "2032-03-10"),
        ("2031-03-06", "2035-03-10"),
    ]


def test_the_higher_exam_renews_without_the_fee(stage: Stage) -> None:
    assert stage.events("network-engineer", "payment.waived")
    assert stage.certificates("network-engineer") == [
        ("2026-06-01", "2029-06-01"),
        ("2027-07-02", "2032-06-01"),
    ]


def test_what_the_help_desk_lead_earned_in_time_counts_as_of_its_own_day(stage: Stage) -> None:
    assert stage.at("help-desk-lead", "2029-05-01")["standing"] == "lapsed"
    assert stage.at("help-desk-lead", "2029-05-05")["standing"] == "valid"
    assert stage.certificates("help-desk-lead") == [
        ("2026-04-20", "2029-04-20"),
        ("2029-04-10", "2032-04-20"),
    ]


def test_49_units_are_not_50(stage: Stage) -> None:
    assert stage.certificates("contractor") == [
        ("2026-07-06", "2029-07-06"),
        ("2029-11-05", "2032-11-05"),
    ]


def test_the_platform_engineer_renews_early_and_keeps_the_anniversary(stage: Stage) -> None:
    assert stage.certificates("platform-engineer") == [
        ("2026-03-31", "2027-03-31"),
        ("2026-09-30", "2028-03-31"),
        ("2027-12-24", "2029-03-31"),
        ("2029-03-31", "2030-03-31"),
        ("2029-11-11", "2031-03-31"),
        ("2030-10-01", "2032-03-31"),
        ("2032-01-15", "2033-03-31"),
    ]


def test_the_systems_administrator_is_certified_again_by_the_exam_then_stops(stage: Stage) -> None:
    assert stage.certificates("systems-administrator") == [
        ("2026-05-18", "2027-05-18"),
        ("2027-07-08", "2028-07-08"),
    ]
    last = stage.enrollment("systems-administrator")
    assert (last["status"], last["next_recertification"]) == ("lapsed", "never")


def test_the_attempt_of_the_trainee_within_24_hours_does_not_count(stage: Stage) -> None:
    early = stage.at("cloud-trainee", "2026-06-16")
    assert (early["status"], early["cycle"]["exam"]["attempts"]) == ("in_progress", 1)
    assert stage.at("cloud-trainee", "2026-07-01")["status"] == "inactive"
    assert stage.certificates("cloud-trainee")[0] == ("2026-12-10", "2027-12-10")


def test_everybody_in_the_agency_has_one_date(stage: Stage) -> None:
    agency = stage.played.of("annual-ethics")
    assert len(agency) == COHORT
    for one in agency:
        for issued, through in stage.certificates(one.life.learner):
            assert through == f"{int(issued[:4]) + 1}-12-31"


def test_the_attorney_misses_2028_and_is_back_in_january(stage: Stage) -> None:
    assert stage.at("regional-attorney", "2029-01-10")["standing"] == "lapsed"
    assert ("2029-01-18", "2030-12-31") in stage.certificates("regional-attorney")


def test_the_budget_analyst_has_one_enrollment_through_leaving_and_coming_back(
    stage: Stage,
) -> None:
    left = stage.at("budget-analyst", "2029-04-01")
    assert (left["standing"], left["flags"], left["assignments"]) == ("valid", ["unassigned"], [])
    assert stage.certificates("budget-analyst") == [
        ("2028-10-02", "2029-12-31"),
        ("2031-02-20", "2032-12-31"),
    ]


def test_a_late_fee_keeps_the_date_of_a_license_and_a_year_late_costs_it(stage: Stage) -> None:
    assert stage.at("property-agent", "2028-09-01")["standing"] == "grace"
    assert stage.at("property-agent", "2031-04-01")["standing"] == "lapsed"
    assert stage.certificates("property-agent") == [
        ("2026-03-24", "2028-03-16"),
        ("2028-09-12", "2030-03-16"),
        ("2031-05-28", "2033-05-20"),
    ]


def test_the_broker_is_barred_and_restored_and_the_old_license_stays_revoked(
    stage: Stage,
) -> None:
    assert stage.at("commercial-broker", "2028-01-01")["status"] == "disallowed"
    assert stage.at("commercial-broker", "2028-06-21")["status"] == "recertifying"
    broker = stage.played.named("commercial-broker").enrollment["id"]
    first, *later = stage.lms.pages(f"/enrollments/{broker}/certificates")
    assert first["revoked_at"] == "2027-10-11T15:00:00Z"
    assert [one["valid_through"] for one in later] == ["2030-07-03", "2032-07-03"]


def test_every_history_is_without_gaps_and_never_ahead_of_its_time(stage: Stage) -> None:
    for one in stage.played.lived:
        assert [event["sequence"] for event in one.history] == list(range(1, len(one.history) + 1))
        assert all(event["effective_at"] <= event["recorded_at"] for event in one.history)


def test_the_forecast_of_the_interface_names_the_next_window(stage: Stage) -> None:
    picker = stage.played.named("order-picker").enrollment["id"]
    until = "2035-02-01T00:00:00Z"
    foreseen = stage.lms.send("GET", f"/enrollments/{picker}/forecast", until=until)["items"]
    opened = next(one for one in foreseen if one["type"] == "recertification.opened")
    assert read_instant(opened["effective_at"]).date() == date(2035, 1, 26) - timedelta(days=90)


def test_a_failed_request_is_trouble_with_its_problem(stage: Stage) -> None:
    nurse = stage.played.named("ward-nurse").enrollment["id"]
    with pytest.raises(Trouble) as caught:
        stage.lms.act(nurse, "approve", {})
    assert caught.value.problem["code"] == "action_not_allowed"


# What is shown


def shown(stage: Stage, width: int, *, plain: bool = True) -> str:
    out = StringIO()
    console = Console(file=out, width=width, no_color=plain, force_terminal=not plain)
    gallery = Gallery(console, instant(BEGINNING), instant(END))
    gallery.legend()
    for programme in stage.programmes.values():
        gallery.programme(programme, stage.played.of(programme.key))
    return out.getvalue()


@pytest.mark.parametrize("width", [50, 80, 200])
def test_the_story_fits_the_width_of_the_terminal(stage: Stage, width: int) -> None:
    assert max(len(line) for line in shown(stage, width).splitlines()) <= width


def test_the_story_says_who_what_when_and_why(stage: Stage) -> None:
    text = shown(stage, 200)
    for programme in stage.programmes.values():
        assert programme.rule in text
    for told in (
        "10 Mar 2026 ● 3 steps · exam passed with 92 · certified, good through 31 Mar 2028",
        "10 Apr 2026 ~ attempts reset  “Went through the theory again with the trainer.”",
        "1 Jun 2028 ! expired · lapsed · the way back opens",
        "exam passed with 90, but does not count",
        "(as of 10 Apr 2029, heard of now)",
        "21 Jan 2031 ~ moved to version 2, progress kept",
        "covered on 2,214 of 2,214 days since first certified",
        f"Everybody: {COHORT} people, one date",
        *YEARS,
    ):
        assert told in text


def test_a_terminal_gets_colours_and_a_pipe_gets_none(stage: Stage) -> None:
    assert "\x1b[" not in shown(stage, 80)
    assert "\x1b[32m" in shown(stage, 80, plain=False)


# The program


def run(arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    program = f"from certsvc.demo.run import main; raise SystemExit(main({arguments}))"
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        check=False,
        timeout=100,
    )


def test_the_program_tells_one_programme_and_ends_with_figures() -> None:
    done = run("programmes=['food-protection-manager'], plain=True")
    assert done.returncode == 0, done.stderr
    assert "ServSafe Food Protection Manager" in done.stdout
    assert "AHA BLS" not in done.stdout
    assert "3  learners, each with one enrollment" in done.stdout
    assert "Living through 2031" in done.stderr


def test_an_output_without_the_marks_gets_plain_letters() -> None:
    done = run("programmes=['food-protection-manager']", encoding="ascii")
    assert done.returncode == 0, done.stderr
    assert "## certified   == renewing, still good" in " ".join(done.stdout.split("\n"))
    assert '"Answer sheet of another candidate."' in " ".join(done.stdout.split())


def test_the_program_names_its_programmes_when_asked_for_another() -> None:
    done = run("programmes=['juggling']")
    assert done.returncode == 1
    assert "'juggling'" in done.stderr
    assert "aha-bls" in done.stderr.replace("\n", " ")
    assert done.stdout == ""
