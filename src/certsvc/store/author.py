"""Who caused a change: written beside every event."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Author:
    """The actor, and optionally the person behind it, the reason and the bulk operation."""

    actor: str
    on_behalf_of: str | None = None
    reason: str | None = None
    bulk_operation_id: UUID | None = None

    @classmethod
    def by_key(
        cls,
        api_key_id: UUID,
        on_behalf_of: str | None = None,
        reason: str | None = None,
        bulk_operation_id: UUID | None = None,
    ) -> "Author":
        """The author of a request: the API key that it came with."""
        return cls(f"key:{api_key_id}", on_behalf_of, reason, bulk_operation_id)


TIME = Author("time")
"""Timers have no other author, whoever's command brought the enrollment up to now."""

CLI = Author("cli")
"""An operator at the command line."""
