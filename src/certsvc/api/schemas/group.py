"""Groups on the wire: members, and the certifications that target them."""

from typing import Annotated

from pydantic import FailFast, Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Authored, Instant, LmsId, OurId

MOST_MEMBERS = 200_000


class MemberList(Authored):
    """Learners of a group. Naming one twice is the same as once."""

    learner_ids: Annotated[list[LmsId], FailFast(), Field(max_length=MOST_MEMBERS)]


class ChangedMembers(Answered):
    """A group after its members have changed."""

    group: str
    member_count: int
    added: int = Field(description="Learners who were not in the group before.")
    removed: int = Field(description="Learners who were in the group before.")
    pending: int = Field(
        description="Assignments still to be made or taken away; the scheduler goes on with them."
    )


class Member(Answered):
    """A learner in a group."""

    learner_id: str
    joined_at: Instant


class MemberPage(Page[Member]):
    """The members of a group."""

    member_count: int
    pending: int = Field(description="Assignments still to be made or taken away.")


class Membership(Answered):
    """A group that a learner is in."""

    group: str
    joined_at: Instant


class MembershipPage(Page[Membership]):
    """The groups that a learner is in."""


class Target(Answered):
    """Whether a certification targets a group."""

    certification_id: OurId
    certification_key: str
    group: str
    targeted_at: Instant | None = Field(description="Null: it does not.")
    member_count: int
    pending: int = Field(
        description="Assignments still to be made or taken away; the scheduler goes on with them."
    )


class TargetedGroup(Answered):
    """A group that a certification targets."""

    group: str
    targeted_at: Instant
    member_count: int


class TargetedGroupPage(Page[TargetedGroup]):
    """The groups that a certification targets."""
