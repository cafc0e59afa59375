"""Certificates on the wire: to those who hold a key, and to everybody."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.enrollment import CertificateAnswer
from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Day, Instant, OurId, words

STATES = ("valid", "expired", "superseded", "revoked")


class Certificate(CertificateAnswer):
    """A certificate, with what and whom it is for."""

    state: Annotated[str, words(*STATES)]
    enrollment_id: OurId
    certification_id: OurId
    certification_key: str
    learner_id: str


class CertificatePage(Page[Certificate]):
    """Certificates."""


class Verification(Answered):
    """What anybody may know of a certificate: nothing about the person."""

    code: str
    number: str
    state: Annotated[str, words(*STATES)]
    certification_key: str
    certification_title: dict[str, str]
    issued_at: Instant
    valid_from: Instant
    valid_through: Day | None
    expires_at: Instant | None
    revoked_at: Instant | None
    superseded_at: Instant | None
    as_of: Instant = Field(description="The instant that this is about.")
