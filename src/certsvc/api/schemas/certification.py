"""Certifications and their versions on the wire."""

from typing import Annotated, Any

from pydantic import Field

from certsvc.api.schemas.definition import DefinitionInput, Path, Policy
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import (
    Answered,
    Authored,
    Instant,
    Known,
    Localised,
    LocalisedLong,
    Metadata,
    OurId,
    Revision,
    Slug,
    Switch,
    words,
)

SELF_ENROLLMENT = ("closed", "open", "with_approval")
SelfEnrollment = Annotated[str, Known(*SELF_ENROLLMENT)]
VERSION_STATES = ("draft", "published", "superseded")


class CertificationDraft(Authored):
    """A new certification."""

    key: Slug
    title: Localised | None = None
    description: LocalisedLong | None = None
    metadata: Metadata | None = None
    active: Switch | None = None
    hidden: Switch | None = None
    automatic_recertification: Switch | None = None
    self_enrollment: SelfEnrollment | None = None
    acceptance_required: Switch | None = None


class CertificationPatch(Authored):
    """What is to change; null and absent leave a field as it is."""

    title: Localised | None = None
    description: LocalisedLong | None = None
    metadata: Metadata | None = None
    active: Switch | None = None
    hidden: Switch | None = None
    automatic_recertification: Switch | None = None
    self_enrollment: SelfEnrollment | None = None
    acceptance_required: Switch | None = None
    dry_run: Annotated[
        Switch | None, Field(description="Say what would happen; write nothing.")
    ] = False
    expected_revision: Revision | None = None


class Certification(Answered):
    """A programme and its switches."""

    id: OurId
    key: str
    title: dict[str, str]
    description: dict[str, str]
    metadata: dict[str, Any]
    active: bool = Field(description="Takes new learners.")
    hidden: bool = Field(description="Learners do not see it.")
    archived: bool = Field(description="Retired: opens no cycle and takes no learner.")
    automatic_recertification: bool
    self_enrollment: Annotated[str, words(*SELF_ENROLLMENT)]
    acceptance_required: bool
    revision: int
    created_at: Instant
    updated_at: Instant


class Archival(Authored):
    """Archive a certification, or bring it back."""

    dry_run: Annotated[
        Switch | None, Field(description="Say what would happen; write nothing.")
    ] = False


Joining = Annotated[
    int,
    Field(
        description="Members of targeted groups who are enrolled because learners are let in now."
    ),
]
ByStatus = Annotated[
    dict[str, int], Field(description="How many enrollments have which status then.")
]
Sample = Annotated[list[OurId], Field(description="Some of the enrollments concerned.")]


class CertificationEffect(Answered):
    """What turning a switch does, or would do."""

    dry_run: bool
    recertifications_opened: int = Field(
        description="Cycles that open at that instant: by automatic_recertification turned on, or "
        "because the certification is back."
    )
    concerned: int = Field(
        description="Enrollments whose recertification automatic_recertification decides, turned "
        "on or off; of archiving, those with whom it is not over."
    )
    members_to_enroll: Joining
    enrollments_by_status: ByStatus
    sample: Sample


class ChangedCertification(Certification):
    """A certification after a change, and what the change does."""

    effect: CertificationEffect


class CertificationPage(Page[Certification]):
    """Certifications."""


class VersionDraft(DefinitionInput, Authored):
    """A new draft, or what replaces one: three paths and a policy."""


class Publication(Authored):
    """Publish a draft."""

    dry_run: Annotated[
        Switch | None, Field(description="Say what would happen; write nothing.")
    ] = False


class Version(Answered):
    """A numbered definition. A published one never changes."""

    certification_id: OurId
    number: int
    state: Annotated[str, words(*VERSION_STATES)]
    initial: Path | None
    recertification: Annotated[Path | None, Field(description="Null: as initial.")]
    reinstatement: Annotated[Path | None, Field(description="Null: as initial.")]
    policy: Policy | None
    created_at: Instant
    updated_at: Instant
    published_at: Instant | None


class PublicationEffect(Answered):
    """What publishing does, or would do."""

    dry_run: bool
    opened: int = Field(description="Waiting enrollments whose cycle opens.")
    concerned: int = Field(
        description="Enrollments whose cycle is open or to open, or who hold a certificate and "
        "will renew it under this version."
    )
    open_cycles_by_version: dict[str, int] = Field(
        description="How many cycles are open, and stay, on which version."
    )
    members_to_enroll: Joining
    enrollments_by_status: ByStatus
    sample: Sample


class PublishedVersion(Version):
    """A version after publishing, and what that does."""

    effect: PublicationEffect


class VersionPage(Page[Version]):
    """The versions of a certification."""
