"""What verbs answer when it is neither a success nor the refusal of a rule. All are values."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.certification import Certification
from certsvc.domain.enrollment import Enrollment
from certsvc.domain.outcome import Refusal
from certsvc.store.author import Author
from certsvc.store.tenants import Tenant

__all__ = ["Acted", "Author", "Forbidden", "NotFound", "Stale", "Tenant"]


@dataclass(frozen=True, slots=True)
class NotFound:
    """There is no such thing in the tenant. `what` says the kind of thing, `key` what was asked."""

    what: str
    key: str


@dataclass(frozen=True, slots=True)
class Stale:
    """The caller's revision is not the present one, which is `revision`."""

    revision: int


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The role of the caller does not go as far."""

    detail: str


@dataclass(frozen=True, slots=True)
class Acted:
    """An enrollment after a command, brought up to `now`; or, with a refusal, as it would read
    now while nothing was written."""

    enrollment: Enrollment
    certification: Certification
    now: datetime
    refusal: Refusal | None = None
