"""Secrets at rest. Signing needs them as they are, so they are encrypted, not hashed, and only
where the operator gave a key."""

from collections.abc import Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

PLAIN, SEALED = "plain:", "fernet:"


class Unreadable(Exception):
    """A secret was kept under a key that this process was not given."""


class Keeper:
    """Writes under the first of its keys, and reads what was written under any; without a key
    secrets are kept as they are."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._cipher = MultiFernet([Fernet(key) for key in keys]) if keys else None
        self._read = lru_cache(maxsize=4096)(self._opened)

    def keep(self, secret: str) -> str:
        """What is stored of a secret."""
        if self._cipher is None:
            return PLAIN + secret
        return SEALED + self._cipher.encrypt(secret.encode()).decode()

    def read(self, kept: str) -> str:
        """The secret that was stored."""
        return self._read(kept)

    def _opened(self, kept: str) -> str:
        if kept.startswith(PLAIN):
            return kept.removeprefix(PLAIN)
        if self._cipher is None:
            raise Unreadable
        try:
            return self._cipher.decrypt(kept.removeprefix(SEALED)).decode()
        except InvalidToken as error:
            raise Unreadable from error
