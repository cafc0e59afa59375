"""Finds and reads the example programmes: beside this file once installed, else in examples/."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PACKAGED = Path(__file__).parent / "programmes"
IN_REPOSITORY = Path(__file__).parents[3] / "examples" / "programmes"

ORDER = (
    "osha-forklift",
    "aha-bls",
    "food-protection-manager",
    "comptia-security-plus",
    "microsoft-azure-administrator",
    "annual-ethics",
    "insurance-producer",
)
"""The order in which they are shown: from the one most people have seen to the richest."""


@dataclass(frozen=True)
class Programme:
    """One programme as its file says it: two request bodies, with the public rule inside."""

    certification: dict[str, Any]
    definition: dict[str, Any]

    @property
    def key(self) -> str:
        """Its key."""
        return str(self.certification["key"])

    @property
    def title(self) -> str:
        """Its English title."""
        return str(self.certification["title"]["en"])

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.certification["metadata"]["programme"])

    @property
    def rule(self) -> str:
        """The public rule in a line."""
        return str(self.certification["metadata"]["rule"])

    @property
    def source(self) -> str:
        """Where the rule is public."""
        return str(self.certification["metadata"]["source"])

    @cached_property
    def zone(self) -> ZoneInfo:
        """Where its days begin and end."""
        return ZoneInfo(self.definition["policy"]["time_zone"])

    @cached_property
    def step_titles(self) -> dict[str, str]:
        """What its steps are called, by key."""
        steps = [step for path in self._paths for step in path.get("steps", ())]
        return {step["key"]: step["title"] for step in steps}

    @cached_property
    def passing_scores(self) -> dict[str, float]:
        """What its exams ask for, by exam."""
        exams = [path["exam"] for path in self._paths if path.get("exam")]
        return {exam["exam_id"]: exam.get("passing_score") or 0 for exam in exams}

    @property
    def _paths(self) -> list[dict[str, Any]]:
        names = ("reinstatement", "recertification", "initial")
        return [self.definition[name] for name in names if self.definition.get(name)]


def programmes_folder() -> Path:
    """Where the programme files are."""
    for folder in (PACKAGED, IN_REPOSITORY):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no programmes in {PACKAGED} nor in {IN_REPOSITORY}")


def read_programmes() -> dict[str, Programme]:
    """Every programme by its key, in the order in which they are shown."""
    folder = programmes_folder()
    read = {}
    for key in ORDER:
        document = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        read[key] = Programme(document["certification"], document["definition"])
    return read
