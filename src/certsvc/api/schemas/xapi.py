"""xAPI on the wire: statements as they are forwarded, and what became of each."""

from typing import Annotated, Any

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from certsvc.api.schemas.evidence import MovedEnrollment
from certsvc.api.schemas.problem import Fault
from certsvc.api.schemas.values import Answered, Known, Sent, words
from certsvc.usecases.xapi.statement import Mailbox, Reason
from certsvc.usecases.xapi.take import Became

MOST = 1000
_OF_A_STATEMENT = {"id", "actor", "verb", "object"}
_STATEMENT = {
    "type": "object",
    "description": "An xAPI statement, 1.0.x or 2.0, with its `id`.",
    "additionalProperties": True,
}

HomePage = Annotated[str, Field(min_length=1, max_length=1000)]
MailboxWord = Annotated[str, Known(*(word.value for word in Mailbox))]


class StatementBatch(Sent):
    """Statements. In place of this object, one statement by itself or a bare list of them is taken
    as well, as xAPI has it."""

    statements: Annotated[
        list[Any],
        Field(min_length=1, max_length=MOST),
        WithJsonSchema({"type": "array", "items": _STATEMENT, "minItems": 1, "maxItems": MOST}),
    ]
    more: Annotated[
        str | None, Field(max_length=10_000, description="As a store pages its answer; not read.")
    ] = None
    _place: str = PrivateAttr(default="/statements/{}")

    @model_validator(mode="wrap")
    @classmethod
    def _in_any_form(
        cls, value: Any, handler: ModelWrapValidatorHandler["StatementBatch"]
    ) -> "StatementBatch":
        place = "/statements/{}"
        if isinstance(value, list):
            place, value = "/{}", {"statements": value}
        elif isinstance(value, dict) and "statements" not in value and _OF_A_STATEMENT & set(value):
            place, value = "", {"statements": [value]}
        batch = handler(value)
        batch._place = place
        return batch

    def place(self, number: int) -> str:
        """Where in what was sent a statement stands, as a JSON pointer."""
        return self._place.format(number)


class StatementResult(Answered):
    """What became of one statement."""

    id: str | None = Field(description="The statement's; null where it has none that can be read.")
    result: Annotated[str, words(*(became.value for became in Became))]
    reason: Annotated[str | None, words(*(reason.value for reason in Reason))] = Field(
        description="Why it was ignored."
    )
    problem: Fault | None = Field(description="Why it was rejected.")


class StatementAnswer(Answered):
    """What became of statements, one by one in the order sent."""

    items: list[StatementResult]
    moved: list[MovedEnrollment]
