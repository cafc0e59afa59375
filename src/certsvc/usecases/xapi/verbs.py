"""The verbs of xAPI statements that say something here, and what each says.

A new verb gets a row in VERBS; everything else follows. Any other verb means nothing.
"""

from enum import StrEnum
from typing import Final


class Says(StrEnum):
    """What a statement says of the learner and the activity."""

    BEGUN = "begun"
    COMPLETED = "completed"
    PASSED = "passed"
    FAILED = "failed"
    ATTENDED = "attended"
    VOIDED = "voided"


ADL: Final = "http://adlnet.gov/expapi/verbs/"
CMI5: Final = "https://w3id.org/xapi/adl/verbs/"
STREAMS: Final = "http://activitystrea.ms/schema/1.0/"
STREAMS_TODAY: Final = "http://activitystrea.ms/"

VERBS: Final[tuple[tuple[str, Says], ...]] = (
    (ADL + "launched", Says.BEGUN),
    (ADL + "initialized", Says.BEGUN),
    (ADL + "attempted", Says.BEGUN),
    (ADL + "completed", Says.COMPLETED),
    (ADL + "passed", Says.PASSED),
    (ADL + "mastered", Says.PASSED),
    (ADL + "failed", Says.FAILED),
    (ADL + "attended", Says.ATTENDED),
    (ADL + "voided", Says.VOIDED),
    (CMI5 + "satisfied", Says.PASSED),
    (CMI5 + "waived", Says.PASSED),
    (STREAMS + "start", Says.BEGUN),
    (STREAMS + "complete", Says.COMPLETED),
    (STREAMS + "attend", Says.ATTENDED),
    (STREAMS_TODAY + "start", Says.BEGUN),
    (STREAMS_TODAY + "complete", Says.COMPLETED),
    (STREAMS_TODAY + "attend", Says.ATTENDED),
)


def said_by(verb: str) -> Says | None:
    """What a verb says; None where it means nothing here. Older content wrote the same verbs with
    `www.`, newer with `https`."""
    return _SAID.get(_plain(verb))


def _plain(verb: str) -> str:
    scheme, _, rest = verb.partition("://")
    return rest.removeprefix("www.") if scheme in ("http", "https") else verb


_SAID: Final = {_plain(verb): says for verb, says in VERBS}
