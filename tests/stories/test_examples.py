"""The example programmes: each may be published, and says its public rule to the day.

Every expected date was counted by hand from the rule, none from the code.
"""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from certsvc.api.schemas.certification import CertificationDraft, VersionDraft
from certsvc.domain.actions import Action
from certsvc.domain.certification import Certification, published
from certsvc.domain.commands import Act, Enroll, Record
from certsvc.domain.definition import Definition
from certsvc.domain.enrollment import Enrollment, Source, blank
from certsvc.domain.events import EventType
from certsvc.domain.evidence import Fact, FactOutcome, FactType
from certsvc.domain.lifecycle import advance, decide, forecast
from certsvc.domain.publication import reasons
from certsvc.domain.status import CycleKind, Standing, Status
from certsvc.domain.switch import Switch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = sorted((EXAMPLES / "programmes").glob("*.json"))
MIDDAY = timedelta(hours=18)


def load(key: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / "programmes" / f"{key}.json").read_text())
    return document


def on(text: str) -> datetime:
    """The middle of a day in every zone of the examples."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + MIDDAY


@dataclass
class Life:
    """One learner in one programme, moved by the domain functions alone."""

    certification: Certification
    enrollment: Enrollment
    zone: ZoneInfo
    told: list[tuple[str, datetime]] = field(default_factory=list)
    facts: int = 0

    @classmethod
    def begins(cls, key: str, day: str) -> "Life":
        document = load(key)
        definition = Definition.read(document["definition"])
        certification = Certification(
            id=UUID(int=1),
            key=key,
            versions=published(((1, definition, on("2026-01-01")),)),
            automatic=Switch.always(document["certification"]["automatic_recertification"]),
        )
        enrollment = blank(
            id=UUID(int=2),
            certification_id=certification.id,
            learner_id="learner",
            seed="seed",
            at=on(day),
        )
        zone = ZoneInfo(document["definition"]["policy"]["time_zone"])
        life = cls(certification, enrollment, zone)
        life._decide(Enroll(source=Source.MANUAL), on(day))
        return life

    def _decide(self, command: Any, at: datetime) -> None:
        decision = decide(self.enrollment, self.certification, command, at)
        assert decision.refusal is None, decision.refusal
        self.enrollment = decision.enrollment
        self.told += [(event.type.value, event.effective_at) for event in decision.events]

    def did(self, day: str, *facts: dict[str, Any], told: str | None = None) -> "Life":
        """Facts of one day, reported on it, or on a later one."""
        recorded_at = on(told or day)
        made = []
        for values in facts:
            self.facts += 1
            made.append(
                Fact(
                    id=f"fact-{self.facts}",
                    occurred_at=on(day),
                    recorded_at=recorded_at,
                    **values,
                )
            )
        self.enrollment = replace(self.enrollment, evidence=(*self.enrollment.evidence, *made))
        self._decide(Record(tuple(made)), recorded_at)
        return self

    def acts(self, action: Action, day: str, **parameters: Any) -> "Life":
        self._decide(Act(action=action, **parameters), on(day))
        return self

    def lives_until(self, day: str) -> "Life":
        decision = advance(self.enrollment, self.certification, on(day))
        self.enrollment = decision.enrollment
        self.told += [(event.type.value, event.effective_at) for event in decision.events]
        return self

    @property
    def valid_through(self) -> date:
        """The last valid day, as the wall clock of the programme shows it."""
        certificate = self.enrollment.in_force
        assert certificate is not None
        assert certificate.expires_at is not None
        return (certificate.expires_at.astimezone(self.zone) - timedelta(seconds=1)).date()

    def status(self) -> Status:
        return self.enrollment.status

    def standing(self) -> Standing:
        return self.enrollment.standing

    def days_of(self, type: EventType) -> list[date]:
        """The local days on which events of a type took effect."""
        return [at.astimezone(self.zone).date() for told, at in self.told if told == type]

    def foreseen(self, until: str) -> dict[str, date]:
        """The first event of each type that comes if nobody does anything, with its local day."""
        days: dict[str, date] = {}
        events = forecast(
            self.enrollment, self.certification, self.enrollment.updated_at, on(until)
        )
        for event in events:
            days.setdefault(event.type, event.effective_at.astimezone(self.zone).date())
        return days


def course(course_id: str, grade: float | None = None) -> dict[str, Any]:
    outcome = FactOutcome.PASSED
    return {
        "type": FactType.COURSE_COMPLETION,
        "course_id": course_id,
        "outcome": outcome,
        "grade": grade,
    }


def exam(exam_id: str, grade: float) -> dict[str, Any]:
    return {
        "type": FactType.EXAM_ATTEMPT,
        "exam_id": exam_id,
        "outcome": FactOutcome.COMPLETED,
        "grade": grade,
    }


def passed(exam_id: str) -> dict[str, Any]:
    return {"type": FactType.EXAM_ATTEMPT, "exam_id": exam_id, "outcome": FactOutcome.PASSED}


def handed_in(step: str) -> dict[str, Any]:
    return {"type": FactType.EXTERNAL, "step": step, "outcome": FactOutcome.SUBMITTED}


def earned(amount: float, category: str | None = None) -> dict[str, Any]:
    return {"type": FactType.CREDITS, "amount": amount, "category": category}


def paid() -> dict[str, Any]:
    return {"type": FactType.PAYMENT, "outcome": FactOutcome.PAID, "certification_id": UUID(int=1)}


# The files


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_programme_may_be_published(path: Path) -> None:
    document = load(path.stem)
    assert reasons(document["definition"]) == ()
    assert document["certification"]["key"] == path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_programme_is_what_the_interface_takes(path: Path) -> None:
    document = load(path.stem)
    CertificationDraft.model_validate(document["certification"])
    draft = VersionDraft.model_validate(document["definition"])
    assert draft.document() == document["definition"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_decision_of_a_programme_names_its_rule_and_source(path: Path) -> None:
    metadata = load(path.stem)["certification"]["metadata"]
    assert metadata["rule"]
    assert metadata["source"]
    for decision in metadata["decisions"]:
        assert set(decision) == {"field", "rule", "source"}
        assert all(decision.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_date_rule_of_a_programme_is_cited(path: Path) -> None:
    document = load(path.stem)
    cited = " ".join(
        decision["field"] for decision in document["certification"]["metadata"]["decisions"]
    )
    policy = document["definition"]["policy"]
    for name in ("validity", "grace", "renewal_opens", "prior_credit", "recertification_evidence"):
        if name in policy:
            assert f"policy.{name}" in cited, name


def test_the_readme_cites_what_the_files_cite() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    assert FILES, "no programmes"
    for path in FILES:
        metadata = load(path.stem)["certification"]["metadata"]
        assert f"programmes/{path.name}" in readme
        for decision in metadata["decisions"]:
            assert decision["rule"] in readme
            for field_name in re.split(r", ", decision["field"]):
                assert f"`{field_name}`" in readme


# OSHA forklift, 29 CFR 1910.178(l)

THEORY = exam("pit-theory-test", 90)
TRAINED = (course("pit-formal-instruction"), handed_in("practical"), THEORY)


def operator(evaluated: str = "2026-03-10", approved: str = "2026-03-12") -> Life:
    life = Life.begins("osha-forklift", "2026-03-02").did("2026-03-06", *TRAINED)
    return life.did(evaluated, handed_in("evaluation")).acts(Action.APPROVE, approved)


def test_a_forklift_evaluation_waits_for_the_employers_signature() -> None:
    life = Life.begins("osha-forklift", "2026-03-02").did("2026-03-06", *TRAINED)
    life.did("2026-03-10", handed_in("evaluation"))
    assert life.status() is Status.PENDING_APPROVAL


def test_a_forklift_operator_is_good_for_three_years_from_the_evaluation() -> None:
    assert operator().valid_through == date(2029, 3, 10)


def test_a_forklift_operators_next_cycle_asks_for_an_evaluation_and_no_new_training() -> None:
    life = operator().lives_until("2029-01-15")
    assert life.days_of(EventType.RECERTIFICATION_OPENED) == [date(2028, 12, 10)]
    life.did("2029-02-20", handed_in("refresher"), handed_in("evaluation"))
    life.acts(Action.APPROVE, "2029-02-21")
    assert life.valid_through == date(2032, 2, 20)


def test_a_forklift_operator_who_is_not_evaluated_in_three_years_has_no_grace() -> None:
    life = operator().lives_until("2029-03-11")
    assert life.standing() is Standing.LAPSED
    assert life.enrollment.cycle is not None
    assert life.enrollment.cycle.kind is CycleKind.RECERTIFICATION


def test_after_a_near_miss_a_forklift_operator_needs_the_refresher_and_an_evaluation() -> None:
    life = operator().acts(Action.FORCE_RECERTIFICATION, "2027-05-03")
    assert life.standing() is Standing.REVOKED
    life.did("2027-05-05", handed_in("evaluation"))
    assert life.status() is Status.RECERTIFYING
    life.did("2027-05-06", course("pit-refresher")).did("2027-05-07", handed_in("evaluation"))
    life.acts(Action.APPROVE, "2027-05-07")
    assert life.valid_through == date(2030, 5, 6)


def test_earlier_training_of_a_forklift_operator_need_not_be_repeated() -> None:
    life = Life.begins("osha-forklift", "2026-03-02")
    life.did("2024-06-14", course("pit-formal-instruction"), told="2026-03-03")
    life.did("2026-03-04", handed_in("practical"), THEORY)
    life.did("2026-03-10", handed_in("evaluation")).acts(Action.APPROVE, "2026-03-10")
    assert life.valid_through == date(2029, 3, 10)


# AHA BLS

BLS_TESTS = (handed_in("adult"), handed_in("infant"), exam("aha-bls-exam", 84))


def provider(day: str = "2026-03-10") -> Life:
    return Life.begins("aha-bls", "2026-03-01").did(day, course("aha-bls-classroom"), *BLS_TESTS)


def test_a_bls_card_of_10_march_2026_is_good_through_31_march_2028() -> None:
    assert provider().valid_through == date(2028, 3, 31)


@pytest.mark.parametrize(
    ("completed", "through"),
    [
        ("2026-04-30", date(2028, 4, 30)),
        ("2026-03-31", date(2028, 3, 31)),
        ("2028-02-29", date(2030, 2, 28)),
        ("2026-02-01", date(2028, 2, 29)),
    ],
)
def test_a_bls_card_ends_with_its_month_two_years_later(completed: str, through: date) -> None:
    life = Life.begins("aha-bls", "2026-01-05")
    assert life.did(completed, course("aha-bls-heartcode"), *BLS_TESTS).valid_through == through


def test_a_bls_exam_below_84_does_not_count() -> None:
    life = Life.begins("aha-bls", "2026-03-01")
    life.did("2026-03-10", course("aha-bls-classroom"), *BLS_TESTS[:2], exam("aha-bls-exam", 83.9))
    assert life.status() is Status.IN_PROGRESS


def test_an_early_bls_renewal_is_dated_from_its_own_course() -> None:
    life = provider().did("2028-01-12", course("aha-bls-renewal"), *BLS_TESTS)
    assert life.valid_through == date(2030, 1, 31)


def test_an_expired_bls_card_has_no_grace_and_the_renewal_course_is_no_longer_open() -> None:
    life = provider().lives_until("2028-04-01")
    assert life.days_of(EventType.CERTIFICATE_LAPSED) == [date(2028, 4, 1)]
    life.did("2028-04-05", course("aha-bls-renewal"), *BLS_TESTS)
    assert life.standing() is Standing.LAPSED
    life.did("2028-04-20", course("aha-bls-classroom"))
    assert life.valid_through == date(2030, 4, 30)


# Food protection manager


def test_a_food_protection_manager_is_certified_for_five_years_by_the_exam_alone() -> None:
    life = Life.begins("food-protection-manager", "2026-01-05")
    assert life.did("2026-02-18", exam("servsafe-manager", 70)).valid_through == date(2031, 2, 18)


def test_a_food_protection_manager_may_fail_three_times_and_pass_the_fourth() -> None:
    life = Life.begins("food-protection-manager", "2026-01-05")
    for day in ("2026-01-12", "2026-02-02", "2026-04-10"):
        life.did(day, exam("servsafe-manager", 60))
    assert life.status() is Status.IN_PROGRESS
    assert life.did("2026-06-15", exam("servsafe-manager", 71)).status() is Status.CERTIFIED


def test_a_food_protection_manager_recertifies_by_the_exam_before_the_expiry() -> None:
    life = Life.begins("food-protection-manager", "2026-01-05")
    life.did("2026-02-18", exam("servsafe-manager", 88))
    assert life.foreseen("2032-01-01") == {
        "recertification.opened": date(2030, 8, 18),
        "certificate.expiring": date(2030, 11, 20),
        "enrollment.due_soon": date(2031, 2, 11),
        "enrollment.overdue": date(2031, 2, 19),
        "certificate.expired": date(2031, 2, 19),
        "certificate.lapsed": date(2031, 2, 19),
        "enrollment.not_completed": date(2031, 2, 19),
    }
    life.did("2030-12-01", exam("servsafe-manager", 90))
    assert life.valid_through == date(2035, 12, 1)


# CompTIA Security+


def analyst() -> Life:
    life = Life.begins("comptia-security-plus", "2026-01-05")
    return life.did("2026-03-10", exam("comptia-SY0-701", 84))


def test_security_plus_is_good_for_three_years_from_the_exam() -> None:
    assert analyst().valid_through == date(2029, 3, 10)


def test_750_of_900_passes_security_plus() -> None:
    life = Life.begins("comptia-security-plus", "2026-01-05")
    assert life.did("2026-03-10", exam("comptia-SY0-701", 749 / 9)).status() is Status.IN_PROGRESS
    assert life.did("2026-03-11", exam("comptia-SY0-701", 750 / 9)).status() is Status.CERTIFIED


def test_50_units_from_all_three_years_and_the_fee_renew_for_three_years_from_the_expiry() -> None:
    life = analyst().did("2026-03-11", earned(20, "training")).did("2028-01-20", earned(15, "work"))
    life.did("2028-06-01", paid()).did("2028-11-30", earned(14.5, "webinar"))
    assert life.status() is Status.RECERTIFYING
    life.did("2028-12-01", earned(0.5))
    assert life.status() is Status.CERTIFIED
    assert life.valid_through == date(2032, 3, 10)


def test_a_higher_exam_renews_security_plus_without_the_fee() -> None:
    life = analyst().did("2027-07-01", course("comptia-CySA+"))
    assert life.status() is Status.RECERTIFYING
    life.acts(Action.OVERRIDE_PAYMENT, "2027-07-02")
    assert life.valid_through == date(2032, 3, 10)


def test_security_plus_not_renewed_has_no_grace_and_asks_for_the_exam_again() -> None:
    life = analyst().did("2027-01-10", paid(), earned(49)).lives_until("2029-03-11")
    assert life.days_of(EventType.CERTIFICATE_LAPSED) == [date(2029, 3, 11)]
    life.did("2029-03-20", earned(1))
    assert life.standing() is Standing.LAPSED
    life.did("2029-05-02", exam("comptia-SY0-701", 90))
    assert life.valid_through == date(2032, 5, 2)


def test_units_earned_in_time_and_reported_late_still_renew_security_plus() -> None:
    life = analyst().did("2027-01-10", paid(), earned(30)).lives_until("2029-03-20")
    assert life.standing() is Standing.LAPSED
    life.did("2029-03-09", earned(20), told="2029-03-25")
    assert life.standing() is Standing.VALID
    assert life.days_of(EventType.CERTIFICATE_ISSUED)[-1] == date(2029, 3, 9)
    assert life.valid_through == date(2032, 3, 10)


# Microsoft role-based


def administrator() -> Life:
    life = Life.begins("microsoft-azure-administrator", "2026-01-05")
    return life.did("2026-03-31", exam("microsoft-AZ-104", 70))


def test_a_role_based_certification_is_good_for_one_year() -> None:
    assert administrator().valid_through == date(2027, 3, 31)


def test_its_renewal_opens_six_months_before_the_expiry() -> None:
    assert administrator().foreseen("2027-01-01")["recertification.opened"] == date(2026, 9, 30)


def test_its_renewal_extends_from_the_current_expiry_wherever_in_the_window() -> None:
    for day in ("2026-09-30", "2026-12-24", "2027-03-31"):
        life = administrator().did(day, passed("microsoft-AZ-104-renewal"))
        assert life.valid_through == date(2028, 3, 31)


def test_its_renewal_does_not_count_before_the_window() -> None:
    life = administrator().did("2026-09-29", passed("microsoft-AZ-104-renewal"))
    assert life.lives_until("2026-10-02").status() is Status.RECERTIFYING


def test_once_expired_it_is_earned_again_by_the_exam() -> None:
    life = administrator().lives_until("2027-04-01")
    assert life.standing() is Standing.LAPSED
    life.did("2027-04-02", passed("microsoft-AZ-104-renewal"))
    assert life.standing() is Standing.LAPSED
    life.did("2027-05-20", exam("microsoft-AZ-104", 81))
    assert life.valid_through == date(2028, 5, 20)


def test_a_role_based_exam_may_not_be_repeated_within_24_hours() -> None:
    life = Life.begins("microsoft-azure-administrator", "2026-01-05")
    life.did("2026-02-02", exam("microsoft-AZ-104", 60), exam("microsoft-AZ-104", 99))
    assert life.status() is Status.IN_PROGRESS
    assert life.did("2026-02-03", exam("microsoft-AZ-104", 72)).status() is Status.CERTIFIED


# Annual ethics training, 5 CFR 2638.307

TRAINING = course("annual-ethics-training", 90)


@pytest.mark.parametrize("day", ["2026-01-07", "2026-07-01", "2026-12-31"])
def test_training_of_any_day_of_a_year_covers_until_the_end_of_the_next(day: str) -> None:
    life = Life.begins("annual-ethics", "2026-01-05").did(day, TRAINING)
    assert life.valid_through == date(2027, 12, 31)


@pytest.mark.parametrize("year", [2027, 2028, 2029])
def test_everybodys_training_for_a_year_opens_on_its_first_day(year: int) -> None:
    life = Life.begins("annual-ethics", "2026-01-05")
    for earlier in range(2026, year):
        life.did(f"{earlier}-06-15", TRAINING)
    assert life.foreseen(f"{year}-06-01")["recertification.opened"] == date(year, 1, 1)


def test_training_of_new_years_day_counts_for_the_new_year() -> None:
    life = Life.begins("annual-ethics", "2026-01-05").did("2026-12-31", TRAINING)
    assert life.did("2027-01-01", TRAINING).valid_through == date(2028, 12, 31)


def test_who_misses_the_year_owes_it_and_is_on_the_common_date_again() -> None:
    life = Life.begins("annual-ethics", "2026-01-05").did("2026-05-05", TRAINING)
    life.lives_until("2028-01-10")
    assert life.days_of(EventType.CERTIFICATE_LAPSED) == [date(2028, 1, 1)]
    assert life.did("2028-01-18", TRAINING).valid_through == date(2029, 12, 31)


# Insurance producer


def producer() -> Life:
    life = Life.begins("insurance-producer", "2026-01-05").did("2026-01-05", paid())
    life.did("2026-01-20", course("producer-prelicensing"))
    life.did("2026-02-02", exam("producer-state-exam", 78))
    return life.acts(Action.APPROVE, "2026-02-10")


def test_a_producer_license_is_granted_by_approval_and_good_for_two_years() -> None:
    life = producer()
    assert life.valid_through == date(2028, 2, 2)
    assert life.days_of(EventType.CERTIFICATE_ISSUED) == [date(2026, 2, 10)]


def test_24_hours_with_three_of_ethics_and_the_fee_renew_the_license() -> None:
    life = producer().did("2026-09-01", earned(22, "life")).did("2027-06-01", earned(2, "ethics"))
    life.did("2027-12-15", paid())
    assert life.status() is Status.RECERTIFYING
    life.did("2027-12-20", earned(1, "ethics"))
    assert life.valid_through == date(2030, 2, 2)


def test_within_twelve_months_the_same_license_is_reinstated_without_examination() -> None:
    life = producer().did("2026-09-01", earned(21, "life")).lives_until("2028-08-01")
    assert life.standing() is Standing.GRACE
    life.did("2028-08-02", earned(3, "ethics"), paid())
    assert life.standing() is Standing.VALID
    assert life.valid_through == date(2030, 2, 2)


def test_after_twelve_months_the_license_asks_for_fee_examination_and_approval_again() -> None:
    life = producer().lives_until("2029-02-02")
    assert life.standing() is Standing.GRACE
    life.lives_until("2029-02-03")
    assert life.days_of(EventType.CERTIFICATE_LAPSED) == [date(2029, 2, 3)]
    assert life.enrollment.cycle is not None
    assert life.enrollment.cycle.kind is CycleKind.REINSTATEMENT
    life.did("2029-03-05", paid(), course("producer-prelicensing"))
    life.did("2029-03-20", exam("producer-state-exam", 75)).acts(Action.APPROVE, "2029-03-27")
    assert life.valid_through == date(2031, 3, 20)
