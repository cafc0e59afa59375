"""API keys on the wire."""

from typing import Annotated

from pydantic import Field

from certsvc.api.schemas.pages import Page
from certsvc.api.schemas.values import Answered, Authored, Instant, Known, OurId, Text, words

ROLES = ("reader", "lms", "admin")
RoleWord = Annotated[str, Known(*ROLES)]


class ApiKeyRequest(Authored):
    """A new key."""

    name: Text
    role: RoleWord


class ApiKey(Answered):
    """A key, without its secret: only a hash is stored."""

    id: OurId
    name: str
    role: Annotated[str, words(*ROLES)]
    created_at: Instant
    revoked_at: Instant | None


class NewApiKey(ApiKey):
    """A new key. Its secret is shown this once."""

    key: str = Field(description="Send as `Authorization: Bearer <key>`.")


class ApiKeyPage(Page[ApiKey]):
    """The keys of the tenant, revoked ones too."""
