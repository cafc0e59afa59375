"""What each action takes beside `reason`, `on_behalf_of` and `expected_revision`.

Every action has a body of its own, so that generated clients name exactly what it takes. Which
body belongs to which action is the table at the end.
"""

from typing import Annotated, Any

from pydantic import Field, create_model

from certsvc.api.schemas.definition import StepKey
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    Instant,
    Known,
    LongText,
    OurId,
    Reference,
    Revision,
    Switch,
    VersionNumber,
    words,
)
from certsvc.domain.actions import ACTIONS, Action


class ActionBody(Authored):
    """What every action takes."""

    expected_revision: Annotated[
        Revision | None, Field(description="As If-Match: act only on this revision.")
    ] = None


class ApproveBody(ActionBody):
    """Without `step`: everything outstanding."""

    step: StepKey | None = None


class RejectBody(ActionBody):
    """What is to be done again, or `final`."""

    steps: Annotated[tuple[StepKey, ...] | None, Field(max_length=200)] = None
    exam: Switch | None = False
    final: Switch | None = False
    limit_at: Instant | None = None


class RecertifyBody(ActionBody):
    """`early` (admin) opens before the window."""

    early: Switch | None = False
    counts_from: Instant | None = None


class OpeningBody(ActionBody):
    """`counts_from`: evidence counts from here."""

    counts_from: Instant | None = None


class ChangeDatesBody(ActionBody):
    """Dates of the open cycle and of the certificate in force; absent ones stay."""

    due_at: Instant | None = None
    limit_at: Instant | None = None
    recertification_at: Instant | None = None
    expires_at: Instant | None = None
    keep_anniversary: Switch | None = True


class ChangeNextRecertificationBody(ActionBody):
    """`next`: "never", "latest", or a certification."""

    next: Reference
    now: Switch | None = False


class MoveToVersionBody(ActionBody):
    """Without `version`: to the latest."""

    version: VersionNumber | None = None
    progress: Annotated[str, Known("keep", "restart")] | None = "keep"


class CertifyBody(ActionBody):
    """Missing dates follow from the version."""

    certified_at: Instant | None = None
    valid_from: Instant | None = None
    expires_at: Instant | None = None
    when: Annotated[str, Known("always", "if_uncertified", "if_newer", "history_only")] | None = (
        "always"
    )


_SPECIAL: dict[Action, type[ActionBody]] = {
    Action.APPROVE: ApproveBody,
    Action.REJECT: RejectBody,
    Action.RECERTIFY: RecertifyBody,
    Action.FORCE_RECERTIFICATION: OpeningBody,
    Action.RESTORE: OpeningBody,
    Action.CHANGE_DATES: ChangeDatesBody,
    Action.CHANGE_NEXT_RECERTIFICATION: ChangeNextRecertificationBody,
    Action.MOVE_TO_VERSION: MoveToVersionBody,
    Action.CERTIFY: CertifyBody,
}


def _body(action: Action) -> type[ActionBody]:
    """The body of an action, under its own name, with the reason required where it is."""
    name = "".join(part.capitalize() for part in action.value.split("-")) + "Body"
    parent = _SPECIAL.get(action, ActionBody)
    fields: dict[str, Any] = {}
    if ACTIONS[action].reason_required:
        fields["reason"] = (LongText, Field(description="Why; kept in the history."))
    return create_model(name, __base__=parent, __doc__=parent.__doc__, **fields)


BODIES: dict[Action, type[ActionBody]] = {action: _body(action) for action in Action}
"""Action to body."""


class ActionPossibility(Answered):
    """Whether an action is allowed now."""

    action: Annotated[str, words(*(action.value for action in Action))]
    allowed: bool
    reason_code: str | None
    detail: str | None
    available_at: Instant | None = Field(description="When it will be allowed, if that is known.")
    with_: list[str] = Field(alias="with", description="Parameters that would allow it.")


class ActionPage(Page[ActionPossibility]):
    """Every action, allowed or not."""

    enrollment_id: OurId
    revision: int
