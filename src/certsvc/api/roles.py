"""What an API key may do: a role includes everything that a smaller one may."""

from typing import Literal

from certsvc.store.api_keys import Role

PUBLIC: Literal["public"] = "public"
"""Stands in the contract where no key is needed."""

Needed = Role | Literal["public"]

_RANK = {Role.READER: 1, Role.LMS: 2, Role.ADMIN: 3}


def covers(role: Role, needed: Role) -> bool:
    """Whether a role is enough."""
    return _RANK[role] >= _RANK[needed]
