"""Keeps a secret inside a kept answer unreadable to all but the key that asked for it.

An answer that shows a new API key must come again, byte for byte, for the same Idempotency-Key;
but only hashes of secrets are stored. So the secret is masked with a stream that follows from the
caller's own key, which is not stored either.
"""

from dataclasses import dataclass
from hashlib import shake_256
from secrets import token_hex


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body without its secret, and what brings it back."""

    body: bytes
    seal: str


def seal(body: bytes, secret: str, opener: bytes) -> Sealed:
    """Take the secret out of the body."""
    mark = token_hex(16)
    masked = _mask(secret.encode(), opener, mark)
    return Sealed(body.replace(secret.encode(), mark.encode()), f"{mark}.{masked.hex()}")


def unseal(sealed: Sealed, opener: bytes) -> bytes:
    """Put the secret back."""
    mark, _, masked = sealed.seal.partition(".")
    return sealed.body.replace(mark.encode(), _mask(bytes.fromhex(masked), opener, mark))


def _mask(text: bytes, opener: bytes, mark: str) -> bytes:
    stream = shake_256(b"|".join((opener, mark.encode()))).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))
