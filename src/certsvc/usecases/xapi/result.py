"""The result of an xAPI statement: what it makes of the verb, and the grade. Pure."""

import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from certsvc.usecases.xapi.verbs import Says

DIGITS: Final = 6
"""A score of 0.29 is a grade of 29, not of 28.999999999999996."""

_DURATION = re.compile(
    r"P(?=.)(\d{1,9}W|(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}D)?"
    r"(T(?=.)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}([.,]\d{1,9})?S)?)?)",
    re.ASCII,
)
_SCORES = ("scaled", "raw", "min", "max")


@dataclass(frozen=True, slots=True)
class Result:
    """What a result says. `kept` is what nothing is decided by."""

    success: bool | None = None
    completion: bool | None = None
    grade: float | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def compared(self) -> tuple[object, ...]:
        """By what the same result is known again."""
        return self.success, self.completion, self.kept.get("score")

    def settled(self, says: Says) -> Says:
        """What the statement says with its result: a verb that leaves open how it ended is
        settled by `success`, and by `completion`. A verb that tells the end stands."""
        if says in (Says.BEGUN, Says.COMPLETED) and self.success is not None:
            return Says.PASSED if self.success else Says.FAILED
        if says is Says.BEGUN and self.completion:
            return Says.COMPLETED
        if says in (Says.COMPLETED, Says.ATTENDED) and self.completion is False:
            return Says.BEGUN
        return says


class WrongResult(ValueError):
    """What is wrong with a result, and where."""

    def __init__(self, code: str, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


def read_result(value: Any) -> Result:
    """The result that JSON says; nothing, where there is none."""
    if value is None:
        return Result()
    if not isinstance(value, dict):
        raise WrongResult("result", "A result is an object.", "")
    score = _score(value.get("score"))
    duration = value.get("duration")
    kept: dict[str, Any] = {"score": score} if score else {}
    if isinstance(duration, str) and _DURATION.fullmatch(duration):
        kept["duration"] = duration
    return Result(
        success=_truth(value, "success"),
        completion=_truth(value, "completion"),
        grade=_grade(score),
        kept=kept,
    )


def _truth(value: dict[str, Any], name: str) -> bool | None:
    found = value.get(name)
    if found is None or isinstance(found, bool):
        return found
    raise WrongResult(name, f"{name} is true or false.", f"/{name}")


def _score(value: Any) -> dict[str, float]:
    """The numbers of a score."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WrongResult("score", "A score is an object.", "/score")
    score: dict[str, float] = {}
    for name in _SCORES:
        found = value.get(name)
        if found is None:
            continue
        if isinstance(found, bool) or not isinstance(found, int | float) or not _is_finite(found):
            raise WrongResult("score", f"{name} is a number.", f"/score/{name}")
        score[name] = float(found)
    return score


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:  # an integer beyond all doubles
        return False


def _grade(score: dict[str, float]) -> float | None:
    """0 to 100: of the scaled score, below nothing being nothing; else of the raw one between its
    bounds; none where the raw score stands alone."""
    scaled = score.get("scaled")
    if scaled is not None:
        if not -1 <= scaled <= 1:
            raise WrongResult("score", "scaled lies between -1 and 1.", "/score/scaled")
        return round(max(scaled, 0.0) * 100, DIGITS)
    raw, most, least = score.get("raw"), score.get("max"), score.get("min", 0.0)
    if raw is None or most is None:
        return None
    if not least <= raw <= most:
        raise WrongResult("score", "raw lies between min and max.", "/score/raw")
    if least == most or not isfinite(most - least):
        return None
    return round((raw - least) / (most - least) * 100, DIGITS)
