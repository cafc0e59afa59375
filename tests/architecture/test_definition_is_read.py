"""Every field of a definition on the wire changes what the rules read, and every field that the
rules have can be said on the wire."""

from dataclasses import fields
from typing import Any

import pytest

from certsvc.docs.definition_fields import FIELDS
from certsvc.domain.definition import (
    Definition,
    Exam,
    Path,
    Policy,
    Step,
    Validity,
    Way,
    WayType,
)
from certsvc.domain.publication import reasons
from certsvc.domain.status import CycleKind

GRADED: dict[str, Any] = {"type": "course", "course_id": "C", "minimum_grade": 80}
EXAM: dict[str, Any] = {"exam_id": "X", "passing_score": 70}
VALIDITY: dict[str, Any] = {"period": "P1Y"}

OTHER: dict[str, dict[str, Any]] = {
    "DefinitionInput": {
        "initial": {"payment_required": True},
        "recertification": {"payment_required": True},
        "reinstatement": {"payment_required": True},
        "policy": {"prior_credit": "P1D"},
    },
    "PathInput": {
        "payment_required": True,
        "steps": [{"key": "other", "ways": [GRADED]}],
        "in_order": True,
        "exam": EXAM,
        "approval_required": True,
    },
    "StepInput": {"key": "other", "title": "Other", "ways": [GRADED]},
    "WayInput": {
        "type": "session",
        "course_id": "D",
        "minimum_grade": 81,
        "counts_on": "completed",
        "exam_id": "Y",
        "passing_score": 91,
        "instructions": "other",
        "approval_required": True,
        "category": "other",
        "amount": 3.0,
    },
    "ExamInput": {
        "exam_id": "Y",
        "passing_score": 71,
        "max_attempts": 3,
        "retry_after": "P1D",
        "retry_waits": ["P2D"],
        "after_training": False,
    },
    "PolicyInput": {
        "time_zone": "Asia/Kathmandu",
        "day_rule": "exact",
        "effective_from": "2030-01-01",
        "due": {"after": "P1D"},
        "completion_limit": {"after": "P1D"},
        "prior_credit": "P1D",
        "validity": {"period": "P2Y"},
        "renewal_opens": "P1D",
        "grace": "never",
        "keep_anniversary_in_grace": True,
        "recertification_evidence": "certification",
        "expiring_notices": [],
        "lapsing_notices": ["P1D"],
        "reminders_before_due": [],
        "on_lapse": "restart",
    },
    "DueInput": {"after": "P2D", "date": "2030-01-01"},
    "LimitInput": {"after": "P2D", "from": "due"},
    "ValidityInput": {
        "period": "P2Y",
        "anchor": "due",
        "first_anchor": "due",
        "fixed_date": "2030-01-01",
        "minimum": "P1D",
    },
}
"""For every field of the wire a value that is not its default."""

EACH = [(row.model, field.name) for row in FIELDS for field in row.fields]


def test_a_value_is_known_for_every_field() -> None:
    assert {model: set(others) for model, others in OTHER.items()} == {
        row.model: {field.name for field in row.fields} for row in FIELDS
    }


@pytest.mark.parametrize(("model", "name"), EACH)
def test_every_field_of_the_wire_is_read_by_the_rules(model: str, name: str) -> None:
    usual = Definition.read(_document(model, {}))
    assert Definition.read(_document(model, {name: OTHER[model][name]})) != usual


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("PathInput", Path),
        ("StepInput", Step),
        ("WayInput", Way),
        ("ExamInput", Exam),
        ("PolicyInput", Policy),
        ("ValidityInput", Validity),
    ],
)
def test_every_field_of_the_rules_can_be_said_on_the_wire(model: str, kind: type) -> None:
    usual = _part(kind, Definition.read(_document(model, {})))
    said = set()
    for name, other in OTHER[model].items():
        changed = _part(kind, Definition.read(_document(model, {name: other})))
        said |= {
            field.name
            for field in fields(kind)
            if getattr(usual, field.name) != getattr(changed, field.name)
        }
    assert said == {field.name for field in fields(kind)}


@pytest.mark.parametrize("kind", CycleKind)
def test_every_kind_of_cycle_has_its_path(kind: CycleKind) -> None:
    paths: dict[str, dict[str, Any]] = {
        name.value: {"steps": [{"key": name.value, "ways": []}]} for name in CycleKind
    }
    assert Definition.read(paths).path(kind).steps[0].key == kind


@pytest.mark.parametrize("type", WayType)
def test_publishing_says_what_a_way_of_every_type_lacks(type: WayType) -> None:
    step = {"key": "s", "ways": [{"type": type.value}, GRADED]}
    reasons({"initial": {"steps": [step]}, "policy": {}})


def _document(model: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A definition that has every object, with the changes in one of them."""

    def changed(name: str, usual: dict[str, Any]) -> dict[str, Any]:
        return {**usual, **changes} if name == model else usual

    due: dict[str, Any] = changed("DueInput", {"after": "P1D"})
    if due.get("date") is not None:
        del due["after"]
    way = changed("WayInput", {"type": "course"})
    step = changed("StepInput", {"key": "s", "title": "S", "ways": [way]})
    exam = changed("ExamInput", EXAM)
    path: dict[str, Any] = {} if model == "PathInput" else {"steps": [step], "exam": exam}
    validity = changed("ValidityInput", VALIDITY)
    policy: dict[str, Any] = {"validity": validity}
    if model in ("DueInput", "LimitInput"):
        policy |= {"due": due, "completion_limit": changed("LimitInput", {"after": "P1D"})}
    document = {"initial": changed("PathInput", path), "policy": changed("PolicyInput", policy)}
    return changed("DefinitionInput", document)


def _part(kind: type, definition: Definition) -> object:
    parts: dict[type, object] = {
        Path: definition.initial,
        Policy: definition.policy,
        Validity: definition.policy.validity,
    }
    if kind in (Step, Way):
        step = definition.initial.steps[0]
        parts |= {Step: step, Way: step.ways[0]}
    parts[Exam] = definition.initial.exam
    return parts[kind]
